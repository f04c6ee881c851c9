# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The journal of a remediation: what was begun and what became of it, one append-only file per host.

``<run folder>/journal/<encoded host>.jsonl`` holds one JSON object a line::

    {schema: "fleetops.tetra/journal/1", at: UTC, token, host, event, detail: str|null, wave: int|null,
     process: {pid, started}}

``<run folder>/journal/failures.jsonl`` repeats the entries that count against the failure budget, so that checking the
budget reads a file whose length the budget bounds, however large the fleet is. ``<run folder>/counts/not_there.jsonl``
repeats those of endpoints that were not there and are untouched, ``counts/ends.jsonl`` those that a rate is about.

Each line is on disk before the step that it announces begins. A line cut short by a crash is the last one of its file
and is ignored; the next entry starts on a line of its own.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import errno
import fcntl
import json
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.checking import fault
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event, JournalEntry
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import for_owner, make_folder, open_lock
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process

SCHEMA: t.Final = "fleetops.tetra/journal/1"

PROGRESS: tuple[Event, ...] = ("running", "before_image", "changing", "changed", "rebooting", "proving")
"""Events on the way; an endpoint whose last entry is one of these is in flight, or was when its run died."""

GOOD_ENDS: tuple[Event, ...] = ("proven", "nothing_to_do")
HELD_ENDS: tuple[Event, ...] = ("blocked", "held", "not_started")
"""Ends in which the endpoint was left as it was and nothing went wrong with it."""

FAILED_ENDS: tuple[Event, ...] = ("failed", "unreachable", "timed_out", "unproven")
"""Ends that count against the failure budget."""

EVENTS = PROGRESS + GOOD_ENDS + HELD_ENDS + FAILED_ENDS


class JournalError(Exception):
    """The journal could not be written or read; the message says which file and why."""


@dataclass(frozen=True)
class JournalState:
    """Where an endpoint stands by its journal."""

    host: str
    event: Event | None
    at: str | None
    detail: str | None
    in_flight: bool
    """The last entry is on the way and its process is alive."""
    abandoned: bool
    """The last entry is on the way and its process is gone."""


class Journal:
    """Reads and appends the journal in one run folder; safe for several processes at once."""

    def __init__(self, run_folder: str | os.PathLike[str], token: str) -> None:
        self.folder = Path(run_folder) / "journal"
        self._counts = Path(run_folder) / "counts"
        self.token = token

    def append(
        self, host: str, event: Event, detail: str | None = None, wave: int | None = None, counts: bool = True
    ) -> None:
        """Adds one entry and returns when it is on disk. Raises JournalError; then the step must not begin.

        ``counts``: whether an end in which something went wrong counts against the budget. An endpoint that was not
        there, and that nobody has touched, does not.
        """
        if event not in EVENTS:
            raise JournalError(f"'{event}' is not an event of the journal.")
        entry: JournalEntry = {
            "schema": SCHEMA,
            "at": now(),
            "token": self.token,
            "host": host,
            "event": event,
            "detail": detail,
            "wave": wave,
            "process": Process.current().as_dict(),
        }
        _append_line(self._host_file(host), entry)
        if event in FAILED_ENDS:
            _append_line(self.folder / "failures.jsonl" if counts else self._counts / "not_there.jsonl", entry)
        if event == "proven" or (event in FAILED_ENDS and counts):
            _append_line(self._counts / "ends.jsonl", entry)

    def standing(self, host: str) -> JournalState:
        """The endpoint's last entry, of whichever run wrote it."""
        return standing_of(host, _read_lines(self._host_file(host)))

    def entries(self, host: str) -> list[JournalEntry]:
        return _read_lines(self._host_file(host))

    def everything(self) -> dict[str, list[JournalEntry]]:
        """The entries of every endpoint that has a journal, ordered by name; each file is read once."""
        found = {}
        for path in self.folder.glob("*.jsonl"):
            lines = _read_lines(path) if path.name != "failures.jsonl" else []
            if lines:
                found[lines[-1]["host"]] = lines
        return dict(sorted(found.items()))

    def standings(self) -> list[JournalState]:
        """One standing for every endpoint that has a journal, ordered by name."""
        return [standing_of(host, entries) for host, entries in self.everything().items()]

    def failed_hosts(self) -> list[str]:
        """Endpoints that count against the budget, over all starts of this run, in the order in which they failed.

        One that was cured later does not count any more.
        """
        return self._still(self.folder / "failures.jsonl", FAILED_ENDS + PROGRESS + HELD_ENDS)

    def not_there(self) -> list[str]:
        """Endpoints that could not be reached when they were taken up, and that nobody has touched."""
        lost = set(self.failed_hosts())
        return [host for host in self._still(self._counts / "not_there.jsonl", FAILED_ENDS) if host not in lost]

    def firsts(self, number: int) -> list[bool]:
        """Of the first so many endpoints that came to an end: whether each has failed. Reads no more than it must."""
        found: dict[str, bool] = {}
        for entry in _read_lines(self._counts / "ends.jsonl", number * 4096):
            if entry["host"] in found or len(found) < number:
                found.setdefault(entry["host"], entry["event"] in FAILED_ENDS)
        return list(found.values())

    def stopped(self, budget: FailureBudget, host: str | None = None) -> str | None:
        """Why no further endpoint is started or restarted, or None.

        ``host``: the one that asks. That it has failed before does not count, since it cannot be lost twice.
        """
        firsts = self.firsts(budget.rate.of) if budget.rate is not None else ()
        return budget.stopped(sum(one != host for one in self.failed_hosts()), firsts)

    def _still(self, path: Path, events: c.Container[str]) -> list[str]:
        hosts = dict.fromkeys(line["host"] for line in _read_lines(path))
        return [host for host in hosts if self.standing(host).event in events]

    @contextlib.contextmanager
    def locked(self) -> c.Iterator[None]:
        """Held while the budget is checked and an endpoint started: two workers cannot both take the last place."""
        try:
            make_folder(self.folder)
            descriptor = open_lock(self.folder / ".lock")
        except OSError as error:
            raise JournalError(f"The journal in {self.folder} cannot be locked: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _host_file(self, host: str) -> Path:
        return self.folder / f"{encode_name(host)}.jsonl"


def _append_line(path: Path, entry: JournalEntry) -> None:
    line = json.dumps(entry, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
    try:
        make_folder(path.parent)
        descriptor = for_owner(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            written = os.write(descriptor, line)
            os.fsync(descriptor)
            if written < len(line):
                # A disk that fills up takes a part of the line without an error.
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be written: {error.strerror}.") from error


def _read_lines(path: Path, most: int = -1) -> list[JournalEntry]:
    """``most``: bytes that are read from the beginning, -1 for all."""
    try:
        with path.open("rb") as handle:
            raw = handle.read(most)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be read: {error.strerror}.") from error
    entries: list[JournalEntry] = []
    for line in raw.split(b"\n"):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if fault(JournalEntry, entry) is None:
                entries.append(t.cast(JournalEntry, entry))
    return entries


def standing_of(host: str, entries: c.Sequence[JournalEntry]) -> JournalState:
    if not entries:
        return JournalState(host, None, None, None, in_flight=False, abandoned=False)
    last = entries[-1]
    on_the_way = last["event"] in PROGRESS
    alive = on_the_way and Process.from_dict(last["process"]).is_alive()
    return JournalState(
        host,
        last["event"],
        last["at"],
        last["detail"],
        in_flight=alive,
        abandoned=on_the_way and not alive,
    )
