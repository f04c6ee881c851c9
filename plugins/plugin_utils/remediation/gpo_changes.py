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
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import GpoState, ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.domain_gpos import (
    Conflict,
    DomainGpos,
    GpoChange,
    GpoOutcome,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Blocked, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.remediation import HostPlan, Plans
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
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    read_record,
    record_path,
    write_json,
)

SCHEMA: t.Final = "fleetops.tetra/domain-gpos/1"
FILE = "domain_gpos.json"
_BEYOND = "All other computers that this GPO reaches get the value too, also those that are not part of this run."
CHANGED: t.Final = "changed"
HELD_ALREADY: t.Final = "already"
FAILED: t.Final = "failed"


Options = t.Mapping[str, t.Any]


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
        for host in change["endpoints"]:
            plans[host] = _with_change(plans[host], change)
    write_json(folder / FILE, {"schema": SCHEMA, "permitted": bool(options.get("change_domain_gpo")), "gpos": changes})


def _with_change(plan: HostPlan, change: GpoChange) -> HostPlan:
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


def _blocked_with(entry: Blocked, change: GpoChange, conflict: Conflict | None) -> Blocked:
    wanted, after = entry["wanted"], change["after"]
    if entry["code"] != "owned_by_domain_gpo" or wanted is None or wanted["name"] != change["value"]:
        return entry
    if conflict:
        return {**entry, "wanted": None, "what_to_do": conflict["why"]}
    if after is None:
        return {**entry, "wanted": None}
    return {**entry, "wanted": {**wanted, "type": after["type"], "data": after["data"]}}


def _blocked(change: GpoChange, conflict: Conflict) -> Blocked:
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


def read(folder: Path) -> DomainGpos:
    """The file of a remediation; one that is missing or damaged names no GPO."""
    try:
        document = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return {"schema": SCHEMA, "permitted": False, "gpos": []}
    return t.cast(DomainGpos, document)


def to_change(folder: Path) -> list[GpoChange]:
    """The changes of a remediation that may be made; none where it has no permission."""
    document = read(folder)
    return [change for change in document["gpos"] if not change["conflicts"]] if document["permitted"] else []


def record_outcome(folder: Path, change: GpoChange, outcome: GpoOutcome) -> None:
    document = read(folder)
    for known in document["gpos"]:
        if _place(known) == _place(change):
            known["outcome"] = outcome
    write_json(folder / FILE, document)


def _place(change: GpoChange) -> tuple[str | None, str, str]:
    return change["domain"], change["guid"], change["value"].lower()


def will_do(before: RunFolder, change: GpoChange, options: Options) -> t.Callable[[GpoState], bool]:
    """Whether another value than the planned one serves every endpoint of the GPO as well."""

    def answer(state: GpoState) -> bool:
        return all(serves(state, change, *_facts(before, host), options) for host in change["endpoints"])

    return answer


def value_to_follow(folder: Path, step: Step, domain: str | None) -> GpoState | None:
    """What the GPO of a step holds since it was changed in this remediation; None where it was not."""
    for change in read(folder)["gpos"]:
        same = _place(change) == (domain, step["owner"]["guid"], step["name"].lower())
        outcome = change["outcome"]
        if same and outcome is not None and outcome["event"] in (CHANGED, HELD_ALREADY):
            return outcome["now"]
    return None


def was_changed_for(folder: Path, host: str) -> bool:
    """Whether a GPO was changed in this remediation because of the endpoint, among others."""
    return any(host in change["endpoints"] and _was_made(change) for change in read(folder)["gpos"])


def not_changed(folder: Path) -> list[tuple[GpoChange, str]]:
    """The changes that were to be made and were not, each with the reason."""
    found = []
    for change in to_change(folder):
        if not _was_made(change):
            outcome = change["outcome"]
            found.append((change, (outcome["detail"] if outcome else None) or "The management host gave no result."))
    return found


def _was_made(change: GpoChange) -> bool:
    outcome = change["outcome"]
    return outcome is not None and outcome["event"] in (CHANGED, HELD_ALREADY)


def sentences(changes: c.Iterable[GpoChange]) -> list[str]:
    """For a reader: each GPO, its endpoints, and the exact value."""
    lines = []
    for change in changes:
        number = len(change["endpoints"])
        who = f"Domain GPO {title(change)} ({number} endpoint{'s' if number > 1 else ''}: {some(change['endpoints'])})"
        outcome = change["outcome"]
        event = outcome["event"] if outcome is not None else None
        if change["conflicts"]:
            lines.append(f"{who}: {change['why']}")
        elif event == CHANGED:
            lines.append(f"{who}: {change['value']} was changed to {_now(change)}. {_BEYOND}")
        elif event == HELD_ALREADY:
            lines.append(f"{who}: {change['value']} holds {_now(change)} already.")
        elif event == FAILED:
            lines.append(f"{who}: {change['value']} was not changed. {outcome['detail'] if outcome else ''}")
        else:
            wanted = shown(change["after"]) if change["after"] is not None else ""
            lines.append(f"{who}: {change['value']} has to become {wanted}. {_BEYOND}")
        ends = change.get("ends") or {}
        for what, events in (
            ("Did not follow it, or are not proven", ("failed", "unproven")),
            ("Offline, or without an answer, when they had to follow", ("unreachable", "timed_out")),
        ):
            hosts = sorted(host for event in events for host in ends.get(event, []))
            if hosts:
                lines.append(f"{what} ({title(change)}): {some(hosts)}.")
    return lines


def _now(change: GpoChange) -> str:
    outcome = change["outcome"]
    return shown(outcome["now"]) if outcome is not None and outcome["now"] is not None else ""


def shown(state: ValueState) -> str:
    """A value for a reader, whole."""
    if state["status"] != "ok":
        return "Not configured" if not state.get("disabled") else "Disabled"
    data = state["data"]
    return ",".join(data) if isinstance(data, list) else str(data)
