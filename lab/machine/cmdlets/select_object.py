# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select-Object, and its proxy in a restricted session, which takes the properties of a command only."""

from __future__ import annotations

import datetime
import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import (
    CUSTOM_OBJECT,
    PSObj,
    get_property,
    is_list,
    items,
    plain,
    property_names,
    to_text,
)
from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Event, NonTerminatingError

_PROPERTIES_OF_COMMANDS = (
    "ModuleName",
    "Namespace",
    "OutputType",
    "Count",
    "HelpUri",
    "Name",
    "CommandType",
    "ResolvedCommandName",
    "DefaultParameterSet",
    "CmdletBinding",
    "Parameters",
)


def run(call: Call) -> t.Iterator[Event]:
    if "InputObject" in call.arguments:
        given = [call.arguments["InputObject"]]
    else:
        given = [value for value in call.inputs if value is not None]
    given = _some(call, given)
    if call.has("ExpandProperty"):
        for value in given:
            yield from _expand(call, value, call.text("ExpandProperty"))
        return
    seen: list[str] = []
    names = _names(call)
    for value in given:
        result: t.Any = value
        if names or call.has("ExcludeProperty"):
            result = _selected(call, value, names or ["*"])
        if isinstance(result, _Twice):
            yield NonTerminatingError(result.details)
            result = result.selected
        if call.switch("Unique"):
            key = repr((result.notes, result.base) if isinstance(result, PSObj) else result)
            if key in seen:
                continue
            seen.append(key)
        yield output(result)


_TYPES = {str: "System.String", bool: "System.Boolean", int: "System.Int32", datetime.datetime: "System.DateTime"}


class _Twice:
    """A selection that names a property a second time: an error beside what was selected."""

    def __init__(self, details: ErrorDetails, selected: PSObj) -> None:
        self.details = details
        self.selected = selected


def _names(call: Call) -> list[str]:
    """The wanted properties. Raises for a name that is null or empty."""
    given = [plain(name) for name in items(call.arguments.get("Property"))]
    for name in given:
        if name is None or name == "":
            empty = name == ""
            raise TerminateError(
                call.error(
                    "empty_expression" if empty else "no_expression",
                    error_id="ExpressionEmptyString2" if empty else "DictionaryKeyUnknownType",
                    category="InvalidArgument",
                    exception="System.NotSupportedException",
                )
            )
    return [to_text(name) for name in given]


def _shown(value: t.Any) -> str:
    """An object as the target of an error: ``@{name=value; ...}``."""
    if isinstance(value, PSObj) and value.notes and not value.props:
        return "@{" + "; ".join(f"{name}={_word(item)}" for name, item in value.notes.items()) + "}"
    return to_text(value)


def _word(value: t.Any) -> str:
    is_bytes = isinstance(value, PSObj) and isinstance(value.base, bytes)
    return value.types[0] if is_bytes else to_text(value)


def _some(call: Call, given: list[t.Any]) -> list[t.Any]:
    if call.has("Skip"):
        skip = call.number("Skip", 0)
        given = given[: len(given) - skip] if call.has("Last") else given[skip:]
    if call.has("Index"):
        wanted = [int(to_text(number)) for number in items(call.arguments["Index"])]
        return [value for number, value in enumerate(given) if number in wanted]
    if not call.has("First") and not call.has("Last"):
        return given
    first = call.number("First", 0)
    last = call.number("Last", 0)
    if first + last >= len(given):
        return given
    return given[:first] + (given[-last:] if last else [])


def _selected(call: Call, value: t.Any, names: t.Sequence[str]) -> PSObj | _Twice:
    notes: dict[str, t.Any] = {}
    twice = ""
    present = property_names(value)
    spellings = {name.lower(): name for name in reversed(present)}
    for wanted in names:
        if is_pattern(wanted):
            matching = [n for n in present if fnmatch.fnmatchcase(n.lower(), wanted.lower())]
            for name in matching:
                if name.lower() in map(str.lower, notes):
                    twice = twice or name
                else:
                    notes[name] = get_property(value, name)
            continue
        if wanted.lower() in map(str.lower, notes):
            twice = twice or wanted
            continue
        try:
            found = get_property(value, wanted)
        except KeyError:
            found = None
        # The selected property carries the spelling of the source, or the asked one where there is none.
        notes[spellings.get(wanted.lower(), wanted)] = found
    for excluded in call.texts("ExcludeProperty"):
        for name in [name for name in notes if fnmatch.fnmatchcase(name.lower(), excluded.lower())]:
            del notes[name]
    source = value.types[0] if isinstance(value, PSObj) else _TYPES.get(type(value))
    types = (f"Selected.{source}",) if source else ()
    selected = PSObj((*types, *CUSTOM_OBJECT), notes=notes, text="")
    if not twice:
        return selected
    details = call.error(
        "selected_twice",
        twice,
        error_id="AlreadyExistingUserSpecifiedPropertyNoExpand",
        category="InvalidOperation",
        exception="System.Management.Automation.PSArgumentException",
        target=_shown(value),
        target_type="PSObject",
    )
    return _Twice(details, selected)


def _expand(call: Call, value: t.Any, name: str) -> t.Iterator[Event]:
    spelling = name
    if is_pattern(name):
        matching = [known for known in property_names(value) if fnmatch.fnmatchcase(known.lower(), name.lower())]
        spelling = matching[0] if len(matching) == 1 else name
    try:
        found = get_property(value, spelling)
    except KeyError:
        details = call.error(
            "property_expand",
            name,
            error_id="ExpandPropertyNotFound",
            category="InvalidArgument",
            exception="System.Management.Automation.PSArgumentException",
            target=_shown(value),
            target_type="PSObject",
        )
        yield NonTerminatingError(details)
        return
    if found is None and not is_list(found):
        yield output(None)
        return
    for item in items(found):
        yield output(item)


_PARAMETERS = {
    "InputObject": Parameter(pipeline=True),
    "Property": Parameter(position=0),
    "ExcludeProperty": Parameter(),
    "ExpandProperty": Parameter(),
    "Unique": Parameter(switch=True),
    "Last": Parameter(),
    "First": Parameter(),
    "Skip": Parameter(),
    "SkipLast": Parameter(since=(5,)),
    "Wait": Parameter(switch=True),
    "Index": Parameter(),
}
CMDLETS = (
    Cmdlet(
        "Select-Object",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Commands.SelectObjectCommand",
        _PARAMETERS,
        run,
    ),
)
RESTRICTED = Cmdlet(
    "Select-Object",
    "",
    "Select-Object",
    {"InputObject": Parameter(pipeline=True), "Property": Parameter(position=0, values=_PROPERTIES_OF_COMMANDS)},
    run,
)
