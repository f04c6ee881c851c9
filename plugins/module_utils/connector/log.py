# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Definition updates in ``sfc.exe.log``: what each came to, with its code.

Only messages of a failing update are public; those of a success follow from their form. So the status decides:
0 is no failure, whatever ``bUpdated`` says (``FALSE`` with status 0 is read as *up to date*). Codes are signed 32-bit
numbers; the log writes some of them unsigned: 4294964296 is -3000. What the codes mean, except that -3000 is an
unknown error, is not public.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.connector import log_lines
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d

Result = t.Literal["updated", "up_to_date", "failed", "never"]

MAX_TEXT = 500
"""Longest log line handed on, in characters."""

_NUMBER = r"(-?\d{1,20})"
_VERDICT = re.compile(
    rf"PerformTetraUpdate: ?bUpdated ?= ?(TRUE|FALSE), ?state: ?{_NUMBER}, ?status: ?{_NUMBER}", re.ASCII
)
_VERDICT_HEAD = re.compile(r"PerformTetraUpdate: ?bUpdated ?= ?(TRUE|FALSE)", re.ASCII)
_FAILED = re.compile(rf"TetraUpdateInterface::update Update failed with error ?{_NUMBER}", re.ASCII)
_DIRECTORY = re.compile(
    rf"TetraUpdateInterface::update updateDir: ?(.*), ?{_NUMBER}, ?{_NUMBER}(?:, ?{_NUMBER}){{4}}$", re.ASCII
)
_COUNT = re.compile(rf"PerformTetraUpdate: ?sig count: ?{_NUMBER}, ?version: ?{_NUMBER}", re.ASCII)
_STATISTICS = re.compile(
    rf"AVStat::CopyInternal ?: ?engine ?- ?{_NUMBER}, ?defs ?- ?{_NUMBER}, ?first failure ?- ?(.*?), ?"
    rf"last err code ?- ?{_NUMBER}, ?last upd success ?- ?(.*)$",
    re.ASCII,
)


def signed(code: int) -> int:
    """A code as a signed 32-bit number: 4294964296 becomes -3000. Numbers beyond 32 bits are cut as Windows does."""
    code &= 0xFFFFFFFF
    return code - 0x1_0000_0000 if code >= 0x8000_0000 else code


@dataclasses.dataclass(slots=True)
class Update:
    """One definition update that the log tells of. What the log does not say is ``None``."""

    moment: log_lines.LogDate
    thread: int
    line: str
    """The log's own line that tells the outcome."""
    updated: bool | None = None
    """bUpdated."""
    state: int | None = None
    """As logged; its meaning is not public."""
    status: int | None = None
    error: int | None = None
    """The code of *Update failed with error*."""
    directory: str | None = None
    signatures: int | None = None
    definitions_version: int | None = None
    first_failure: str | None = None
    """``never`` or asctime text."""
    last_error: int | None = None
    last_success: str | None = None
    judged: bool = False
    """Whether the line that sums an update up (``bUpdated = …``) was seen."""

    @property
    def code(self) -> int | None:
        return self.status if self.status is not None else self.error

    @property
    def result(self) -> Result | None:
        if self.code is None:
            return None
        if self.code != 0:
            return "failed"
        if self.updated is None:
            return None
        return "updated" if self.updated else "up_to_date"


@dataclasses.dataclass(frozen=True, slots=True)
class Statistics:
    """The engine's own statistics, as the newest AVStat line has them."""

    definitions: int
    first_failure: str
    last_error: int
    last_success: str
    line: str


@dataclasses.dataclass(slots=True)
class Reading:
    """What a log came to: the newest updates (oldest first), how many there were, the newest statistics."""

    updates: list[Update]
    count: int
    statistics: Statistics | None
    last: log_lines.LogDate | None
    """The date of the last line."""


def _wanted(line: str) -> bool:
    """Lines that may tell of an update; also those that were wrapped right behind the prefix."""
    return "Tetra" in line or "AVStat" in line or line.rstrip().endswith("]:")


