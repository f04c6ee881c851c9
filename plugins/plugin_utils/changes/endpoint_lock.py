# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One process at a time changes an endpoint: a cure, a rollback, or one of the modules that set a value.

The lock lies beside the endpoint's before-images, so it holds for all runs with the same results folder, also for
processes that cannot see each other, such as two execution environments. One of a process that was killed is free.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import fcntl
import os
import time
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import pause
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import make_folder, open_lock

_LOOK_AGAIN = 0.2


class EndpointBusy(Exception):
    """Another process has the endpoint, or there can be no lock; the message is one sentence."""


@contextlib.contextmanager
def alone_at(folder: Path, patience: float = 0.0) -> c.Iterator[None]:
    """``folder`` is that of the endpoint's before-images; it is made. Waits ``patience`` seconds for the lock.

    Raises EndpointBusy.
    """
    try:
        make_folder(folder)
        descriptor = open_lock(folder / ".lock")
    except OSError as error:
        raise EndpointBusy(f"The folder {folder} cannot be written: {error.strerror}.") from error
    try:
        _lock(descriptor, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise EndpointBusy("Another run or rollback is at this endpoint just now.") from error
        pause.sleep(_LOOK_AGAIN)
