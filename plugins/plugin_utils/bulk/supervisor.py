# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Gives the endpoints to processes, and brings the run to its end whatever becomes of them.

A process that dies, or answers for none of its endpoints in time, costs its own endpoints a second try, in a process
of few; who is at hand when that one dies too is unknown with a sentence. Nothing here waits for a process for ever.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
import typing as t
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk import worker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.messages import (
    Done,
    Frames,
    Given,
    Job,
    Orders,
    pack_job,
    unpack_done,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results

_GRACE = 30.0
"""Seconds beyond an endpoint's own limit after which its process is taken for stuck."""
_FEW = 8
"""Endpoints at a time that are asked again in a process of their own."""
_TURN = 0.5
_JOBS_A_TURN = 16


@dataclass
class Tally:
    """How far the run is."""

    total: int
    done: int = 0
    states: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    hosts: dict[str, list[str]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    """Sentences about records that could not be filed."""
    deaths: int = 0
    """Processes that ended before their work did."""

    def take(self, done: Done) -> None:
        self.done += 1
        self.states[done.state] += 1
        if done.cause:
            self.causes[done.cause] += 1
        if done.error:
            self.errors[done.error] += 1
        self.hosts.setdefault(done.state, []).append(done.host)
        if done.failed:
            self.failed.append(f"{done.host}: {done.failed}")


G = t.TypeVar("G", bound=Given)


class Worker(t.Generic[G]):
    """One process and the endpoints that it has."""

    def __init__(self, life: t.Callable[[int, int], t.NoReturn], room: int, others: t.Iterable[Worker[G]]) -> None:
        """``life``: what the process does with the two ends of its pipes; ``others`` are those of the same task."""
        self.room = room
        self.given: dict[str, tuple[G, float]] = {}
        """Host → job and the time when it must be done."""
        self.ended = False
        self.frames = Frames()
        self._waiting = bytearray()
        source, self.to = os.pipe()
        self.fro, sink = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (self.to, self.fro, *(end for other in others for end in (other.to, other.fro))):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            life(source, sink)
        os.close(source)
        os.close(sink)
        os.set_blocking(self.to, False)
        os.set_blocking(self.fro, False)

    def give(self, job: G, now: float) -> None:
        until = now + job.seconds + worker.GOODBYE + _GRACE if job.seconds > 0 else float("inf")
        self.given[job.host] = (job, until)
        self._waiting += pack_job(job)

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self._waiting += pack_job(None)

    @property
    def waiting(self) -> bool:
        """Whether there is something that the pipe had no room for."""
        return bool(self._waiting)

    def push(self) -> None:
        """Sends on what the pipe has room for."""
        while self._waiting:
            try:
                sent = os.write(self.to, self._waiting[:65536])
            except BlockingIOError:
                return
            except OSError:
                self._waiting.clear()
                return
            del self._waiting[:sent]

    def pull(self) -> tuple[list[bytes], bool]:
        """What was told of endpoints since, and whether the process still lives."""
        try:
            data = os.read(self.fro, 1 << 18)
            return self.frames.feed(data), bool(data)
        except BlockingIOError:
            return [], True
        except (OSError, ValueError):
            return [], False

    def kill(self) -> str:
        """Ends the process where it still runs; says how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        status = 0
        with contextlib.suppress(ChildProcessError):
            _pid, status = os.waitpid(self.pid, 0)
        for descriptor in (self.to, self.fro):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if os.WIFSIGNALED(status):
            return f"was ended by signal {os.WTERMSIG(status)}"
        return f"ended with {os.waitstatus_to_exitcode(status)}"


class Supervisor:
    """``processes`` × ``at_once`` endpoints at the same time."""

    def __init__(self, orders: Orders, total: int, processes: int, at_once: int) -> None:
        self._orders = orders
        self._processes = processes
        self._at_once = at_once
        self.tally = Tally(total)
        self._workers: list[Worker[Job]] = []
        self._selector = selectors.DefaultSelector()
        self._again: deque[Job] = deque()
        self._tried: set[str] = set()

    def run(self, jobs: t.Iterator[Job], told: t.Callable[[Tally], None]) -> Tally:
        """Asks every endpoint; ``told`` is called about twice a second. Raises what ``jobs`` raises."""
        parent = os.getppid()
        more = True
        try:
            while True:
                more = self._hand_out(jobs, more)
                if not (more or self._again or any(one.given for one in self._workers)):
                    break
                self._listen(more)
                self._end_the_stuck()
                told(self.tally)
                if os.getppid() != parent:
                    break
            for one in self._workers:
                one.end()
                one.push()
        finally:
            for one in self._workers:
                one.kill()
            self._workers.clear()
            self._selector.close()
        told(self.tally)
        return self.tally

    def _hand_out(self, jobs: t.Iterator[Job], more: bool) -> bool:
        now = time.monotonic()
        usual = [one for one in self._workers if one.room > _FEW]
        while more and len(usual) < self._processes and len(usual) * 4 <= self.tally.total:
            usual.append(self._begin(self._at_once))
        for _number in range(_JOBS_A_TURN * max(1, len(usual))):
            free = min(usual, key=lambda one: len(one.given), default=None)
            if not more or free is None or len(free.given) >= free.room:
                break
            job = next(jobs, None)
            if job is None:
                more = False
                break
            free.give(job, now)
        if self._again:
            few = next((one for one in self._workers if one.room <= _FEW), None) or self._begin(_FEW)
            while self._again and len(few.given) < few.room:
                few.give(self._again.popleft(), now)
        for one in self._workers:
            one.push()
        return more

    def _begin(self, room: int) -> Worker[Job]:
        one: Worker[Job] = Worker(partial(worker.work, self._orders), room, self._workers)
        self._workers.append(one)
        self._selector.register(one.fro, selectors.EVENT_READ, one)
        return one

    def _listen(self, more: bool) -> None:
        """Waits for news, but not where endpoints can be given out meanwhile."""
        writing = [one for one in self._workers if one.waiting]
        for one in writing:
            self._selector.register(one.to, selectors.EVENT_WRITE, None)
        at_once = more and any(len(one.given) < one.room for one in self._workers if one.room > _FEW)
        events = self._selector.select(0 if at_once else _TURN)
        for one in writing:
            self._selector.unregister(one.to)
        for key, _events in events:
            if key.data is not None and key.data in self._workers:
                self._hear(key.data)

    def _hear(self, one: Worker[Job]) -> None:
        messages, alive = one.pull()
        try:
            found = [unpack_done(message) for message in messages]
        except (ValueError, TypeError):
            found, alive = [], False
        for done in found:
            if one.given.pop(done.host, None) is not None:
                self.tally.take(done)
        if not alive:
            self._lose(one)

    def _end_the_stuck(self) -> None:
        now = time.monotonic()
        for one in list(self._workers):
            if any(until < now for _job, until in one.given.values()):
                self._lose(one)

    def _lose(self, one: Worker[Job]) -> None:
        self._workers.remove(one)
        self._selector.unregister(one.fro)
        how = one.kill()
        self.tally.deaths += 1
        for job, _until in one.given.values():
            if job.host not in self._tried:
                self._tried.add(job.host)
                self._again.append(job)
                continue
            sentence = f"The process that asked this endpoint {how}, twice: its record could not be made."
            record = results.unknown_record(job.host, "internal", sentence, self._orders.token, self._orders.policy)
            failed = None
            try:
                results.write_record(self._orders.run, record)
            except OSError as fault:
                failed = fault.strerror or type(fault).__name__
            self.tally.take(Done(job.host, "unknown", None, "internal", failed))
