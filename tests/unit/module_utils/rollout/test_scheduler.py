# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler never has more endpoints under way than the window, takes each up once, and obeys whoever stops it."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.rings import Ring
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.scheduler import Hand, Scheduler

NOBODY = Hand()


def test_the_window_slides_and_rings_wait_for_each_other() -> None:
    scheduler = Scheduler([Ring("a", ("1",), 1, soak=10), Ring("b", ("2", "3", "4"), 2)])
    assert scheduler.step(0, None, NOBODY).start == [("1", "a")]
    assert scheduler.step(1, None, NOBODY).start == []
    scheduler.ended("1", "proven", 5)
    soaking = scheduler.step(6, None, NOBODY)
    assert (soaking.start, soaking.wake, scheduler.state) == ([], 15, "soaking")
    assert scheduler.step(15, None, NOBODY).start == [("2", "b"), ("3", "b")]
    scheduler.ended("3", "proven", 16)
    assert scheduler.step(16, None, NOBODY).start == [("4", "b")]
    scheduler.ended("2", "proven", 17)
    scheduler.ended("4", "failed", 17)
    assert scheduler.step(18, None, NOBODY).start == []
    assert (scheduler.state, scheduler.why, scheduler.ends) == ("ended", None, {"proven": 3, "failed": 1})


def test_a_ring_that_is_not_promoted_waits_for_an_approval() -> None:
    scheduler = Scheduler([Ring("a", ("1",), 1, promote="proven"), Ring("b", ("2",), 1)])
    scheduler.step(0, None, NOBODY)
    scheduler.ended("1", "unproven", 1)
    assert scheduler.step(2, None, NOBODY).start == []
    assert scheduler.state == "waiting_for_approval"
    assert "somebody has to approve the ring b" in str(scheduler.why)
    assert scheduler.step(3, None, Hand(approved=frozenset({"b"}))).start == [("2", "b")]


def test_a_pause_an_abort_and_a_spent_budget_take_up_nobody() -> None:
    scheduler = Scheduler([Ring("a", ("1", "2", "3"), 1)])
    assert scheduler.step(0, None, Hand(paused="alice paused")).start == []
    assert scheduler.state == "paused"
    assert scheduler.step(1, None, NOBODY).start == [("1", "a")]
    scheduler.step(2, "The budget is spent.", NOBODY)
    assert (scheduler.state, scheduler.why) == ("ending", "The budget is spent.")
    scheduler.ended("1", "failed", 3)
    scheduler.step(4, None, Hand(aborted="alice aborted"))
    assert (scheduler.state, scheduler.why, scheduler.pending) == ("ended", "alice aborted", 2)


def test_an_endpoint_that_is_skipped_is_not_taken_up_and_costs_no_place() -> None:
    scheduler = Scheduler([Ring("a", ("1", "2"), 1)])
    assert scheduler.step(0, None, Hand(skipped=frozenset({"1"}))).start == [("2", "a")]
    assert scheduler.skipped == ["1"]


def test_one_whose_window_is_closed_does_not_keep_others_waiting() -> None:
    scheduler = Scheduler(
        [Ring("a", ("1", "2", "3"), 2)], lambda host, now: 100.0 if host == "1" and now < 100 else None
    )
    assert [host for host, _ring in scheduler.step(0, None, NOBODY).start] == ["2", "3"]
    scheduler.ended("2", "proven", 1)
    scheduler.ended("3", "proven", 1)
    waiting = scheduler.step(2, None, NOBODY)
    assert (waiting.start, waiting.wake, scheduler.state) == ([], 100, "waiting_for_window")
    assert scheduler.step(100, None, NOBODY).start == [("1", "a")]


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 4), st.sampled_from(["budget", "proven", "80%"])),
        min_size=1,
        max_size=4,
    ),
    st.randoms(use_true_random=False),
)
def test_whatever_happens_the_window_holds_and_everybody_is_taken_up_at_most_once(
    shape: list[tuple[int, int, str]], chance: t.Any
) -> None:
    rings = [
        Ring(f"r{number}", tuple(f"{number}.{one}" for one in range(size)), window, promote=promote)
        for number, (size, window, promote) in enumerate(shape)
    ]
    scheduler, taken, now = Scheduler(rings), list[str](), 0.0
    limits = {ring.name: ring.window for ring in rings}
    for _turn in range(200):
        now += 1
        step = scheduler.step(now, None, NOBODY)
        taken += [host for host, _ring in step.start]
        assert not step.start or len(scheduler.under_way) <= limits[step.start[0][1]]
        if scheduler.state in ("ended", "waiting_for_approval"):
            break
        for host in list(scheduler.under_way):
            if chance.random() < 0.5:
                scheduler.ended(host, chance.choice(["proven", "failed", "held"]), now)
    assert len(taken) == len(set(taken))
    assert scheduler.state in ("ended", "waiting_for_approval")
    if scheduler.state == "ended":
        assert sorted(taken) == sorted(host for ring in rings for host in ring.hosts)
    assert len(taken) + scheduler.pending == sum(len(ring.hosts) for ring in rings)
