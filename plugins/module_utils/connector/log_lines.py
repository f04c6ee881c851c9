# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""``sfc.exe.log``, line by line: prefix, thread, message, and which year a date without year belongs to.

    (978223515, +0 ms) Aug 04 07:30:23 [11944]: ERROR: message

The date has no year and no zone; local time is assumed. Month names are English on every Windows. Lines without a
prefix continue the line before them. Bytes need not be valid UTF-8.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t

MAX_LINE_CHARS = 16_384
"""What is longer is cut: a damaged file may hold no line end at all."""
MAX_CONTINUATIONS = 16

_NAMES = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES) if name}
_DAYS_BEFORE = (0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)
_DAYS_IN = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YEAR_SECONDS = 366 * 86_400
_BACKWARD_SECONDS = 2 * 86_400
_PREFIX = re.compile(
    r"\((\d+), \+(\d+) ms\) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) (\d\d):(\d\d):(\d\d) "
    r"\[(\d+)\]: ?(?:(ERROR|WARNING): )?",
    re.ASCII,
)
_HEAD = re.compile(r"\(\d+, ?\+\d+", re.ASCII)
_ASCTIME = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s+(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+(\d{1,2})\s+"
    r"(\d{1,2}):(\d\d):(\d\d)\s+(\d{4})",
    re.ASCII,
)


@dataclasses.dataclass(frozen=True, slots=True)
class LogDate:
    """A date of the log. ``year`` counts from the first line: 0, then 1 after the first turn of the year, …"""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int


@dataclasses.dataclass(slots=True)
class LogLine:
    """One entry of the log, its continuation lines included."""

    moment: LogDate
    thread: int
    level: str | None
    message: str
    """The message; continuation lines are joined by one space."""
    parts: list[str]
    text: str
    """The whole entry, as one line."""

    @property
    def glued(self) -> str:
        """The message with its continuation lines joined without a space: the wrap may have cut a word."""
        return "".join(self.parts)


