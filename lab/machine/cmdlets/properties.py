# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-ItemProperty on registry keys and files."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import custom
from ansible_collections.fleetops.tetra.lab.machine.paths import (
    Place,
    data_of,
    file_object,
    folder_object,
    full_registry_path,
    open_place,
    places,
    provider_notes,
    registry_denied,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import AccessDeniedError, KeyMissingError
from ansible_collections.fleetops.tetra.lab.machine.views import environment, find_file
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError


def run(call: Call) -> t.Iterator[Event]:
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
        elif at.provider == "Registry":
            yield from _registry(call, at)
        elif at.provider == "FileSystem":
            yield from _file(call, at)
        else:
            call.unmatched(f"{call.cmdlet.name} on provider {at.provider}")
            yield call.path_not_found(at.given)


def _registry(call: Call, at: Place) -> t.Iterator[Event]:
    shown = _without_provider(at.given)
    try:
        key = open_place(call, at)
    except KeyMissingError:
        yield call.path_not_found(shown)
        return
    except AccessDeniedError:
        yield registry_denied(call, at.path)
        return
    variables = environment(call.state, call.session)
    wanted = call.texts("Name")
    notes = {}
    for name, value in key.values.values():
        spelling = name or "(default)"
        if not wanted or any(fnmatch.fnmatchcase(spelling.lower(), pattern.lower()) for pattern in wanted):
            notes[spelling] = data_of(value, variables)
    for name in wanted:
        if not is_pattern(name) and name.lower() not in {known.lower() for known in notes}:
            yield NonTerminatingError(
                call.error(
                    "property_missing",
                    name,
                    shown,
                    error_id="System.Management.Automation.PSArgumentException",
                    category="InvalidArgument",
                    exception="System.Management.Automation.PSArgumentException",
                    target=name,
                )
            )
    if notes or (not wanted and call.state.behaviours["empty_key_itemproperty"] == "object"):
        yield output(custom({**notes, **provider_notes("Registry", full_registry_path(at), at.drive)}))


def _file(call: Call, at: Place) -> t.Iterator[Event]:
    file = find_file(call.state, call.session, at.path)
    if file is not None:
        yield output(file_object(call, file))
    elif call.state.files.is_folder(at.path):
        yield output(folder_object(call, call.state.files.folder_name(at.path)))
    else:
        yield call.path_not_found(at.path)


def _without_provider(given: str) -> str:
    return given.partition("::")[2] or given


CMDLETS = (
    Cmdlet(
        "Get-ItemProperty",
        "Microsoft.PowerShell.Management",
        "Microsoft.PowerShell.Commands.GetItemPropertyCommand",
        {
            "Path": Parameter(position=0, pipeline=True),
            "LiteralPath": Parameter(),
            "Name": Parameter(position=1),
            "Filter": Parameter(),
            "Include": Parameter(),
            "Exclude": Parameter(),
        },
        run,
        one_of=("Path", "LiteralPath"),
    ),
)
