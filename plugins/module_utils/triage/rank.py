# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Evidence → causes in order: ``fleetops.tetra/diagnosis/1``. Pure: no clock, no network.

Every reader of one kind of evidence yields signs for or against causes, each with a weight and its source. A cause that
two independent sources speak for is *proven*. What the console says is never among them.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.capture.document import Settled
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import (
    signs_of_capture,
    signs_of_endpoint,
    signs_of_ways,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.causes import CAUSES
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Evidence, Network
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.signs import Sign

SCHEMA: t.Final = "fleetops.tetra/diagnosis/1"
PROVEN: t.Final = 6
LIKELY: t.Final = 4
LEAST: t.Final = 2
"""Points: of a proven cause (from two sources), of a likely one, and of one that is told at all."""
Confidence = t.Literal["proven", "likely", "possible"]
READERS: t.Final[tuple[c.Callable[[Evidence, t.Any], c.Iterator[Sign]], ...]] = (
    signs_of_endpoint.signs,
    signs_of_ways.signs,
    signs_of_capture.signs,
)


class Said(t.TypedDict):
    """One piece of evidence: where it stands, and what it says in one sentence."""

    source: str
    sentence: str


class RankedCause(t.TypedDict):
    """``speaks_for``, ``speaks_against``: strongest first. ``settle``: what proves it. ``mend``: steps in order."""

    code: str
    title: str
    confidence: Confidence
    points: int
    speaks_for: list[Said]
    speaks_against: list[Said]
    settle: str
    mend: list[str]


class Diagnosis(t.TypedDict):
    """``cause``: the code of the first, or ``unknown``. ``answers``: what the capture settles of the open questions of
    every verdict. ``unread``: sections that could not be read, with why."""

    schema: t.Literal["fleetops.tetra/diagnosis/1"]
    host: str
    taken_at: str
    cause: str
    confidence: Confidence | None
    sentence: str
    causes: list[RankedCause]
    network: Network
    offers_tls_1_3: bool | None
    answers: t.NotRequired[dict[str, Settled]]
    unread: dict[str, str]


def diagnose(evidence: Evidence, verdict: t.Any = None) -> Diagnosis:
    """The causes of this endpoint's failing update, the most likely first.

    ``verdict``: the verdict on ``evidence["facts"]`` (verdict/evaluate.py), or None where there are none.
    """
    signs = [sign for reader in READERS for sign in reader(evidence, verdict)]
    ranked = [_ranked(code, [sign for sign in signs if sign.code == code]) for code in CAUSES]
    causes = sorted((one for one in ranked if one["points"] >= LEAST), key=lambda one: -one["points"])
    first = causes[0] if causes else None
    capture = evidence["capture"]
    return {
        "schema": SCHEMA,
        "host": evidence["host"],
        "taken_at": evidence["taken_at"],
        "cause": first["code"] if first else "unknown",
        "confidence": first["confidence"] if first else None,
        "sentence": _sentence(first, causes[1:]),
        "causes": causes,
        "network": evidence["network"],
        "offers_tls_1_3": capture["offers_tls_1_3"] if capture else None,
        "answers": capture["answers"] if capture else {},
        "unread": _unread(evidence),
    }


def _ranked(code: str, signs: list[Sign]) -> RankedCause:
    cause = CAUSES[code]
    best: dict[str, int] = {}
    for sign in signs:
        # Ten lines of one source are still one witness.
        if sign.points > 0:
            best[sign.source] = max(best.get(sign.source, 0), sign.points)
    points = sum(best.values()) + sum(sign.points for sign in signs if sign.points < 0)
    confidence: Confidence = "possible"
    if points >= LIKELY:
        confidence = "proven" if points >= PROVEN and len(best) > 1 else "likely"
    ordered = sorted(signs, key=lambda sign: -abs(sign.points))
    return {
        "code": code,
        "title": cause.title,
        "confidence": confidence,
        "points": points if best else 0,
        "speaks_for": [{"source": sign.source, "sentence": sign.sentence} for sign in ordered if sign.points > 0],
        "speaks_against": [{"source": sign.source, "sentence": sign.sentence} for sign in ordered if sign.points < 0],
        "settle": cause.settle,
        "mend": list(cause.mend),
    }


def _sentence(first: RankedCause | None, others: list[RankedCause]) -> str:
    if first is None:
        return "Nothing that was gathered names a cause."
    told = {"proven": "", "likely": "Most likely: ", "possible": "Perhaps: "}[first["confidence"]]
    title = first["title"] if not told else first["title"][0].lower() + first["title"][1:]
    also = [one["title"] for one in others if one["confidence"] != "possible"]
    tail = f" Also: {'; '.join(also[:3])}." if also else ""
    return f"{told}{title}.{tail}"


def _unread(evidence: Evidence) -> dict[str, str]:
    found = {}
    for name, value in evidence.items():
        if isinstance(value, dict) and value.get("status") not in (None, "ok", "not_read"):
            found[name] = str(value.get("reason"))
    return found
