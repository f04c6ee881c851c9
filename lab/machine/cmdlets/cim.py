# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-CimInstance and Invoke-CimMethod (PowerShell 3.0 and later)."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import cim_classes, stdregprov, wql
from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, plain, to_text
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_INSTANCE = "Microsoft.Management.Infrastructure.CimInstance"
_RESULT = "Microsoft.Management.Infrastructure.CimMethodResult"
_EXCEPTION = "Microsoft.Management.Infrastructure.CimException"


def failure(call: Call, key: str, code: int, category: str, target: str) -> NonTerminatingError:
    """An error of the CIM server: HRESULT as error id, the place as target."""
    return NonTerminatingError(
        call.error(
            key,
            error_id=f"HRESULT 0x{code:08x}",
            category=category,
            exception=_EXCEPTION,
            target=target,
            target_type="String",
        )
    )


def refusal(call: Call, space: str, class_name: str) -> NonTerminatingError | None:
    """Why WMI does not answer at all, or does not know the class."""
    where = f"{space.replace('/', chr(92))}:{class_name}"
    state = call.state
    if state.wmi == "denied" or not state.account.may_use_wmi:
        return failure(call, "wmi_denied", 0x80041003, "PermissionDenied", where)
    if state.wmi == "broken":
        return failure(call, "wmi_class", 0x80041010, "MetadataError", where)
    if space == cim_classes.ENCRYPTION and state.bitlocker == "absent":
        return failure(call, "wmi_namespace", 0x8004100E, "MetadataError", where)
    if space not in cim_classes.NAMESPACES:
        call.unmatched(f"CIM namespace {space}")
        return failure(call, "wmi_namespace", 0x8004100E, "MetadataError", where)
    if class_name.lower() not in cim_classes.CLASSES[space]:
        call.unmatched(f"CIM class {space} {class_name}")
        return failure(call, "wmi_class", 0x80041010, "MetadataError", where)
    return None


def _get_instance(call: Call) -> t.Iterator[Event]:
    space = cim_classes.namespace(call.text("Namespace", cim_classes.CIMV2))
    class_name, condition, names = call.text("ClassName"), call.text("Filter"), call.texts("Property")
    if call.has("Query"):
        try:
            query = wql.parse_query(call.text("Query"))
        except wql.QueryError:
            yield _bad_query(call, space)
            return
        class_name, condition, names = query.class_name, query.filter, list(query.properties)
    problem = refusal(call, space, class_name)
    if problem is not None:
        yield problem
        return
    spelling = cim_classes.CLASSES[space][class_name.lower()]
    found = cim_classes.instances(call.state, spelling)
    try:
        test = wql.matcher(condition)
        chosen = [one for one in found if test({name.lower(): plain(value) for name, value in one.items()})]
    except wql.QueryError:
        yield _bad_query(call, space)
        return
    known = {name.lower() for one in found for name in one}
    if found and any(name.lower() not in known for name in names):
        yield _bad_query(call, space)
        return
    kept = {name.lower() for name in names} | {name.lower() for name in cim_classes.KEYS.get(spelling, ())}
    for one in chosen:
        properties = {name: value if not names or name.lower() in kept else None for name, value in one.items()}
        properties["PSComputerName"] = None
        yield output(
            PSObj(
                (f"{_INSTANCE}#{space}/{spelling}", f"{_INSTANCE}#{spelling}", _INSTANCE, "System.Object"),
                props=properties,
                text=spelling,
            )
        )


def _bad_query(call: Call, space: str) -> NonTerminatingError:
    call.unmatched(f"WQL {call.text('Filter') or call.text('Query')}")
    return failure(call, "wmi_query", 0x80041017, "InvalidArgument", space)


