# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GroupPolicy module on a management host: Get-GPO, Get-, Set- and Remove-GPRegistryValue."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import domains
from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.domains import DomainGpo
from ansible_collections.fleetops.tetra.lab.machine.objects import (
    STRING_ARRAY,
    PSObj,
    array,
    enumeration,
    items,
    plain,
    to_text,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    QWORD,
    SZ,
    KeyMissingError,
    Value,
    canonical,
)
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Event

_KINDS = {
    "string": SZ,
    "expandstring": EXPAND_SZ,
    "binary": BINARY,
    "dword": DWORD,
    "multistring": MULTI_SZ,
    "qword": QWORD,
}
_KIND_NAMES = {SZ: "String", EXPAND_SZ: "ExpandString", BINARY: "Binary", DWORD: "DWord", MULTI_SZ: "MultiString"}
_HIVE = "HKEY_LOCAL_MACHINE"


def _gpo(call: Call) -> DomainGpo:
    """The GPO that -Guid or -Name means. Ends the pipeline where there is none."""
    wanted = call.text("Guid") or call.text("Name")
    domain = domains.domain(call.text("Domain") or call.state.identity.domain or "")
    found = domain.find(wanted)
    if found is None:
        kind = "Id" if call.has("Guid") else "Name"
        raise TerminateError(
            call.error(
                "gpo_missing",
                wanted,
                error_id=f"GpoWith{kind}NotFound",
                category="ObjectNotFound",
                exception="System.ArgumentException",
                target=wanted,
            )
        )
    return found


def _key(call: Call) -> str:
    try:
        return canonical(call.text("Key"))
    except KeyMissingError:
        raise TerminateError(call.conversion("Key", call.text("Key"))) from None


def _may_change(call: Call) -> None:
    if not call.state.account.elevated:
        raise TerminateError(
            call.error(
                "file_denied",
                call.text("Guid") or call.text("Name"),
                error_id="System.UnauthorizedAccessException",
                category="PermissionDenied",
                exception="System.UnauthorizedAccessException",
            )
        )


def _get_gpo(call: Call) -> t.Iterator[Event]:
    yield output(_gpo_object(call, _gpo(call)))


def _gpo_object(call: Call, gpo: DomainGpo) -> PSObj:
    return PSObj(
        ("Microsoft.GroupPolicy.Gpo", "System.Object"),
        props={
            "Id": gpo.guid.strip("{}").lower(),
            "DisplayName": gpo.name,
            "DomainName": call.state.identity.domain,
            "GpoStatus": enumeration("Microsoft.GroupPolicy.GpoStatus", domains.STATUSES.index(gpo.status), gpo.status),
        },
        text="Microsoft.GroupPolicy.Gpo",
    )


def _get_value(call: Call) -> t.Iterator[Event]:
    gpo, key, name = _gpo(call), _key(call), call.text("ValueName")
    found = [one for place, one in gpo.values.items() if place[0] == key.lower()]
    if name:
        found = [one for one in found if one[1].lower() == name.lower()]
    if not found:
        raise TerminateError(
            call.error(
                "gpo_value_missing",
                f"{key} {name}".strip(),
                error_id="UnableToRetrievePolicyRegistryItem",
                category="InvalidArgument",
                exception="System.ArgumentException",
                target=gpo.name,
            )
        )
    for full, value_name, value in found:
        yield output(_setting(full, value_name, value))


def _setting(key: str, name: str, value: Value | None) -> PSObj:
    if value is None:
        return _policy_setting(key, name, enumeration("Microsoft.GroupPolicy.PolicyState", 1, "Delete"), SZ, None)
    data = array(value.data, STRING_ARRAY) if value.type == MULTI_SZ else value.data
    # The cmdlet leaves the terminating zero on strings.
    if isinstance(data, str):
        data += "\0"
    state = enumeration("Microsoft.GroupPolicy.PolicyState", 0, "Set")
    return _policy_setting(key, name, state, value.type, data)


