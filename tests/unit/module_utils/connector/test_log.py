# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector's log: the published failing update, and what follows from its form."""

from __future__ import annotations

import datetime as dt
import tracemalloc
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import log, log_lines

HEAD = "(978223515, +0 ms) Aug 04 07:30:23 "
FAILING = [
    HEAD + r"[11944]: TetraUpdateInterface::update updateDir: C:\Program Files\Cisco\AMP\tetra, "
    "20, -3000, -3000, 0, 0, 0",
    HEAD + "[11944]: ERROR: TetraUpdateInterface::update Update failed with error -3000",
    HEAD + "[11944]: PipeSend: sending message to user interface: 26, id: 0",
    HEAD + "[860]: PipeWrite: waiting on pipe event handle",
    HEAD + "[11944]: TetraUpdaterInit defInit: 0, bUpdate: 0",
    HEAD + "[11944]: TetraUpdaterInit bUpdate: 0, bReload: 0",
    HEAD + "[11944]: FASharedPtr<class TetraUpdateInterface>::ReleaseInstance count: 1",
    HEAD + "[11944]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000",
    HEAD + "[11944]: PerformTetraUpdate: sig count: 0, version: 0",
    HEAD + "[11944]: Config::IsUploadEventEnabled: returns 1, 1",
    HEAD + "[11944]: AVStat::CopyInternal : engine - 2, defs - 0, first failure - never, "
    "last err code - 4294964296, last upd success - never",
    HEAD + "[11944]: AVStat::CopyInternal : engine - 2, defs - 0, first failure - Thu Aug 4 06:35:16 2022, "
    "last err code - 4294964296, last upd success - never",
]
MODIFIED = dt.datetime(2022, 8, 4, 5, 31, tzinfo=dt.UTC)


def line(date: str, message: str, thread: int = 7) -> str:
    return f"(1000, +0 ms) {date} [{thread}]: {message}"


def verdict(date: str, updated: str = "FALSE", status: int = -3000, thread: int = 7) -> str:
    return line(date, f"PerformTetraUpdate: bUpdated = {updated}, state: 20, status: {status}", thread)


def test_published_failing_update() -> None:
    section = log.last_update_section(FAILING, MODIFIED, 120)
    assert section == {
        "status": "ok",
        "reason": None,
        "result": "failed",
        "code": -3000,
        "time": "2022-08-04T05:30:23Z",
        "line": FAILING[7],
    }
    (update,) = log.updates(FAILING)
    assert update.directory == r"C:\Program Files\Cisco\AMP\tetra"
    assert (update.updated, update.state, update.status, update.error) == (False, 20, -3000, -3000)
    assert (update.signatures, update.definitions_version) == (0, 0)
    assert (update.first_failure, update.last_error, update.last_success) == ("Thu Aug 4 06:35:16 2022", -3000, "never")


def test_unsigned_code_is_the_same_number() -> None:
    assert log.signed(4294964296) == -3000
    assert log.signed(-3000) == -3000
    assert log.signed(2002) == 2002


def test_not_updated_with_status_zero_is_no_failure() -> None:
    section = log.last_update_section([verdict("Aug 04 07:30:23", status=0)], None, None)
    assert (section["result"], section["code"], section["time"]) == ("up_to_date", 0, None)


def test_success() -> None:
    lines = [
        verdict("Aug 04 07:30:23", "TRUE", 0),
        line("Aug 04 07:30:23", "PerformTetraUpdate: sig count: 9182736, version: 87001"),
    ]
    (update,) = log.updates(lines)
    assert (update.result, update.signatures, update.definitions_version) == ("updated", 9182736, 87001)


def test_newest_update_counts() -> None:
    lines = [*FAILING, verdict("Aug 04 08:20:00", "TRUE", 0)]
    assert log.last_update_section(lines, MODIFIED, 0)["result"] == "updated"
    assert [update.result for update in log.updates(lines)] == ["failed", "updated"]


def test_wrapped_lines_are_joined_with_and_without_a_space() -> None:
    wrapped = [
        HEAD + "[11944]: PerformTetraUpdate: bUpdated = FALSE, state: 20,",
        "   status: -3000",
        HEAD + "[11944]: PerformTetraUpdate: sig co",
        "unt: 0, version: 0",
        "(978223515, +0 ms) Aug 04",
        "07:31:23 [11944]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: 0",
    ]
    first, second = log.updates(wrapped)
    assert (first.status, first.signatures) == (-3000, 0)
    assert (second.result, second.moment.minute) == ("up_to_date", 31)


def test_a_line_wrapped_behind_its_prefix() -> None:
    wrapped = [HEAD + "[11944]:", "PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000"]
    (update,) = log.updates(wrapped)
    assert update.code == -3000


def test_damaged_lines() -> None:
    lines = [
        "",
        "\x00\x00\x00",
        "ms) Aug 04 07:30:2",
        "(12, +0 ms) Foo 99 99:99:99 [1]: PerformTetraUpdate: bUpdated = TRUE",
        line("Feb 31 10:00:00", "PerformTetraUpdate: bUpdated = TRUE, state: 20, status: 0"),
        "\ufffd\ufffd",
        HEAD + "[11944]: ERROR: TetraUpdateInterface::update Update failed with error -3000",
        HEAD + "[11944]: PerformTetraUpdate: bUpdated = FALSE, sta",
    ]
    section = log.last_update_section(lines, MODIFIED, 0)
    assert (section["result"], section["code"]) == ("failed", -3000)
    cut = log.last_update_section([HEAD + "[1]: PerformTetraUpdate: bUpdated = FALSE, sta"], MODIFIED, 0)
    assert (cut["status"], cut["result"]) == ("error", None)


