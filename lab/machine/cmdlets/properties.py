# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-ItemProperty on registry keys and files."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, TerminateError, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import custom
from ansible_collections.fleetops.tetra.lab.machine.paths import (
    ProviderPath,
    data_of,
    file_object,
    folder_object,
    full_registry_path,
    is_broken,
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


def _registry(call: Call, at: ProviderPath) -> t.Iterator[Event]:
    shown = _without_provider(at.given)
    try:
        key = open_place(call, at)
    except KeyMissingError:
        yield call.path_not_found(shown)
        return
    except AccessDeniedError:
        yield registry_denied(call, at.path)
        return
    reserved = [name for name in key.values if name in _RESERVED]
    if reserved and not call.has("Name"):
        raise TerminateError(
            call.error(
                "reserved_member",
                key.values[reserved[0]][0],
                error_id="PSObjectMembersMembersAddReservedName",
                category="NotSpecified",
                exception="System.Management.Automation.ExtendedTypeSystemException",
            )
        )
    variables = environment(call.state, call.session)
    wanted = call.texts("Name")
    notes = {}
    for name, value in key.values.values():
        spelling = name or "(default)"
        if wanted and not any(_fits(call, spelling, pattern) for pattern in wanted):
            continue
        if is_broken(value):
            yield _unreadable(call, at)
        else:
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
        yield output(custom({**notes, **provider_notes("Registry", full_registry_path(at), at.drive, at.shown)}))


_RESERVED = ("psobject", "psbase", "psadapted", "psextended", "pstypenames")
"""Names that no property may have."""


def _fits(call: Call, name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.lower(), pattern.lower()) if not call.has("LiteralPath") else _same(name, pattern)


def _same(name: str, pattern: str) -> bool:
    """With -LiteralPath a name is a name."""
    return name.lower() == pattern.lower()


def _unreadable(call: Call, at: ProviderPath) -> NonTerminatingError:
    """A value that .NET cannot cast; since 7.6 the others of its key are read all the same, before that nothing was."""
    details = call.error(
        "cannot_cast",
        error_id="System.InvalidCastException",
        category="ReadError",
        exception="System.InvalidCastException",
        target=full_registry_path(at),
    )
    if call.session.number < (7, 6):
        raise TerminateError(details)
    return NonTerminatingError(details)


def _file(call: Call, at: ProviderPath) -> t.Iterator[Event]:
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
