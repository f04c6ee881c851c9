# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Console, inventory and audit held against each other: who is where, and where they contradict.

No word of the console is evidence by itself: age and version of the definitions are what counts. A contradiction gets
one sentence that says what it means and what to do.
"""

from __future__ import annotations

import typing as t
from collections import defaultdict

from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import Judged
from ansible_collections.fleetops.tetra.plugins.module_utils.console.names import agree, short_key

Contradiction = t.Literal["failing_but_compliant", "fresh_but_non_compliant"]
_MEANS: t.Final[t.Mapping[Contradiction, str]] = {
    "failing_but_compliant": "TLS is not what keeps its definitions old: diagnose it (proxy, name, disk, service,"
    " clock).",
    "fresh_but_non_compliant": "It updated lately, but its settings cannot reach Tetra: the next update will fail,"
    " or the list is not in force before its next restart.",
}


class Member(t.TypedDict):
    """One computer over all views. ``match``: how the console's name was joined; ``state``: the audit's verdict."""

    name: str
    console: list[str]
    match: t.Literal["same", "probable"] | None
    inventory: bool
    state: str | None
    standing: str | None
    contradiction: Contradiction | None
    sentence: str | None


class Views(t.TypedDict):
    """``members`` in the order of names; the lists hold names."""

    members: list[Member]
    only_console: list[str]
    only_inventory: list[str]
    never_audited: list[str]
    silent: list[str]
    contradictions: dict[str, list[str]]


def views(judged: t.Iterable[Judged], inventory: t.Iterable[str], states: t.Mapping[str, str]) -> Views:
    """``inventory``: host names; ``states``: host name -> verdict of an audit. Both in the inventory's spelling."""
    consoles: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        key = short_key(one["computer"]["hostname"])
        if key is not None:
            consoles[key[:15]].append(one)
    used: set[str] = set()
    members: list[Member] = []
    for name in sorted({*inventory, *states}):
        key = short_key(name)
        near = consoles.get(key[:15], []) if key else []
        graded = [(agree(name, one["computer"]["hostname"]), one) for one in near]
        same = [one for grade, one in graded if grade == "same"]
        probable = [one for grade, one in graded if grade == "probable"]
        found = same or probable
        used.update(one["computer"]["guid"] for one in found)
        match: t.Literal["same", "probable"] | None = "same" if same else "probable" if probable else None
        members.append(_member(name, found, match, True, states.get(name)))
    for ones in consoles.values():
        for one in ones:
            if one["computer"]["guid"] not in used:
                members.append(
                    _member(one["computer"]["hostname"] or one["computer"]["guid"], [one], None, False, None)
                )
    members.sort(key=lambda member: member["name"].casefold())
    contradictions: dict[str, list[str]] = {kind: [] for kind in _MEANS}
    for member in members:
        if member["contradiction"]:
            contradictions[member["contradiction"]].append(member["name"])
    return {
        "members": members,
        "only_console": [member["name"] for member in members if not member["inventory"]],
        "only_inventory": [member["name"] for member in members if not member["console"]],
        "never_audited": [member["name"] for member in members if member["state"] in (None, "not_audited")],
        "silent": [member["name"] for member in members if member["standing"] == "stale_connector"],
        "contradictions": contradictions,
    }


def _member(
    name: str,
    found: list[Judged],
    match: t.Literal["same", "probable"] | None,
    inventory: bool,
    state: str | None,
) -> Member:
    newest = max(found, key=lambda one: one["computer"]["last_seen"] or "", default=None)
    standing = newest["standing"] if newest else None
    kind: Contradiction | None = None
    # A probable match contradicts nothing: the two may be two computers.
    if match != "probable":
        if standing == "failing" and state == "compliant":
            kind = "failing_but_compliant"
        elif standing == "fresh" and state == "non_compliant":
            kind = "fresh_but_non_compliant"
    return {
        "name": name,
        "console": [one["computer"]["guid"] for one in found],
        "match": match,
        "inventory": inventory,
        "state": state,
        "standing": standing,
        "contradiction": kind,
        "sentence": _MEANS[kind] if kind else None,
    }
