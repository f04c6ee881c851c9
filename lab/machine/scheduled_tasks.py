# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task scheduler: tasks with one start time, what they do when it has come, and what becomes of a start that was
missed because the endpoint was off.

A task's definition lies in ``C:\\Windows\\System32\\Tasks``, as on Windows, so that comparing files finds it.
"""

from __future__ import annotations

import datetime
import shlex
import typing as t
from dataclasses import dataclass
from xml.etree import ElementTree

from ansible_collections.fleetops.tetra.lab.machine import reg_file

if t.TYPE_CHECKING:
    from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState

FOLDER = "C:\\Windows\\System32\\Tasks"
_NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
_LOCAL_SYSTEM = ("s-1-5-18", "system", "nt authority\\system")
_DELAY_OF_A_MISSED_START = datetime.timedelta(minutes=10)
"""Documented as the default for StartWhenAvailable."""


class TaskError(Exception):
    """The definition is refused."""


@dataclass
class ScheduledTask:
    """Times are UTC. ``actions``: (program, arguments) in the order in which they run."""

    name: str
    start: datetime.datetime
    end: datetime.datetime | None
    start_when_available: bool
    actions: tuple[tuple[str, str], ...]
    has_run: bool = False

    def due_at(self, booted: datetime.datetime) -> datetime.datetime | None:
        """When it runs; ``None`` for never (any more)."""
        moment: datetime.datetime | None = None
        if not self.has_run:
            moment = self.start
            if self.start < booted:
                # StartWhenAvailable counts only for a trigger with an end.
                catches_up = self.start_when_available and self.end is not None
                moment = booted + _DELAY_OF_A_MISSED_START if catches_up else None
        return None if moment is None or (self.end is not None and moment >= self.end) else moment


def parse(name: str, data: bytes) -> ScheduledTask:
    """The task that a definition describes. Raises TaskError as schtasks.exe refuses."""
    if not data.startswith(b"\xff\xfe") and b'encoding="UTF-16"' in data[:200]:
        raise TaskError("The task XML is malformed. (1,40):: unable to switch the encoding")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as problem:
        raise TaskError(f"The task XML is malformed. {problem}") from None
    trigger = root.find(f"{_NAMESPACE}Triggers/{_NAMESPACE}TimeTrigger")
    user = _text(root, "Principals/Principal/UserId")
    actions = [
        (_text(one, "Command"), _text(one, "Arguments"))
        for one in root.findall(f"{_NAMESPACE}Actions/{_NAMESPACE}Exec")
    ]
    start = "" if trigger is None else _text(trigger, "StartBoundary")
    if trigger is None or not start or not actions or len(actions) > 32:
        raise TaskError("The task XML is missing a required element or attribute.")
    if user.lower() not in _LOCAL_SYSTEM:
        raise TaskError("No mapping between account names and security IDs was done.")
    end = _text(trigger, "EndBoundary")
    return ScheduledTask(
        name,
        _moment(start),
        _moment(end) if end else None,
        _text(root, "Settings/StartWhenAvailable") == "true",
        tuple(actions),
    )


def register(state: WindowsState, task: ScheduledTask, data: bytes) -> None:
    state.tasks[task.name.lower()] = task
    state.files.write(_file(task.name), data, state.now())


def remove(state: WindowsState, name: str) -> bool:
    """Whether there was such a task."""
    state.files.remove(_file(name))
    return state.tasks.pop(name.lower(), None) is not None


def due_in(state: WindowsState) -> float | None:
    """Seconds until the next task runs, or until the restart that one has ordered."""
    moments = [moment for task in state.tasks.values() if (moment := task.due_at(state.boot_time)) is not None]
    if state.restart_at is not None:
        moments.append(state.restart_at)
    return max(0.0, (min(moments) - state.now()).total_seconds()) if moments else None


def run_due(state: WindowsState, note: t.Callable[[str], None]) -> None:
    """Runs what is due; a restart that is ordered is noted in the state."""
    for task in list(state.tasks.values()):
        moment = task.due_at(state.boot_time)
        if moment is None or moment > state.now():
            continue
        task.has_run = True
        for program, arguments in task.actions:
            _run(state, program, arguments, note)


def run_now(state: WindowsState, name: str, note: t.Callable[[str], None]) -> bool:
    """Runs a task on demand; whether there is such a task."""
    task = state.tasks.get(name.lower())
    if task is None:
        return False
    for program, arguments in task.actions:
        _run(state, program, arguments, note)
    return True


def _run(state: WindowsState, program: str, arguments: str, note: t.Callable[[str], None]) -> None:
    """One action, as LocalSystem. An action that fails keeps the next one from nothing."""
    name = program.strip('"').rpartition("\\")[2].lower()
    words = [word.strip('"') for word in shlex.split(arguments, posix=False)]
    if name == "shutdown.exe" and words[:2] == ["/r", "/t"]:
        state.restart_at = state.now() + datetime.timedelta(seconds=int(words[2]))
    elif name == "reg.exe" and len(words) == 2 and words[0] == "import":
        file = state.files.find(words[1])
        try:
            if file is not None:
                reg_file.apply(state.registry, file.data)
        except reg_file.RegFileError as problem:
            note(f"reg.exe {arguments}: {problem}")
    elif name == "schtasks.exe" and words[:2] == ["/delete", "/tn"]:
        remove(state, words[2])
    elif name in ("pktmon.exe", "netsh.exe") and words[-1:] == ["stop"]:
        _stop_capture(state, name.removesuffix(".exe"))
    elif name == "sfc.exe" and words == ["-l", "stop"]:
        state.debug_logging = False
    elif name == "wevtutil.exe" and words[:1] in (["sl"], ["cl"]):
        _set_log(state, words)
    elif name == "fleetops-tetra-no-such-program.exe":
        pass  # the observation's own: a first action that fails
    elif name == "cmd.exe" and words[:2] == ["/d", "/c"]:
        _command(state, words[2:], note)
    else:
        note(f"scheduled: {program} {arguments}")


def _stop_capture(state: WindowsState, tool: str) -> None:
    from ansible_collections.fleetops.tetra.lab.machine.cmdlets import tracing  # it needs what this module makes

    tracing.stop(state, tool)


def _set_log(state: WindowsState, words: list[str]) -> None:
    from ansible_collections.fleetops.tetra.lab.machine.cmdlets import tracing  # as above

    tracing.set_log(state, words)


def _command(state: WindowsState, words: list[str], note: t.Callable[[str], None]) -> None:
    """``move /y``, ``del /f /q`` and ``rd /s /q``."""
    if words[:2] == ["move", "/y"] and len(words) == 4:
        file = state.files.find(words[2])
        if file is not None:
            state.files.remove(file.path)
            state.files.write(words[3], file.data, file.modified)
    elif words[:3] == ["del", "/f", "/q"] and len(words) == 4:
        state.files.remove(words[3])
    elif words[:3] == ["rd", "/s", "/q"] and len(words) == 4:
        state.files.remove_folder(words[3], recurse=True)
    else:
        note(f"cmd.exe {' '.join(words)}")


def _file(name: str) -> str:
    return f"{FOLDER}\\{name.strip(chr(92))}"


def _text(element: ElementTree.Element, path: str) -> str:
    found = element.find("/".join(f"{_NAMESPACE}{part}" for part in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise TaskError(
            f"The task XML contains a value which is incorrectly formatted or out of range: {text}"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
