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
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded

GREENLET_ERROR: ImportError | None = None
try:
    from greenlet import getcurrent, greenlet
except ImportError as error:
    GREENLET_ERROR = error

T = t.TypeVar("T")


async def run(function: t.Callable[[], T], seconds: float = 0) -> T:
    """Runs ``function``, which may call ``wait``, and gives what it gives.

    After so many seconds (0: never) whatever it waits for is given up and DeadlineExceeded is raised in it.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds if seconds > 0 else None
    runner = greenlet(function)
    found: t.Any = runner.switch()
    while not runner.dead:
        limit = asyncio.timeout_at(end)
        try:
            async with limit:
                value = await found
        except asyncio.CancelledError:
            runner.throw(DeadlineExceeded)
            raise
        except BaseException as problem:
            if limit.expired():
                end = None
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
