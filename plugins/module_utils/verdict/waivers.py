# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Waivers: findings that somebody has accepted for a time, with a reason. A waiver documents, it never hides.

A waived image keeps its findings. Its state becomes ``not_applicable`` (skipped in JUnit), and ``waived`` in the
verdict says what the state was, which waivers count, and until when. One objection without a waiver, or with one that
has expired, and the state stays what it was.
"""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass
from datetime import date, datetime

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import RULES
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import verdict as verdict_document
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict, Waived

NOT_WAIVABLE = "TETRA-NOT-AUDITED"
"""Of an image that could not be read nothing is known, so there is nothing to accept."""
_FALLBACK = {"non_compliant": "TETRA-NO-SUITE", "unknown": "TETRA-SUITES-UNKNOWN"}
_FIELDS = {"rule", "image", "reason", "expires"}
_SERIOUS = ("high", "medium")
_TEXT_LIMIT = 500


class WaiverError(ValueError):
    """The waiver file cannot be meant. The message is one sentence."""


@dataclass(frozen=True)
class Waiver:
    """One accepted finding."""

    rule: str
    image: str
    """Name of an image or endpoint; ``*`` and ``?`` stand for any characters."""
    reason: str
    expires: date
    """The last day on which it counts."""

    def matches(self, host: str) -> bool:
        """Whether it is about this image."""
        return fnmatch.fnmatchcase(host, self.image)

    def document(self) -> verdict_document.Waiver:
        """As plain JSON."""
        return {"rule": self.rule, "image": self.image, "reason": self.reason, "expires": self.expires.isoformat()}


def parse(document: t.Any) -> list[Waiver]:
    """The waivers of a file that was read as YAML or JSON: a list, or a mapping with the key ``waivers``."""
    rows = document.get("waivers") if isinstance(document, dict) else document
    if rows is None and document in (None, {}):
        return []
    if not isinstance(rows, list):
        raise WaiverError("A waiver file is a list of waivers, each with rule, image, reason and expires.")
    return [_parse_row(row, number) for number, row in enumerate(rows, 1)]


def _parse_row(row: t.Any, number: int) -> Waiver:
    if not isinstance(row, dict):
        raise WaiverError(f"Waiver {number} is no mapping of rule, image, reason and expires.")
    strange = sorted(str(name) for name in set(row) - _FIELDS)
    missing = sorted(_FIELDS - set(row))
    if strange or missing:
        what = f"lacks {', '.join(missing)}" if missing else f"has the unknown field {strange[0]}"
        raise WaiverError(f"Waiver {number} {what}; it needs rule, image, reason and expires.")
    rule, image, reason = row["rule"], row["image"], row["reason"]
    if not isinstance(rule, str) or rule not in RULES:
        raise WaiverError(f"Waiver {number} names the rule {str(rule)[:60]!r}, which does not exist.")
    if rule == NOT_WAIVABLE:
        raise WaiverError(f"Waiver {number}: {rule} cannot be waived, since nothing is known about such an image.")
    for name, text in (("image", image), ("reason", reason)):
        if not isinstance(text, str) or not text.strip() or len(text) > _TEXT_LIMIT or not text.isprintable():
            raise WaiverError(f"Waiver {number} needs {name} as one line of text, {_TEXT_LIMIT} characters at most.")
    return Waiver(rule, image.strip(), reason.strip(), _date(row["expires"], number))


def _date(value: t.Any, number: int) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else date.fromisoformat("")
    except ValueError:
        raise WaiverError(f"Waiver {number} needs expires as a day such as 2027-01-31.") from None


def objections(verdict: Verdict) -> set[str]:
    """The rules that a verdict fails by: serious findings, or the one that stands for its state."""
    if verdict["state"] not in _FALLBACK:
        return set()
    serious = {str(row["rule"]) for row in verdict["findings"] if row["severity"] in _SERIOUS}
    return serious or {_FALLBACK[verdict["state"]]}


def apply(verdict: Verdict, waivers: t.Iterable[Waiver], today: date) -> tuple[Verdict, list[Waiver]]:
    """(verdict, waivers that were about a finding of it). The verdict is a new one where a waiver changed it."""
    against = objections(verdict)
    relevant = [waiver for waiver in waivers if waiver.rule in against and waiver.matches(str(verdict["host"]))]
    if not relevant:
        return verdict, []
    valid = [waiver for waiver in relevant if waiver.expires >= today]
    notes = [_note(waiver, today) for waiver in relevant]
    state = verdict["state"]
    changed: Verdict
    if against <= {waiver.rule for waiver in valid} and (state == "non_compliant" or state == "unknown"):
        used = sorted(valid, key=lambda waiver: waiver.expires)
        waived: Waived = {"state": state, "waivers": [waiver.document() for waiver in used]}
        step = f"Waived until {used[0].expires.isoformat()}: {'; '.join(dict.fromkeys(w.reason for w in used))}"
        changed = {**verdict, "state": "not_applicable", "waived": waived, "next_step": step}
    else:
        changed = {**verdict}
        open_rules = ", ".join(sorted(against - {waiver.rule for waiver in valid}))
        notes.append(f"Not waived: {open_rules}.")
    changed["notes"] = [*verdict["notes"], *notes]
    return changed, relevant


def _note(waiver: Waiver, today: date) -> str:
    if waiver.expires < today:
        return (
            f"The waiver of {waiver.rule} expired on {waiver.expires.isoformat()} and does not count: {waiver.reason}"
        )
    return f"{waiver.rule} is waived until {waiver.expires.isoformat()}: {waiver.reason}"
