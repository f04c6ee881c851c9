# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ForEach-Object -MemberName with the getters of a registry key: GetValue and GetValueKind (seen on 7.6)."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, enumeration
from ansible_collections.fleetops.tetra.lab.machine.paths import data_of
from ansible_collections.fleetops.tetra.lab.machine.registry import EXPAND_SZ
from ansible_collections.fleetops.tetra.lab.machine.views import environment, open_key
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_KINDS = {
    0: "None",
    1: "String",
    2: "ExpandString",
    3: "Binary",
    4: "DWord",
    7: "MultiString",
    11: "QWord",
}


def run(call: Call) -> t.Iterator[Event]:
    member = call.text("MemberName")
    arguments = call.texts("ArgumentList")
    for value in call.inputs:
        if isinstance(value, datetime.datetime) and member == "ToFileTime":
            yield from _file_time(call, value)
            continue
        is_key = isinstance(value, PSObj) and value.types[0] == "Microsoft.Win32.RegistryKey"
        if not is_key or member not in ("GetValue", "GetValueKind") or call.session.language_mode != "FullLanguage":
            call.unmatched(f"ForEach-Object -MemberName {member}")
            yield _failed(call)
            continue
        key = open_key(call.state, call.session, str(value.props["Name"]))
        name = "" if arguments[0] == "(default)" else arguments[0]
        found = key.values.get(name.lower())
        if found is None:
            yield _failed(call)
        elif member == "GetValueKind":
            yield output(enumeration("Microsoft.Win32.RegistryValueKind", found[1].type, _KINDS[found[1].type]))
        elif found[1].type == EXPAND_SZ and arguments[2:] == ["DoNotExpandEnvironmentNames"]:
            yield output(found[1].data)
        else:
            yield output(data_of(found[1], environment(call.state, call.session)))


def _file_time(call: Call, value: datetime.datetime) -> t.Iterator[Event]:
    mode = call.session.language_mode
    refused = mode == "ConstrainedLanguage" and call.state.behaviours["constrained_method_call"] == "refused"
    if refused or mode == "NoLanguage":
        yield _failed(call)
        return
    since = value.astimezone(datetime.UTC) - datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)
    yield output(int(since.total_seconds() * 10_000_000))


def _failed(call: Call) -> NonTerminatingError:
    return NonTerminatingError(
        call.error(
            "property_missing",
            call.text("MemberName"),
            "",
            error_id="MethodInvocationError",
            category="InvalidOperation",
            exception="System.Management.Automation.MethodInvocationException",
        )
    )


CMDLETS = (
    Cmdlet(
        "ForEach-Object",
        "Microsoft.PowerShell.Core",
        "Microsoft.PowerShell.Commands.ForEachObjectCommand",
        {
            "MemberName": Parameter(position=0),
            "ArgumentList": Parameter(),
            "InputObject": Parameter(pipeline=True),
        },
        run,
    ),
)
