# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Item, Get-ChildItem and Test-Path on registry, files and environment."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj
from ansible_collections.fleetops.tetra.lab.machine.paths import (
    ProviderPath,
    file_object,
    folder_object,
    full_registry_path,
    open_place,
    places,
    provider_notes,
    registry_denied,
    registry_key_object,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import AccessDeniedError, KeyMissingError
from ansible_collections.fleetops.tetra.lab.machine.views import environment, file_path, find_file
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError


def _get_item(call: Call) -> t.Iterator[Event]:
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
        elif at.provider == "Registry":
            try:
                yield output(registry_key_object(open_place(call, at), full_registry_path(at), at.drive, at.shown))
            except KeyMissingError:
                yield call.path_not_found(_shown(at))
            except AccessDeniedError:
                yield registry_denied(call, at.path)
        elif at.provider == "Environment":
            yield from _variable(call, at)
        else:
            file = find_file(call.state, call.session, at.path)
            if file is not None:
                yield output(file_object(call, file))
            elif call.state.files.is_folder(file_path(call.session, at.path)):
                yield output(folder_object(call, call.state.files.folder_name(at.path)))
            else:
                yield call.path_not_found(at.path)


def _variable(call: Call, at: ProviderPath) -> t.Iterator[Event]:
    variables = environment(call.state, call.session)
    found = [name for name in variables if name.lower() == at.path.lower()]
    if not at.path:
        found = list(variables)
    if not found:
        yield call.path_not_found(at.given.partition("::")[2] or at.given)
    for name in found:
        yield output(_entry(name, variables[name]))


def _entry(name: str, content: str) -> PSObj:
    place = provider_notes("Environment", name, "Env")
    return PSObj(
        ("System.Collections.DictionaryEntry", "System.ValueType", "System.Object"),
        props={"Key": name, "Value": content},
        notes={
            "PSPath": place["PSPath"],
            "PSDrive": place["PSDrive"],
            "PSProvider": place["PSProvider"],
            "PSIsContainer": False,
            "Name": name,
        },
        text="System.Collections.DictionaryEntry",
    )


def _get_child_item(call: Call) -> t.Iterator[Event]:
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
        elif at.provider == "Registry":
            yield from _children(call, at)
        elif at.provider == "Environment":
            yield from _variable(call, at)
        else:
            yield from _files(call, at)


def _children(call: Call, at: ProviderPath) -> t.Iterator[Event]:
    try:
        key = open_place(call, at)
    except KeyMissingError:
        yield call.path_not_found(full_registry_path(at) if at.drive is not None else _shown(at))
        return
    except AccessDeniedError:
        # Recorded: once for the key itself and once for its children.
        yield registry_denied(call, at.path)
        yield registry_denied(call, at.path)
        return
    base = full_registry_path(at)
    for child in key.children.values():
        path = f"{base}\\{child.name}"
        if "read" in child.denied:
            yield registry_denied(call, path)
        elif call.switch("Name"):
            yield output(child.name)
        else:
            yield output(registry_key_object(child, path, at.drive))
        if call.switch("Recurse") and "read" not in child.denied:
            yield from _children(call, ProviderPath("Registry", path, at.drive, path))


def _files(call: Call, at: ProviderPath) -> t.Iterator[Event]:
    path = file_path(call.session, at.path)
    files = call.state.files
    single = files.find(path)
    if single is not None:
        yield output(single.name if call.switch("Name") else file_object(call, single))
        return
    if not files.is_folder(path):
        yield call.path_not_found(at.path)
        return
    wanted = call.text("Filter", "*").lower()
    if not call.switch("File"):
        for folder in files.folders_in(path):
            name = folder.rpartition("\\")[2]
            if fnmatch.fnmatchcase(name.lower(), wanted):
                yield output(name if call.switch("Name") else folder_object(call, folder))
    if not call.switch("Directory"):
        for file in files.files_in(path):
            if fnmatch.fnmatchcase(file.name.lower(), wanted):
                yield output(file.name if call.switch("Name") else file_object(call, file))
    if call.switch("Recurse"):
        for folder in files.folders_in(path):
            yield from _files(call, ProviderPath("FileSystem", folder, at.drive, folder))


def _test_path(call: Call) -> t.Iterator[Event]:
    kind = call.text("PathType", "Any").lower()
    found_any = False
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            found_any = True
            yield output(False)
            continue
        found_any = True
        if at.provider == "Registry":
            try:
                open_place(call, at)
                yield output(kind != "leaf")
            except KeyMissingError:
                yield output(False)
            except AccessDeniedError:
                # Whether a key exists is told by its parent.
                yield output(kind != "leaf")
        elif at.provider == "Environment":
            known = {name.lower() for name in environment(call.state, call.session)}
            yield output(at.path.lower() in known)
        else:
            path = file_path(call.session, at.path)
            is_file = call.state.files.find(path) is not None
            is_folder = call.state.files.is_folder(path)
            yield output({"leaf": is_file, "container": is_folder}.get(kind, is_file or is_folder))
    if not found_any:
        yield output(False)


def _shown(at: ProviderPath) -> str:
    return at.given.partition("::")[2] or at.given


_PATHS = {"Path": Parameter(position=0, pipeline=True), "LiteralPath": Parameter()}
_MANAGEMENT = "Microsoft.PowerShell.Management"
CMDLETS = (
    Cmdlet(
        "Get-Item",
        _MANAGEMENT,
        "Microsoft.PowerShell.Commands.GetItemCommand",
        {**_PATHS, "Force": Parameter(switch=True)},
        _get_item,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "Get-ChildItem",
        _MANAGEMENT,
        "Microsoft.PowerShell.Commands.GetChildItemCommand",
        {
            **_PATHS,
            "Filter": Parameter(position=1),
            "Recurse": Parameter(switch=True),
            "Force": Parameter(switch=True),
            "Name": Parameter(switch=True),
            "File": Parameter(switch=True, since=(3,)),
            "Directory": Parameter(switch=True, since=(3,)),
        },
        _get_child_item,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "Test-Path",
        _MANAGEMENT,
        "Microsoft.PowerShell.Commands.TestPathCommand",
        {**_PATHS, "PathType": Parameter(values=("Any", "Container", "Leaf"), enumeration=True)},
        _test_path,
        one_of=("Path", "LiteralPath"),
    ),
)
