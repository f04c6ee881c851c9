# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Service."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, enumeration
from ansible_collections.fleetops.tetra.lab.machine.state import Service
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_STATUS = {"Stopped": 1, "StartPending": 2, "StopPending": 3, "Running": 4, "Paused": 7}
_START = {"Auto": (2, "Automatic"), "Manual": (3, "Manual"), "Disabled": (4, "Disabled")}
_TYPE = "System.ServiceProcess.ServiceController"


def run(call: Call) -> t.Iterator[Event]:
    if not call.state.account.may_query_services:
        details = call.error(
            "services_denied",
            error_id="System.InvalidOperationException",
            category="NotSpecified",
            exception="System.InvalidOperationException",
        )
        if call.state.behaviours["services_denied"] == "terminating":
            raise TerminateError(details)
        yield NonTerminatingError(details)
        return
    services = sorted(call.state.services.values(), key=lambda service: service.name.lower())
    for wanted in call.texts("Name") or ["*"]:
        found = [one for one in services if fnmatch.fnmatchcase(one.name.lower(), wanted.lower())]
        for service in found:
            yield output(_object(service, call.session.number >= (5,)))
        if not found and not is_pattern(wanted):
            yield NonTerminatingError(
                call.error(
                    "service_missing",
                    wanted,
                    error_id="NoServiceFoundForGivenName",
                    category="ObjectNotFound",
                    exception="Microsoft.PowerShell.Commands.ServiceCommandException",
                    target=wanted,
                )
            )


def _object(service: Service, has_start_type: bool) -> PSObj:
    number, start = _START.get(service.start_mode, (3, "Manual"))
    properties: dict[str, t.Any] = {
        "CanPauseAndContinue": False,
        "CanShutdown": service.state == "Running",
        "CanStop": service.state == "Running",
        "DisplayName": service.display_name,
        "MachineName": ".",
        "ServiceName": service.name,
        "Status": enumeration(f"{_TYPE}Status", _STATUS.get(service.state, 1), service.state),
        "ServiceType": enumeration("System.ServiceProcess.ServiceType", 16, "Win32OwnProcess"),
        "Site": None,
        "Container": None,
    }
    if has_start_type:
        properties["StartType"] = enumeration("System.ServiceProcess.ServiceStartMode", number, start)
    return PSObj(
        (_TYPE, "System.ComponentModel.Component", "System.MarshalByRefObject", "System.Object"),
        props=properties,
        notes={"Name": service.name},
        text=_TYPE,
    )


CMDLETS = (
    Cmdlet(
        "Get-Service",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Commands.GetServiceCommand",
        {"Name": Parameter(position=0, pipeline=True)},
        run,
    ),
)
