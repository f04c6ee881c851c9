# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select-Object, and its proxy in a restricted session, which takes the properties of a command only."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import (
    CUSTOM_OBJECT,
    PSObj,
    get_property,
    is_list,
    items,
    property_names,
    to_text,
)
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

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
    names = call.texts("Property") if call.has("Property") else ["*"]
    for value in given:
        result = _selected(call, value, names) if call.has("Property") or call.has("ExcludeProperty") else value
        if call.switch("Unique"):
            key = repr((result.notes, result.base) if isinstance(result, PSObj) else result)
            if key in seen:
                continue
            seen.append(key)
        yield output(result)


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


def _selected(call: Call, value: t.Any, names: t.Sequence[str]) -> PSObj:
    notes: dict[str, t.Any] = {}
    present = property_names(value)
    spellings = {name.lower(): name for name in reversed(present)}
    for wanted in names:
        if is_pattern(wanted):
            matching = [n for n in present if fnmatch.fnmatchcase(n.lower(), wanted.lower())]
            notes.update({name: get_property(value, name) for name in matching if name not in notes})
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
    types = (f"Selected.{value.types[0]}",) if isinstance(value, PSObj) else ()
    return PSObj((*types, *CUSTOM_OBJECT), notes=notes, text="")


def _expand(call: Call, value: t.Any, name: str) -> t.Iterator[Event]:
    try:
        found = get_property(value, name)
    except KeyError:
        details = call.error(
            "property_expand",
            name,
            error_id="ExpandPropertyNotFound",
            category="InvalidArgument",
            exception="System.Management.Automation.PSArgumentException",
            target=to_text(value),
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
