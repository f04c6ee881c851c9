# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A process that cures many endpoints at the same time, each as a task of its own would (``remediation.cure``).

The cure asks and waits as on the other path; ``bridge`` hands its waits to the event loop. So an endpoint that restarts
costs a greenlet and no process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import ErrorKind
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.messages import Frames, frame, unpack_job
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import bridge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.many_connection import ManyConnection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import Outcome
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import OrderError, Orders, hand_of

_CHUNK = 262144
_GOODBYE = 5.0


class CureOf(t.Protocol):
    """Cures one endpoint of a run and files what became of it."""

    def __call__(
        self,
        run: remediation.Remediation,
        connection: Connection,
        host: str,
        arguments: t.Mapping[str, t.Any],
        check_only: bool,
        other_way: None = None,
        journal: Journal | None = None,
    ) -> Outcome: ...


@dataclass(frozen=True)
class Work:
    """What is the same for all endpoints."""

    run: Path
    arguments: t.Mapping[str, t.Any]
    check_only: bool
    cure: CureOf


@dataclass(frozen=True)
class CureJob:
    """One endpoint. ``options`` are those of the psrp connection; they hold secrets."""

    host: str
    ring: str
    options: dict[str, t.Any] = field(repr=False)
    site: str | None = None
    """Whose line its downloads take."""
    refused: tuple[ErrorKind, str] | None = None
    """(kind, sentence) where the endpoint cannot be talked to in this way."""
    seconds: float = 0.0
    """No limit here: a cure keeps its own deadline."""


@dataclass(frozen=True)
class Told:
    """A stage of one endpoint, or (``end``) what became of it."""

    host: str
    event: str
    detail: str | None = None
    end: bool = False
    changed: bool = False


class TellingJournal(Journal):
    """The journal of the run, which also tells every entry, and stops those under way where a rollout is aborted."""

    def __init__(self, run: remediation.Remediation, tell: t.Callable[[str, str], None], orders: Orders) -> None:
        super().__init__(run.path, run.token)
        self._tell = tell
        self._orders = orders

    def append(
        self, host: str, event: Event, detail: str | None = None, wave: int | None = None, counts: bool = True
    ) -> None:
        super().append(host, event, detail, wave, counts)
        self._tell(host, event)

    def stopped(self, budget: FailureBudget, host: str | None = None) -> str | None:
        try:
            aborted = hand_of(self._orders.all(), by_another=False).aborted
        except OrderError as error:
            aborted = str(error)
        return aborted or super().stopped(budget, host)


def work(orders: Work, source: int, sink: int) -> t.NoReturn:
    """The life of the process: jobs come from ``source``, what becomes of them goes to ``sink``. Never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        # An interrupt is for whoever gave the orders, and Ansible ends the whole session of a task: those under way
        # come to their ends all the same.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        asyncio.run(_work(orders, source, sink))
        code = 0
    finally:
        os._exit(code)


async def _work(orders: Work, source: int, sink: int) -> None:
    reader = asyncio.StreamReader(limit=_CHUNK)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0))
    run = remediation.join(orders.run)
    frames, running = Frames(), set[asyncio.Task[None]]()
    more = True
    while more:
        data = await reader.read(_CHUNK)
        if not data:
            break
        for message in frames.feed(data):
            job = t.cast(CureJob | None, unpack_job(message))
            if job is None:
                more = False
                break
            task = loop.create_task(_one(orders, run, job, sink))
            running.add(task)
            task.add_done_callback(running.discard)
    # Also where whoever gave the orders is gone: an endpoint that is changed is restarted and proven.
    while running:
        await asyncio.wait(running)


async def _one(orders: Work, run: remediation.Remediation, job: CureJob, sink: int) -> None:
    def tell(host: str, event: str) -> None:
        _say(sink, Told(host, event))

    try:
        told = await _cure(orders, run, job, TellingJournal(run, tell, Orders(run.path)))
    except (Exception, DeadlineExceeded) as fault:
        told = Told(job.host, "failed", f"The endpoint was given up: {type(fault).__name__}.", end=True)
    _say(sink, told)


async def _cure(orders: Work, run: remediation.Remediation, job: CureJob, journal: Journal) -> Told:
    if job.refused is not None:
        sentence = job.refused[1]
        if not orders.check_only:
            journal.append(job.host, "blocked", sentence)
        return Told(job.host, "blocked", sentence, end=True)
    arguments = {**orders.arguments, "download_site": job.site}
    connection = ManyConnection(job.options)
    try:
        outcome = await bridge.run(
            lambda: orders.cure(run, connection, job.host, arguments, orders.check_only, None, journal)
        )
        with contextlib.suppress(Exception, DeadlineExceeded):
            await bridge.run(connection.close, _GOODBYE)
    finally:
        connection.drop()
    return Told(job.host, outcome.event, outcome.detail, end=True, changed=outcome.changed)


def _say(sink: int, told: Told) -> None:
    # Whoever gave the orders may be gone; what becomes of the endpoint stands in the journal.
    with contextlib.suppress(OSError):
        os.write(sink, frame(json.dumps(vars(told)).encode("ascii")))
