# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows: time zones, both changes of clocks, nights over midnight, blackouts, and what ends in time."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.windows import (
    Windows,
    WindowsError,
    check_opens,
    parse_windows,
)

BERLIN: t.Final = "Europe/Berlin"


def windows(begin: str, end: str, zone: str = BERLIN, **more: t.Any) -> Windows:
    row = {"from": begin, "to": end, **({"days": more.pop("days")} if "days" in more else {})}
    return parse_windows({"zone": zone, "open": [row], **more})


def at(text: str, zone: str = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def test_a_night_goes_over_midnight_and_belongs_to_its_first_day() -> None:
    night = windows("22:00", "05:00", days=["fri"])
    assert night.opening(at("2026-11-27T23:00"), 60) is None
    assert night.opening(at("2026-11-28T04:00"), 60) is None
    assert night.opening(at("2026-11-27T04:00"), 60) == at("2026-11-27T22:00")


def test_nothing_begins_that_would_not_end_in_time() -> None:
    night = windows("22:00", "05:00")
    assert night.opening(at("2026-11-25T04:30"), 1800) is None
    assert night.opening(at("2026-11-25T04:31"), 1800) == at("2026-11-25T22:00")


def test_the_zone_is_that_of_the_endpoint() -> None:
    tokyo = windows("22:00", "23:00", "Asia/Tokyo")
    assert tokyo.opening(datetime(2026, 11, 25, 13, 30, tzinfo=UTC).timestamp(), 60) is None


def test_where_clocks_are_set_forward_over_the_beginning_it_opens_at_the_change() -> None:
    # On 29 March 2026 02:00 is followed by 03:00 (EU summer time; zoneinfo is asked, not believed).
    window = windows("02:30", "04:00")
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(change, ZoneInfo(BERLIN)).hour == 3
    assert window.opening(change - 1, 60) == change
    assert window.opening(change, 3600) is None
    assert window.opening(change, 3601) == at("2026-03-30T02:30")


def test_where_clocks_are_set_back_it_opens_at_the_first_and_ends_at_the_second_of_the_two_times() -> None:
    window = windows("02:00", "02:30")
    assert window.opening(at("2026-10-25T02:00"), 90 * 60) is None
    assert window.opening(at("2026-10-25T02:20", fold=1), 600) is None
    assert window.opening(at("2026-10-25T02:20", fold=1), 601) == at("2026-10-26T02:00")


def test_a_night_of_a_day_that_is_blacked_out_does_not_open() -> None:
    night = windows("22:00", "05:00", blackout=["2026-12-24", "2026-12-31/2027-01-02"])
    assert night.opening(at("2026-12-24T23:00"), 60) == at("2026-12-25T22:00")
    assert night.opening(at("2027-01-01T23:00"), 60) == at("2027-01-03T22:00")


def test_windows_that_touch_are_one() -> None:
    both = parse_windows({"zone": BERLIN, "open": [{"from": "20:00", "to": "24:00"}, {"from": "00:00", "to": "06:00"}]})
    assert both.opening(at("2026-11-25T23:00"), 6 * 3600) is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "mapping with zone"),
        ({"zone": "Europe/Atlantis", "open": [{"from": "22:00", "to": "05:00"}]}, "none of the IANA names"),
        ({"zone": BERLIN, "open": []}, "never open"),
        ({"zone": BERLIN, "open": [{"from": "22:00", "to": "22:00"}]}, "never opens"),
        ({"zone": BERLIN, "open": [{"from": 1320, "to": "23:00"}]}, "in quotes"),
        ({"zone": BERLIN, "open": [{"from": "22:00", "to": "23:00", "days": ["Mo"]}]}, "are not a list of mon"),
        ({"zone": BERLIN, "open": [{"from": "22:00", "to": "23:00"}], "blackout": ["tomorrow"]}, "neither a date"),
        ({"zone": BERLIN, "open": [{"from": "1:00", "to": "23:00"}], "blackout": []}, "write a time"),
    ],
)
def test_windows_that_cannot_be_meant_are_refused(value: t.Any, sentence: str) -> None:
    with pytest.raises(WindowsError, match=sentence) as caught:
        parse_windows(value)
    assert "\n" not in str(caught.value)


def test_a_window_that_is_too_short_for_anything_is_refused() -> None:
    with pytest.raises(WindowsError, match="nothing would ever begin"):
        check_opens(windows("22:00", "22:20"), at("2026-11-25T00:00"), 1800)
    always_out = windows("22:00", "23:00", blackout="2026-01-01/2030-01-01")
    with pytest.raises(WindowsError, match="never open"):
        check_opens(always_out, at("2026-11-25T00:00"), 60)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)),
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC"]),
    st.integers(0, 23),
    st.integers(1, 20),
    st.integers(1, 3600),
)
def test_what_is_said_to_open_is_open_then_and_not_before(
    when: datetime, zone: str, hour: int, hours: int, seconds: int
) -> None:
    end = (hour + hours) % 24
    window = windows(f"{hour:02}:00", f"{end:02}:00", zone)
    now = when.replace(tzinfo=UTC).timestamp()
    opens = window.opening(now, seconds)
    if opens is None:
        local = datetime.fromtimestamp(now, ZoneInfo(zone))
        # Half an hour for zones whose clocks are set by that, and a whole one for the others.
        assert any(
            (local + timedelta(minutes=minutes)).hour in {(hour + one) % 24 for one in range(hours)}
            for minutes in (-60, 0, 60)
        )
        return
    assert opens > now
    assert window.opening(opens, seconds) is None
    assert window.opening(opens - 1, seconds) is not None
