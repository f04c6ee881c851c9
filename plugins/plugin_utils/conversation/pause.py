# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Waiting, for code that does not know whether it has a process of its own or is one of many on an event loop.

``bridge.run`` says so to the code that it runs; everywhere else a wait is the process's own.
"""

from __future__ import annotations

import contextvars
import time
import typing as t

T = t.TypeVar("T")


class Loop(t.Protocol):
    """The event loop on which the present code is one of many."""

    def sleep(self, seconds: float) -> None:
        """Lets the others go on meanwhile."""

    def limit(self, seconds: float) -> t.ContextManager[None]:
        """Raises DeadlineExceeded in its block in time."""

    def own_time(self, seconds: float) -> t.ContextManager[None]:
        """A limit of its own; the others stand still meanwhile."""

    def in_thread(self, function: t.Callable[[], T]) -> T:
        """Runs what blocks in a thread."""


LOOP: contextvars.ContextVar[Loop | None] = contextvars.ContextVar("fleetops_tetra_loop", default=None)


def sleep(seconds: float) -> None:
    """Sleeps, and lets others on the same loop go on."""
    loop = LOOP.get()
    if loop is None:
        time.sleep(seconds)
    else:
        loop.sleep(seconds)


def blocking(function: t.Callable[[], T]) -> T:
    """What ``function`` gives, which may block for long."""
    loop = LOOP.get()
    return function() if loop is None else loop.in_thread(function)
