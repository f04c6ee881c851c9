# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which endpoint is taken up next: a state machine over ends of endpoints and orders of an operator.

It knows no clock and no file: whoever drives it says what time it is, and the same machine runs a night on the wire and
one on a virtual clock. A step costs what changes, never the size of the fleet.
"""

from __future__ import annotations

import collections
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.rings import Ring

GOOD: t.Final = ("proven", "nothing_to_do", "planned")
LEFT_ALONE: t.Final = ("blocked", "held", "not_started")
"""Nothing went wrong with these, and nothing was proven either."""
State = t.Literal["running", "paused", "waiting_for_window", "soaking", "waiting_for_approval", "ending", "ended"]


@dataclass(frozen=True)
class Hand:
    """What an operator has ordered so far."""

    paused: str | None = None
    """Why, with the name of who did it."""
    aborted: str | None = None
    approved: frozenset[str] = frozenset()
    """Names of rings that may begin."""
    skipped: frozenset[str] = frozenset()


@dataclass
class _Ring:
    ring: Ring
    pending: collections.deque[str]
    good: int = 0
    bad: int = 0
    left_alone: int = 0
    last_end: float | None = None


@dataclass
class Step:
    """What to do now: endpoints to take up, each with its ring, and when to look again at the latest."""

    start: list[tuple[str, str]] = field(default_factory=list)
    wake: float | None = None


Opening = t.Callable[[str, float], t.Optional[float]]  # noqa: UP045 (pylint of ansible-test)
"""Given an endpoint and a time (seconds since the epoch): None where it may be taken up, else when to look again."""


def _always(_host: str, _now: float) -> float | None:
    return None


class Scheduler:
    def __init__(self, rings: t.Sequence[Ring], opening: Opening = _always) -> None:
        self._rings = [_Ring(ring, collections.deque(ring.hosts)) for ring in rings]
        self._opening = opening
        self._number = 0
        self._under_way: dict[str, int] = {}
        self._closed_until: float | None = None
        self.ends: collections.Counter[str] = collections.Counter()
        self.state: State = "running"
        self.why: str | None = None
        """Why it does not go on, one sentence."""
        self.stopped = False
        self.skipped: list[str] = []

    @property
    def ring(self) -> str | None:
        return self._rings[self._number].ring.name if self._number < len(self._rings) else None

    @property
    def next_ring(self) -> str | None:
        return self._rings[self._number + 1].ring.name if self._number + 1 < len(self._rings) else None

    @property
    def under_way(self) -> list[str]:
        return list(self._under_way)

    @property
    def pending(self) -> int:
        return sum(len(one.pending) for one in self._rings[self._number :])

    def rings(self) -> list[dict[str, t.Any]]:
        """How each ring stands."""
        return [
            {
                "name": one.ring.name,
                "endpoints": len(one.ring.hosts),
                "pending": len(one.pending),
                "good": one.good,
                "bad": one.bad,
                "left_alone": one.left_alone,
                "window": one.ring.window,
            }
            for one in self._rings
        ]

    def ended(self, host: str, event: str, now: float) -> None:
        """An endpoint that was taken up came to its end."""
        number = self._under_way.pop(host, None)
        if number is None:
            return
        one = self._rings[number]
        one.last_end = now
        self.ends[event] += 1
        if event in GOOD:
            one.good += 1
        elif event in LEFT_ALONE:
            one.left_alone += 1
        else:
            one.bad += 1

    def step(self, now: float, stopped: str | None, hand: Hand) -> Step:
        """``stopped``: why no further endpoint may be taken up at all (the budget), or None."""
        why = hand.aborted or stopped
        if why is not None:
            self.stopped = True
            return self._end(why)
        if hand.paused is not None:
            return self._wait("paused", hand.paused)
        while self._number < len(self._rings):
            one = self._rings[self._number]
            found = self._fill(one, now, hand)
            if found.start or one.pending or self._of_ring():
                return found
            held = self._between(one, now, hand)
            if held is not None:
                return held
            self._number += 1
        return self._end(None)

    def _fill(self, one: _Ring, now: float, hand: Hand) -> Step:
        found, closed = Step(), list[str]()
        earliest: float | None = None
        free = one.ring.window - len(self._under_way)
        if self._closed_until is not None and now < self._closed_until:
            # Nobody's window is open before; thousands are not asked with every step.
            free, earliest = 0, self._closed_until
        looked = len(one.pending)
        while free > 0 and one.pending and looked > 0:
            looked -= 1
            host = one.pending.popleft()
            if host in hand.skipped:
                self.skipped.append(host)
                continue
            opens = self._opening(host, now)
            if opens is not None:
                closed.append(host)
                earliest = opens if earliest is None else min(earliest, opens)
                continue
            self._under_way[host] = self._number
            found.start.append((host, one.ring.name))
            free -= 1
        one.pending.extendleft(reversed(closed))
        all_closed = bool(closed) and len(closed) == len(one.pending)
        if all_closed:
            self._closed_until = earliest
        self.state, self.why, found.wake = "running", None, earliest
        if one.pending and not found.start and not self._under_way and earliest is not None:
            self.state, self.why = "waiting_for_window", "No endpoint's maintenance window is open."
        return found

    def _of_ring(self) -> bool:
        return any(number == self._number for number in self._under_way.values())

    def _between(self, one: _Ring, now: float, hand: Hand) -> Step | None:
        """What keeps the next ring from beginning, where there is one."""
        following = self.next_ring
        if following is None:
            return None
        until = (one.last_end if one.last_end is not None else now) + one.ring.soak
        if one.last_end is not None and now < until:
            found = self._wait("soaking", f"The ring {one.ring.name} soaks before {following} begins.")
            found.wake = until
            return found
        if following in hand.approved or one.ring.promotes(one.good, one.bad):
            return None
        why = (
            f"The ring {one.ring.name} ended with {one.good} well, {one.bad} badly and {one.left_alone} left alone; "
            f"somebody has to approve the ring {following}."
        )
        return self._wait("waiting_for_approval", why)

    def _wait(self, state: State, why: str) -> Step:
        self.state, self.why = state, why
        return Step()

    def _end(self, why: str | None) -> Step:
        self.state, self.why = ("ending" if self._under_way else "ended"), why
        return Step()


__all__ = ["GOOD", "LEFT_ALONE", "Hand", "Opening", "Scheduler", "State", "Step"]