def _policy_setting(key: str, name: str, state: t.Any, number: int, data: t.Any) -> PSObj:
    return PSObj(
        ("Microsoft.GroupPolicy.PolicyRegistrySetting", "Microsoft.GroupPolicy.RegistrySetting", "System.Object"),
        props={
            "KeyPath": key.partition("\\")[2],
            "FullKeyPath": key,
            "Hive": enumeration("Microsoft.Win32.RegistryHive", -2147483646, "LocalMachine"),
            "PolicyState": state,
            "Value": data,
            "Type": enumeration("Microsoft.Win32.RegistryValueKind", number, _KIND_NAMES.get(number, "QWord")),
            "ValueName": name,
            "HasValue": data is not None,
        },
        text="Microsoft.GroupPolicy.PolicyRegistrySetting",
    )


def _set_value(call: Call) -> t.Iterator[Event]:
    gpo, key = _gpo(call), _key(call)
    _may_change(call)
    names = call.texts("ValueName")
    if call.switch("Disable") and len(names) == 1:
        gpo.set(key, names[0], None)
        yield output(_gpo_object(call, gpo))
        return
    kind = _KINDS.get(call.text("Type").lower())
    if len(names) != 1 or kind is None or not key.startswith(_HIVE):
        call.unmatched(f"Set-GPRegistryValue {names} {call.text('Type')}")
        raise TerminateError(call.conversion("Type", call.text("Type")))
    given = call.arguments.get("Value")
    data: t.Any
    if kind in (SZ, EXPAND_SZ):
        if len(items(given)) != 1:
            raise TerminateError(call.conversion("Value", given))
        data = to_text(plain(given))
    elif kind == MULTI_SZ:
        data = tuple(to_text(plain(item)) for item in items(given))
    elif kind == BINARY:
        data = plain(given)
    else:
        data = call.number("Value", 0)
    gpo.set(key, names[0], Value(kind, data))
    yield output(_gpo_object(call, gpo))


def _remove_value(call: Call) -> t.Iterator[Event]:
    gpo, key = _gpo(call), _key(call)
    _may_change(call)
    if not gpo.remove(key, call.text("ValueName")):
        raise TerminateError(
            call.error(
                "gpo_value_missing",
                key,
                error_id="UnableToRemovePolicyRegistryItem",
                category="InvalidArgument",
                exception="System.ArgumentException",
                target=gpo.name,
            )
        )
    yield output(_gpo_object(call, gpo))


def _available(state: WindowsState, session: SessionConfiguration) -> bool:
    return state.gpo_management


_MODULE = "GroupPolicy"
_WHICH = {
    "Guid": Parameter(position=0),
    "Name": Parameter(position=0),
    "Domain": Parameter(),
    "Server": Parameter(),
}
_ONE = ("Guid", "Name")
_NAMESPACE = "Microsoft.GroupPolicy.Commands"
CMDLETS = (
    Cmdlet("Get-GPO", _MODULE, f"{_NAMESPACE}.GetGpoCommand", _WHICH, _get_gpo, available=_available, one_of=_ONE),
    Cmdlet(
        "Get-GPRegistryValue",
        _MODULE,
        f"{_NAMESPACE}.GetGPRegistryValueCommand",
        {**_WHICH, "Key": Parameter(mandatory=True), "ValueName": Parameter()},
        _get_value,
        available=_available,
        one_of=_ONE,
    ),
    Cmdlet(
        "Set-GPRegistryValue",
        _MODULE,
        f"{_NAMESPACE}.SetGPRegistryValueCommand",
        {
            **_WHICH,
            "Key": Parameter(mandatory=True),
            "ValueName": Parameter(),
            "Value": Parameter(),
            "Type": Parameter(),
            "Additive": Parameter(switch=True),
            "Disable": Parameter(switch=True),
        },
        _set_value,
        available=_available,
        one_of=_ONE,
    ),
    Cmdlet(
        "Remove-GPRegistryValue",
        _MODULE,
        f"{_NAMESPACE}.RemoveGPRegistryValueCommand",
        {**_WHICH, "Key": Parameter(mandatory=True), "ValueName": Parameter()},
        _remove_value,
        available=_available,
        one_of=_ONE,
    ),
)
