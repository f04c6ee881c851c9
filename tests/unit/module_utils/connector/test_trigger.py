# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update that was asked for: only what is new in the log counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import trigger


def verdict(tick: int, status: int = -3000, updated: str = "FALSE", date: str = "Aug 04 07:30:23") -> str:
    return f"({tick}, +0 ms) {date} [7]: PerformTetraUpdate: bUpdated = {updated}, state: 20, status: {status}"


FAILED = verdict(1)
COUNT = "(2, +0 ms) Aug 04 07:30:23 [7]: PerformTetraUpdate: sig count: 5, version: 6"


def test_the_old_failure_is_not_the_answer() -> None:
    assert trigger.outcome([FAILED], [FAILED]) is None
    assert trigger.outcome([], []) is None


def test_first_new_update_is_the_answer() -> None:
    after = [FAILED, verdict(2, 0, "TRUE"), COUNT, verdict(3)]
    assert trigger.outcome([FAILED], after) == {
        "result": "updated",
        "code": 0,
        "line": verdict(2, 0, "TRUE"),
        "signatures": 5,
        "definitions_version": 6,
    }


def test_a_clock_put_back_and_a_rotated_log_do_not_matter() -> None:
    earlier = verdict(9, 0, date="Aug 03 07:30:23")
    found = trigger.outcome([FAILED, verdict(5)], [earlier])
    assert found is not None
    assert found["result"] == "up_to_date"


def test_an_update_under_way_is_waited_for() -> None:
    start = "(8, +0 ms) Aug 04 07:31:00 [7]: TetraUpdateInterface::update updateDir: C:\\t, 20, -3000, -3000, 0, 0, 0"
    assert trigger.outcome([FAILED], [FAILED, start]) is None
    assert (
        trigger.outcome([FAILED], [FAILED, start, "(8, +0 ms) Aug 04 07:31:00 [7]: PerformTetraUpdate: bUpd"]) is None
    )


def test_equal_lines_are_counted() -> None:
    assert len(trigger.updates_after([FAILED], [FAILED, FAILED])) == 1


@given(st.lists(st.integers(1, 5).map(verdict), max_size=6), st.lists(st.integers(6, 9).map(verdict), max_size=6))
def test_what_is_appended_is_what_is_found(before: list[str], new: list[str]) -> None:
    assert [update.line for update in trigger.updates_after(before, before + new)] == new
