# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces of policy that were recorded from a real endpoint, laid down as they were: ``origin: {kind: recorded, …}``.

Unlike the other kinds nothing is derived from the values in the registry; what was recorded may contradict them.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.fleetops.tetra.lab import checks
from ansible_collections.fleetops.tetra.lab.machine import domains, group_policy
from ansible_collections.fleetops.tetra.lab.machine.policy_file import Entry, write_registry_pol
from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, MULTI_SZ, QWORD, TYPES, Value, make_value
from ansible_collections.fleetops.tetra.lab.machine.state import Gpo, RsopRow, WindowsState

KEYS = ("kind", "rows", "gpos", "local", "archive_seconds_ago")
LOCAL_KEYS = ("entries", "others", "seconds_ago", "denied")
OTHER_KEY = "SOFTWARE\\Policies\\fleetops.tetra\\NotRecorded"
"""Stands for the other settings of a local policy: how many there are was recorded, what they say was not."""
_STRINGS = (1, 2)


def set_recorded(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> None:
    """mapping: ``rows`` and ``gpos`` as facts hold them, but with ``seconds_ago`` in place of ``created``;
    ``local``: ``{entries, others (number), seconds_ago, denied}`` of the local Registry.pol; ``archive_seconds_ago``.
    Raises FleetError.
    """
    checks.known_keys(dict(mapping), KEYS, "origin")
    gpos = [Gpo(str(one["id"]), str(one["name"]), str(one["guid"]), one["enabled"] is not False)
            for one in mapping.get("gpos") or []]  # fmt: skip
    state.gpos.extend(gpos)
    rows = sorted(mapping.get("rows") or [], key=lambda row: int(row["precedence"]))
    for row in rows:
        state.rsop_rows.append(_row(state, row))
        gpo = next((one for one in gpos if one.id.lower() == str(row["gpo_id"]).lower()), None)
        if gpo is not None and gpo.id != group_policy.LOCAL_GPO.id:
            _govern(state, gpo, row)
    entries = _local(state, mapping.get("local"))
    if mapping.get("archive_seconds_ago") is not None:
        moment = _ago(state, mapping["archive_seconds_ago"])
        domain = [group_policy.policy_entry(*setting) for gpo in state.domain_gpos for setting in gpo.values.values()]
        state.files.write(group_policy.ARCHIVE, write_registry_pol([*entries, *domain]), moment)
    state.applied_policies = _applied(state, entries)
    state.processed_versions = group_policy.versions(state)


def bytes_of(kind: int, value: t.Any) -> bytes:
    """The bytes of a value as facts hold it: text, list of texts, or hex."""
    if kind in _STRINGS:
        return group_policy.raw(Value(kind, str(value or "")))
    if kind == MULTI_SZ:
        return group_policy.raw(Value(kind, tuple(str(item) for item in value or ())))
    if isinstance(value, int):
        return value.to_bytes(8 if kind == QWORD else 4, "little")
    return bytes.fromhex(str(value or ""))


def domain_of(gpo_id: str) -> str:
    """The DNS name in a GPO's directory name (``CN={…},CN=Policies,CN=System,DC=corp,DC=example``)."""
    parts = re.findall(r"(?i)(?:^|,)\s*DC=([^,]+)", gpo_id)
    return ".".join(parts).lower() or "rehearsal.invalid"


def _row(state: WindowsState, row: t.Mapping[str, t.Any]) -> RsopRow:
    seconds = row.get("seconds_ago")
    return RsopRow(
        str(row["registry_key"]),
        str(row["value_name"]),
        int(row["value_type"]),
        b"" if row["deleted"] else bytes_of(int(row["value_type"]), row["value"]),
        str(row["gpo_id"]),
        str(row["som_id"]),
        int(row["precedence"]),
        bool(row["deleted"]),
        None if seconds is None else _ago(state, seconds),
    )


def _govern(state: WindowsState, gpo: Gpo, row: t.Mapping[str, t.Any]) -> None:
    """The domain's GPO, with the value that it was recorded to set."""
    name = domain_of(gpo.id)
    state.identity.domain = state.identity.domain or name
    shared = domains.domain(name).gpo(gpo.name, gpo.guid if gpo.guid.startswith("{") else None)
    if not row["deleted"] and not str(row["value_name"]).startswith("**"):
        kind = int(row["value_type"])
        value = group_policy.cooked(kind, bytes_of(kind, row["value"]))
        shared.set(f"HKEY_LOCAL_MACHINE\\{_without_hive(str(row['registry_key']))}", str(row["value_name"]), value)
    gpo.guid = shared.guid
    if shared not in state.domain_gpos:
        state.domain_gpos.append(shared)


def _local(state: WindowsState, given: t.Mapping[str, t.Any] | None) -> list[Entry]:
    """Writes Registry.pol and gpt.ini; its entries."""
    if given is None:
        return []
    checks.known_keys(dict(given), LOCAL_KEYS, "origin: local")
    moment = _ago(state, given.get("seconds_ago") or 0)
    entries = []
    for one in given.get("entries") or []:
        kind = TYPES.get(str(one["type"]), 1)
        data = one["data"]
        content = data if isinstance(data, int) else make_value(str(one["type"]), data).data if kind == 3 else data
        raw = content if isinstance(content, bytes) else bytes_of(kind, content)
        entries.append(Entry(_without_hive(str(one["key"])), str(one["value"]), kind, raw))
    others = [
        Entry(OTHER_KEY, f"Setting{number}", DWORD, b"\1\0\0\0") for number in range(int(given.get("others") or 0))
    ]
    file = state.files.write(group_policy.REGISTRY_POL, write_registry_pol([*entries, *others]), moment)
    file.denied = bool(given.get("denied"))
    state.files.write(group_policy.GPT_INI, group_policy.gpt_ini(), moment)
    for entry in others:
        state.registry.set(f"HKEY_LOCAL_MACHINE\\{entry.key}", entry.value_name, Value(DWORD, 1))
    return [*entries, *others]


def _applied(state: WindowsState, entries: t.Sequence[Entry]) -> list[tuple[str, str]]:
    """Places in the registry that policy wrote: named by a policy, and present."""
    named = [(f"HKEY_LOCAL_MACHINE\\{entry.key}", entry.value_name) for entry in entries]
    named += [(key, name) for gpo in state.domain_gpos for key, name, _value in gpo.values.values()]
    present = [(key, name) for key, name in named if state.registry.get(key, name) is not None]
    return list(dict.fromkeys((key.lower(), name.lower()) for key, name in present))


def _without_hive(key: str) -> str:
    head, _separator, tail = key.partition("\\")
    return tail if head.upper() in ("HKLM", "HKEY_LOCAL_MACHINE") else key


def _ago(state: WindowsState, seconds: t.Any) -> datetime.datetime:
    return state.now() - datetime.timedelta(seconds=float(seconds))