class Calendar:
    """Gives each date a year, counted from the first one seen.

    A log goes forward. A date more than two days before the one ahead of it is one of the next year; up to two days
    back is a clock put right, a change from summer time, or threads that wrote out of turn.
    """

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_date: tuple[int, int] = (0, 0)
        self._last_text = ""
        self._year = 0

    @property
    def last(self) -> LogDate | None:
        """The date placed last."""
        if self._last is None:
            return None
        seconds = self._last % 86_400
        return LogDate(self._year, *self._last_date, seconds // 3600, seconds // 60 % 60, seconds % 60)

    def is_same_date(self, line: str) -> bool:
        """Whether a raw line is an entry of the date placed last. Cheap; a no means only that it was not seen."""
        at = line.find(" ms) ", 1, 40)
        return at > 0 and line[0] == "(" and line[at + 5 : at + 12] == self._last_text

    def place(self, month: int, day: int, seconds: int) -> int:
        """The year of a date; ``seconds`` since midnight, 0 … 86,399."""
        if (month, day) == self._last_date and self._last is not None:
            self._last = self._last - self._last % 86_400 + seconds
            return self._year
        in_year = (_DAYS_BEFORE[month] + day - 1) * 86_400 + seconds
        if self._last is not None:
            earliest = self._last - _BACKWARD_SECONDS
            year = max(0, self._year - 1)
            while year * _YEAR_SECONDS + in_year < earliest:
                year += 1
            self._year = year
        self._last = self._year * _YEAR_SECONDS + in_year
        self._last_date = (month, day)
        self._last_text = f"{_NAMES[month]} {day:02d} "
        return self._year


def entries(
    lines: t.Iterable[str], wanted: t.Callable[[str], bool] | None = None, calendar: Calendar | None = None
) -> t.Iterator[LogLine]:
    """Groups raw lines into entries, in constant memory.

    ``wanted`` sees a raw line (prefix and message); where it answers no, the line only moves the ``calendar`` on. Lines
    that are no entry and continue none (the head of a cut file, rubbish) are left out.
    """
    calendar = calendar or Calendar()
    current: LogLine | None = None
    torn: str | None = None
    skipping = False
    for raw in lines:
        if torn is None and wanted is not None and calendar.is_same_date(raw) and not wanted(raw):
            if current is not None:
                yield current
                current = None
            skipping = True
            continue
        line = raw[:MAX_LINE_CHARS].rstrip("\r\n").replace("\x00", "")
        match = _PREFIX.match(line)
        if match is None and torn is not None:
            joined = f"{torn} {line.strip()}"
            torn = None
            match = _PREFIX.match(joined)
            if match is not None:
                line = joined
        if match is None:
            if _HEAD.match(line):
                if current is not None:
                    yield current
                    current = None
                torn, skipping = line.rstrip(), False
            elif current is not None and not skipping and line.strip():
                _append(current, line)
            continue
        torn = None
        month, day = _MONTHS[match.group(3)], int(match.group(4))
        hour, minute, second = int(match.group(5)), int(match.group(6)), int(match.group(7))
        if not (1 <= day <= _DAYS_IN[month] and hour < 24 and minute < 60 and second < 62):
            continue
        if current is not None:
            yield current
            current = None
        second = min(second, 59)
        year = calendar.place(month, day, hour * 3600 + minute * 60 + second)
        skipping = wanted is not None and not wanted(line)
        if skipping:
            continue
        message = line[match.end() :]
        moment = LogDate(year, month, day, hour, minute, second)
        current = LogLine(moment, int(match.group(8)), match.group(9), message, [message], line)
    if current is not None:
        yield current


def _append(entry: LogLine, line: str) -> None:
    if len(entry.parts) > MAX_CONTINUATIONS:
        return
    part = line.strip()
    entry.parts.append(part)
    entry.message = f"{entry.message.rstrip()} {part}"
    entry.text = f"{entry.text.rstrip()} {part}"


def resolve(
    moment: LogDate, last: LogDate, modified: dt.datetime | None, utc_offset_minutes: int | None
) -> dt.datetime | None:
    """A date of the log as UTC.

    ``last`` is the newest date of the log, ``modified`` the file's last write time (aware, UTC); the newest date lies
    at or before it, a day of tolerance allowed. ``utc_offset_minutes`` is the endpoint's local time minus UTC; a
    change of summer time between the log line and the reading makes the result an hour wrong. Without either of the
    two the year or the zone is not known, and the answer is ``None``.
    """
    if modified is None or utc_offset_minutes is None:
        return None
    offset = dt.timedelta(minutes=utc_offset_minutes)
    try:
        limit = modified.astimezone(dt.UTC).replace(tzinfo=None) + offset + dt.timedelta(days=1)
        for year in range(limit.year, limit.year - 9, -1):
            newest = _date(last, year)
            if newest is not None and newest <= limit:
                found = _date(moment, year - (last.year - moment.year))
                return None if found is None else (found - offset).replace(tzinfo=dt.UTC)
    except (OverflowError, ValueError):
        return None
    return None


def _date(moment: LogDate, year: int) -> dt.datetime | None:
    try:
        return dt.datetime(year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    except ValueError:
        return None


def asctime(text: str, utc_offset_minutes: int | None) -> dt.datetime | None:
    """C's ``asctime`` text (``Thu Aug  4 06:35:16 2022``) as UTC; local time is assumed. ``None`` for other text."""
    match = _ASCTIME.search(text)
    if match is None or utc_offset_minutes is None:
        return None
    day, hour, minute, second, year = (int(match.group(index)) for index in range(2, 7))
    try:
        local = dt.datetime(year, _MONTHS[match.group(1)], day, hour, minute, second)
        return (local - dt.timedelta(minutes=utc_offset_minutes)).replace(tzinfo=dt.UTC)
    except (OverflowError, ValueError):
        return None
