# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""An endpoint's life as spans: how long it was in one state for one cause, from which run to which.

A run that did not audit an endpoint it knows ends no span by itself: the endpoint's state is ``absent`` from then on,
which is neither better nor worse. Only ``compliant`` is good; only ``non_compliant`` is bad. ``unknown`` ends neither a
time of being broken nor begins one.
"""

from __future__ import annotations

import datetime
import statistics
import typing as t
from collections import Counter

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment

ABSENT: t.Final = "absent"
BROKEN: t.Final = "non_compliant"
GOOD: t.Final = "compliant"


class State(t.NamedTuple):
    """What a run says of an endpoint, as far as history keeps it."""

    state: str
    cause: str
    owner: str
    release: str
    site: str


class Run(t.NamedTuple):
    """``seq`` counts the runs of a store from 1 in the order of their begin."""

    seq: int
    run_id: str
    started_at: str
    playbook: str


class Span(t.NamedTuple):
    """``last`` is the last run of the span, ``None`` while it lasts."""

    first: int
    last: int | None
    is_: State


class Event(t.NamedTuple):
    """What happened to an endpoint at a run: ``broken``, ``repaired`` or ``relapsed`` (broken again)."""

    kind: t.Literal["broken", "repaired", "relapsed"]
    run: Run
    cause: str
    owner: str
    days: float | None
    """Of ``repaired``: since it was broken."""


class Repairs(t.NamedTuple):
    """Days from broken to repaired: how many, the median, and the one that nine of ten do not exceed."""

    number: int
    median: float | None
    ninety: float | None


class ServiceLevel(t.NamedTuple):
    """Of ``due`` breakages old enough to be judged, ``kept`` were repaired within the days; ``met`` of the share."""

    days: float
    share: float
    due: int
    kept: int
    met: bool | None


def life(spans: t.Sequence[Span], runs: t.Mapping[int, Run]) -> list[Event]:
    """The events of one endpoint, in the order of runs."""
    events: list[Event] = []
    broken_at: Run | None = None
    ever = False
    for span in sorted(spans, key=lambda one: one.first):
        run = runs[span.first]
        if span.is_.state == BROKEN and broken_at is None:
            kind: t.Literal["broken", "relapsed"] = "relapsed" if ever else "broken"
            events.append(Event(kind, run, span.is_.cause, span.is_.owner, None))
            broken_at, ever = run, True
        elif span.is_.state == GOOD and broken_at is not None:
            events.append(Event("repaired", run, span.is_.cause, span.is_.owner, days_between(broken_at, run)))
            broken_at = None
    return events


def days_between(one: Run, other: Run) -> float | None:
    """Days between the begins of two runs."""
    first, second = moment(one.started_at), moment(other.started_at)
    return None if first is None or second is None else (second - first).total_seconds() / 86400


def repairs(lives: t.Iterable[t.Sequence[Event]]) -> Repairs:
    """How long repairs took."""
    days = sorted(
        event.days for events in lives for event in events if event.kind == "repaired" and event.days is not None
    )
    if not days:
        return Repairs(0, None, None)
    rank = max(0, -(-9 * len(days) // 10) - 1)
    return Repairs(len(days), statistics.median(days), days[rank])


def service_level(
    lives: t.Iterable[t.Sequence[Event]], now: datetime.datetime, days: float, share: float
) -> ServiceLevel:
    """A breakage younger than ``days`` that is not repaired yet is not due; ``met`` is ``None`` where none is due."""
    due = kept = 0
    limit = datetime.timedelta(days=days)
    for events in lives:
        begun: Event | None = None
        for event in events:
            if event.kind != "repaired":
                begun = event
                continue
            if begun is not None and event.days is not None:
                due += 1
                kept += event.days <= days
            begun = None
        began = moment(begun.run.started_at) if begun is not None else None
        if began is not None and now - began > limit:
            due += 1
    return ServiceLevel(days, share, due, kept, None if not due else kept >= share * due)


def happened(lives: t.Iterable[t.Sequence[Event]]) -> dict[int, Counter[str]]:
    """Run -> how many were broken, repaired, relapsed at it."""
    found: dict[int, Counter[str]] = {}
    for events in lives:
        for event in events:
            found.setdefault(event.run.seq, Counter())[event.kind] += 1
    return found
