# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Maintenance windows of an endpoint, in the time zone where it stands.

::

    zone: Europe/Berlin
    open:
      - {days: [mon, tue, wed, thu], from: "22:00", to: "05:00"}
      - {days: [sat, sun], from: "00:00", to: "24:00"}
    blackout: ["2026-12-24", "2026-12-31/2027-01-02"]

A window that ends at or before the time it begins goes over midnight and belongs to the day on which it begins; so does
a blackout: a night that begins on a day that is blacked out does not open. Times are those of the wall clock: where
clocks are set forward over the beginning, the window opens at the moment of the change; where they are set back, at the
first of the two times, and it ends at the second, so that nothing that was announced is cut short.
"""

from __future__ import annotations

import re
import typing as t
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAYS: t.Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_HORIZON = 400
"""Days in which a window has to open."""


class WindowsError(ValueError):
    """Windows cannot be meant as they are written; the message is one sentence."""


@dataclass(frozen=True)
class _Open:
    days: frozenset[int]
    begin: time
    end: time
    end_day: int
    """Days after the one on which it begins."""


@dataclass(frozen=True)
class Windows:
    zone: zoneinfo.ZoneInfo
    opens: tuple[_Open, ...]
    blackout: tuple[tuple[date, date], ...]

    def opening(self, now: float, seconds: float) -> float | None:
        """None where something that takes ``seconds`` may begin at ``now`` and ends in time; else when it may (both in
        seconds since the epoch)."""
        for begin, end in self._coming(now):
            if end - max(begin, now) >= seconds:
                return None if begin <= now else begin
        return now + 86400.0

    def longest(self, now: float) -> float:
        """Seconds of the longest window within the next year."""
        return max((end - begin for begin, end in self._coming(now)), default=0.0)

    def _coming(self, now: float) -> t.Iterator[tuple[float, float]]:
        """Windows that are not over, by their beginning; those that touch count as one."""
        today = datetime.fromtimestamp(now, self.zone).date()
        last: tuple[float, float] | None = None
        for number in range(-2, _HORIZON):
            day = today + timedelta(days=number)
            if any(first <= day <= final for first, final in self.blackout):
                continue
            of_day = sorted(
                (
                    _moment(day, one.begin, self.zone, 0),
                    _moment(day + timedelta(days=one.end_day), one.end, self.zone, 1),
                )
                for one in self.opens
                if day.weekday() in one.days
            )
            for begin, end in of_day:
                if last is not None and begin <= last[1]:
                    last = (last[0], max(last[1], end))
                    continue
                if last is not None and last[1] > now:
                    yield last
                last = (begin, end)
        if last is not None and last[1] > now:
            yield last


def _moment(day: date, of_day: time, zone: zoneinfo.ZoneInfo, fold: int) -> float:
    """A time of the wall clock as seconds since the epoch. One that a change of clocks leaves out is the moment of the
    change: before it the zone's old offset holds, and that is found by going there and back."""
    wall = datetime.combine(day, of_day, zone).replace(fold=fold)
    moment = wall.timestamp()
    back = datetime.fromtimestamp(moment, zone)
    if back.replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    early, late = (wall.replace(fold=one).astimezone(UTC).timestamp() for one in (1, 0))
    # The change lies between the two readings of a time that there is not.
    while late - early > 0.5:
        middle = (early + late) / 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == datetime.fromtimestamp(early, zone).utcoffset():
            early = middle
        else:
            late = middle
    return float(round(late))


def parse_windows(value: object) -> Windows:
    """Raises WindowsError."""
    if not isinstance(value, dict) or not set(value) <= {"zone", "open", "blackout"} or "zone" not in value:
        raise WindowsError("Maintenance windows are a mapping with zone, open and, where wanted, blackout.")
    try:
        zone = zoneinfo.ZoneInfo(str(value["zone"]))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise WindowsError(
            f"The time zone {value['zone']!r} is none of the IANA names, such as Europe/Berlin."
        ) from None
    rows = value.get("open")
    if not isinstance(rows, list) or not rows:
        raise WindowsError("The maintenance windows never open: open has no window.")
    return Windows(zone, tuple(_open(row) for row in rows), tuple(_blackout(value.get("blackout"))))


def check_opens(windows: Windows, now: float, seconds: float) -> None:
    """Raises WindowsError where nothing that takes ``seconds`` would ever end in time."""
    longest = windows.longest(now)
    if longest <= 0:
        raise WindowsError("The maintenance windows never open: every day is blacked out.")
    if longest < seconds:
        raise WindowsError(
            f"The longest maintenance window has {longest:g} seconds, and one endpoint may take {seconds:g}: "
            "nothing would ever begin. Lower tetra_deadline, or widen the window."
        )


def _open(row: object) -> _Open:
    if not isinstance(row, dict) or not set(row) <= {"days", "from", "to"} or not {"from", "to"} <= set(row):
        raise WindowsError(f"The maintenance window {row!r} is not a mapping with from, to and, where wanted, days.")
    days = row.get("days", list(DAYS))
    if not isinstance(days, list) or not days or any(day not in DAYS for day in days):
        raise WindowsError(f"The days {days!r} of a maintenance window are not a list of {', '.join(DAYS)}.")
    begin, end = _time(row["from"], "from"), _time(row["to"], "to")
    if begin == end or row["from"] == "24:00":
        raise WindowsError(f"The maintenance window from {row['from']} to {row['to']} never opens.")
    over = row["to"] == "24:00" or end <= begin
    return _Open(frozenset(DAYS.index(day) for day in days), begin, end, 1 if over else 0)


def _time(value: object, what: str) -> time:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise WindowsError(f'{what} of a maintenance window is {value!r}; write a time in quotes, such as "22:00".')
    return time(int(match[1] or 0), int(match[2] or 0))


def _blackout(value: object) -> t.Iterator[tuple[date, date]]:
    for one in value if isinstance(value, list) else [] if value is None else [value]:
        first, _slash, last = str(one).partition("/")
        try:
            days = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            raise WindowsError(
                f"The blackout {one} is neither a date such as 2026-12-24 nor two with a slash."
            ) from None
        if days[1] < days[0]:
            raise WindowsError(f"The blackout {one} ends before it begins.")
        yield days
