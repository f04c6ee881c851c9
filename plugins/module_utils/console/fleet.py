# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""All computers of the console as one fleet: every GUID once, what is meant left, doubles and clones told.

- The console promises no snapshot between pages, so one GUID may come twice; with the same name it is one computer.
- One GUID under several names is a cloned image: a connector identity baked into it. Nothing is merged.
- Several GUIDs under one name: a machine that was installed anew stands in the console until it is purged (90 days by
  default). The one seen last stands for the name, the others are told as its duplicates. Two of them that were seen at
  the same time, or whose MAC addresses have nothing in common while both are active, may be two machines: told too.
"""

from __future__ import annotations

import typing as t
from collections import defaultdict

from ansible_collections.fleetops.tetra.plugins.module_utils.console.computers import Computer, computer
from ansible_collections.fleetops.tetra.plugins.module_utils.console.names import full_key


class Fleet(t.NamedTuple):
    """``computers``: one for each name, in the order of names. ``duplicates``: name -> GUIDs left out for it.

    ``clones``: GUID -> names that share it. ``nameless``: GUIDs whose name is no host name. ``odd``: how many rows had
    no GUID.
    """

    computers: list[Computer]
    duplicates: dict[str, list[str]]
    clones: dict[str, list[str]]
    nameless: list[str]
    perhaps_two: list[str]
    odd: int


def gathered(rows: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[list[Computer], int]:
    """Rows of all pages as computers, each (GUID, name) once with the row seen last; and how many had no GUID."""
    found: dict[tuple[str, str | None], Computer] = {}
    odd = 0
    for row in rows:
        one = computer(row)
        if one is None:
            odd += 1
            continue
        key = (one["guid"], full_key(one["hostname"]))
        if key not in found or _seen(one) > _seen(found[key]):
            found[key] = one
    return list(found.values()), odd


def fleet_of(computers: t.Iterable[Computer], odd: int = 0, demo: bool = False, only_windows: bool = True) -> Fleet:
    """The fleet. Without ``demo`` the console's fabricated computers are left out; a computer whose system the console
    does not tell is no Windows."""
    by_name: dict[str, list[Computer]] = defaultdict(list)
    names_of: dict[str, set[str]] = defaultdict(set)
    nameless: list[str] = []
    for one in computers:
        if (one["demo"] and not demo) or (only_windows and one["windows"] is not True):
            continue
        key = full_key(one["hostname"])
        if key is None:
            nameless.append(one["guid"])
            continue
        by_name[key].append(one)
        names_of[one["guid"]].add(key)
    chosen: list[Computer] = []
    duplicates: dict[str, list[str]] = {}
    perhaps_two: list[str] = []
    for name in sorted(by_name):
        rows = sorted(by_name[name], key=lambda one: (_seen(one), one["installed"] or "", one["guid"]), reverse=True)
        chosen.append(rows[0])
        if len(rows) > 1:
            duplicates[name] = [one["guid"] for one in rows[1:]]
            if any(_apart(rows[0], other) for other in rows[1:]):
                perhaps_two.append(name)
    clones = {guid: sorted(names) for guid, names in sorted(names_of.items()) if len(names) > 1}
    return Fleet(chosen, duplicates, clones, sorted(nameless), perhaps_two, odd)


def _seen(one: Computer) -> str:
    return one["last_seen"] or ""


def _apart(newest: Computer, other: Computer) -> bool:
    if _seen(newest) == _seen(other):
        return True
    both_active = newest["active"] is True and other["active"] is True
    return both_active and bool(newest["macs"]) and bool(other["macs"]) and not set(newest["macs"]) & set(other["macs"])
