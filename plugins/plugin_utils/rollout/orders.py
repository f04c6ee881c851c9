# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The operator's hand on a rollout: orders in the run folder, each chained to the one before.

``<run folder>/control/orders.jsonl`` holds one JSON object a line::

    {schema: "fleetops.tetra/order/1", at: UTC, who, account, order, ring, host, ticket, previous, hash}

``hash`` is over all the rest, ``previous`` is the hash of the line before (first: the run's name): a line
that is edited or taken out later breaks the chain. A file of orders that does not hold pauses the rollout.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.scheduler import Hand
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import for_owner, make_folder, open_lock

SCHEMA: t.Final = "fleetops.tetra/order/1"
OrderName = t.Literal["start", "end", "pause", "go_on", "abort", "approve", "skip"]


class OrderError(Exception):
    """Orders cannot be read, written or meant; the message is one sentence."""


class Order(t.TypedDict):
    schema: t.Literal["fleetops.tetra/order/1"]
    at: str
    who: str
    account: str
    order: OrderName
    ring: str | None
    host: str | None
    ticket: str | None
    previous: str
    hash: str


class Orders:
    """The orders of one run."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "control"
        self._file = self._folder / "orders.jsonl"
        self._first = run.name
        self._seen: tuple[int, int] | None = None
        self._known: list[Order] = []

    def give(
        self,
        order: OrderName,
        who: str | None = None,
        ring: str | None = None,
        host: str | None = None,
        ticket: str | None = None,
    ) -> Order:
        """Adds one order, and returns when it is on disk. Raises OrderError."""
        account = _account()
        try:
            make_folder(self._folder)
            lock = open_lock(self._folder / ".lock")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                earlier = self._read()
                entry: dict[str, t.Any] = {
                    "schema": SCHEMA,
                    "at": now(),
                    "who": who or account,
                    "account": account,
                    "order": order,
                    "ring": ring,
                    "host": host,
                    "ticket": ticket,
                    "previous": earlier[-1]["hash"] if earlier else self._first,
                }
                entry["hash"] = _hash(entry)
                descriptor = for_owner(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                try:
                    os.write(descriptor, json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n")
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            finally:
                os.close(lock)
        except OSError as error:
            raise OrderError(f"The orders in {self._folder} cannot be written: {error.strerror}.") from error
        return t.cast(Order, entry)

    def all(self) -> list[Order]:
        """All orders; the file is read again only where it has changed. Raises OrderError where the chain is broken."""
        try:
            status = self._file.stat()
        except FileNotFoundError:
            if self._known:
                raise OrderError(f"The orders in {self._file} are gone.") from None
            return []
        seen = (status.st_size, status.st_mtime_ns)
        if seen != self._seen:
            found = self._read()
            if found[: len(self._known)] != self._known:
                raise OrderError(f"The orders in {self._file} were replaced while the rollout was going on.")
            self._known, self._seen = found, seen
        return self._known

    def _read(self) -> list[Order]:
        try:
            raw = self._file.read_bytes()
        except FileNotFoundError:
            return []
        found: list[Order] = []
        previous = self._first
        for number, line in enumerate(raw.splitlines(), 1):
            try:
                entry = json.loads(line)
                whole = entry["previous"] == previous and entry["hash"] == _hash(entry)
            except (ValueError, KeyError, TypeError, RecursionError):
                whole = False
            if not whole:
                raise OrderError(
                    f"Line {number} of {self._file} does not continue the lines before it: it was edited, or one was "
                    "taken out."
                )
            previous = entry["hash"]
            found.append(entry)
        return found


def hand_of(orders: t.Sequence[Order], by_another: bool) -> Hand:
    """What the orders come to. ``by_another``: an approval by whoever started the rollout does not count."""
    paused = aborted = None
    approved: set[str] = set()
    skipped: set[str] = set()
    starter = ""
    for one in orders:
        name = one["order"]
        if name == "start":
            # Going on with a run takes back a pause and an abort of its last start, not an approval.
            starter, paused, aborted = one["who"], None, None
        elif name == "pause":
            paused = f"{one['who']} paused the rollout at {one['at']}."
        elif name == "go_on":
            paused = None
        elif name == "abort":
            aborted = f"{one['who']} aborted the rollout at {one['at']}."
        elif name == "approve" and one["ring"] and not (by_another and one["who"] == starter):
            approved.add(one["ring"])
        elif name == "skip" and one["host"]:
            skipped.add(one["host"])
    return Hand(paused, aborted, frozenset(approved), frozenset(skipped))


def _hash(entry: t.Mapping[str, t.Any]) -> str:
    rest = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
