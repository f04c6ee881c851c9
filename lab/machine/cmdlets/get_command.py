# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Command: what this session has."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.commands import available
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, enumeration
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError


def run(call: Call) -> t.Iterator[Event]:
    visible = call.session.visible
    names = None if visible is None else {name.rpartition("\\")[2].lower() for name in visible}
    commands = [
        cmdlet
        for cmdlet in call.command_names()
        if available(cmdlet, call.state, call.session) and (names is None or cmdlet.name.lower() in names)
    ]
    for wanted in call.texts("Name") or ["*"]:
        short = wanted.rpartition("\\")[2].lower()
        found = [cmdlet for cmdlet in commands if fnmatch.fnmatchcase(cmdlet.name.lower(), short)]
        for cmdlet in sorted(found, key=lambda one: one.name):
            yield output(_object(cmdlet))
        if not found and not is_pattern(wanted):
            yield NonTerminatingError(
                call.error(
                    "command_missing",
                    wanted,
                    error_id="CommandNotFoundException",
                    category="ObjectNotFound",
                    exception="System.Management.Automation.CommandNotFoundException",
                    target=wanted,
                )
            )


def _object(cmdlet: Cmdlet) -> PSObj:
    return PSObj(
        (
            "System.Management.Automation.CmdletInfo",
            "System.Management.Automation.CommandInfo",
            "System.Object",
        ),
        props={
            "Verb": cmdlet.name.partition("-")[0],
            "Noun": cmdlet.name.partition("-")[2],
            "CommandType": enumeration("System.Management.Automation.CommandTypes", 8, "Cmdlet"),
            "Name": cmdlet.name,
            "Source": cmdlet.module,
            "ModuleName": cmdlet.module,
            "Visibility": enumeration("System.Management.Automation.SessionStateEntryVisibility", 0, "Public"),
        },
        text=cmdlet.name,
    )


CMDLETS = (
    Cmdlet(
        "Get-Command",
        "Microsoft.PowerShell.Core",
        "Microsoft.PowerShell.Commands.GetCommandCommand",
        {"Name": Parameter(position=0, pipeline=True), "CommandType": Parameter(), "Module": Parameter()},
        run,
    ),
)
