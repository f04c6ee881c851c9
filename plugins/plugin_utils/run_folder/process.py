# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which process wrote something, told apart from a later process that got the same number.

The start time comes from field 22 of ``/proc/<pid>/stat`` (clock ticks since boot, proc(5)); without ``/proc`` it is 0
and only the number counts.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.run import Process as ProcessDocument


@dataclass(frozen=True)
class Process:
    pid: int
    started: int

    @classmethod
    def current(cls) -> Process:
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Process:
        return cls(pid, _started(pid) or 0)

    @classmethod
    def from_dict(cls, value: t.Any) -> Process:
        """Damaged input gives a process that is not alive."""
        if isinstance(value, dict) and isinstance(value.get("pid"), int) and isinstance(value.get("started"), int):
            return cls(value["pid"], value["started"])
        return cls(-1, -1)

    def as_dict(self) -> ProcessDocument:
        return {"pid": self.pid, "started": self.started}

    def is_alive(self) -> bool:
        if self.pid <= 0:
            return False
        started = _started(self.pid)
        if started is not None:
            return started == self.started
        if Path("/proc/self").is_dir():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _started(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as handle:
            # The command name is in brackets and may itself hold brackets and spaces.
            after_name = handle.read().rpartition(b")")[2].split()
    except OSError:
        return None
    if after_name[0] in (b"Z", b"X"):
        return None
    return int(after_name[19])
