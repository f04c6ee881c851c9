# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A run in numbers, and who has to do what: what every message says. Sentences are for people, numbers for machines."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.telling.tickets import Ticket, Tickets

STATES: t.Final = ("compliant", "non_compliant", "unknown", "not_applicable")


class OverTime(t.TypedDict):
    """What the history says of its newest run. ``repair_days``: the median of all repairs."""

    runs: int
    broken_new: int
    repaired: int
    relapsed: int
    broken: int
    excused: int
    expiring: int
    repair_days: float | None
    level_days: float
    level_due: int
    level_kept: int
    level_met: bool | None


class Told(t.TypedDict):
    """One run. ``causes`` and ``owners`` count non-compliant endpoints, largest first; ``sites``: site -> state."""

    run_id: str
    playbook: str
    started_at: str
    expected: int
    states: dict[str, int]
    causes: dict[str, int]
    owners: dict[str, int]
    sites: dict[str, dict[str, int]]
    tickets: list[Ticket]
    over_time: OverTime | None
    headline: str


class Summary:
    """Takes one record after the other, so that none has to stay in memory."""

    def __init__(self, site_of: t.Callable[[t.Mapping[str, t.Any]], str] | None = None) -> None:
        self._site_of = site_of
        self._states: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._owners: Counter[str] = Counter()
        self._sites: dict[str, Counter[str]] = {}
        self._tickets = Tickets()

    def take(self, record: Record) -> None:
        """Counts one endpoint."""
        verdict = record["verdict"]
        state = verdict["state"]
        self._states[state] += 1
        if self._site_of is not None:
            self._sites.setdefault(visible(self._site_of(record)) or "not told", Counter())[state] += 1
        if state == "non_compliant":
            self._causes[(verdict["cause"] or {"code": "not_told"})["code"]] += 1
            self._owners[verdict["policy_origin"]["origin"]] += 1
            self._tickets.take(record)

    def told(self, run_id: str, playbook: str, started_at: str, over_time: OverTime | None = None) -> Told:
        """The whole run."""
        states = {state: self._states[state] for state in STATES}
        return {
            "run_id": visible(run_id),
            "playbook": visible(playbook),
            "started_at": started_at,
            "expected": sum(states.values()),
            "states": states,
            "causes": dict(self._causes.most_common()),
            "owners": dict(self._owners.most_common()),
            "sites": {name: {state: found[state] for state in STATES} for name, found in sorted(self._sites.items())},
            "tickets": self._tickets.made(),
            "over_time": over_time,
            "headline": headline(states),
        }


def headline(states: t.Mapping[str, int]) -> str:
    """One sentence. A fleet of which much is unknown does not sound healthy."""
    whole = sum(states.values())
    bad, unknown = states.get("non_compliant", 0), states.get("unknown", 0)
    return (
        f"{bad:,} of {whole:,} endpoints cannot fetch Tetra definitions as far as TLS is concerned;"
        f" {states.get('compliant', 0):,} can, {unknown:,} are unknown."
    )


def sentences(told: Told) -> list[str]:
    """What a message says, line by line, without any markup."""
    lines = [told["headline"]]
    if told["causes"]:
        named = ", ".join(f"{code} {number:,}" for code, number in list(told["causes"].items())[:5])
        lines.append(f"Causes: {named}.")
    over = told["over_time"]
    if over is not None:
        lines.append(
            f"Since the last run: {over['broken_new']:,} newly broken, {over['repaired']:,} repaired,"
            f" {over['relapsed']:,} broken again."
        )
        if over["excused"] or over["expiring"]:
            lines.append(
                f"{over['excused']:,} broken endpoints are excused; {over['expiring']:,} exceptions run out or have."
            )
        if over["level_met"] is not None:
            lines.append(
                f"Repaired within {over['level_days']:g} days: {over['level_kept']:,} of {over['level_due']:,} due,"
                f" the service level is {'met' if over['level_met'] else 'missed'}."
            )
    return lines
