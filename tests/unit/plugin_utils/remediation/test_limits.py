# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows, waves, and places to restart."""

from __future__ import annotations

import threading
import typing as t
from datetime import datetime
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import (
    MaintenanceWindow,
    RebootSlots,
    WaveError,
    WindowError,
    check_waves,
)


@pytest.mark.parametrize(
    ("text", "hour", "minute", "is_open"),
    [
        ("22:00-05:00", 21, 59, False),
        ("22:00-05:00", 22, 0, True),
        ("22:00-05:00", 4, 59, True),
        ("22:00-05:00", 5, 0, False),
        ("08:30-17:00", 8, 30, True),
        ("08:30-17:00", 17, 0, False),
        (" 08:30-17:00 ", 12, 0, True),
    ],
)
def test_a_window_is_open_from_its_beginning_to_before_its_end(
    text: str, hour: int, minute: int, is_open: bool
) -> None:
    window, now = MaintenanceWindow(text), datetime(2026, 11, 24, hour, minute)
    assert window.is_open(now) is is_open
    closed = window.closed(now)
    assert (closed is None) is is_open
    assert closed is None or f"it is {hour:02}:{minute:02}" in closed


@pytest.mark.parametrize("text", ["", "22-05", "24:00-05:00", "22:00", "22:00-05:60", "always"])
def test_a_window_that_is_none_is_one_sentence(text: str) -> None:
    with pytest.raises(WindowError, match="is not written as HH:MM-HH:MM"):
        MaintenanceWindow(text)


def test_a_window_of_no_length_is_refused_and_not_waited_for() -> None:
    with pytest.raises(WindowError, match="'22:00-22:00' is never open"):
        MaintenanceWindow("22:00-22:00")


@pytest.mark.parametrize("value", [[1, 10, 50, 250], [1], 5, "5", "10%", ["1", "10%", "100%"]])
def test_waves_are_numbers_and_shares(value: t.Any) -> None:
    check_waves(value)


@pytest.mark.parametrize("value", [0, [1, 0], [], None, "many", "0%", "101%", [[1]], True, -1, 1.5, {"a": 1}])
def test_waves_that_would_take_all_at_once_or_say_nothing_are_refused(value: t.Any) -> None:
    with pytest.raises(WaveError, match=r"waves are written as \[1, 10, 50, 250\]"):
        check_waves(value)


def test_places_are_given_one_after_the_other_and_waiting_uses_up_no_deadline(tmp_path: Path) -> None:
    places, countdown, order = RebootSlots(tmp_path, 1), Countdown(60), []
    waiting, release = threading.Event(), threading.Event()

    def hold() -> None:
        with RebootSlots(tmp_path, 1).taken():
            waiting.set()
            release.wait()
            order.append("first")

    holder = threading.Thread(target=hold)
    holder.start()
    waiting.wait()
    threading.Timer(0.6, release.set).start()
    before = countdown.left
    with countdown.paused(), places.taken():
        order.append("second")
    holder.join()
    assert order == ["first", "second"]
    assert before - countdown.left < 0.5


def test_two_places_are_two_places(tmp_path: Path) -> None:
    places = RebootSlots(tmp_path, 2)
    with places.taken(), places.taken():
        assert sorted(path.name for path in (tmp_path / "reboots").iterdir()) == ["0.lock", "1.lock"]


def test_a_part_of_a_countdown_is_no_longer_than_what_is_left() -> None:
    assert Countdown(1.0).part(60).left <= 1.0
    assert Countdown(60.0).part(1.0).left <= 1.0
    assert Countdown(0)(1.0) is False
