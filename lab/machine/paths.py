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
    Char,
    Long,
    PSObj,
    UInt,
    ULong,
    array,
    enumeration,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    NONE,
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
class ProviderPath:
    """``provider``: Registry, FileSystem, Environment. ``path``: provider path; ``drive``: PSDrive name or ``None``."""

    provider: str
    path: str
    drive: str | None
    given: str
    shown: str = ""
    """The path of PSPath, where it is another one: registry paths come back as they were asked."""


def place(given: str) -> ProviderPath | None:
    """Where a PowerShell path leads; ``None`` for a drive or provider that does not exist."""
    head, separator, tail = given.partition("::")
    if separator:
        name = head.removeprefix(_MODULE)
        provider = _PROVIDERS.get(name.lower())
        if provider is None:
            return None
        if provider == "Registry":
            return _registry_place(tail, given)
        return ProviderPath(provider, _normal(tail), None, given)
    drive, separator, tail = given.partition(":")
    if not separator:
        return None
    if drive.lower() in _DRIVES:
        rest = _normal(tail).strip("\\")
        hive = _DRIVES[drive.lower()]
        return ProviderPath("Registry", f"{hive}\\{rest}" if rest else hive, drive.upper(), given)
    if drive.lower() == "env":
        return ProviderPath("Environment", _normal(tail).strip("\\"), "Env", given)
    if drive.lower() == "c":
        return ProviderPath("FileSystem", "C:" + _normal(tail), "C", given)
    return None


def _registry_place(tail: str, given: str) -> ProviderPath:
    """A path behind ``Registry::`` is taken as it stands: a slash belongs to a name, and a drive is no hive."""
    hive = tail.strip("\\").partition("\\")[0]
    if ":" in hive:
        return ProviderPath("Registry", f"\0{tail}", None, given)
    whole = hive.lower().startswith("hkey_") and "\\\\" not in tail.strip("\\")
    return ProviderPath("Registry", tail.strip("\\"), None, given, tail if whole else "")


def _normal(path: str) -> str:
    return path.replace("/", "\\")


def places(call: Call) -> t.Iterator[ProviderPath | NonTerminatingError]:
    """The places of -LiteralPath or -Path; an error for each that leads nowhere."""
    literal = call.has("LiteralPath")
    for given in call.texts("LiteralPath" if literal else "Path"):
        found = place(given)
        if found is None:
            yield _nowhere(call, given)
        elif found.provider == "Registry" and found.drive is not None and not (is_pattern(found.path) and not literal):
            path = registry_path(call.session, found.path)
            real = found.path if call.state.registry.find(path) is not None else call.state.registry.slashed(path)
            yield ProviderPath("Registry", real, found.drive, given, "" if real == found.path else found.path)
        elif literal or not is_pattern(found.path):
            yield found
        else:
            yield from _matching(call, found)


def _nowhere(call: Call, given: str) -> NonTerminatingError:
    """A provider or a drive that does not exist; without either, the path is one of the current drive."""
    head, separator, _tail = given.partition("::")
    kind = "Provider" if separator else "Drive"
    if not separator:
        head, colon, _tail = given.partition(":")
        if not colon:
            return call.path_not_found(given)
    return NonTerminatingError(
        call.error(
            "drive_missing",
            head,
            error_id=f"{kind}NotFound",
            category="ObjectNotFound",
            exception=f"System.Management.Automation.{kind}NotFoundException",
            target=head,
        )
    )


def _matching(call: Call, pattern: ProviderPath) -> t.Iterator[ProviderPath]:
    """What a path with wildcards stands for; nothing, without an error, where nothing fits."""
    if pattern.provider == "FileSystem":
        for path in call.state.files.matching(file_path(call.session, pattern.path)):
            yield ProviderPath("FileSystem", path, pattern.drive, path)
        return
    if pattern.provider == "Environment":
        for name in environment(call.state, call.session):
            if fnmatch.fnmatchcase(name.lower(), pattern.path.lower()):
                yield ProviderPath("Environment", name, "Env", f"Env:{name}")
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
        given = path if pattern.drive is None else f"{pattern.drive}:\\{path.partition(chr(92))[2]}"
        yield ProviderPath("Registry", path, pattern.drive, given)


def provider_notes(provider: str, path: str, drive: str | None, shown: str = "") -> dict[str, t.Any]:
    """PSPath, PSParentPath, PSChildName, PSDrive, PSProvider."""
    prefix = f"{_MODULE}{provider}::"
    parent, separator, child = (shown or path).rstrip("\\").rpartition("\\")
    if shown and drive is not None:
        parent, _separator, child = path.rpartition("\\")
    notes: dict[str, t.Any] = {
        "PSPath": prefix + (shown or path),
        "PSParentPath": prefix + parent if separator else "",
        "PSChildName": child.lstrip("/"),
    }
    if drive is not None:
        notes["PSDrive"] = _drive(drive, provider)
    notes["PSProvider"] = _provider(provider, drive is not None)
    return notes


