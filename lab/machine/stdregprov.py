# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""StdRegProv: the registry through WMI. Return codes: 0 done, 1 or 2 not there, 5 access denied."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import stdregprov_writes
from ansible_collections.fleetops.tetra.lab.machine.objects import INT_ARRAY, STRING_ARRAY, UInt, ULong, array
from ansible_collections.fleetops.tetra.lab.machine.paths import expand
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    HIVE_NUMBERS,
    MULTI_SZ,
    QWORD,
    SZ,
    AccessDeniedError,
    Key,
    KeyMissingError,
    Value,
)
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.machine.views import environment, open_key

HKEY_LOCAL_MACHINE = 0x80000002
_DENIED = 5
_GETTERS = {
    "getstringvalue": ("sValue", SZ),
    "getexpandedstringvalue": ("sValue", EXPAND_SZ),
    "getdwordvalue": ("uValue", DWORD),
    "getqwordvalue": ("uValue", QWORD),
    "getmultistringvalue": ("sValue", MULTI_SZ),
    "getbinaryvalue": ("uValue", BINARY),
}
READING = ("enumkey", "enumvalues", *_GETTERS)
NAMES = dict(stdregprov_writes.NAMES) | {
    name.lower(): name
    for name in (
        "EnumKey",
        "EnumValues",
        "GetStringValue",
        "GetExpandedStringValue",
        "GetDWORDValue",
        "GetQWORDValue",
        "GetMultiStringValue",
        "GetBinaryValue",
    )
}


class BadParameterError(Exception):
    """An argument of a name or type that the method does not take."""


def invoke(
    state: WindowsState, session: SessionConfiguration, method: str, arguments: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """The out parameters and ``ReturnValue``. Raises KeyError for an unknown method, BadParameterError."""
    lowered = method.lower()
    writing = lowered in stdregprov_writes.NAMES
    if lowered not in READING and not writing:
        raise KeyError(method)
    given = {name.lower(): value for name, value in arguments.items()}
    further = {"svaluename"} if lowered in _GETTERS else stdregprov_writes.parameters(lowered) if writing else set()
    unknown = set(given) - {"hdefkey", "ssubkeyname"} - further
    if unknown:
        raise BadParameterError(", ".join(sorted(unknown)))
    hive = given.get("hdefkey", HKEY_LOCAL_MACHINE)
    if not isinstance(hive, int) or hive & 0xFFFFFFFF not in HIVE_NUMBERS:
        raise BadParameterError("hDefKey")
    below = given.get("ssubkeyname") or ""
    if not isinstance(below, str):
        raise BadParameterError("sSubKeyName")
    path = f"{HIVE_NUMBERS[hive & 0xFFFFFFFF]}\\{below}".rstrip("\\")
    if writing:
        try:
            return stdregprov_writes.invoke(state, session, lowered, path, given)
        except stdregprov_writes.ListRefusedError as refused:
            raise BadParameterError(str(refused)) from None
    missing = int(state.behaviours["stdregprov_missing_code"])
    empty = dict.fromkeys(_out_names(lowered))
    try:
        key = open_key(state, session, path)
    except KeyMissingError:
        return {**empty, "ReturnValue": UInt(2)}
    except AccessDeniedError:
        return {**empty, "ReturnValue": UInt(_DENIED)}
    if lowered == "enumkey":
        names = [child.name for child in key.children.values()]
        return {"sNames": array(names, STRING_ARRAY) if names else None, "ReturnValue": UInt(0)}
    if lowered == "enumvalues":
        return _values(key)
    value = key.value(str(given.get("svaluename") or ""))
    if value is None:
        return {**empty, "ReturnValue": UInt(missing)}
    name, wanted = _GETTERS[lowered]
    if value.type != wanted and not (wanted in (SZ, EXPAND_SZ) and value.type in (SZ, EXPAND_SZ)):
        return {**empty, "ReturnValue": UInt(int(state.behaviours["stdregprov_wrong_type_code"]))}
    return {name: _data(value, wanted, environment(state, session)), "ReturnValue": UInt(0)}


def _out_names(method: str) -> tuple[str, ...]:
    if method == "enumvalues":
        return ("sNames", "Types")
    return ("sNames",) if method == "enumkey" else (_GETTERS[method][0],)


def _values(key: Key) -> dict[str, t.Any]:
    if not key.values:
        return {"sNames": None, "Types": None, "ReturnValue": UInt(0)}
    return {
        "sNames": array(key.value_names(), STRING_ARRAY),
        "Types": array([value.type for _name, value in key.values.values()], INT_ARRAY),
        "ReturnValue": UInt(0),
    }


def _data(value: Value, wanted: int, variables: t.Mapping[str, str]) -> t.Any:
    if wanted == EXPAND_SZ:
        return expand(value.data, variables)
    if wanted == SZ:
        return value.data
    if wanted == MULTI_SZ:
        return array(value.data, STRING_ARRAY)
    if wanted == DWORD:
        return UInt(value.data)
    if wanted == QWORD:
        return ULong(value.data)
    return value.data
