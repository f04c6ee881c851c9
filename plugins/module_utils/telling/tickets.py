# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A ticket for each owner of a setting: how many endpoints it keeps from updating, what stands there, what to set."""

from __future__ import annotations

import json
import re
import typing as t
from collections import Counter

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible, visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record

MOST_VALUES: t.Final = 5
MOST_HOSTS: t.Final = 50
_OWNERS: t.Final[t.Mapping[str, str]] = {
    "domain_gpo": "A domain GPO",
    "local_gpo": "The local group policy",
    "mdm": "The MDM",
    "direct": "A value set without a policy",
    "none": "No policy: the release or a switch",
    "unknown": "A setting of unknown owner",
}


class Change(t.TypedDict):
    """One value to set. ``wanted`` and ``present`` as texts; ``endpoints``: for how many of them."""

    what: str
    place: str | None
    present: str
    wanted: str
    restart: bool
    endpoints: int


class Ticket(t.TypedDict):
    """``key``: fit for a file name and the same in every run, so that a tracker may find an earlier ticket by it.

    ``hosts``: all of them, in order; ``changes``: the most frequent first; ``more_changes``: how many are left out.
    """

    key: str
    owner: str
    kind: str
    guid: str | None
    endpoints: int
    title: str
    changes: list[Change]
    more_changes: int
    next_steps: list[str]
    hosts: list[str]


class _Gathered(t.NamedTuple):
    name: str
    guid: str
    hosts: list[str]
    changes: Counter[tuple[str, str | None, str, str, bool]]
    steps: Counter[str]


class Tickets:
    """Takes non-compliant records one after the other. What one endpoint needs may be more than one owner's."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], _Gathered] = {}

    def take(self, record: Record) -> None:
        """Adds one endpoint to the tickets of everybody who keeps one of its settings."""
        verdict = record["verdict"]
        origin = verdict["policy_origin"]
        gpo = origin["gpo"]
        principal: tuple[str, str, str] = (
            origin["origin"],
            (gpo or {"name": None})["name"] or "",
            (gpo or {"guid": None})["guid"] or "",
        )
        found: dict[tuple[str, str, str], list[tuple[str, str | None, str, str, bool]]] = {}
        for cure in verdict.get("cures") or []:
            if cure["fault"] == "restart":
                continue
            owner = cure["owner"]
            principals = (owner["kind"], owner["name"] or "") == principal[:2]
            known = owner["kind"] not in ("none", "unknown") and not principals
            key: tuple[str, str, str] = (
                (owner["kind"], owner["name"] or "", owner["guid"] or "") if known else principal
            )
            change = (cure["what"], cure["place"], _text(cure["present"]), _text(cure["wanted"]), cure["restart"])
            found.setdefault(key, []).append(change)
        for (kind, name, guid), changes in (found or {principal: []}).items():
            # A GPO that is renamed in the middle of a run stays one.
            gathered = self._found.setdefault((kind, guid or name), _Gathered(name, guid, [], Counter(), Counter()))
            gathered.hosts.append(record["host"])
            gathered.steps[verdict["next_step"]] += 1
            gathered.changes.update(changes)

    def made(self) -> list[Ticket]:
        """The tickets, the one with most endpoints first."""
        made = [_ticket(kind, gathered) for (kind, _which), gathered in self._found.items()]
        return sorted(made, key=lambda ticket: (-ticket["endpoints"], ticket["key"]))


def body(ticket: Ticket, run_id: str) -> str:
    """The ticket's text as Markdown, which is readable as plain text too."""
    lines = [f"{ticket['title']}.", ""]
    for change in ticket["changes"]:
        lines += [
            f"### {change['what'] or 'Setting'}",
            "",
            f"- Endpoints: {change['endpoints']:,}",
            f"- Where: {_code(change['place'] or 'not told')}",
            f"- Stands there: {_code(change['present'])}",
            f"- Value to set: {_code(change['wanted'])}",
            f"- Counts after a restart: {'yes' if change['restart'] else 'no'}",
            "",
        ]
    if ticket["more_changes"]:
        lines += [f"{ticket['more_changes']:,} rarer settings are not shown.", ""]
    lines += ["### What to do", "", *(f"- {step}" for step in ticket["next_steps"]), ""]
    shown = ticket["hosts"][:MOST_HOSTS]
    rest = len(ticket["hosts"]) - len(shown)
    lines += ["### Endpoints", "", *(f"- {_code(host)}" for host in shown)]
    lines += [f"- and {rest:,} more, see tickets.json"] if rest else []
    lines += ["", f"Found by fleetops.tetra in the run {_code(run_id)}; ticket key {_code(ticket['key'])}."]
    return "\n".join(lines) + "\n"


def _ticket(kind: str, gathered: _Gathered) -> Ticket:
    name, guid = gathered.name, gathered.guid
    number = len(gathered.hosts)
    owner = visible(f"GPO {name}" if kind == "domain_gpo" and name else name or _OWNERS.get(kind, kind))
    verb = "leaves" if kind in ("none", "unknown") else "keeps"
    endpoints = f"{number:,} endpoint{'' if number == 1 else 's'}"
    title = (
        f"{owner} {verb} {endpoints} without updates"
        if verb == "leaves"
        else f"{owner} {verb} {endpoints} from updating"
    )
    changes: list[Change] = [
        {
            "what": visible(what),
            "place": visible(place) if place else None,
            "present": present,
            "wanted": wanted,
            "restart": restart,
            "endpoints": times,
        }
        for (what, place, present, wanted, restart), times in gathered.changes.most_common(MOST_VALUES)
    ]
    return {
        "key": _key(kind, guid or name),
        "owner": owner,
        "kind": kind,
        "guid": guid or None,
        "endpoints": number,
        "title": title,
        "changes": changes,
        "more_changes": max(0, len(gathered.changes) - len(changes)),
        "next_steps": [visible(step) for step, _times in gathered.steps.most_common(3)],
        "hosts": [visible(host) for host in gathered.hosts],
    }


def _key(kind: str, name: str) -> str:
    safe = re.sub(r"[^0-9a-z]+", "-", name.casefold()).strip("-")[:80]
    if name and not safe:
        safe = name.encode().hex()[:80]
    return f"tetra-{kind.replace('_', '-')}" + (f"-{safe}" if safe else "")


def _text(value: t.Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return visible(",".join(value))
    return visible(value) if isinstance(value, str) else json.dumps(visible_all(value), ensure_ascii=False)


def _code(text: str) -> str:
    """A span that no backtick in it can end."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"
