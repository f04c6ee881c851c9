# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell paths: which provider, which place in it, and how the provider's objects look."""

from __future__ import annotations

import datetime
import fnmatch
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.machine.filesystem import File, is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import (
    BYTE_ARRAY,
    STRING_ARRAY,
    Long,
    PSObj,
    array,
    enumeration,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    QWORD,
    SZ,
    Key,
    KeyMissingError,
    Value,
    canonical,
)
from ansible_collections.fleetops.tetra.lab.machine.views import environment, file_path, open_key, registry_path
from ansible_collections.fleetops.tetra.lab.pipeline import NonTerminatingError

_PROVIDERS = {"registry": "Registry", "filesystem": "FileSystem", "environment": "Environment"}
_DRIVES = {"hklm": "HKEY_LOCAL_MACHINE", "hkcu": "HKEY_CURRENT_USER"}
_MODULE = "Microsoft.PowerShell.Core\\"


@dataclass(frozen=True)
class Place:
    """``provider``: Registry, FileSystem, Environment. ``path``: provider path; ``drive``: PSDrive name or ``None``."""

    provider: str
    path: str
    drive: str | None
    given: str


def place(given: str) -> Place | None:
    """Where a PowerShell path leads; ``None`` for a drive or provider that does not exist."""
    head, separator, tail = given.partition("::")
    if separator:
        name = head.removeprefix(_MODULE)
        provider = _PROVIDERS.get(name.lower())
        if provider is None:
            return None
        return Place(provider, _normal(tail), None, given)
    drive, separator, tail = given.partition(":")
    if not separator:
        return None
    if drive.lower() in _DRIVES:
        rest = _normal(tail).strip("\\")
        hive = _DRIVES[drive.lower()]
        return Place("Registry", f"{hive}\\{rest}" if rest else hive, drive.upper(), given)
    if drive.lower() == "env":
        return Place("Environment", _normal(tail).strip("\\"), "Env", given)
    if drive.lower() == "c":
        return Place("FileSystem", "C:" + _normal(tail), "C", given)
    return None


def _normal(path: str) -> str:
    # The providers take a slash for a backslash; so a registry key with a slash in its name cannot be named.
    return path.replace("/", "\\")


def places(call: Call) -> t.Iterator[Place | NonTerminatingError]:
    """The places of -LiteralPath or -Path; an error for each that leads nowhere."""
    literal = call.has("LiteralPath")
    for given in call.texts("LiteralPath" if literal else "Path"):
        found = place(given)
        if found is None:
            drive = given.partition(":")[0]
            yield NonTerminatingError(
                call.error(
                    "drive_missing",
                    drive,
                    error_id="DriveNotFound",
                    category="ObjectNotFound",
                    exception="System.Management.Automation.DriveNotFoundException",
                    target=drive,
                )
            )
        elif literal or not is_pattern(found.path):
            yield found
        else:
            yield from _matching(call, found)


def _matching(call: Call, pattern: Place) -> t.Iterator[Place]:
    """What a path with wildcards stands for; nothing, without an error, where nothing fits."""
    if pattern.provider == "FileSystem":
        for path in call.state.files.matching(file_path(call.session, pattern.path)):
            yield Place("FileSystem", path, pattern.drive, path)
        return
    if pattern.provider == "Environment":
        for name in environment(call.state, call.session):
            if fnmatch.fnmatchcase(name.lower(), pattern.path.lower()):
                yield Place("Environment", name, "Env", f"Env:{name}")
        return
    candidates = [""]
    for number, part in enumerate(pattern.path.split("\\")):
        found: list[str] = []
        for base in candidates:
            if number == 0:
                found.append(part)
                continue
            if not is_pattern(part):
                found.append(f"{base}\\{part}")
                continue
            key = call.state.registry.find(registry_path(call.session, base))
            if key is not None:
                names = [child.name for child in key.children.values()]
                found += [f"{base}\\{name}" for name in names if fnmatch.fnmatchcase(name.lower(), part.lower())]
        candidates = found
    for path in candidates:
        # A name with a slash is taken for two levels again, and so is not found.
        path = _normal(path)
        given = path if pattern.drive is None else f"{pattern.drive}:\\{path.partition(chr(92))[2]}"
        yield Place("Registry", path, pattern.drive, given)


def provider_notes(provider: str, path: str, drive: str | None) -> dict[str, t.Any]:
    """PSPath, PSParentPath, PSChildName, PSDrive, PSProvider."""
    prefix = f"{_MODULE}{provider}::"
    parent, separator, child = path.rpartition("\\")
    notes: dict[str, t.Any] = {
        "PSPath": prefix + path,
        "PSParentPath": prefix + parent if separator else "",
        "PSChildName": child,
    }
    if drive is not None:
        notes["PSDrive"] = PSObj(("System.Management.Automation.PSDriveInfo", "System.Object"), text=drive)
    notes["PSProvider"] = PSObj(("System.Management.Automation.ProviderInfo", "System.Object"), text=_MODULE + provider)
    return notes


