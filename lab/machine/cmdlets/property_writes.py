# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-ItemProperty, New-ItemProperty and Remove-ItemProperty on registry keys."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.objects import custom, is_list, items, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.paths import (
    ProviderPath,
    data_of,
    places,
    provider_notes,
    registry_denied,
)
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


def _keys(call: Call) -> t.Iterator[tuple[ProviderPath, Key] | NonTerminatingError]:
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
                    category="ResourceExists",
                    exception="System.IO.IOException",
                    target=at.path,
                )
            )
            continue
        kind = call.text("PropertyType" if new else "Type").lower()
        try:
            value = _value(kind, call.arguments.get("Value"), old)
        except (TypeError, ValueError):
            yield _no_cast(call, at)
            continue
        stored = "" if name.lower() == "(default)" else name
        call.state.registry.set(registry_path(call.session, at.path), stored, value)
        if new:
            shown = data_of(value, {}) if value.type != EXPAND_SZ else value.data
            yield output(custom({name: shown, **provider_notes("Registry", at.path, at.drive, at.shown)}))


def _no_cast(call: Call, at: ProviderPath) -> NonTerminatingError:
    """Data that do not fit the type (recorded)."""
    return NonTerminatingError(
        call.error(
            "cannot_cast",
            error_id="System.Management.Automation.PSInvalidCastException",
            category="WriteError",
            exception="System.Management.Automation.PSInvalidCastException",
            target=at.path,
        )
    )


def _value(kind: str, given: t.Any, old: Value | None) -> Value:
    """The value to store. Raises TypeError or ValueError for one that does not fit the type."""
    number = _KINDS.get(kind)
    data = plain(given)
    if number is None and data is None:
        return Value(SZ, "")
    if number is None:
        number = _natural(given)
        if is_list(given) and number == SZ:
            return Value(SZ, "System.Collections.ArrayList")
    if data is None:
        return Value(number, {MULTI_SZ: (), DWORD: 0, QWORD: 0}.get(number, "" if number in (SZ, EXPAND_SZ) else b""))
    if number in (SZ, EXPAND_SZ):
        return Value(number, " ".join(to_text(plain(item)) for item in items(given)))
    if number == MULTI_SZ:
        return Value(number, tuple(to_text(plain(item)) for item in items(given)))
    if number in (DWORD, QWORD):
        bits = 32 if number == DWORD else 64
        whole = int(data)
        if not -(1 << (bits - 1)) <= whole < (1 << bits):
            raise ValueError(whole)
        return Value(number, whole & ((1 << bits) - 1))
    return Value(number, data if isinstance(data, bytes) else bytes(int(plain(item)) for item in items(given)))


def _natural(given: t.Any) -> int:
    value = plain(given)
    if isinstance(value, bytes):
        return BINARY
    if isinstance(value, int) and not isinstance(value, bool):
        return DWORD if -(2**31) <= value < 2**31 else SZ
    return SZ


def _remove(call: Call) -> t.Iterator[Event]:
    for found in _keys(call):
        if isinstance(found, NonTerminatingError):
            yield found
            continue
        at, _key = found
        for name in call.texts("Name"):
            if name.lower() == "(default)":
                raise TerminateError(
                    call.error(
                        "property_missing",
                        name,
                        at.path,
                        error_id="System.ArgumentException",
                        category="NotSpecified",
                        exception="System.ArgumentException",
                    )
                )
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


_TYPES = ("String", "ExpandString", "Binary", "DWord", "MultiString", "QWord", "Unknown", "None")
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
            "Value": Parameter(position=2, mandatory=True, nullable=True),
            "Type": Parameter(values=_TYPES, enumeration=True),
        },
        _set,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "New-ItemProperty",
        _MODULE,
        "Microsoft.PowerShell.Commands.NewItemPropertyCommand",
        {
            **_PATHS,
            "Name": Parameter(position=1, mandatory=True),
            "Value": Parameter(),
            "PropertyType": Parameter(values=_TYPES, enumeration=True),
        },
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
