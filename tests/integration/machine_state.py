# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole states of simulated endpoints, before and after: every registry key, every value, every file.

``Places`` are named as Windows names them: ``HKEY_LOCAL_MACHINE\\…`` for a key, key and value name with ``\\`` between
for a value, a path for a file.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.policy_file import read_registry_pol
from ansible_collections.fleetops.tetra.lab.running import RunningFleet

REGISTRY_POL = r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol"
GPT_INI = r"C:\Windows\System32\GroupPolicy\gpt.ini"
ARCHIVE = r"C:\ProgramData\ntuser.pol"
COPIES = "C:\\ProgramData\\fleetops.tetra\\"
OUR_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\fleetops.tetra"
LOCAL_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Cryptography\Configuration\Local\SSL\00010002"
_ABSENT: t.Final = None

State = dict[str, t.Any]
"""``{place: what stands there}``; a key stands for itself, so that one made or removed is seen."""


@dataclass(frozen=True)
class Change:
    place: str
    before: t.Any
    """None where there was nothing."""
    after: t.Any


def state_of(fleet: RunningFleet, name: str) -> State:
    machine = fleet.machines[name]
    assert isinstance(machine, Endpoint)
    dump = machine.state.dump()
    found: State = dict(dump["files"])
    for key, values in dump["registry"].items():
        found[key] = "key"
        for value, content in values.items():
            found[f"{key}\\{value}"] = content
    return found


def states_of(fleet: RunningFleet) -> dict[str, State]:
    return {name: state_of(fleet, name) for name in fleet.machines}


def changes(before: State, after: State) -> dict[str, Change]:
    """What differs, by place."""
    places = sorted(
        place for place in before.keys() | after.keys() if before.get(place, _ABSENT) != after.get(place, _ABSENT)
    )
    return {place: Change(place, before.get(place, _ABSENT), after.get(place, _ABSENT)) for place in places}


def without_traces(found: dict[str, Change]) -> dict[str, Change]:
    """Takes away what a cure leaves beside the values that it is about, each checked for being no more than that.

    The copy of the before-image, a policy's version counted on, the archive of applied policy (Windows writes it at
    every processing), and lines at the end of the connector's log.
    """
    return {place: change for place, change in found.items() if not _is_trace(change)}


def _is_trace(change: Change) -> bool:
    if change.place.startswith(COPIES):
        # A kill may leave the temporary file of a copy.
        return change.before is _ABSENT and change.place.endswith((".json", ".json.fleetops-tetra.tmp"))
    if change.place == GPT_INI:
        return _only_counted_on(change)
    if change.place.endswith("\\sfc.exe.log"):
        return str(change.after or "").startswith(change.before or "")
    return change.place == ARCHIVE


def _only_counted_on(change: Change) -> bool:
    """Everything in gpt.ini but the version is as before, and the version is higher."""
    if change.before is _ABSENT or change.after is _ABSENT:
        return False
    before, after = bytes.fromhex(change.before), bytes.fromhex(change.after)
    version = re.compile(rb"(?i)Version=(\d+)")
    old, new = version.search(before), version.search(after)
    return (
        old is not None
        and new is not None
        and int(new[1]) > int(old[1])
        and version.sub(b"", before) == version.sub(b"", after)
    )


def other_policy_entries(content: str | None) -> list[t.Any]:
    """The entries of a Registry.pol (hex) that are not the suite list."""
    entries = read_registry_pol(bytes.fromhex(content)) if content else []
    return [entry for entry in entries if not entry.value_name.lower().endswith("functions")]


def as_planned(steps: t.Sequence[t.Mapping[str, t.Any]], before: State) -> State:
    """The registry values that a plan's steps lead to, by place, as the lab shows them."""
    wanted: State = {}
    for step in steps:
        place = f"{step['path']}\\{step['name']}"
        if step["action"] == "enable_suite":
            place = f"{LOCAL_KEY}\\Functions"
            kind, names = wanted.get(place, before[place])
            wanted[place] = [kind, (step["name"], *(name for name in names if name != step["name"]))]
        elif step["after"]["status"] == "absent":
            wanted[place] = _ABSENT
        else:
            data = step["after"]["data"]
            wanted[place] = [step["after"]["type"], tuple(data) if isinstance(data, list) else data]
    return wanted


def differs_from_plan(before: State, after: State, steps: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Sentences about everything that is neither a step of the plan carried out nor a trace of it; empty is good."""
    found = without_traces(changes(before, after))
    wrong = []
    for place, wanted in as_planned(steps, before).items():
        change = found.pop(place, None)
        now = change.after if change is not None else before.get(place, _ABSENT)
        if now != wanted:
            wrong.append(f"{place} should be {wanted}, but is {now}")
    pol = found.pop(REGISTRY_POL, None)
    if pol is not None:
        if not any(step["target"] == "local_gpo" for step in steps):
            wrong.append("Registry.pol was changed although no step is about it")
        if other_policy_entries(pol.before) != other_policy_entries(pol.after):
            wrong.append("Registry.pol has other neighbours than before")
    made = {place for place in as_planned(steps, before) if place not in before}
    for place, change in found.items():
        if change.after == "key" and any(value.startswith(f"{place}\\") for value in made):
            continue
        wrong.append(f"{place} was {change.before} and is {change.after}")
    return wrong
