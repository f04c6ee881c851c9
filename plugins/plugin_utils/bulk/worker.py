# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A process that asks many endpoints at the same time, and writes the record of each."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.messages import (
    Done,
    Frames,
    Job,
    Orders,
    pack_done,
    unpack_job,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import bridge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.many_connection import ManyConnection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import Pace, gather
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.judge import judge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results

GOODBYE = 5.0
"""Seconds for the orderly end of a conversation, after its facts are there."""
_CHUNK = 262144
ON_THE_LOOP = Pace(lambda _seconds: contextlib.nullcontext(), lambda seconds: bridge.wait(asyncio.sleep(seconds)))
"""``bridge.run`` keeps the time."""


def work(orders: Orders, source: int, sink: int) -> t.NoReturn:
    """The life of the process: jobs come from ``source``, what became of them goes to ``sink``. Never returns."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _limit_memory(orders.memory)
        gc.freeze()
        asyncio.run(_work(orders, source, sink))
        code = 0
    finally:
        os._exit(code)


async def _work(orders: Orders, source: int, sink: int) -> None:
    reader = asyncio.StreamReader(limit=_CHUNK)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(source, "rb", buffering=0))
    frames, running = Frames(), set[asyncio.Task[None]]()
    more = True
    while more:
        data = await reader.read(_CHUNK)
        if not data:
            # Whoever gave the orders is gone: nobody waits for the rest.
            os._exit(1)
        for message in frames.feed(data):
            job = unpack_job(message)
            if job is None:
                more = False
                break
            task = loop.create_task(_one(orders, job, sink))
            running.add(task)
            task.add_done_callback(running.discard)
    if running:
        await asyncio.wait(running)


async def _one(orders: Orders, job: Job, sink: int) -> None:
    try:
        done = await _audit(orders, job)
    except (Exception, DeadlineExceeded) as fault:
        done = Done(job.host, "unknown", None, "internal", f"{type(fault).__name__}")
    os.write(sink, pack_done(done))


async def _audit(orders: Orders, job: Job) -> Done:
    record = await _record(orders, job)
    verdict, error = record["verdict"], record["error"]
    cause = verdict["cause"]["code"] if verdict["cause"] else None
    failed = None
    try:
        results.write_record(orders.run, record)
    except OSError as fault:
        failed = fault.strerror or type(fault).__name__
    return Done(job.host, verdict["state"], cause, error["kind"] if error else None, failed)


async def _record(orders: Orders, job: Job) -> Record:
    if job.refused is not None:
        return results.unknown_record(job.host, *job.refused, orders.token, orders.policy)
    connection = ManyConnection(job.options)
    try:
        gathered = await bridge.run(
            lambda: gather(connection, job.host, job.seconds, job.probe, orders.as_image, ON_THE_LOOP), job.seconds
        )
        with contextlib.suppress(Exception, DeadlineExceeded):
            await bridge.run(connection.close, GOODBYE)
    finally:
        connection.drop()
    return judge(job.host, gathered, orders.token, orders.policy, orders.domain, orders.identities)


def _limit_memory(more: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/statm", encoding="ascii") as handle:
            now = int(handle.read().split()[0]) * resource.getpagesize()
        _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + more, hard))
