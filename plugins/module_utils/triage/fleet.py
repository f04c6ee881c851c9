# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Diagnoses of many endpoints as one view: by cause, and by where the endpoints stand."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.triage.causes import CAUSES
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import Diagnosis


class Group(t.TypedDict):
    """Endpoints with one cause in common and, where ``by`` names it, one place. ``share``: of all that stand there."""

    cause: str
    title: str
    by: t.Literal["proxy", "site", "subnet"] | None
    place: str | None
    hosts: list[str]
    share: float
    sentence: str


class FleetView(t.TypedDict):
    """``groups``: largest first; ``tls_1_3``: hosts whose updater offers it, does not, or was not seen.

    ``answers``: to the open questions of verdicts, for ``tetra_policy``; none where endpoints contradict each other.
    """

    endpoints: int
    by_cause: dict[str, list[str]]
    groups: list[Group]
    tls_1_3: dict[str, list[str]]
    answers: dict[str, str]
    sentences: list[str]


PLACES: t.Final[tuple[t.Literal["proxy", "site", "subnet"], ...]] = ("proxy", "site", "subnet")


def fleet_view(diagnoses: t.Sequence[Diagnosis]) -> FleetView:
    """Groups of endpoints by cause, and by cause and place where at least two share both."""
    by_cause: dict[str, list[str]] = collections.defaultdict(list)
    places: dict[tuple[t.Literal["proxy", "site", "subnet"], str], list[Diagnosis]] = collections.defaultdict(list)
    tls: dict[str, list[str]] = {"offers": [], "does_not": [], "not_seen": []}
    for one in sorted(diagnoses, key=lambda one: one["host"]):
        by_cause[one["cause"]].append(one["host"])
        offers = one["offers_tls_1_3"]
        tls["not_seen" if offers is None else "offers" if offers else "does_not"].append(one["host"])
        for by in PLACES:
            place = one["network"][by]
            if place:
                places[(by, place)].append(one)
    groups: list[Group] = [_group(cause, None, None, hosts, len(diagnoses)) for cause, hosts in by_cause.items()]
    for (by, place), there in places.items():
        counted: dict[str, list[str]] = collections.defaultdict(list)
        for one in there:
            counted[one["cause"]].append(one["host"])
        groups += [_group(cause, by, place, hosts, len(there)) for cause, hosts in counted.items() if len(hosts) > 1]
    groups.sort(
        key=lambda one: (
            -len(one["hosts"]),
            len(PLACES) if one["by"] is None else PLACES.index(one["by"]),
            one["cause"],
        )
    )
    failing = [one for one in groups if one["cause"] not in ("works_now", "unknown")]
    return {
        "endpoints": len(diagnoses),
        "by_cause": dict(sorted(by_cause.items())),
        "groups": groups,
        "tls_1_3": tls,
        "answers": _answers(diagnoses),
        "sentences": [one["sentence"] for one in failing],
    }


def _answers(diagnoses: t.Sequence[Diagnosis]) -> dict[str, str]:
    said: dict[str, set[str]] = collections.defaultdict(set)
    for one in diagnoses:
        for question, answer in one.get("answers", {}).items():  # a diagnosis of before has none
            said[question].add(answer)
    return {question: answers.pop() for question, answers in sorted(said.items()) if len(answers) == 1}


def _group(
    cause: str, by: t.Literal["proxy", "site", "subnet"] | None, place: str | None, hosts: list[str], there: int
) -> Group:
    title = CAUSES[cause].title if cause in CAUSES else "No cause was found"
    many = f"{len(hosts)} endpoint{'s' if len(hosts) > 1 else ''}"
    where = {"proxy": f" behind proxy {place}", "site": f" at site {place}", "subnet": f" in subnet {place}"}
    told = f"{many}{where[by] if by else ''}: {title[0].lower() + title[1:]}."
    share = round(len(hosts) / there, 3) if there else 0.0
    return {"cause": cause, "title": title, "by": by, "place": place, "hosts": hosts, "share": share, "sentence": told}
