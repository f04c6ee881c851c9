# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the store tells: who got worse since when, how fast it was mended, whose exception runs out."""

from __future__ import annotations

import datetime
import typing as t
from collections import Counter, defaultdict

from ansible_collections.fleetops.tetra.plugins.module_utils.history.exceptions import Exemption
from ansible_collections.fleetops.tetra.plugins.module_utils.history.spans import (
    ABSENT,
    BROKEN,
    GOOD,
    Event,
    Repairs,
    Run,
    ServiceLevel,
    Span,
    happened,
    life,
    repairs,
    service_level,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import HistoryError, Store, Tally

DIMENSIONS: t.Final = ("state", "cause", "owner", "release", "site")
STATES: t.Final = ("compliant", "non_compliant", "unknown", "not_applicable")


class Line(t.TypedDict):
    """Numbers of endpoints, one for each run."""

    name: str
    values: list[int]


class Trend(t.NamedTuple):
    """``lines``: dimension -> its lines, largest at the newest run first. ``lives``: of endpoints ever broken."""

    runs: list[Run]
    lines: dict[str, list[Line]]
    lives: dict[str, list[Event]]
    lasting: dict[str, Span]
    happened: dict[int, Counter[str]]
    repairs: Repairs
    level: ServiceLevel


def trend(store: Store, now: datetime.datetime, days: float = 14.0, share: float = 0.95) -> Trend:
    """Errors: HistoryError, also where no run is in the store."""
    with store.begin() as connection:
        runs = store.runs(connection)
        tallies = store.tallies(connection)
        broken = store.spans(connection, ever=BROKEN)
    if not runs:
        raise HistoryError(f"The store {store.name} holds no run: add run folders first.")
    by_seq = {run.seq: run for run in runs}
    lives = {host: life(spans, by_seq) for host, spans in broken.items()}
    return Trend(
        runs,
        {dimension: _lines(runs, tallies, dimension) for dimension in DIMENSIONS},
        lives,
        {host: spans[-1] for host, spans in broken.items()},
        happened(lives.values()),
        repairs(lives.values()),
        service_level(lives.values(), now, days, share),
    )


def one_life(store: Store, host: str) -> tuple[list[Run], list[Span], list[Event]]:
    """Everything about one endpoint. Errors: HistoryError where the store does not know it."""
    with store.begin() as connection:
        runs = store.runs(connection)
        spans = store.spans(connection, host=host).get(host)
    if spans is None:
        raise HistoryError(f"The store {store.name} knows no endpoint {host!r}.")
    return runs, spans, life(spans, {run.seq: run for run in runs})


def unexcused(
    found: Trend, exemptions: t.Sequence[Exemption], day: datetime.date
) -> tuple[list[str], dict[str, Exemption]]:
    """Endpoints that are broken now: those nobody answers for, and those that an exception covers."""
    broken = sorted(host for host, span in found.lasting.items() if span.is_.state == BROKEN)
    covered = {
        host: next(one for one in exemptions if one.covers(host, day))
        for host in broken
        if any(one.covers(host, day) for one in exemptions)
    }
    return [host for host in broken if host not in covered], covered


def _lines(runs: t.Sequence[Run], tallies: t.Iterable[Tally], dimension: str) -> list[Line]:
    """Of states every one; of anything else the non-compliant endpoints, by that dimension."""
    place = {run.seq: number for number, run in enumerate(runs)}
    values: dict[str, list[int]] = defaultdict(lambda: [0] * len(runs))
    for tally in tallies:
        if tally.seq in place and (dimension == "state" or tally.is_.state == BROKEN):
            values[getattr(tally.is_, dimension) or "not told"][place[tally.seq]] += tally.number
    if dimension == "state":
        names = [*STATES, *sorted(set(values) - set(STATES) - {ABSENT})]
        return [{"name": name, "values": values[name]} for name in names if name in values or name in (GOOD, BROKEN)]
    ordered = sorted(values, key=lambda name: (-values[name][-1], -max(values[name]), name))
    return [{"name": name, "values": values[name]} for name in ordered]
