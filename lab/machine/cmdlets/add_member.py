# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add-Member: note properties by -NotePropertyName or -NotePropertyMembers, or by -MemberType NoteProperty."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, to_text
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError


def run(call: Call) -> t.Iterator[Event]:
    members: dict[str, t.Any] = {}
    if isinstance(call.arguments.get("NotePropertyMembers"), dict):
        members = {to_text(name): value for name, value in call.arguments["NotePropertyMembers"].items()}
    elif call.has("NotePropertyName"):
        members = {call.text("NotePropertyName"): call.arguments.get("NotePropertyValue")}
    elif call.has("Name"):
        members = {call.text("Name"): call.arguments.get("Value")}
    given = [call.arguments["InputObject"]] if "InputObject" in call.arguments else call.inputs
    for value in given:
        wrapped = value if isinstance(value, PSObj) else PSObj((_type_of(value), "System.Object"), base=value)
        result = copy.copy(wrapped)
        result.notes = dict(wrapped.notes)
        for name, content in members.items():
            exists = any(known.lower() == name.lower() for known in result.names())
            if exists and not call.switch("Force"):
                yield NonTerminatingError(
                    call.error(
                        "member_exists",
                        name,
                        error_id="MemberAlreadyExists",
                        category="InvalidOperation",
                        exception="System.InvalidOperationException",
                        target=None,
                    )
                )
                continue
            for known in [known for known in result.notes if known.lower() == name.lower()]:
                del result.notes[known]
            result.notes[name] = content
        if call.switch("PassThru"):
            yield output(result)


def _type_of(value: t.Any) -> str:
    names: dict[t.Any, str] = {str: "System.String", bytes: "System.Byte[]", list: "System.Object[]"}
    return names.get(type(value), "System.Int32")


CMDLETS = (
    Cmdlet(
        "Add-Member",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Commands.AddMemberCommand",
        {
            "InputObject": Parameter(mandatory=True, pipeline=True),
            "MemberType": Parameter(position=0, values=("NoteProperty",)),
            "Name": Parameter(position=1),
            "Value": Parameter(position=2),
            "NotePropertyName": Parameter(since=(3,)),
            "NotePropertyValue": Parameter(since=(3,)),
            "NotePropertyMembers": Parameter(since=(3,)),
            "Force": Parameter(switch=True),
            "PassThru": Parameter(switch=True),
        },
        run,
    ),
)
