# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binds the parameters of a command as PowerShell does; what cannot be bound ends the pipeline."""

from __future__ import annotations

import typing as t

from psrpcore.types import PSObject

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Parameter, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.commands import ITSELF
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, is_list, items, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.role_capability import Entry, Limit
from ansible_collections.fleetops.tetra.lab.pipeline import Command, ErrorDetails

COMMON_PARAMETERS: dict[str, Parameter] = {
    "ErrorAction": Parameter(),
    "WarningAction": Parameter(),
    "InformationAction": Parameter(since=(5,)),
    "ProgressAction": Parameter(since=(7, 4)),
    "ErrorVariable": Parameter(),
    "WarningVariable": Parameter(),
    "OutVariable": Parameter(),
    "OutBuffer": Parameter(),
    "PipelineVariable": Parameter(since=(4,)),
    "WhatIf": Parameter(switch=True),
    "Confirm": Parameter(switch=True),
    "Verbose": Parameter(switch=True),
    "Debug": Parameter(switch=True),
}
_READERS = ("Get-", "Select-", "Test-", "Write-")
"""Verbs without -WhatIf and -Confirm: they change nothing."""
_ALIASES = {"LiteralPath": ("PSPath", "LP"), "ErrorAction": ("ea",), "PropertyType": ("Type",)}
_ACTIONS = {0: "silentlycontinue", 1: "stop", 2: "continue", 3: "inquire", 4: "ignore"}
BINDING = "System.Management.Automation.ParameterBindingException"
_VALIDATION = "System.Management.Automation.ParameterBindingValidationException"


def bind(call: Call, command: Command, entry: Entry = ITSELF) -> None:
    """Fills ``call.arguments``. Raises binding errors as PowerShell does: they end the pipeline."""
    shown, limits = call.cmdlet.parameters, entry.parameters
    if limits is not None:
        shown = {name: parameter for name, parameter in shown.items() if name in limits}
    known = {**COMMON_PARAMETERS, **shown}
    number, core = call.session.number, call.session.core
    there = {name: one for name, one in known.items() if number >= one.since and one.core in (None, core)}
    if call.cmdlet.name.startswith(_READERS):
        there.pop("WhatIf"), there.pop("Confirm")
    usable = {name.lower(): name for name in there}
    aliases = {alias.lower(): name for name, one in there.items() for alias in (*one.aliases, *_ALIASES.get(name, ()))}
    positional: list[t.Any] = []
    for name, value in command.parameters:
        if name is None:
            positional.append(value)
            continue
        found = _named(call, name.removeprefix("-").lower(), usable, aliases)
        if found is not None and found in call.arguments:
            raise TerminateError(_binding(call, "parameter_twice", "ParameterAlreadyBound", name))
        if found is None:
            call.unmatched(f"parameter {call.cmdlet.name} -{name}")
            raise TerminateError(_binding(call, "parameter_missing", "NamedParameterNotFound", name))
        parameter = known[found]
        if parameter.switch:
            if isinstance(plain(value), str):
                raise TerminateError(_binding(call, "cannot_convert", "CannotConvertArgument", found, value))
            # A cmdlet takes a switch without a value for on, a role's function for off (seen on 7.6).
            value = entry.kind == "plain" if value is None else bool(plain(value))
        elif found not in COMMON_PARAMETERS:
            _check_empty(call, found, parameter, value)
        _check_values(call, found, parameter, value)
        call.arguments[found] = value
    slots = sorted(
        (parameter.position, name)
        for name, parameter in call.cmdlet.parameters.items()
        if parameter.position is not None and name not in call.arguments and name.lower() in usable
    )
    for value in positional:
        if not slots:
            raise TerminateError(_binding(call, "positional_missing", "PositionalParameterNotFound", value))
        _position, name = slots.pop(0)
        _check_empty(call, name, known[name], value)
        _check_values(call, name, known[name], value)
        call.arguments[name] = value
    _check_limits(call, limits or {})
    _check_mandatory(call)


def _check_limits(call: Call, limits: t.Mapping[str, Limit]) -> None:
    """What the attributes of a role's function refuse."""
    given = [name for name in limits if name in call.arguments]
    _one_set(call, [frozenset(limits[name].sets) for name in given if limits[name].sets])
    missing = [name for name, limit in limits.items() if limit.mandatory and not limit.sets and name not in given]
    if missing:
        raise _missing(call, missing)
    for name, limit in limits.items():
        if name in call.arguments:
            for item in items(call.arguments[name]):
                if not limit.accepts(to_text(plain(item))):
                    raise _not_accepted(call, name, item)


