# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""junit.xml: one suite for each endpoint, one case for its state and one for each rule that it was tested against.

compliant passes, non_compliant is a failure, unknown is an error, not_applicable is skipped. A suite has a failure if
and only if its endpoint is non-compliant, and an error if and only if it is unknown: findings that change nothing about
the state are told in a passed case.
"""

from __future__ import annotations

import re
import typing as t
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import RULES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.catalogue import (
    explain,
    findings,
    objections,
    tested_rules,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.labels import STATES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import Report

_ILLEGAL: t.Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything that XML 1.0 does not allow, not even as a reference (production 2, Char)."""

_OUTCOME: t.Final = {"non_compliant": "failure", "unknown": "error"}


def render(report: Report) -> t.Iterator[str]:
    """The document in pieces. The totals come first, so suites are counted before they are written."""
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for entry in report.entries:
        for name, number in _counts(entry).items():
            totals[name] += number
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<testsuites{_attributes(name=report.title, **totals)}>\n"
    for entry in report.entries:
        yield from _suite(entry)
    yield "</testsuites>\n"


def _suite(entry: Entry) -> t.Iterator[str]:
    seconds = f"{entry.seconds:.3f}" if isinstance(entry.seconds, (int, float)) else "0.000"
    head = _attributes(
        name=entry.host,
        **_counts(entry),
        time=seconds,
        timestamp=entry.measured_at.removesuffix("Z"),
        hostname=str(entry.system.get("computer_name") or entry.host),
    )
    yield f" <testsuite{head}>\n"
    yield _state_case(entry)
    found = _by_rule(entry)
    for rule in _case_rules(entry):
        yield _rule_case(entry, rule, found[rule]) if rule in found else _passed_case(rule)
    yield " </testsuite>\n"


def _counts(entry: Entry) -> dict[str, int]:
    against = len({str(finding["rule"]) for finding in objections(entry)})
    return {
        "tests": 1 + len(_case_rules(entry)),
        "failures": 1 + against if entry.state == "non_compliant" else 0,
        "errors": 1 + against if entry.state == "unknown" else 0,
        "skipped": 1 if entry.state == "not_applicable" else 0,
    }


def _case_rules(entry: Entry) -> list[str]:
    """The rules tested, and after them what was found by rules that are no test here."""
    return list(dict.fromkeys([*tested_rules(entry), *_by_rule(entry)]))


def _by_rule(entry: Entry) -> dict[str, list[Document]]:
    grouped: dict[str, list[Document]] = {}
    for finding in [*findings(entry), *(one for one in objections(entry) if one not in findings(entry))]:
        grouped.setdefault(str(finding["rule"]), []).append(finding)
    return grouped


def _state_case(entry: Entry) -> str:
    words = STATES.get(entry.state, entry.state)
    next_step = str(entry.verdict.get("next_step") or "")
    error = entry.error or {}
    text = "\n".join(line for line in (str(error.get("message") or ""), next_step) if line)
    body = ""
    if entry.state in _OUTCOME:
        kind = str(error.get("kind") or (entry.verdict.get("cause") or {}).get("code") or entry.state)
        body = _element(_OUTCOME[entry.state], text, message=words, type=kind)
    elif entry.state == "not_applicable":
        body = f"<skipped{_attributes(message=next_step or words)}/>"
    elif next_step:
        body = _element("system-out", next_step)
    return _case("state", body)


def _rule_case(entry: Entry, rule: str, found: t.Sequence[Document]) -> str:
    text = "\n\n".join(explain(finding) for finding in found)
    if any(finding in objections(entry) for finding in found):
        severity = str(found[0].get("severity"))
        return _case(rule, _element(_OUTCOME[entry.state], text, message=str(found[0].get("title")), type=severity))
    return _case(rule, _element("system-out", text))


def _case(name: str, body: str) -> str:
    return f"  <testcase{_attributes(name=name, classname='fleetops.tetra')}>{body}</testcase>\n"


def _passed_case(rule: str) -> str:
    return _PASSED.get(rule) or _case(rule, "")


def _element(tag: str, text: str, **attributes: str) -> str:
    return f"<{tag}{_attributes(**attributes)}>{escape(_legal(text))}</{tag}>"


def _attributes(**attributes: str | int) -> str:
    return "".join(f" {name}={quoteattr(_legal(str(value)))}" for name, value in attributes.items())


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)


_PASSED: t.Final[dict[str, str]] = {rule: _case(rule, "") for rule in RULES}
"""Nearly all cases pass; on a large fleet they are written a million times."""