def _invoke(call: Call) -> t.Iterator[Event]:
    space = cim_classes.namespace(call.text("Namespace", cim_classes.CIMV2))
    class_name, method = call.text("ClassName"), call.text("MethodName")
    if call.has("Query"):
        yield from _invoke_on_instances(call, space, method)
        return
    problem = refusal(call, space, class_name)
    if problem is not None:
        yield problem
        return
    where = f"{space.replace('/', chr(92))}:{class_name}"
    arguments = call.arguments.get("Arguments") or {}
    if not isinstance(arguments, dict):
        raise TerminateError(call.conversion("Arguments", arguments))
    if class_name.lower() != "stdregprov":
        call.unmatched(f"CIM method {class_name}.{method}")
        yield failure(call, "wmi_method", 0x80041055, "InvalidOperation", where)
        return
    try:
        plain_arguments = {to_text(name): plain(value) for name, value in arguments.items()}
        result = stdregprov.invoke(call.state, call.session, method, plain_arguments)
    except KeyError:
        call.unmatched(f"StdRegProv.{method}")
        yield failure(call, "wmi_method", 0x80041055, "InvalidOperation", where)
        return
    except stdregprov.BadParameterError:
        yield failure(call, "wmi_parameter", 0x80041008, "InvalidArgument", where)
        return
    spelling = stdregprov.NAMES[method.lower()]
    yield output(
        PSObj(
            (f"{_RESULT}#StdRegProv#{spelling}", _RESULT, "System.Object"),
            props={**result, "PSComputerName": None},
            text=_RESULT,
        )
    )


def _invoke_on_instances(call: Call, space: str, method: str) -> t.Iterator[Event]:
    """The method of each instance that the query finds."""
    try:
        query = wql.parse_query(call.text("Query"))
        test = wql.matcher(query.filter)
    except wql.QueryError:
        yield _bad_query(call, space)
        return
    problem = refusal(call, space, query.class_name)
    if problem is not None:
        yield problem
        return
    spelling = cim_classes.CLASSES[space][query.class_name.lower()]
    if (spelling, method.lower()) != ("Win32_EncryptableVolume", "getkeyprotectors"):
        call.unmatched(f"CIM method {spelling}.{method}")
        yield failure(call, "wmi_method", 0x80041055, "InvalidOperation", f"{space}:{spelling}")
        return
    given = call.arguments.get("Arguments")
    kind = plain(given.get("KeyProtectorType", 0)) if isinstance(given, dict) else 0
    for one in cim_classes.instances(call.state, spelling):
        if test({name.lower(): plain(value) for name, value in one.items()}):
            yield output(
                PSObj(
                    (f"{_RESULT}#{spelling}#GetKeyProtectors", _RESULT, "System.Object"),
                    props={**cim_classes.key_protectors(call.state, int(kind)), "PSComputerName": None},
                    text=_RESULT,
                )
            )


CMDLETS = (
    Cmdlet(
        "Get-CimInstance",
        "CimCmdlets",
        "Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand",
        {
            "ClassName": Parameter(position=0),
            "Namespace": Parameter(),
            "Filter": Parameter(),
            "Property": Parameter(),
            "Query": Parameter(),
            "QueryDialect": Parameter(values=("WQL",)),
            "OperationTimeoutSec": Parameter(),
            "KeyOnly": Parameter(switch=True),
            "Shallow": Parameter(switch=True),
        },
        _get_instance,
        since=(3,),
        one_of=("ClassName", "Query"),
    ),
    Cmdlet(
        "Invoke-CimMethod",
        "CimCmdlets",
        "Microsoft.Management.Infrastructure.CimCmdlets.InvokeCimMethodCommand",
        {
            "ClassName": Parameter(position=0),
            "MethodName": Parameter(position=1, mandatory=True),
            "Arguments": Parameter(position=2),
            "Namespace": Parameter(),
            "Query": Parameter(),
            "OperationTimeoutSec": Parameter(),
        },
        _invoke,
        since=(3,),
        one_of=("ClassName", "Query"),
    ),
)