def data_of(value: Value, variables: t.Mapping[str, str]) -> t.Any:
    """Registry data as the provider gives it: DWORD and QWORD signed, REG_EXPAND_SZ expanded, bytes as they are."""
    if value.type == SZ:
        return value.data
    if value.type == EXPAND_SZ:
        return expand(value.data, variables)
    if value.type == MULTI_SZ:
        return array(value.data, STRING_ARRAY)
    if value.type == DWORD:
        return value.data - 2**32 if value.data >= 2**31 else value.data
    if value.type == QWORD:
        return Long(value.data - 2**64 if value.data >= 2**63 else value.data)
    return PSObj(BYTE_ARRAY, base=value.data)


def expand(text: str, variables: t.Mapping[str, str]) -> str:
    """Replaces ``%NAME%`` where the variable exists."""
    lowered = {name.lower(): content for name, content in variables.items()}
    parts = text.split("%")
    result = parts[0]
    position = 1
    while position < len(parts):
        name = parts[position].lower()
        if position + 1 < len(parts) and name in lowered:
            result += lowered[name] + parts[position + 1]
            position += 2
        else:
            result += "%" + parts[position]
            position += 1
    return result


def registry_key_object(key: Key, path: str, drive: str | None) -> PSObj:
    """Microsoft.Win32.RegistryKey with the note property Property."""
    names = [name or "(default)" for name in key.value_names()]
    return PSObj(
        ("Microsoft.Win32.RegistryKey", "System.MarshalByRefObject", "System.Object"),
        props={
            "SubKeyCount": len(key.children),
            "View": enumeration("Microsoft.Win32.RegistryView", 0, "Default"),
            "Handle": PSObj(("Microsoft.Win32.SafeHandles.SafeRegistryHandle",)),
            "ValueCount": len(key.values),
            "Name": path,
        },
        notes={"Property": array(names, STRING_ARRAY), **provider_notes("Registry", path, drive)},
        text=path,
    )


def open_place(call: Call, at: Place) -> Key:
    """The key of a registry place. Raises KeyMissingError, AccessDeniedError."""
    return open_key(call.state, call.session, at.path)


def full_registry_path(at: Place) -> str:
    try:
        return canonical(at.path)
    except KeyMissingError:
        return at.path


def registry_denied(call: Call, target: str) -> NonTerminatingError:
    return NonTerminatingError(
        call.error(
            "registry_denied",
            error_id="System.Security.SecurityException",
            category="PermissionDenied",
            exception="System.Security.SecurityException",
            target=target,
        )
    )


def file_object(call: Call, file: File) -> PSObj:
    """System.IO.FileInfo."""
    local = call.state.local(file.modified)
    name = file.name
    return PSObj(
        ("System.IO.FileInfo", "System.IO.FileSystemInfo", "System.MarshalByRefObject", "System.Object"),
        props={
            "Name": name,
            "Length": Long(len(file.data)),
            "DirectoryName": file.folder,
            "IsReadOnly": False,
            "Exists": True,
            "FullName": file.path,
            "Extension": name[name.rfind(".") :] if "." in name else "",
            "CreationTime": local,
            "CreationTimeUtc": file.modified,
            "LastAccessTime": local,
            "LastAccessTimeUtc": file.modified,
            "LastWriteTime": local,
            "LastWriteTimeUtc": file.modified,
            "Attributes": enumeration("System.IO.FileAttributes", 32, "Archive"),
        },
        notes={**provider_notes("FileSystem", file.path, "C"), "PSIsContainer": False, "Mode": "-a----"},
        text=file.path,
    )


def folder_object(call: Call, path: str) -> PSObj:
    """System.IO.DirectoryInfo."""
    moment = call.state.boot_time - datetime.timedelta(days=30)
    local = call.state.local(moment)
    return PSObj(
        ("System.IO.DirectoryInfo", "System.IO.FileSystemInfo", "System.MarshalByRefObject", "System.Object"),
        props={
            "Name": path.rpartition("\\")[2],
            "Exists": True,
            "FullName": path,
            "Extension": "",
            "CreationTime": local,
            "CreationTimeUtc": moment,
            "LastAccessTime": local,
            "LastAccessTimeUtc": moment,
            "LastWriteTime": local,
            "LastWriteTimeUtc": moment,
            "Attributes": enumeration("System.IO.FileAttributes", 16, "Directory"),
        },
        notes={**provider_notes("FileSystem", path, "C"), "PSIsContainer": True, "Mode": "d-----"},
        text=path,
    )
