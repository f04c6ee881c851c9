# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writing methods of StdRegProv."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.objects import UInt, items, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    QWORD,
    SZ,
    AccessDeniedError,
    KeyMissingError,
    Value,
)
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.machine.views import open_key, registry_path

_SETTERS = {
    "setstringvalue": ("svalue", SZ),
    "setexpandedstringvalue": ("svalue", EXPAND_SZ),
    "setmultistringvalue": ("svalue", MULTI_SZ),
    "setdwordvalue": ("uvalue", DWORD),
    "setqwordvalue": ("uvalue", QWORD),
    "setbinaryvalue": ("uvalue", BINARY),
}
NAMES = {
    name.lower(): name
    for name in (
        "CreateKey",
        "DeleteKey",
        "DeleteValue",
        "SetStringValue",
        "SetExpandedStringValue",
        "SetMultiStringValue",
        "SetDWORDValue",
        "SetQWORDValue",
        "SetBinaryValue",
    )
}
_MISSING, _DENIED, _INVALID = 2, 5, 0x80041008


class ListRefusedError(Exception):
    """A list argument that the method would not take."""


def parameters(method: str) -> frozenset[str]:
    """Names beyond hDefKey and sSubKeyName, in lower case."""
    if method in _SETTERS:
        return frozenset({"svaluename", _SETTERS[method][0]})
    return frozenset({"svaluename"}) if method == "deletevalue" else frozenset()


def invoke(
    state: WindowsState, session: SessionConfiguration, method: str, path: str, given: t.Mapping[str, t.Any]
) -> dict[str, t.Any]:
    """``ReturnValue``. ``given`` has lower-case names. Raises ListRefusedError."""
    full = registry_path(session, path)
    try:
        _check(state, session, full, creates=method == "createkey" or method in _SETTERS)
    except KeyMissingError:
        return {"ReturnValue": UInt(_MISSING)}
    except AccessDeniedError:
        return {"ReturnValue": UInt(_DENIED)}
    name = to_text(given.get("svaluename"))
    if method == "createkey":
        state.registry.create(full)
    elif method == "deletekey":
        key = state.registry.find(full)
        if key is not None and key.children:
            return {"ReturnValue": UInt(_DENIED)}
        state.registry.delete(full)
    elif method == "deletevalue":
        if not state.registry.remove_value(full, name):
            return {"ReturnValue": UInt(_MISSING)}
    else:
        if state.registry.find(full) is None:
            return {"ReturnValue": UInt(_MISSING)}
        value = _value(state, method, given)
        if value is None:
            return {"ReturnValue": UInt(_INVALID)}
        state.registry.set(full, name, value)
    return {"ReturnValue": UInt(0)}


def _check(state: WindowsState, session: SessionConfiguration, full: str, creates: bool) -> None:
    path = full
    while creates and state.registry.find(path) is None:
        path = path.rpartition("\\")[0]
    open_key(state, session, path, "write")


def _value(state: WindowsState, method: str, given: t.Mapping[str, t.Any]) -> Value | None:
    name, kind = _SETTERS[method]
    data = given.get(name)
    if kind in (MULTI_SZ, BINARY) and isinstance(data, list) and state.behaviours["cim_list_argument"] == "refused":
        raise ListRefusedError(name)
    if kind == MULTI_SZ:
        return Value(kind, tuple(to_text(plain(item)) for item in items(data)))
    if kind in (SZ, EXPAND_SZ):
        return Value(kind, to_text(data))
    if kind == BINARY:
        return Value(kind, data if isinstance(data, bytes) else bytes(int(plain(item)) for item in items(data)))
    if isinstance(data, bool) or not isinstance(data, int):
        return None
    return Value(kind, data & (0xFFFFFFFF if kind == DWORD else 0xFFFFFFFFFFFFFFFF))
