# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a run as a power cut does: the controller and its workers, none of which gets a chance to tidy up.

ansible-core's workers run in sessions of their own, so a signal to the controller's process group leaves them alive.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process


def kill_processes_of(folder: Path) -> list[int]:
    """SIGKILL for every process that has ``folder`` on its command line; workers share that of their controller.

    Returns when they are gone: one that waits for its disk lives on for a moment.
    """
    killed: list[Process] = []
    while found := [pid for pid in processes_naming(folder) if all(pid != one.pid for one in killed)]:
        killed.extend(Process.of(pid) for pid in found)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    while any(one.is_alive() for one in killed):
        time.sleep(0.005)
    return [one.pid for one in killed]


def processes_naming(folder: Path) -> list[int]:
    """Processes that have ``folder`` on their command line."""
    text, found = str(folder).encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if text in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found