def test_a_path_with_commas_and_threads_of_two_updates() -> None:
    directory = r"TetraUpdateInterface::update updateDir: D:\a, 1, b\tetra, 20, -2108, -2108, 0, 0, 0"
    lines = [
        line("Aug 04 07:00:00", directory, 1),
        verdict("Aug 04 07:00:01", status=-2108, thread=1),
        verdict("Aug 04 07:00:02", "TRUE", 0, thread=2),
        line("Aug 04 07:00:03", "PerformTetraUpdate: sig count: 5, version: 6", 1),
    ]
    first, second = log.updates(lines)
    assert (first.directory, first.code) == (r"D:\a, 1, b\tetra", -2108)
    assert (second.result, second.signatures) == ("updated", None)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("first failure - never, last err code - 4294964296, last upd success - never", ("failed", -3000, None)),
        ("first failure - never, last err code - 0, last upd success - never", ("never", None, None)),
        (
            "first failure - never, last err code - 0, last upd success - Thu Aug  4 06:35:16 2022",
            ("updated", 0, "2022-08-04T05:35:16Z"),
        ),
    ],
)
def test_statistics_alone(message: str, expected: tuple[t.Any, ...]) -> None:
    text = line("Aug 04 07:00:00", f"AVStat::CopyInternal : engine - 2, defs - 0, {message}")
    section = log.last_update_section([text], MODIFIED, 60)
    assert (section["result"], section["code"], section["time"]) == expected


def test_no_update_in_the_log() -> None:
    assert log.last_update_section([line("Aug 04 07:00:00", "Cache::Get: age")], MODIFIED, 0)["status"] == "absent"
    assert log.last_update_section([], MODIFIED, 0)["status"] == "absent"


def test_year_turns_between_lines_and_between_log_and_file_date() -> None:
    lines = [verdict("Dec 31 23:59:58"), verdict("Jan 01 00:00:01", status=0)]
    modified = dt.datetime(2026, 1, 1, 0, 0, 5, tzinfo=dt.UTC)
    reading = log.read(lines, keep=5)
    assert reading.last is not None
    times = [log.iso(log_lines.resolve(update.moment, reading.last, modified, 0)) for update in reading.updates]
    assert times == ["2025-12-31T23:59:58Z", "2026-01-01T00:00:01Z"]
    old = log.last_update_section([verdict("Dec 31 23:59:58")], modified, 0)
    assert old["time"] == "2025-12-31T23:59:58Z"


def test_clock_going_back_a_little_is_no_new_year() -> None:
    dates = [
        "Oct 25 02:59:59",
        "Oct 25 02:00:01",
        "Oct 24 23:00:00",
        "Dec 31 23:59:59",
        "Jan 01 00:00:00",
        "Dec 31 23:59:59",
        "Jan 01 00:00:02",
        "Nov 30 10:00:00",
        "Mar 01 10:00:00",
    ]
    years = [update.moment.year for update in log.updates([verdict(date) for date in dates])]
    assert years == [0, 0, 0, 0, 1, 0, 1, 1, 2]


def test_later_lines_about_other_things_count_for_the_year() -> None:
    noise = [line("Feb 01 10:00:00", "Cache::Get: age"), line("Jan 01 10:00:00", "Cache::Get: age")]
    lines = [verdict("Nov 30 10:00:00"), *noise]
    modified = dt.datetime(2026, 1, 1, 11, tzinfo=dt.UTC)
    assert log.last_update_section(lines, modified, 0)["time"] == "2024-11-30T10:00:00Z"


def test_leap_day_finds_a_leap_year() -> None:
    modified = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert log.last_update_section([verdict("Feb 29 10:00:00")], modified, 0)["time"] == "2024-02-29T10:00:00Z"


def test_no_zone_or_no_file_date_means_no_time() -> None:
    assert log.last_update_section(FAILING, None, 0)["time"] is None
    assert log.last_update_section(FAILING, MODIFIED, None)["time"] is None


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(dt.datetime(2001, 1, 1), dt.datetime(2030, 1, 1)),
    gaps=st.lists(st.timedeltas(dt.timedelta(0), dt.timedelta(days=360)), max_size=12),
    offset=st.integers(-720, 840),
)
def test_times_come_back(start: dt.datetime, gaps: list[dt.timedelta], offset: int) -> None:
    times = [start.replace(microsecond=0)]
    for gap in gaps:
        times.append((times[-1] + gap).replace(microsecond=0))
    lines = [verdict(moment.strftime("%b %d %H:%M:%S")) for moment in times]
    modified = times[-1].replace(tzinfo=dt.UTC) - dt.timedelta(minutes=offset)
    reading = log.read(lines, keep=50)
    assert reading.last is not None
    found = [log_lines.resolve(update.moment, reading.last, modified, offset) for update in reading.updates]
    assert found == [moment.replace(tzinfo=dt.UTC) - dt.timedelta(minutes=offset) for moment in times]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=80), st.sampled_from(FAILING), st.sampled_from(FAILING).map(lambda text: text[:70])),
        max_size=30,
    )
)
def test_any_lines_give_a_section(lines: list[str]) -> None:
    section = log.last_update_section(lines, MODIFIED, 0)
    assert section["status"] in ("ok", "absent", "error")
    assert section["status"] != "ok" or section["result"] is not None


def test_memory_does_not_grow_with_the_log() -> None:
    def lines(count: int) -> t.Iterator[str]:
        for number in range(count):
            yield from FAILING
            yield "continuation " * 50
            yield line("Aug 04 07:30:23", f"Cache::Get: age {number}")

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            assert log.read(lines(count)).count == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3000) < 2 * peak(100) + 200_000
