# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a policy value comes from: domain GPO, local GPO, MDM, a direct write; and the refresh that brings it back."""

from __future__ import annotations

import datetime
import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, MULTI_SZ, SZ, Value
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import POLICY_KEY
from ansible_collections.fleetops.tetra.lab.machine.state import Gpo, RsopRow, WindowsState

ORIGINS = ("domain_gpo", "local_gpo", "mdm", "direct")
REGISTRY_POL = "C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol"
GPT_INI = "C:\\Windows\\System32\\GroupPolicy\\gpt.ini"
ARCHIVE = "C:\\ProgramData\\ntuser.pol"
MDM_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\Cryptography"
MDM_CONFLICT_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\ControlPolicyConflict"
LOCAL_GPO = Gpo("LocalGPO", "Local Group Policy", "Local Group Policy")
_EXTENSIONS = "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"
_DEFAULT_GUID = "{7C2B7A5E-5B1F-4B1C-9D0C-2F8B6F3C5A11}"


@dataclass(frozen=True)
class Entry:
    """One entry of a Registry.pol; ``key`` without hive."""

    key: str
    value_name: str
    type: int
    data: bytes


def raw(value: Value) -> bytes:
    """A value as the registry stores it: UTF-16 with terminators, little endian numbers."""
    if value.type == MULTI_SZ:
        return "".join(f"{text}\0" for text in (*value.data, "")).encode("utf-16-le")
    if isinstance(value.data, str):
        return f"{value.data}\0".encode("utf-16-le")
    if isinstance(value.data, int):
        return value.data.to_bytes(4 if value.type == DWORD else 8, "little")
    return bytes(value.data)


def write_registry_pol(entries: t.Sequence[Entry]) -> bytes:
    """A file of the Registry Policy File Format (MS-GPREG): ``PReg``, version 1, entries in UTF-16."""
    data = b"PReg" + struct.pack("<I", 1)
    for entry in entries:
        semicolon = ";".encode("utf-16-le")
        data += "[".encode("utf-16-le")
        data += semicolon.join(
            (
                f"{entry.key}\0".encode("utf-16-le"),
                f"{entry.value_name}\0".encode("utf-16-le"),
                struct.pack("<I", entry.type),
                struct.pack("<I", len(entry.data)),
                entry.data,
            )
        )
        data += "]".encode("utf-16-le")
    return data


def set_origin(state: WindowsState, mapping: t.Mapping[str, t.Any], changed: bool = False) -> None:
    """Leaves the traces that the origin of the present policy values leaves.

    mapping: ``kind`` (ORIGINS), ``gpo``, ``guid``; ``value``: what the policy says where the registry differs from it;
    ``deleted``: the policy is Disabled and the value was written by hand; ``wins_over_gp`` (MDM).
    changed: the policy was changed after the last boot.
    """
    kind = mapping.get("kind")
    if kind not in ORIGINS:
        raise FleetError(f"origin: kind must be one of {', '.join(ORIGINS)}, not {kind!r}.")
    if kind == "direct":
        return
    values = _policy_values(state, mapping)
    if kind == "mdm":
        _mdm(state, values, bool(mapping.get("wins_over_gp")))
        return
    processed = state.boot_time + datetime.timedelta(minutes=2)
    # Policy files are as old as the policy, and that is older than the boot unless the fleet file says otherwise.
    moment = state.now() - datetime.timedelta(hours=2) if changed else state.boot_time - datetime.timedelta(days=20)
    key = POLICY_KEY.partition("\\")[2]
    deleted = bool(mapping.get("deleted"))
    entries = [
        Entry(
            key,
            f"**del.{name}" if deleted else name,
            SZ if deleted else value.type,
            " \0".encode("utf-16-le") if deleted else raw(value),
        )
        for name, value in values.items()
    ]
    if kind == "local_gpo":
        gpo = LOCAL_GPO
        entries.append(
            Entry("SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU", "NoAutoUpdate", DWORD, b"\1\0\0\0")
        )
        state.files.write(REGISTRY_POL, write_registry_pol(entries), moment)
        ini = f"[General]\r\ngPCMachineExtensionNames={_EXTENSIONS}\r\nVersion=3\r\n"
        state.files.write(GPT_INI, ini.encode("ascii"), moment)
    else:
        guid = str(mapping.get("guid", _DEFAULT_GUID))
        domain = state.identity.domain or "corp.example"
        state.identity.domain = domain
        parts = ",".join(f"DC={part}" for part in domain.split("."))
        gpo = Gpo(f"CN={guid},CN=Policies,CN=System,{parts}", str(mapping.get("gpo", "TLS hardening")), guid)
        if not deleted:
            state.domain_policies += [(POLICY_KEY, name, value) for name, value in values.items()]
    state.files.write(ARCHIVE, write_registry_pol(entries), moment)
    if kind == "local_gpo" and state.behaviours["local_gpo_in_rsop"] == "missing":
        return
    state.gpos.append(gpo)
    for name, value in values.items():
        state.rsop_rows.append(
            RsopRow(
                key, name, value.type, b"" if deleted else raw(value), gpo.id, f"{gpo.id}-som", 1, deleted, processed
            )
        )


def _policy_values(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> dict[str, Value]:
    found = state.registry.find(POLICY_KEY)
    values = dict(found.values.values()) if found else {}
    if "value" in mapping:
        values["Functions"] = Value(SZ, str(mapping["value"]))
    return values


def _mdm(state: WindowsState, values: t.Mapping[str, Value], wins: bool) -> None:
    functions = values.get("Functions")
    text = functions.data if functions is not None and isinstance(functions.data, str) else ""
    state.registry.set(MDM_KEY, "TLSCipherSuites", Value(SZ, text.replace(",", ";")))
    if wins:
        state.registry.set(MDM_CONFLICT_KEY, "MDMWinsOverGP", Value(DWORD, 1))


def refresh(state: WindowsState) -> None:
    """``gpupdate.exe /target:computer``: writes what domain policy says over what the registry holds."""
    for key, name, value in state.domain_policies:
        state.registry.set(key, name, value)
