# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a policy value comes from: domain GPO, local GPO, MDM, a direct write; and the refresh that brings it back."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine import domains
from ansible_collections.fleetops.tetra.lab.machine.policy_file import (
    Entry,
    PolicyFileError,
    read_registry_pol,
    write_registry_pol,
)
from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, EXPAND_SZ, MULTI_SZ, QWORD, SZ, Value
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import POLICY_KEY
from ansible_collections.fleetops.tetra.lab.machine.state import Gpo, RsopRow, WindowsState

ORIGINS = ("domain_gpo", "local_gpo", "mdm", "direct")
REGISTRY_POL = "C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol"
GPT_INI = "C:\\Windows\\System32\\GroupPolicy\\gpt.ini"
ARCHIVE = "C:\\ProgramData\\ntuser.pol"
_LGPO_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\Windows\\System"
MDM_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\Cryptography"
MDM_CONFLICT_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\ControlPolicyConflict"
LOCAL_GPO = Gpo("LocalGPO", "Local Group Policy", "Local Group Policy")
_NEIGHBOUR = "SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU"
"""A key that the local policy of every endpoint sets as well: a change has to leave it alone."""
_EXTENSIONS = "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"


def gpt_ini(version: int = 3) -> bytes:
    """The file beside a local Registry.pol."""
    return f"[General]\r\ngPCMachineExtensionNames={_EXTENSIONS}\r\nVersion={version}\r\n".encode("ascii")


def raw(value: Value) -> bytes:
    """A value as the registry stores it: UTF-16 with terminators, little endian numbers."""
    if value.type == MULTI_SZ:
        return "".join(f"{text}\0" for text in (*value.data, "")).encode("utf-16-le")
    if isinstance(value.data, str):
        return f"{value.data}\0".encode("utf-16-le")
    if isinstance(value.data, int):
        return value.data.to_bytes(4 if value.type == DWORD else 8, "little")
    return bytes(value.data)


def set_origin(state: WindowsState, mapping: t.Mapping[str, t.Any], changed: bool = False) -> None:
    """Leaves the traces that the origin of the present policy values leaves.

    mapping: ``kind`` (ORIGINS), ``gpo``, ``guid``; ``value``: what the policy says where the registry differs from it;
    ``deleted``: the policy is Disabled and the value was written by hand; ``wins_over_gp`` (MDM);
    ``losing``: further GPOs of the domain that set the list as well, ``[{gpo, guid, value}]`` by precedence;
    ``comes_back``: the policy is applied again at every boot, changed or not.
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
        entries.append(Entry(_NEIGHBOUR, "NoAutoUpdate", DWORD, b"\1\0\0\0"))
        state.registry.set(f"HKEY_LOCAL_MACHINE\\{_NEIGHBOUR}", "NoAutoUpdate", Value(DWORD, 1))
        state.files.write(REGISTRY_POL, write_registry_pol(entries), moment)
        state.files.write(GPT_INI, gpt_ini(), moment)
    else:
        state.identity.domain = state.identity.domain or "corp.example"
        domain = domains.domain(state.identity.domain)
        shared = domain.gpo(str(mapping.get("gpo", "TLS hardening")), mapping.get("guid"))
        gpo = Gpo(domain.distinguished(shared), shared.name, shared.guid)
        if not deleted:
            for name, value in values.items():
                shared.begin_with(POLICY_KEY, name, value)
            state.domain_gpos.append(shared)
    state.files.write(ARCHIVE, write_registry_pol(entries), moment)
    state.applied_policies = [] if deleted else [(POLICY_KEY.lower(), name.lower()) for name in values]
    state.policy_comes_back = bool(mapping.get("comes_back"))
    state.processed_versions = versions(state)
    if kind == "local_gpo" and state.behaviours["local_gpo_in_rsop"] == "missing":
        return
    state.gpos.append(gpo)
    for name, value in values.items():
        state.rsop_rows.append(
            RsopRow(
                key, name, value.type, b"" if deleted else raw(value), gpo.id, f"{gpo.id}-som", 1, deleted, processed
            )
        )
    _losing(state, mapping.get("losing") or [], processed)


def _losing(state: WindowsState, given: t.Sequence[t.Mapping[str, t.Any]], processed: datetime.datetime) -> None:
    """GPOs that set the list of suites as well and lose."""
    if given and not state.domain_gpos:
        raise FleetError("origin: losing needs a domain GPO that wins.")
    for number, one in enumerate(given, start=2):
        domain = domains.domain(str(state.identity.domain))
        shared = domain.gpo(str(one["gpo"]), one.get("guid"))
        value = Value(SZ, str(one["value"]))
        shared.begin_with(POLICY_KEY, "Functions", value)
        state.domain_gpos.append(shared)
        gpo = Gpo(domain.distinguished(shared), shared.name, shared.guid)
        state.gpos.append(gpo)
        key = POLICY_KEY.partition("\\")[2]
        state.rsop_rows.append(
            RsopRow(key, "Functions", SZ, raw(value), gpo.id, f"{gpo.id}-som", number, False, processed)
        )
    state.processed_versions = versions(state)


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


def cooked(kind: int, data: bytes) -> Value:
    """A value from the bytes that a policy file or the registry holds."""
    if kind in (SZ, EXPAND_SZ):
        return Value(kind, data.decode("utf-16-le", "replace").split("\0", 1)[0])
    if kind == MULTI_SZ:
        parts = data.decode("utf-16-le", "replace").split("\0")
        return Value(kind, tuple(part for part in parts if part))
    if kind in (DWORD, QWORD):
        return Value(kind, int.from_bytes(data, "little"))
    return Value(kind, data)


def refresh(state: WindowsState, force: bool = False) -> bool:
    """Processes computer policy as the registry extension does; whether it had anything to do.

    It is skipped where neither local nor domain policy has another version than at the last time, unless forced.
    Values that policy wrote before and does not name any more are removed; domain policy wins over local policy.
    """
    present = versions(state)
    if not force and present == state.processed_versions:
        return False
    wanted: dict[tuple[str, str], Value | None] = {}
    local = _local_entries(state)
    for entry in local:
        key = f"HKEY_LOCAL_MACHINE\\{entry.key}"
        if entry.value_name.lower().startswith("**del."):
            wanted[key.lower(), entry.value_name[6:].lower()] = None
        elif not entry.value_name.startswith("**"):
            wanted[key.lower(), entry.value_name.lower()] = cooked(entry.type, entry.data)
            state.registry.set(key, entry.value_name, cooked(entry.type, entry.data))
    for key, name, value in _domain_values(state):
        wanted[key.lower(), name.lower()] = value
        if value is not None:
            state.registry.set(key, name, value)
    for key, name in [*state.applied_policies, *(place for place, value in wanted.items() if value is None)]:
        if wanted.get((key, name)) is None:
            state.registry.remove_value(key, name)
    state.applied_policies = [place for place, value in wanted.items() if value is not None]
    state.processed_versions = present
    _leave_traces(state, local)
    return True


def versions(state: WindowsState) -> tuple[int, ...]:
    """Of the local policy and of each GPO of the domain, as this endpoint sees them."""
    return (_local_version(state), *(_seen(state, gpo)[0] for gpo in state.domain_gpos))


def _seen(state: WindowsState, gpo: domains.DomainGpo) -> tuple[int, domains.Settings]:
    return gpo.seen(state.replication_seconds)


def _domain_values(state: WindowsState) -> list[tuple[str, str, Value | None]]:
    """What the domain's policies say; where several name a value, the first GPO wins."""
    found: domains.Settings = {}
    for gpo in state.domain_gpos:
        for place, value in _seen(state, gpo)[1].items():
            found.setdefault(place, value)
    return list(found.values())


