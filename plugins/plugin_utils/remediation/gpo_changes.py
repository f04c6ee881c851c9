# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The domain GPOs of a remediation: which are to be changed, and what became of each.

``<results_dir>/<run_id>/domain_gpos.json``::

    {schema: "fleetops.tetra/domain-gpos/1", permitted: bool,
     gpos: [{guid, name, domain, path, value, before, after, suites, endpoints, also_governed, rivals, conflicts, why,
             outcome: null | {event: "changed"|"already"|"failed", at, management_host, before_image, now, detail}}]}

``now`` is what the GPO holds; an endpoint of it is cured by following that value.
"""

from __future__ import annotations

import collections.abc as c
import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import empty_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.domain_gpos import (
    BLOCKED_CODE,
    Claim,
    add_conflict,
    claims_of,
    conflict_of,
    group_claims,
    serves,
    title,
    with_value,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import DOMAIN_GPO
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import RunFolder
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    read_record,
    record_path,
    write_json,
)

SCHEMA = "fleetops.tetra/domain-gpos/1"
FILE = "domain_gpos.json"
_BEYOND = "All other computers that this GPO reaches get the value too, also those that are not part of this run."
CHANGED, HELD_ALREADY, FAILED = "changed", "already", "failed"

Document = dict[str, t.Any]
Options = t.Mapping[str, t.Any]
Plans = dict[str, Document]


def claims(record: Record, options: Options) -> list[Claim]:
    """What the endpoint of this record gets from domain GPOs."""
    if record["facts"] is None:
        return []
    return claims_of(record["facts"], record["verdict"], options)


def plan_changes(folder: Path, before: RunFolder, found: c.Iterable[Claim], plans: Plans, options: Options) -> None:
    """Groups the claims, writes ``domain_gpos.json``, and puts what came out into the plans of the endpoints.

    ``plans``: ``{host: {todo, steps, blocked}}``. An endpoint whose GPO has a conflict is blocked.
    """
    changes = group_claims(found, options)
    for change in changes:
        for host in (*change["endpoints"], *change["also_governed"]):
            facts, verdict = _facts(before, host)
            conflict = conflict_of(change, facts, verdict, options)
            if conflict is not None:
                add_conflict(change, conflict)
        change["outcome"] = None
        for host in change["endpoints"]:
            plans[host] = _with_change(plans[host], change)
    write_json(folder / FILE, {"schema": SCHEMA, "permitted": bool(options.get("change_domain_gpo")), "gpos": changes})


def _with_change(plan: Document, change: Document) -> Document:
    conflict = change["conflicts"][0] if change["conflicts"] else None
    after = None if conflict else change["after"]
    blocked = [_blocked_with(entry, change, conflict) for entry in plan["blocked"]]
    steps = [
        with_value(step, after) if after and step["target"] == DOMAIN_GPO and step["name"] == change["value"] else step
        for step in plan["steps"]
    ]
    if conflict and plan["todo"] == planning.CHANGE:
        return {"todo": planning.BLOCKED, "steps": [], "blocked": [_blocked(change, conflict)]}
    return {**plan, "steps": steps, "blocked": blocked}


def _blocked_with(entry: Document, change: Document, conflict: Document | None) -> Document:
    if entry["code"] != "owned_by_domain_gpo" or (entry["wanted"] or {}).get("name") != change["value"]:
        return entry
    if conflict:
        return {**entry, "wanted": None, "what_to_do": conflict["why"]}
    after = change["after"]
    return {**entry, "wanted": {**entry["wanted"], "type": after["type"], "data": after["data"]}}


def _blocked(change: Document, conflict: Document) -> Document:
    return {
        "code": BLOCKED_CODE,
        "owner": {"kind": "domain_gpo", "name": change["name"], "guid": change["guid"]},
        "why": f"The domain GPO {title(change)} is not changed: {conflict['why']}",
        "what_to_do": "Settle what speaks against one value for this GPO, or split it, and run again.",
        "wanted": None,
    }


def _facts(before: RunFolder, host: str) -> tuple[Facts, Verdict]:
    record = read_record(record_path(before.path, host), host, before.token)
    return record["facts"] or empty_facts(host), record["verdict"]


def read(folder: Path) -> Document:
    """The file of a remediation; one that is missing or damaged names no GPO."""
    try:
        document = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return {"schema": SCHEMA, "permitted": False, "gpos": []}
    return document


def to_change(folder: Path) -> list[Document]:
    """The changes of a remediation that may be made; none where it has no permission."""
    document = read(folder)
    return [change for change in document["gpos"] if not change["conflicts"]] if document["permitted"] else []


def record_outcome(folder: Path, change: c.Mapping[str, t.Any], outcome: Document) -> None:
    document = read(folder)
    for known in document["gpos"]:
        if _place(known) == _place(change):
            known["outcome"] = {"at": now(), **outcome}
    write_json(folder / FILE, document)


def _place(change: c.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    return change["domain"], change["guid"], change["value"].lower()


def will_do(before: RunFolder, change: Document, options: Options) -> t.Callable[[Document], bool]:
    """Whether another value than the planned one serves every endpoint of the GPO as well."""

    def answer(state: Document) -> bool:
        return all(serves(t.cast(State, state), change, *_facts(before, host), options) for host in change["endpoints"])

    return answer


def value_to_follow(folder: Path, step: c.Mapping[str, t.Any], domain: str | None) -> Document | None:
    """What the GPO of a step holds since it was changed in this remediation; None where it was not."""
    for change in read(folder)["gpos"]:
        same = _place(change) == (domain, step["owner"]["guid"], step["name"].lower())
        if same and (change["outcome"] or {}).get("event") in (CHANGED, HELD_ALREADY):
            now_: Document = change["outcome"]["now"]
            return now_
    return None


def was_changed_for(folder: Path, host: str) -> bool:
    """Whether a GPO was changed in this remediation because of the endpoint, among others."""
    return any(
        host in change["endpoints"] and (change["outcome"] or {}).get("event") in (CHANGED, HELD_ALREADY)
        for change in read(folder)["gpos"]
    )


def not_changed(folder: Path) -> list[Document]:
    """The changes that were to be made and were not, each with the reason in ``outcome``."""
    found = []
    for change in to_change(folder):
        if (change["outcome"] or {}).get("event") not in (CHANGED, HELD_ALREADY):
            reason = "The management host gave no result."
            found.append({**change, "outcome": change["outcome"] or {"event": FAILED, "detail": reason}})
    return found


def sentences(document: Document) -> list[str]:
    """For a reader: each GPO, its endpoints, and the exact value."""
    lines = []
    for change in document["gpos"]:
        number = len(change["endpoints"])
        who = f"Domain GPO {title(change)} ({number} endpoint{'s' if number > 1 else ''}: {some(change['endpoints'])})"
        outcome = change["outcome"] or {}
        if change["conflicts"]:
            lines.append(f"{who}: {change['why']}")
        elif outcome.get("event") == CHANGED:
            lines.append(f"{who}: {change['value']} was changed to {shown(outcome['now'])}. {_BEYOND}")
        elif outcome.get("event") == HELD_ALREADY:
            lines.append(f"{who}: {change['value']} holds {shown(outcome['now'])} already.")
        elif outcome.get("event") == FAILED:
            lines.append(f"{who}: {change['value']} was not changed. {outcome['detail']}")
        else:
            lines.append(f"{who}: {change['value']} has to become {shown(change['after'])}. {_BEYOND}")
        ends = change.get("ends") or {}
        for what, events in (
            ("Did not follow it, or are not proven", ("failed", "unproven")),
            ("Offline, or without an answer, when they had to follow", ("unreachable", "timed_out")),
        ):
            hosts = sorted(host for event in events for host in ends.get(event, []))
            if hosts:
                lines.append(f"{what} ({title(change)}): {some(hosts)}.")
    return lines


def shown(state: Document) -> str:
    """A value for a reader, whole."""
    if state["status"] != "ok":
        return "Not configured" if not state.get("disabled") else "Disabled"
    data = state["data"]
    return ",".join(data) if isinstance(data, list) else str(data)
