# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session sees of registry and files: 32-bit redirection, and access rights of the account."""

from __future__ import annotations

import re

from ansible_collections.fleetops.tetra.lab.machine.filesystem import File
from ansible_collections.fleetops.tetra.lab.machine.registry import AccessDeniedError, Key, canonical
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState

_SOFTWARE = re.compile(r"^HKEY_LOCAL_MACHINE\\SOFTWARE(\\|$)", re.IGNORECASE)
# Keys that both views share (learn.microsoft.com/windows/win32/winprog64/shared-registry-keys).
_SHARED = re.compile(
    r"^HKEY_LOCAL_MACHINE\\SOFTWARE\\(Policies|WOW6432Node|Microsoft\\SystemCertificates|Microsoft\\EnterpriseCertificates"
    r"|Microsoft\\Windows\\CurrentVersion\\Group Policy|Microsoft\\Windows\\CurrentVersion\\Policies)(\\|$)",
    re.IGNORECASE,
)
_SYSTEM32 = re.compile(r"^C:\\Windows\\System32(\\|$)", re.IGNORECASE)
_SYSTEM32_SHARED = re.compile(
    r"^C:\\Windows\\System32\\(catroot|catroot2|drivers\\etc|logfiles|spool)(\\|$)", re.IGNORECASE
)
_SYSNATIVE = re.compile(r"^C:\\Windows\\Sysnative(\\|$)", re.IGNORECASE)
_ADMINISTRATORS_ONLY = re.compile(
    r"^HKEY_USERS\\S-1-5-(19|20)(\\|$)|^HKEY_LOCAL_MACHINE\\(SAM\\SAM|SECURITY)(\\|$)", re.IGNORECASE
)


def registry_path(session: SessionConfiguration, path: str) -> str:
    """The key that a session really opens. Raises KeyMissingError for an unknown hive."""
    full = canonical(path)
    if session.bits == 32 and _SOFTWARE.match(full) and not _SHARED.match(full):
        return _SOFTWARE.sub(lambda found: f"HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node{found.group(1)}", full)
    return full


def open_key(state: WindowsState, session: SessionConfiguration, path: str, access: str = "read") -> Key:
    """The key as this account and this session see it. Raises KeyMissingError, AccessDeniedError."""
    full = registry_path(session, path)
    key = state.registry.open(full, access)
    if not state.account.elevated and _ADMINISTRATORS_ONLY.match(full):
        raise AccessDeniedError(path)
    if access == "write" and not state.account.may_write:
        raise AccessDeniedError(path)
    return key


def file_path(session: SessionConfiguration, path: str) -> str:
    """The file that a session really opens."""
    if session.bits == 32:
        if _SYSNATIVE.match(path):
            return _SYSNATIVE.sub(lambda found: f"C:\\Windows\\System32{found.group(1)}", path)
        if _SYSTEM32.match(path) and not _SYSTEM32_SHARED.match(path):
            return _SYSTEM32.sub(lambda found: f"C:\\Windows\\SysWOW64{found.group(1)}", path)
    return path


def find_file(state: WindowsState, session: SessionConfiguration, path: str) -> File | None:
    return state.files.find(file_path(session, path))


_SYSTEM_FOLDERS = re.compile(r"^C:\\(Windows|Program Files|Program Files \(x86\)|ProgramData)(\\|$)", re.IGNORECASE)


def may_write_file(state: WindowsState, path: str) -> bool:
    """Folders of the system are for administrators."""
    return state.account.may_write or not _SYSTEM_FOLDERS.match(path)


def environment(state: WindowsState, session: SessionConfiguration) -> dict[str, str]:
    """The environment variables that matter."""
    wow = session.bits == 32
    variables = {
        "ALLUSERSPROFILE": "C:\\ProgramData",
        "COMPUTERNAME": state.identity.computer_name,
        "ComSpec": "C:\\Windows\\system32\\cmd.exe",
        "NUMBER_OF_PROCESSORS": "2",
        "OS": "Windows_NT",
        "PROCESSOR_ARCHITECTURE": "x86" if wow else "AMD64",
        "ProgramData": "C:\\ProgramData",
        "ProgramFiles": "C:\\Program Files (x86)" if wow else "C:\\Program Files",
        "ProgramFiles(x86)": "C:\\Program Files (x86)",
        "ProgramW6432": "C:\\Program Files",
        "SystemDrive": "C:",
        "SystemRoot": "C:\\Windows",
        "TEMP": "C:\\Windows\\TEMP",
        "windir": "C:\\Windows",
    }
    if wow:
        variables["PROCESSOR_ARCHITEW6432"] = "AMD64"
    if state.identity.domain:
        variables["USERDOMAIN"] = state.identity.domain.split(".")[0].upper()
    return dict(sorted(variables.items(), key=lambda pair: pair[0].lower()))
