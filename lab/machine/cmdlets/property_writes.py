# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-ItemProperty, New-ItemProperty and Remove-ItemProperty on registry keys."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.objects import items, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.paths import Place, places, registry_denied
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    NONE,
    QWORD,
    SZ,
    AccessDeniedError,
    Key,
    KeyMissingError,
    Value,
)
from ansible_collections.fleetops.tetra.lab.machine.views import open_key, registry_path
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_KINDS = {
    "string": SZ,
    "expandstring": EXPAND_SZ,
    "binary": BINARY,
    "dword": DWORD,
    "multistring": MULTI_SZ,
    "qword": QWORD,
    "none": NONE,
}


def _keys(call: Call) -> t.Iterator[tuple[Place, Key] | NonTerminatingError]:
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
        elif at.provider != "Registry":
            call.unmatched(f"{call.cmdlet.name} on provider {at.provider}")
            yield call.path_not_found(at.given)
        else:
            try:
                open_key(call.state, call.session, at.path)
                yield at, open_key(call.state, call.session, at.path, "write")
            except KeyMissingError:
                yield call.path_not_found(at.given.partition("::")[2] or at.given)
            except AccessDeniedError:
                yield registry_denied(call, at.path)


def _set(call: Call) -> t.Iterator[Event]:
    new = call.cmdlet.name.startswith("New-")
    for found in _keys(call):
        if isinstance(found, NonTerminatingError):
            yield found
            continue
        at, key = found
        name = call.text("Name")
        old = key.value(name)
        if new and old is not None and not call.switch("Force"):
            yield NonTerminatingError(
                call.error(
                    "item_exists",
                    name,
                    error_id="System.IO.IOException",
                    category="WriteError",
                    exception="System.IO.IOException",
                    target=at.path,
                )
            )
            continue
        kind = call.text("PropertyType" if new else "Type").lower()
        value = _value(call, kind, call.arguments.get("Value"), old)
        call.state.registry.set(registry_path(call.session, at.path), name, value)


def _value(call: Call, kind: str, given: t.Any, old: Value | None) -> Value:
    """The value to store. Raises a binding error for one that does not fit the type."""
    number = _KINDS.get(kind)
    if number is None:
        number = old.type if old is not None else _natural(given)
    data = plain(given)
    try:
        if number in (SZ, EXPAND_SZ):
            return Value(number, " ".join(to_text(plain(item)) for item in items(given)))
        if number == MULTI_SZ:
            return Value(number, tuple(to_text(plain(item)) for item in items(given)))
        if number in (DWORD, QWORD):
            bits = 32 if number == DWORD else 64
            value = int(data)
            if not -(1 << (bits - 1)) <= value < (1 << bits):
                raise ValueError(value)
            return Value(number, value & ((1 << bits) - 1))
        return Value(number, data if isinstance(data, bytes) else bytes(int(plain(item)) for item in items(given)))
    except (TypeError, ValueError):
        raise TerminateError(call.conversion("Value", to_text(data))) from None


def _natural(given: t.Any) -> int:
    value = plain(given)
    if isinstance(value, bytes):
        return BINARY
    if isinstance(value, int) and not isinstance(value, bool):
        return DWORD if -(2**31) <= value < 2**31 else QWORD
    return MULTI_SZ if len(items(given)) > 1 else SZ


def _remove(call: Call) -> t.Iterator[Event]:
    for found in _keys(call):
        if isinstance(found, NonTerminatingError):
            yield found
            continue
        at, _key = found
        for name in call.texts("Name"):
            if not call.state.registry.remove_value(registry_path(call.session, at.path), name):
                yield NonTerminatingError(
                    call.error(
                        "property_missing",
                        name,
                        at.path,
                        error_id="System.Management.Automation.PSArgumentException",
                        category="InvalidArgument",
                        exception="System.Management.Automation.PSArgumentException",
                        target=name,
                    )
                )


_MODULE = "Microsoft.PowerShell.Management"
_PATHS = {"Path": Parameter(position=0, pipeline=True), "LiteralPath": Parameter(), "Force": Parameter(switch=True)}
CMDLETS = (
    Cmdlet(
        "Set-ItemProperty",
        _MODULE,
        "Microsoft.PowerShell.Commands.SetItemPropertyCommand",
        {
            **_PATHS,
            "Name": Parameter(position=1, mandatory=True),
            "Value": Parameter(position=2, mandatory=True),
            "Type": Parameter(),
        },
        _set,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "New-ItemProperty",
        _MODULE,
        "Microsoft.PowerShell.Commands.NewItemPropertyCommand",
        {**_PATHS, "Name": Parameter(position=1, mandatory=True), "Value": Parameter(), "PropertyType": Parameter()},
        _set,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "Remove-ItemProperty",
        _MODULE,
        "Microsoft.PowerShell.Commands.RemoveItemPropertyCommand",
        {**_PATHS, "Name": Parameter(position=1, mandatory=True)},
        _remove,
        one_of=("Path", "LiteralPath"),
    ),
)