class _Reader:
    """Turns log entries into updates. One update is open at a time; the next one, or the end, closes it."""

    def __init__(self) -> None:
        self.open: Update | None = None
        self.statistics: Statistics | None = None

    def feed(self, entry: log_lines.LogLine) -> Update | None:
        """Takes one entry; answers the update that it closed, if any."""
        if match := _search(_DIRECTORY, entry):
            closed = self._start(entry)
            if self.open is not None:
                self.open.directory = match.group(1)[:MAX_TEXT]
                self.open.state, self.open.status = int(match.group(2)), signed(int(match.group(3)))
            return closed
        if match := _search(_FAILED, entry):
            closed = None
            if self.open is None or self.open.judged or self.open.error is not None or self.open.thread != entry.thread:
                closed = self._start(entry)
            if self.open is not None:
                self.open.error = signed(int(match.group(1)))
            return closed
        if match := _search(_VERDICT, entry):
            closed = self._judge(entry, match.group(1))
            if self.open is not None:
                self.open.state, self.open.status = int(match.group(2)), signed(int(match.group(3)))
            return closed
        if match := _search(_VERDICT_HEAD, entry):
            return self._judge(entry, match.group(1))
        if match := _search(_COUNT, entry):
            if self.open is not None and self.open.thread == entry.thread:
                self.open.signatures, self.open.definitions_version = int(match.group(1)), int(match.group(2))
        elif match := _search(_STATISTICS, entry):
            self._count(entry, match)
        return None

    def finish(self) -> Update | None:
        closed, self.open = self.open, None
        return closed

    def _start(self, entry: log_lines.LogLine) -> Update | None:
        closed = self.open
        self.open = Update(entry.moment, entry.thread, _clean(entry.text))
        return closed

    def _judge(self, entry: log_lines.LogLine, updated: str) -> Update | None:
        closed = None
        if self.open is None or self.open.judged or self.open.thread != entry.thread:
            closed = self._start(entry)
        if self.open is not None:
            self.open.judged, self.open.updated = True, updated == "TRUE"
            self.open.moment, self.open.line = entry.moment, _clean(entry.text)
        return closed

    def _count(self, entry: log_lines.LogLine, match: re.Match[str]) -> None:
        self.statistics = Statistics(
            int(match.group(2)),
            match.group(3)[:64].strip(),
            signed(int(match.group(4))),
            match.group(5)[:64].strip(),
            _clean(entry.text),
        )
        if self.open is not None and self.open.judged:
            self.open.first_failure = self.statistics.first_failure
            self.open.last_error = self.statistics.last_error
            self.open.last_success = self.statistics.last_success


def updates(lines: t.Iterable[str]) -> t.Iterator[Update]:
    """The updates that a log tells of, in its order, in constant memory.

    An update is handed out when the next one begins or the log ends. Lines of rotated files may be chained, oldest
    file first. Dates have years counted from the first line: ``log_lines.resolve`` makes times of them.
    """
    reader = _Reader()
    for entry in log_lines.entries(lines, _wanted):
        closed = reader.feed(entry)
        if closed is not None:
            yield closed
    closed = reader.finish()
    if closed is not None:
        yield closed


def read(lines: t.Iterable[str], keep: int = 1) -> Reading:
    """Reads a log to its end and keeps the newest ``keep`` updates (1 … ), with what dating them needs."""
    newest: collections.deque[Update] = collections.deque(maxlen=max(1, keep))
    count, calendar = 0, log_lines.Calendar()
    reader = _Reader()
    for entry in log_lines.entries(lines, _wanted, calendar):
        closed = reader.feed(entry)
        if closed is not None:
            newest.append(closed)
            count += 1
    closed = reader.finish()
    if closed is not None:
        newest.append(closed)
        count += 1
    return Reading(list(newest), count, reader.statistics, calendar.last)


def last_update_section(
    lines: t.Iterable[str], modified: dt.datetime | None, utc_offset_minutes: int | None
) -> d.LastUpdate:
    """The facts section ``connector.last_update`` from the lines of a log (or of those that name Tetra or AVStat).

    ``modified``: last write time of the (newest) log file, aware; ``utc_offset_minutes``: the endpoint's local time
    minus UTC. Where either is ``None``, ``time`` is ``None``. A log without any trace of an update is ``absent``.
    """
    return section_of(read(lines), modified, utc_offset_minutes)


def section_of(reading: Reading, modified: dt.datetime | None, utc_offset_minutes: int | None) -> d.LastUpdate:
    """The same from a log that was already read."""
    if reading.updates and reading.last is not None:
        update = reading.updates[-1]
        when = log_lines.resolve(update.moment, reading.last, modified, utc_offset_minutes)
        if update.result is not None:
            return _section("ok", None, update.result, update.code, when, update.line)
        if reading.statistics is None:
            return _section("error", "The log's newest update line is damaged.", None, None, when, update.line)
    if reading.statistics is not None:
        return _by_statistics(reading.statistics, utc_offset_minutes)
    return _section("absent", "The log tells of no definition update.", None, None, None, None)


def _by_statistics(statistics: Statistics, utc_offset_minutes: int | None) -> d.LastUpdate:
    """The engine's statistics alone: the last code, and when an update last succeeded."""
    if statistics.last_error != 0:
        return _section("ok", None, "failed", statistics.last_error, None, statistics.line)
    if statistics.last_success.lower().startswith("never"):
        return _section("ok", None, "never", None, None, statistics.line)
    when = log_lines.asctime(statistics.last_success, utc_offset_minutes)
    return _section("ok", None, "updated", 0, when, statistics.line)


def _section(
    status: d.Status,
    reason: str | None,
    result: Result | None,
    code: int | None,
    when: dt.datetime | None,
    line: str | None,
) -> d.LastUpdate:
    return {
        "status": status,
        "reason": reason,
        "result": result,
        "code": code,
        "time": iso(when),
        "line": line,
    }


def iso(when: dt.datetime | None) -> str | None:
    return None if when is None else written(when)


def _search(pattern: re.Pattern[str], entry: log_lines.LogLine) -> re.Match[str] | None:
    match = pattern.search(entry.message)
    if match is None and len(entry.parts) > 1:
        match = pattern.search(entry.glued)
    return match


def _clean(text: str) -> str:
    """One printable line of bounded length."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_TEXT])
