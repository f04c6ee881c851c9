# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A hard end for a conversation with an endpoint that answers too slowly or not at all.

Time-outs of the HTTP client hold for one request and are repeated; only an alarm ends a conversation for certain. It
needs the main thread, which is where an action runs. Where many endpoints share a process, their loop keeps the time.
"""

from __future__ import annotations

import signal
import threading
import time
import typing as t
from contextlib import contextmanager

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import pause


class DeadlineExceeded(BaseException):
    """Not an Exception, so that no library on the way takes it for one of its own errors."""


@contextmanager
def deadline(seconds: float) -> t.Iterator[None]:
    """Raises DeadlineExceeded in the block after so many seconds; 0 or less means no end.

    An alarm that is already running (Ansible's task time-out) keeps its time; where it is due first, it alone counts.
    """
    loop = pause.LOOP.get()
    if loop is not None and seconds > 0:
        with loop.limit(seconds):
            yield
        return
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, _interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < outer <= seconds:
        yield
        return
    begun = time.monotonic()
    previous = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if outer > 0:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, outer - (time.monotonic() - begun)))


@contextmanager
def own_time(seconds: float) -> t.Iterator[None]:
    """Like ``deadline``, for what has to be done although another alarm is about to ring: putting back a change that
    an alarm has interrupted. An alarm that is running stands still meanwhile."""
    loop = pause.LOOP.get()
    if loop is not None:
        with loop.own_time(seconds):
            yield
        return
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, _interval = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        with deadline(seconds):
            yield
    finally:
        if outer > 0:
            signal.setitimer(signal.ITIMER_REAL, outer)


def _ring(_number: int, _frame: t.Any) -> None:
    raise DeadlineExceeded
