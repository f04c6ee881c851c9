# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""schtasks.exe: ``/create /xml FILE /tn NAME [/f]``, ``/query /tn NAME``, ``/delete /tn NAME /f``,
``/run /tn NAME``.

Exit code 0 or 1; texts are localized, so only the code counts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import scheduled_tasks
from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.machine.views import find_file
from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Event, NonTerminatingError

_WITH_VALUE = ("/xml", "/tn")
_MISSING = "The system cannot find the file specified."


def run(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    options: dict[str, str] = {}
    words = list(arguments)
    while words:
        word = words.pop(0).lower().replace("-", "/", 1)
        options[word] = words.pop(0) if word in _WITH_VALUE and words else ""
    verb = next(iter(options), "")
    handler = {"/create": _create, "/query": _query, "/delete": _delete, "/run": _run}.get(verb)
    if handler is None or set(options) - {verb, "/f", *_WITH_VALUE} or not options.get("/tn"):
        call.unmatched(f"schtasks.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    problem = _why_not(call) or handler(call, options)
    call.variables.last_exit_code = 0 if problem is None else 1
    if problem is None:
        yield output("SUCCESS")
    else:
        yield _error(f"ERROR: {problem}")


def _why_not(call: Call) -> str | None:
    if not call.state.task_scheduler_runs:
        return "The Task Scheduler service is not running."
    return None if call.state.account.may_write else "Access is denied."


def _create(call: Call, options: dict[str, str]) -> str | None:
    name, file = options["/tn"], find_file(call.state, call.session, options.get("/xml", ""))
    if file is None:
        return _MISSING
    if name.lower() in call.state.tasks and "/f" not in options:
        # It asks whether to replace the task, and nobody is there to answer.
        return "The task name already exists."
    try:
        task = scheduled_tasks.parse(name, file.data)
    except scheduled_tasks.TaskError as problem:
        return str(problem)
    scheduled_tasks.register(call.state, task, file.data)
    return None


def _query(call: Call, options: dict[str, str]) -> str | None:
    return None if options["/tn"].lower() in call.state.tasks else _MISSING


def _run(call: Call, options: dict[str, str]) -> str | None:
    return None if scheduled_tasks.run_now(call.state, options["/tn"], call.unmatched) else _MISSING


def _delete(call: Call, options: dict[str, str]) -> str | None:
    return None if scheduled_tasks.remove(call.state, options["/tn"]) else _MISSING


def _error(sentence: str) -> NonTerminatingError:
    return NonTerminatingError(
        ErrorDetails(
            sentence,
            "NativeCommandError",
            "NotSpecified",
            "System.Management.Automation.RemoteException",
            command="schtasks.exe",
            target=sentence,
            target_name=sentence,
            target_type="String",
        )
    )
