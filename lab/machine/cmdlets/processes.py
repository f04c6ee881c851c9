# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Process (the desktop of a logged-on user) and Start-Process for the programs that the lab knows."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, forwarded, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError, Output


def _names(call: Call) -> list[str]:
    found = ["lsass", "services", "wsmprovhost"]
    found += ["explorer"] * len(call.state.logged_on_users)
    found += ["sfc"] * any(one.state == "Running" for one in call.state.services.values())
    return sorted(found)


def _get(call: Call) -> t.Iterator[Event]:
    names = _names(call)
    for wanted in call.texts("Name") or ["*"]:
        found = [name for name in names if fnmatch.fnmatchcase(name, wanted.lower())]
        for number, name in enumerate(found):
            yield output(_process(name, 1000 + 4 * names.index(name) + 4 * number))
        if not found and not is_pattern(wanted):
            yield NonTerminatingError(
                call.error(
                    "process_missing",
                    wanted,
                    error_id="NoProcessFoundForGivenName",
                    category="ObjectNotFound",
                    exception="Microsoft.PowerShell.Commands.ProcessCommandException",
                    target=wanted,
                )
            )


def _process(name: str, number: int) -> PSObj:
    return PSObj(
        ("System.Diagnostics.Process", "System.ComponentModel.Component", "System.MarshalByRefObject", "System.Object"),
        props={"Id": number, "ProcessName": name, "SessionId": 1 if name == "explorer" else 0, "HasExited": False},
        notes={"Name": name},
        text=f"System.Diagnostics.Process ({name})",
    )


def _start(call: Call) -> t.Generator[Event, t.Any, None]:
    path, arguments = call.text("FilePath"), call.texts("ArgumentList")
    words = [word for argument in arguments for word in argument.split()]
    execution = call.start_native(path, words) if call.start_native is not None else None
    if execution is None:
        yield NonTerminatingError(
            call.error(
                "path_not_found",
                path,
                error_id="InvalidOperationException",
                category="InvalidOperation",
                exception="System.InvalidOperationException",
                target=path,
            )
        )
        return
    # What it writes goes to its own console.
    yield from forwarded(execution, lambda event: None if isinstance(event, (Output, NonTerminatingError)) else event)
    if call.switch("PassThru"):
        yield output(_process(path.rpartition("\\")[2].rpartition(".")[0].lower(), 4242))


_MODULE = "Microsoft.PowerShell.Management"
CMDLETS = (
    Cmdlet(
        "Get-Process",
        _MODULE,
        "Microsoft.PowerShell.Commands.GetProcessCommand",
        {"Name": Parameter(position=0)},
        _get,
    ),
    Cmdlet(
        "Start-Process",
        _MODULE,
        "Microsoft.PowerShell.Commands.StartProcessCommand",
        {
            "FilePath": Parameter(position=0, mandatory=True),
            "ArgumentList": Parameter(position=1),
            "WorkingDirectory": Parameter(),
            "WindowStyle": Parameter(),
            "NoNewWindow": Parameter(switch=True),
            "PassThru": Parameter(switch=True),
            "Wait": Parameter(switch=True),
        },
        _start,
    ),
)