def _named(call: Call, wanted: str, usable: t.Mapping[str, str], aliases: t.Mapping[str, str]) -> str | None:
    """The parameter that a name, an alias or the beginning of one means. Raises where it may mean several."""
    exact = usable.get(wanted) or aliases.get(wanted)
    if exact is not None or not wanted:
        return exact
    found = {name for known in (usable, aliases) for key, name in known.items() if key.startswith(wanted)}
    own = {name for name in found if name not in COMMON_PARAMETERS}
    if len(own or found) > 1:
        raise TerminateError(_binding(call, "ambiguous_parameter", "AmbiguousParameter", wanted))
    return next(iter(own or found), None)


def _binding(call: Call, key: str, error_id: str, *arguments: t.Any, category: str = "InvalidArgument") -> ErrorDetails:
    texts = [to_text(plain(argument)) for argument in arguments]
    return call.error(key, *texts, error_id=error_id, category=category, exception=BINDING)


def _missing(call: Call, names: t.Sequence[str]) -> TerminateError:
    return TerminateError(_binding(call, "mandatory_missing", "MissingMandatoryParameter", " ".join(names)))


def _one_set(call: Call, sets: t.Sequence[t.AbstractSet[str]]) -> None:
    """The parameters given have to belong to one parameter set; ``sets`` are those of each."""
    if len(sets) > 1 and not frozenset[str].intersection(*map(frozenset, sets)):
        raise TerminateError(_binding(call, "parameter_sets", "AmbiguousParameterSet"))


def _check_empty(call: Call, name: str, parameter: Parameter, value: t.Any) -> None:
    """Null, an empty text or an empty list where the parameter takes none."""
    if parameter.nullable or not (parameter.mandatory or name in call.cmdlet.one_of):
        return
    inner = plain(value)
    elements = items(value)
    missing = ""
    if value is None or None in elements:
        missing = "Null"
    elif inner == "" or "" in [plain(item) for item in elements]:
        missing = "EmptyString"
    elif is_list(value) and not elements:
        missing = "EmptyArray"
    if missing:
        key = "null_not_allowed" if missing == "Null" else "empty_not_allowed"
        error_id = f"ParameterArgumentValidationError{missing}NotAllowed"
        raise TerminateError(_binding(call, key, error_id, name, category="InvalidData"))


def _check_values(call: Call, name: str, parameter: Parameter, value: t.Any) -> None:
    if not parameter.values:
        return
    lowered = {item.lower() for item in parameter.values}
    for item in items(value):
        if to_text(item).lower() in lowered:
            continue
        if parameter.enumeration:
            if isinstance(plain(item), int):
                continue
            raise TerminateError(_binding(call, "enum_missing", "CannotConvertArgumentNoMessage", name, item))
        raise _not_accepted(call, name, item)


def _not_accepted(call: Call, name: str, item: t.Any) -> TerminateError:
    return TerminateError(
        call.error(
            "not_in_set",
            name,
            to_text(item),
            error_id="ParameterArgumentValidationError",
            category="InvalidData",
            exception=_VALIDATION,
        )
    )


def _check_mandatory(call: Call) -> None:
    missing = [
        name
        for name, parameter in call.cmdlet.parameters.items()
        if parameter.mandatory and name not in call.arguments and not (parameter.pipeline and call.has_input)
    ]
    given = [name for name in call.cmdlet.one_of if name in call.arguments]
    piped = call.has_input and any(call.cmdlet.parameters[name].pipeline for name in call.cmdlet.one_of)
    _one_set(call, [{name} for name in given])
    if call.cmdlet.one_of and not given and not piped:
        missing.append(call.cmdlet.one_of[0])
    if missing:
        raise _missing(call, missing)


def error_action(call: Call) -> str:
    value = plain(call.arguments.get("ErrorAction"))
    if isinstance(value, PSObj) and isinstance(value.base, int):
        value = value.base
    if isinstance(value, PSObject) and isinstance(value, int):
        value = int(value)
    if isinstance(value, int):
        return _ACTIONS.get(value, "continue")
    if value is None:
        return "continue"
    text = to_text(value).lower()
    if text not in _ACTIONS.values() or is_list(value):
        raise TerminateError(call.conversion("ErrorAction", value))
    return text