def _local_version(state: WindowsState) -> int:
    file = state.files.find(GPT_INI)
    found = re.search(rb"(?im)^\s*Version\s*=\s*(\d+)", file.data) if file else None
    return int(found[1]) & 0xFFFF if found else 0


def _local_entries(state: WindowsState) -> list[Entry]:
    off = state.registry.get(_LGPO_KEY, "DisableLGPOProcessing")
    file = state.files.find(REGISTRY_POL)
    if file is None or (off is not None and off.data == 1):
        return []
    try:
        return read_registry_pol(file.data)
    except PolicyFileError:
        return []


def _leave_traces(state: WindowsState, local: t.Sequence[Entry]) -> None:
    """What a processing writes down: ntuser.pol and the rows of RSoP for the suite policy."""
    key = POLICY_KEY.partition("\\")[2]
    domain = [policy_entry(*setting) for setting in _domain_values(state)]
    state.files.write(ARCHIVE, write_registry_pol([*local, *domain]), state.now())
    state.rsop_rows = []
    state.gpos = [gpo for gpo in state.gpos if gpo.id != LOCAL_GPO.id]
    rows = {gpo.guid: gpo for gpo in state.gpos}
    sources = [
        ([policy_entry(*setting) for setting in _seen(state, gpo)[1].values()], rows[gpo.guid])
        for gpo in state.domain_gpos
    ]
    if state.behaviours["local_gpo_in_rsop"] == "shown":
        sources.append((list(local), LOCAL_GPO))
        if local:
            state.gpos.append(LOCAL_GPO)
    ranks: dict[str, int] = {}
    for entries, gpo in sources:
        for entry in entries:
            if entry.key.lower() != key.lower():
                continue
            deleted = entry.value_name.lower().startswith("**del.")
            name = entry.value_name[6:] if deleted else entry.value_name
            rank = ranks[name.lower()] = ranks.get(name.lower(), 0) + 1
            data = b"" if deleted else entry.data
            state.rsop_rows.append(
                RsopRow(key, name, entry.type, data, gpo.id, f"{gpo.id}-som", rank, deleted, state.now())
            )


def policy_entry(key: str, name: str, value: Value | None) -> Entry:
    """An entry of a policy file."""
    if value is None:
        return Entry(key.partition("\\")[2], f"**del.{name}", SZ, " \0".encode("utf-16-le"))
    return Entry(key.partition("\\")[2], name, value.type, raw(value))
