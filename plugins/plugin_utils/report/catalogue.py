# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which rules of the catalogue were tested on an endpoint, and what was found.

A rule of severity *info* is worth knowing and cannot be failed; it is no test. A rule of another severity applies to
every endpoint that was read, but for those that need an option or a handshake that nobody asked for.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import RULES, Rule
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry

NOT_AUDITED: t.Final = "TETRA-NOT-AUDITED"
_PROBE: t.Final = "TETRA-PROBE-"
_FALLBACK: t.Final = {"non_compliant": "TETRA-NO-SUITE", "unknown": "TETRA-SUITES-UNKNOWN"}

TESTS: t.Final[tuple[str, ...]] = tuple(
    rule.id for rule in RULES.values() if rule.severity != "info" and rule.id != NOT_AUDITED
)
_TESTS_WITHOUT_PROBE: t.Final[tuple[str, ...]] = tuple(rule for rule in TESTS if not rule.startswith(_PROBE))


def tested_rules(entry: Entry) -> tuple[str, ...]:
    """Ids of the rules that this endpoint was tested against, in the order of the catalogue.

    An endpoint that could not be asked was tested against none but TETRA-NOT-AUDITED.
    """
    if not was_audited(entry):
        return (NOT_AUDITED,)
    return TESTS if entry.system.get("probe") is not None else _TESTS_WITHOUT_PROBE


def was_audited(entry: Entry) -> bool:
    rules = {finding.get("rule") for finding in findings(entry)}
    return NOT_AUDITED not in rules and not (entry.state == "unknown" and not entry.facts_read)


def findings(entry: Entry) -> list[Document]:
    return entry.verdict.get("findings") or []


def objections(entry: Entry) -> list[Document]:
    """The findings that count against a non-compliant or unknown endpoint; never empty for one of these.

    A finding of severity low or info never does. Where nothing else is found, the verdict itself is the objection.
    """
    if entry.state not in _FALLBACK:
        return []
    serious = [finding for finding in findings(entry) if finding.get("severity") in ("high", "medium")]
    return serious or [_fallback(entry)]


def _fallback(entry: Entry) -> Document:
    rule: Rule = RULES[_FALLBACK[entry.state] if was_audited(entry) else NOT_AUDITED]
    error = entry.error or {}
    return {
        "rule": rule.id,
        "severity": rule.severity,
        "title": rule.title,
        "evidence": {"source": "verdict", "path": None, "value": None, "note": error.get("message")},
        "source": rule.source,
    }


def explain(finding: t.Mapping[str, t.Any]) -> str:
    """A finding with its evidence as text: title, path, value, note, source."""
    evidence = finding.get("evidence") or {}
    value = evidence.get("value")
    lines = [str(finding.get("title") or finding.get("rule"))]
    if evidence.get("path"):
        lines.append(f"at {evidence['path']}")
    if value not in (None, ""):
        lines.append(f"value: {shortened(value if isinstance(value, str) else repr(value))}")
    if evidence.get("note"):
        lines.append(str(evidence["note"]))
    if finding.get("source"):
        lines.append(f"source: {finding['source']}")
    return "\n".join(lines)


def shortened(text: str, limit: int = 1500) -> str:
    """A value can be a list of 10,000 names; the run folder has all of it."""
    return text if len(text) <= limit else f"{text[:limit]} …"
