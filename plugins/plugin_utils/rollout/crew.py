# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The processes of a rollout: endpoints are given to the one that has the fewest, and what they tell is gathered."""

from __future__ import annotations

import json
import selectors
import typing as t
from functools import partial

from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.supervisor import Worker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.worker import CureJob, Told, Work, work

_ROOM = 1_000_000


class Crew(t.Protocol):
    """Whoever cures endpoints, on the wire or not."""

    def start(self, job: CureJob) -> None: ...

    def wait(self, seconds: float) -> list[Told]:
        """What was told since, after at most so many seconds."""

    def end(self) -> None: ...


class Processes:
    """A ``Crew`` of processes. One that dies costs the endpoints that it has: their journals say how far they came."""

    def __init__(self, orders: Work, processes: int) -> None:
        self._orders = orders
        self._processes = processes
        self._workers: list[Worker[CureJob]] = []
        self._selector = selectors.DefaultSelector()
        self.deaths = 0

    def start(self, job: CureJob) -> None:
        if len(self._workers) < self._processes:
            one: Worker[CureJob] = Worker(partial(work, self._orders), _ROOM, self._workers)
            self._workers.append(one)
            self._selector.register(one.fro, selectors.EVENT_READ, one)
        min(self._workers, key=lambda one: len(one.given)).give(job, 0.0)

    def wait(self, seconds: float) -> list[Told]:
        for one in self._workers:
            one.push()
        writing = [one for one in self._workers if one.waiting]
        for one in writing:
            self._selector.register(one.to, selectors.EVENT_WRITE, None)
        events = self._selector.select(seconds) if self._workers else []
        for one in writing:
            self._selector.unregister(one.to)
        found: list[Told] = []
        for key, _events in events:
            if key.data is not None:
                found.extend(self._hear(key.data))
        return found

    def _hear(self, one: Worker[CureJob]) -> list[Told]:
        messages, alive = one.pull()
        found: list[Told] = []
        try:
            found = [Told(**json.loads(message)) for message in messages]
        except (ValueError, TypeError):
            alive = False
        for told in found:
            if told.end:
                one.given.pop(told.host, None)
        if not alive:
            self._workers.remove(one)
            self._selector.unregister(one.fro)
            how = one.kill()
            self.deaths += 1
            found.extend(Told(host, "failed", f"Its process {how}.", end=True) for host in one.given)
        return found

    def end(self) -> None:
        """Nothing is under way any more, or nobody waits for it: then the processes finish it by themselves."""
        for one in self._workers:
            one.end()
            one.push()
            if not one.given:
                one.kill()
        self._workers.clear()
        self._selector.close()