def _provider(provider: str, whole: bool) -> PSObj:
    """ProviderInfo, which comes with its properties (recorded on 7.6)."""
    capabilities, home, drives = {
        "Registry": ("ShouldProcess", "", ["HKLM", "HKCU"]),
        "FileSystem": ("Filter, ShouldProcess, Credentials", "C:\\Users\\Default", ["C"]),
        "Environment": ("ShouldProcess", "", ["Env"]),
    }[provider]
    return PSObj(
        ("System.Management.Automation.ProviderInfo", "System.Object"),
        props={
            "ImplementingType": f"Microsoft.PowerShell.Commands.{provider}Provider",
            "HelpFile": "System.Management.Automation.dll-Help.xml",
            "Name": provider,
            "PSSnapIn": "Microsoft.PowerShell.Core",
            "ModuleName": "Microsoft.PowerShell.Core",
            "Module": None,
            "Description": "",
            "Capabilities": capabilities,
            "Home": home,
            "Drives": array([_drive(drives[0], provider), *drives[1:]] if whole else drives, _DRIVE_LIST),
            "VolumeSeparatedByColon": True,
            "ItemSeparator": Char("\\"),
            "AltItemSeparator": Char("\\" if provider == "Registry" else "/"),
        },
        text=_MODULE + provider,
        deep=True,
    )


def _drive(name: str, provider: str) -> PSObj:
    """PSDriveInfo (recorded on 7.6)."""
    root, description = {
        "Registry": ("HKEY_LOCAL_MACHINE", "The configuration settings for the local computer"),
        "FileSystem": ("C:\\", ""),
        "Environment": ("", "Drive that contains a view of the environment variables for the process"),
    }[provider]
    return PSObj(
        ("System.Management.Automation.PSDriveInfo", "System.Object"),
        props={
            "CurrentLocation": "",
            "Name": name,
            "Provider": _MODULE + provider,
            "Root": root,
            "Description": description,
            "MaximumSize": None,
            "Credential": PSObj(
                ("System.Management.Automation.PSCredential", "System.Object"),
                props={"UserName": None, "Password": None},
                text="System.Management.Automation.PSCredential",
                deep=True,
            ),
            "DisplayRoot": None,
            "VolumeSeparatedByColon": True,
        },
        notes={"Used": Long(_USED), "Free": Long(_FREE)} if provider == "FileSystem" else {"Used": "", "Free": ""},
        text=name,
        deep=True,
    )


_USED, _FREE = 40 * 2**30, 60 * 2**30
"""Bytes of the system drive."""
_DRIVE_LIST = (
    (
        "System.Collections.ObjectModel.Collection`1[[System.Management.Automation.PSDriveInfo, "
        "System.Management.Automation, Version=7.6.0.500, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]"
    ),
    "System.Object",
)


def data_of(value: Value, variables: t.Mapping[str, str]) -> t.Any:
    """Registry data as the provider gives it: REG_EXPAND_SZ expanded, numbers unsigned where their highest bit is set,
    bytes as they are, null for a type that .NET does not know."""
    if value.type == SZ:
        return value.data
    if value.type == EXPAND_SZ:
        return expand(value.data, variables)
    if value.type == MULTI_SZ:
        return array(value.data, STRING_ARRAY)
    if value.type == DWORD:
        return UInt(value.data) if value.data >= 2**31 else value.data
    if value.type == QWORD:
        return ULong(value.data) if value.data >= 2**63 else Long(value.data)
    if value.type not in _BYTES:
        return None
    return PSObj(BYTE_ARRAY, base=value.data)


_BYTES = (NONE, BINARY, 5)
"""Types that are bytes for .NET; 5 is REG_DWORD_BIG_ENDIAN."""


def is_broken(value: Value) -> bool:
    """A number of the wrong length, which .NET cannot cast."""
    return value.type in (DWORD, QWORD) and not isinstance(value.data, int)


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


def registry_key_object(key: Key, path: str, drive: str | None, shown: str = "") -> PSObj:
    """Microsoft.Win32.RegistryKey with the note property Property."""
    names = [name or "(default)" for name in key.value_names()]
    return PSObj(
        ("Microsoft.Win32.RegistryKey", "System.MarshalByRefObject", "System.Object"),
        props={
            "SubKeyCount": len(key.children),
            "View": enumeration("Microsoft.Win32.RegistryView", 0, "Default"),
            "Handle": PSObj(
                (
                    "Microsoft.Win32.SafeHandles.SafeRegistryHandle",
                    "Microsoft.Win32.SafeHandles.SafeHandleZeroOrMinusOneIsInvalid",
                    "System.Runtime.InteropServices.SafeHandle",
                    "System.Runtime.ConstrainedExecution.CriticalFinalizerObject",
                    "System.Object",
                ),
                props={"IsInvalid": False, "IsClosed": False},
                text="Microsoft.Win32.SafeHandles.SafeRegistryHandle",
            ),
            "ValueCount": len(key.values),
            "Name": path,
        },
        notes={
            "Property": array(names, STRING_ARRAY),
            **provider_notes("Registry", path, drive, shown),
            "PSIsContainer": True,
        },
        text=path,
    )


def open_place(call: Call, at: ProviderPath) -> Key:
    """The key of a registry place. Raises KeyMissingError, AccessDeniedError."""
    return open_key(call.state, call.session, at.path)


def full_registry_path(at: ProviderPath) -> str:
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
