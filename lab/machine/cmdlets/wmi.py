# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-WmiObject and Invoke-WmiMethod (Windows PowerShell only)."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import cim_classes, stdregprov, wql
from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, items, plain
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_OBJECT = "System.Management.ManagementObject"
_COMPONENT = ("System.Management.ManagementBaseObject", "System.ComponentModel.Component", "System.Object")
_SET_PARAMETERS = ("hDefKey", "sSubKeyName", "sValueName", "uValue")


def _refusal(call: Call, space: str, class_name: str) -> NonTerminatingError | None:
    state = call.state
    if state.wmi == "denied" or not state.account.may_use_wmi:
        return NonTerminatingError(
            call.error(
                "wmi_denied",
                error_id="System.UnauthorizedAccessException",
                category="NotSpecified",
                exception="System.UnauthorizedAccessException",
            )
        )
    known = space in cim_classes.NAMESPACES and class_name.lower() in cim_classes.CLASSES[space]
    if state.wmi == "broken" or not known:
        if not known:
            call.unmatched(f"WMI class {space} {class_name}")
        return NonTerminatingError(
            call.error(
                "wmi_class",
                error_id="GetWMIManagementException",
                category="InvalidType",
                exception="System.Management.ManagementException",
            )
        )
    return None


def _get_object(call: Call) -> t.Iterator[Event]:
    space = cim_classes.namespace(call.text("Namespace", cim_classes.CIMV2))
    class_name, condition, names = call.text("Class"), call.text("Filter"), call.texts("Property")
    try:
        if call.has("Query"):
            query = wql.parse_query(call.text("Query"))
            class_name, condition, names = query.class_name, query.filter, list(query.properties)
        problem = _refusal(call, space, class_name)
        if problem is not None:
            yield problem
            return
        spelling = cim_classes.CLASSES[space][class_name.lower()]
        test = wql.matcher(condition)
        found = [
            one
            for one in cim_classes.instances(call.state, spelling)
            if test({name.lower(): plain(value) for name, value in one.items()})
        ]
    except wql.QueryError:
        call.unmatched(f"WQL {condition or call.text('Query')}")
        yield NonTerminatingError(
            call.error(
                "wmi_query",
                error_id="GetWMIManagementException",
                category="InvalidOperation",
                exception="System.Management.ManagementException",
            )
        )
        return
    wanted = {name.lower() for name in names}
    for one in found:
        chosen = {name: _wmi(value) for name, value in one.items() if not wanted or name.lower() in wanted}
        properties: dict[str, t.Any] = {
            "__GENUS": 2,
            "__CLASS": spelling,
            "__PATH": None if wanted else f"\\\\{call.state.identity.computer_name}\\{space}:{spelling}",
            **chosen,
        }
        backslashed = space.replace("/", "\\")
        yield output(
            PSObj((f"{_OBJECT}#{backslashed}\\{spelling}", _OBJECT, *_COMPONENT), props=properties, text=spelling)
        )


def _wmi(value: t.Any) -> t.Any:
    """Times travel as DMTF text: ``20261120080000.000000+540``."""
    if isinstance(value, datetime.datetime):
        offset = value.utcoffset() or datetime.timedelta()
        return value.strftime("%Y%m%d%H%M%S.%f") + f"{int(offset.total_seconds() // 60):+04d}"
    return value


def _invoke(call: Call) -> t.Iterator[Event]:
    space = cim_classes.namespace(call.text("Namespace", cim_classes.CIMV2))
    class_name, method = call.text("Class"), call.text("Name")
    problem = _refusal(call, space, class_name)
    if problem is not None:
        yield problem
        return
    arguments = dict(zip(_SET_PARAMETERS, items(call.arguments.get("ArgumentList")), strict=False))
    try:
        if class_name.lower() != "stdregprov":
            raise KeyError(method)
        result = stdregprov.invoke(
            call.state, call.session, method, {name: plain(value) for name, value in arguments.items()}
        )
    except (KeyError, stdregprov.BadParameterError):
        call.unmatched(f"WMI method {class_name}.{method}")
        yield NonTerminatingError(
            call.error(
                "wmi_method",
                error_id="InvokeWMIManagementException",
                category="InvalidOperation",
                exception="System.Management.ManagementException",
            )
        )
        return
    yield output(
        PSObj(
            ("System.Management.ManagementBaseObject#\\__PARAMETERS", *_COMPONENT),
            props={"__GENUS": 2, "__CLASS": "__PARAMETERS", **result},
            text="System.Management.ManagementBaseObject",
        )
    )


CMDLETS = (
    Cmdlet(
        "Get-WmiObject",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Commands.GetWmiObjectCommand",
        {
            "Class": Parameter(position=0),
            "Property": Parameter(position=1),
            "Filter": Parameter(),
            "Namespace": Parameter(),
            "Query": Parameter(),
        },
        _get_object,
        core=False,
        one_of=("Class", "Query"),
    ),
    Cmdlet(
        "Invoke-WmiMethod",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Commands.InvokeWmiMethod",
        {
            "Class": Parameter(position=0, mandatory=True),
            "Name": Parameter(position=1, mandatory=True),
            "ArgumentList": Parameter(),
            "Namespace": Parameter(),
        },
        _invoke,
        core=False,
    ),
)
