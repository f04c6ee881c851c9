# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Two files for an endpoint that is to restore itself: a .reg file with old values, and a scheduled task.

The .reg file follows Microsoft's support article 310516, the task the Task Scheduler schema 1.2. Both are UTF-16 with a
byte order mark, which ``reg.exe`` and ``schtasks.exe`` expect.
"""

from __future__ import annotations

import collections.abc as c
import re
import typing as t
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State

_BOM = b"\xff\xfe"
_TYPES = {"REG_SZ": 1, "REG_EXPAND_SZ": 2, "REG_BINARY": 3, "REG_DWORD": 4, "REG_MULTI_SZ": 7, "REG_QWORD": 11}
_BYTES_A_LINE = 24
_PLAIN = re.compile(r"[ -~]*")
KEPT_FOR = timedelta(days=30)
"""How long a task that was missed, because the endpoint was off, is caught up with. It removes itself afterwards."""


class RestoreError(ValueError):
    """A value cannot be written into a .reg file. The message is one sentence."""


def reg_file(values: c.Iterable[tuple[str, str, State]], without_keys: c.Iterable[str] = ()) -> bytes:
    """``values``: (key with the hive in full, value name, state); a state is ``{status: ok|absent, type, data}``.

    ``without_keys`` are taken away with all that is in them. Raises RestoreError.
    """
    lines = ["Windows Registry Editor Version 5.00", ""]
    for path, name, state in values:
        lines += [f"[{path}]", f"{_quoted(name)}={_data(state, f'{path}{chr(92)}{name}')}", ""]
    for path in without_keys:
        lines += [f"[-{path}]", ""]
    return _BOM + "\r\n".join(lines).encode("utf-16-le")


def task_xml(start: datetime, actions: c.Iterable[tuple[str, str]], description: str) -> bytes:
    """A task that LocalSystem runs once at ``start`` (with time zone), or later where the endpoint was off then.

    A start that was missed counts only for a trigger with an end. Without the two settings for batteries a laptop would
    not run it.
    """
    end = start + KEPT_FOR
    execs = [_EXEC.format(program=escape(program), arguments=escape(arguments)) for program, arguments in actions]
    text = _TASK.format(
        description=escape(description), start=_moment(start), end=_moment(end), actions="".join(execs).rstrip("\n")
    )
    return _BOM + text.replace("\n", "\r\n").encode("utf-16-le")


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _data(state: State, what: str) -> str:
    if state["status"] == "absent":
        return "-"
    kind, data = state["type"], state["data"]
    if kind == "REG_DWORD" and isinstance(data, int):
        return f"dword:{data & 0xFFFFFFFF:08x}"
    if kind == "REG_SZ" and isinstance(data, str) and _PLAIN.fullmatch(data):
        return _quoted(data)
    if kind is None or kind not in _TYPES:
        raise RestoreError(f"{what} is of the type {kind}, which the endpoint could not restore by itself.")
    return f"hex({_TYPES[kind]:x}):{_hex(_raw(kind, data))}"


def _raw(kind: str, data: t.Any) -> bytes:
    if kind == "REG_MULTI_SZ":
        return "".join(f"{text}\0" for text in (*data, "")).encode("utf-16-le")
    if kind == "REG_QWORD":
        return int(data).to_bytes(8, "little")
    if kind == "REG_BINARY":
        return bytes.fromhex(data)
    return f"{data}\0".encode("utf-16-le")


def _hex(raw: bytes) -> str:
    pairs = [f"{byte:02x}" for byte in raw]
    lines = [",".join(pairs[at : at + _BYTES_A_LINE]) for at in range(0, len(pairs), _BYTES_A_LINE)]
    return ",\\\r\n  ".join(lines)


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


_EXEC = """    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
"""
_TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Author>fleetops.tetra</Author>
    <Description>{description}</Description>
  </RegistrationInfo>
  <Triggers>
    <TimeTrigger>
      <StartBoundary>{start}</StartBoundary>
      <EndBoundary>{end}</EndBoundary>
      <Enabled>true</Enabled>
    </TimeTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>S-1-5-18</UserId>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT1H</ExecutionTimeLimit>
    <DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>
    <Priority>7</Priority>
  </Settings>
  <Actions Context="Author">
{actions}
  </Actions>
</Task>
"""
