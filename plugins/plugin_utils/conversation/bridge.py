# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Code that asks and waits, as it stands, on an event loop.

The readings, the session and pypsrp ask, wait and go on; none of them knows of coroutines. Each endpoint's run of them
gets a greenlet, which hands every wait to the event loop (SQLAlchemy's asyncio extension works in the same way).
"""

from __future__ import annotations

import asyncio
import collections.abc as c
import contextlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import pause
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded

GREENLET_ERROR: ImportError | None = None
try:
    from greenlet import getcurrent, greenlet
except ImportError as error:
    GREENLET_ERROR = error

T = t.TypeVar("T")


class _Loop:
    """What the code of one greenlet knows of the event loop (``pause.Loop``)."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends: list[list[float]] = []
        if seconds > 0:
            self._ends.append([self._loop.time() + seconds])

    def first_end(self) -> float | None:
        return min((end[0] for end in self._ends if end), default=None)

    def ring(self) -> None:
        """Each limit rings once."""
        first = self.first_end()
        for end in self._ends:
            if end and end[0] == first:
                end.clear()

    def sleep(self, seconds: float) -> None:
        wait(asyncio.sleep(seconds))

    @contextlib.contextmanager
    def limit(self, seconds: float) -> c.Iterator[None]:
        end = [self._loop.time() + seconds]
        self._ends.append(end)
        try:
            yield
        finally:
            # By identity: two limits may have the same end.
            self._ends[:] = [one for one in self._ends if one is not end]

    @contextlib.contextmanager
    def own_time(self, seconds: float) -> c.Iterator[None]:
        outer, begun = list(self._ends), self._loop.time()
        self._ends.clear()
        try:
            with self.limit(seconds):
                yield
        finally:
            passed = self._loop.time() - begun
            for end in outer:
                end[:] = [one + passed for one in end]
            self._ends[:] = outer

    def in_thread(self, function: t.Callable[[], T]) -> T:
        return wait(asyncio.to_thread(function))


async def run(function: t.Callable[[], T], seconds: float = 0) -> T:
    """Runs ``function``, which may call ``wait``, and gives what it gives.

    After so many seconds (0: never) whatever it waits for is given up and DeadlineExceeded is raised in it.
    """
    limits = _Loop(seconds)

    def begin() -> T:
        # A greenlet has a context of its own.
        pause.LOOP.set(limits)
        return function()

    runner = greenlet(begin)
    found: t.Any = runner.switch()
    while not runner.dead:
        limit = asyncio.timeout_at(limits.first_end())
        try:
            async with limit:
                value = await found
        except asyncio.CancelledError:
            runner.throw(DeadlineExceeded)
            raise
        except BaseException as problem:
            if limit.expired():
                limits.ring()
                found = runner.throw(DeadlineExceeded)
            else:
                found = runner.throw(problem)
        else:
            found = runner.switch(value)
    return t.cast(T, found)


def wait(awaitable: t.Awaitable[T]) -> T:
    """The result of the awaitable; only inside ``run``."""
    parent = getcurrent().parent
    if parent is None:
        raise RuntimeError("there is no event loop to wait on")
    return t.cast(T, parent.switch(awaitable))
