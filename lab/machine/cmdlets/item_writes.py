# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New-Item, Remove-Item, Move-Item and Copy-Item on registry keys and files."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import plain
from ansible_collections.fleetops.tetra.lab.machine.paths import (
    ProviderPath,
    file_object,
    folder_object,
    full_registry_path,
    place,
    places,
    registry_denied,
    registry_key_object,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import AccessDeniedError, KeyMissingError
from ansible_collections.fleetops.tetra.lab.machine.views import file_path, may_write_file, open_key, registry_path
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError


def file_error(call: Call, key: str, error_id: str, category: str, exception: str, path: str) -> NonTerminatingError:
    """An error about a file, with its path as target."""
    return NonTerminatingError(
        call.error(key, path, error_id=error_id, category=category, exception=exception, target=path)
    )


def _denied(call: Call, path: str, error_id: str) -> NonTerminatingError:
    return file_error(call, "file_denied", error_id, "PermissionDenied", "System.UnauthorizedAccessException", path)


def _new(call: Call) -> t.Iterator[Event]:
    given = call.text("Path")
    if call.has("Name"):
        given = f"{given.rstrip(chr(92))}\\{call.text('Name')}"
    at = place(given)
    if at is not None and at.provider == "Registry":
        # Recorded: a slash is a separator here, though here only. (2016: the same.)
        at = ProviderPath("Registry", at.path.replace("/", "\\"), at.drive, given)
    if at is None or at.provider == "Environment":
        call.unmatched(f"New-Item {given}")
        yield call.path_not_found(given)
    elif at.provider == "Registry":
        yield from _new_key(call, at)
    else:
        yield from _new_file(call, file_path(call.session, at.path))


def _new_key(call: Call, at: ProviderPath) -> t.Iterator[Event]:
    path = registry_path(call.session, at.path)
    parent = path.rpartition("\\")[0]
    registry = call.state.registry
    exists = registry.find(path) is not None
    if registry.find(parent) is None and not call.switch("Force"):
        yield file_error(
            call, "parent_missing", "System.ArgumentException", "InvalidArgument", "System.ArgumentException", parent
        )
        return
    nearest = path if exists else parent
    while registry.find(nearest) is None:
        nearest = nearest.rpartition("\\")[0]
    try:
        open_key(call.state, call.session, nearest, "write")
    except AccessDeniedError:
        yield registry_denied(call, nearest)
        return
    if exists and not call.switch("Force"):
        # Recorded: the target is the provider's wrapper of the key, whose text is its type.
        yield NonTerminatingError(
            call.error(
                "key_exists",
                error_id="System.IO.IOException",
                category="ResourceExists",
                exception="System.IO.IOException",
                target="Microsoft.PowerShell.Commands.RegistryWrapper",
                target_type="RegistryWrapper",
            )
        )
        return
    if exists:
        registry.delete(path)  # documented: -Force on an existing key makes it anew, empty
    key = registry.create(path)
    yield output(registry_key_object(key, full_registry_path(at), at.drive))


def _new_file(call: Call, path: str) -> t.Iterator[Event]:
    files = call.state.files
    folder = call.text("ItemType").lower() in ("directory", "container")
    if not may_write_file(call.state, path):
        yield _denied(call, path, f"{'CreateDirectory' if folder else 'NewItem'}UnauthorizedAccessError")
        return
    if files.exists(path) and not (call.switch("Force") and (folder or files.find(path))):
        kind = "DirectoryExist" if folder else "NewItemIOError"
        yield file_error(
            call, "item_exists", kind, "ResourceExists" if folder else "WriteError", "System.IO.IOException", path
        )
        return
    if folder:
        files.make_folder(path)
        yield output(folder_object(call, path))
        return
    parent = path.rpartition("\\")[0]
    if not files.is_folder(parent) and not call.switch("Force"):
        exception = "System.IO.DirectoryNotFoundException"
        yield file_error(call, "path_not_found", "NewItemIOError", "WriteError", exception, path)
        return
    value = plain(call.arguments.get("Value"))
    data = value if isinstance(value, bytes) else str(value or "").encode()
    yield output(file_object(call, files.write(path, data, call.state.now())))


def _remove(call: Call) -> t.Iterator[Event]:
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
        elif at.provider == "Registry":
            yield from _remove_key(call, at)
        elif at.provider == "FileSystem":
            path = file_path(call.session, at.path)
            if not call.state.files.exists(path):
                yield call.path_not_found(at.path)
            elif not may_write_file(call.state, path):
                yield _denied(call, path, "RemoveFileSystemItemUnAuthorizedAccess")
            elif (file := call.state.files.find(path)) is not None and file.locked:
                yield file_error(
                    call, "file_locked", "RemoveFileSystemItemIOError", "WriteError", "System.IO.IOException", path
                )
            elif not call.state.files.remove(path):
                yield from _remove_folder(call, path)
        else:
            call.unmatched(f"Remove-Item {at.given}")
            yield call.path_not_found(at.given)


def _remove_key(call: Call, at: ProviderPath) -> t.Iterator[Event]:
    path = registry_path(call.session, at.path)
    try:
        key = open_key(call.state, call.session, at.path)
        open_key(call.state, call.session, at.path, "write")
    except KeyMissingError:
        yield call.path_not_found(at.given.partition("::")[2] or at.given)
        return
    except AccessDeniedError:
        present = call.state.registry.find(path)
        if present is not None and "read" in present.denied:
            yield registry_denied(call, at.path)
        else:
            # Recorded: a key that may be read and not deleted.
            yield file_error(
                call, "not_removed", "System.ArgumentException", "WriteError", "System.ArgumentException", at.path
            )
        return
    if key.children and not call.switch("Recurse"):
        yield _needs_recurse(call, at.path)
        return
    call.state.registry.delete(path)


def _remove_folder(call: Call, path: str) -> t.Iterator[Event]:
    if not call.state.files.remove_folder(path, call.switch("Recurse")):
        yield _needs_recurse(call, path)


def _needs_recurse(call: Call, path: str) -> NonTerminatingError:
    # Windows asks the user; a host without a user gives an error.
    exception = "System.Management.Automation.PSInvalidOperationException"
    return file_error(call, "item_exists", "InvalidOperation", "InvalidOperation", exception, path)


def _move(call: Call) -> t.Iterator[Event]:
    yield from _transfer(call, True)


def _copy(call: Call) -> t.Iterator[Event]:
    yield from _transfer(call, False)


def _transfer(call: Call, move: bool) -> t.Iterator[Event]:
    files = call.state.files
    word = "Move" if move else "Copy"
    for at in places(call):
        if isinstance(at, NonTerminatingError):
            yield at
            continue
        source = files.find(file_path(call.session, at.path)) if at.provider == "FileSystem" else None
        if source is None and move and call.session.core:
            yield NonTerminatingError(
                call.error(
                    "source_missing",
                    at.path,
                    error_id="InvalidOperation",
                    category="InvalidOperation",
                    exception="System.Management.Automation.PSInvalidOperationException",
                )
            )
            continue
        if source is None:
            yield call.path_not_found(at.path)
            continue
        target_place = place(call.text("Destination"))
        target = file_path(call.session, target_place.path if target_place else call.text("Destination"))
        if files.is_folder(target):
            target = f"{target}\\{source.name}"
        present = files.find(target)
        if not may_write_file(call.state, target) or (present is not None and present.denied):
            yield _denied(call, target, f"{word}FileInfoItemUnauthorizedAccessError")
        elif not files.is_folder(target.rpartition("\\")[0]):
            exception = "System.IO.DirectoryNotFoundException"
            yield file_error(call, "path_not_found", f"{word}FileInfoItemIOError", "WriteError", exception, at.path)
        elif present is not None and ((move and not call.switch("Force")) or present.locked):
            key = "file_locked" if present.locked else "item_exists"
            about = target if present.locked and move else at.path
            yield file_error(call, key, f"{word}FileInfoItemIOError", "WriteError", "System.IO.IOException", about)
        else:
            replaced = len(present.data) if present is not None else 0
            files.write(target, source.data, source.modified)
            files.release(replaced - len(source.data))
            if move:
                files.remove(source.path)


_MODULE = "Microsoft.PowerShell.Management"
_PATHS = {"Path": Parameter(position=0, pipeline=True), "LiteralPath": Parameter()}
_FORCE = {"Force": Parameter(switch=True), "Confirm": Parameter(switch=True), "Recurse": Parameter(switch=True)}
_TRANSFER = {**_PATHS, **_FORCE, "Destination": Parameter(position=1, mandatory=True)}
CMDLETS = (
    Cmdlet(
        "New-Item",
        _MODULE,
        "Microsoft.PowerShell.Commands.NewItemCommand",
        {
            "Path": Parameter(position=0, mandatory=True),
            "Name": Parameter(),
            "ItemType": Parameter(),
            "Value": Parameter(),
            "Force": Parameter(switch=True),
        },
        _new,
    ),
    Cmdlet(
        "Remove-Item",
        _MODULE,
        "Microsoft.PowerShell.Commands.RemoveItemCommand",
        {**_PATHS, **_FORCE},
        _remove,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "Move-Item",
        _MODULE,
        "Microsoft.PowerShell.Commands.MoveItemCommand",
        _TRANSFER,
        _move,
        one_of=("Path", "LiteralPath"),
    ),
    Cmdlet(
        "Copy-Item",
        _MODULE,
        "Microsoft.PowerShell.Commands.CopyItemCommand",
        _TRANSFER,
        _copy,
        one_of=("Path", "LiteralPath"),
    ),
)
