# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Many plans, one change per domain GPO: which GPO, which value it should hold, and for which endpoints.

1. ``claims_of`` tells for one endpoint what it gets from a domain GPO and what it needs of it.
2. ``group_claims`` makes one change per GPO and value. Releases that need different suites get one list that holds them
   all. What cannot be one value is a *conflict*, and a GPO with a conflict is not changed.
3. ``conflict_of`` judges an endpoint as it would be with the new value: one that is to be cured has to reach the Tetra
   servers then, one that reaches them today has to go on, and nobody may be locked out.

RSoP names the GPO that wins; where several GPOs set the value, the change goes there (``policy/origin.py``).
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import YES
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import GpoState, ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.domain_gpos import (
    Conflict,
    ConflictCode,
    GpoChange,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Action, State, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OK, POLICY_KEY, SUITES_VALUE
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.options import (
    NOT_CONFIGURED,
    PlanOptions,
    parse_options,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import lock_out
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import (
    DOMAIN_GPO,
    names_of,
    policy_list_step,
    present,
    state_of,
    suite_changes,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.rsop_rows import domain_of, losers, names_a_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_list import MAXIMUM_LENGTH
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate

DIFFERENT_VALUES: t.Final = "different_values"
DOES_NOT_FIT: t.Final = "does_not_fit"
NOT_SERVED: t.Final = "not_served"
WOULD_BREAK: t.Final = "would_break"
LOCK_OUT: t.Final = "lock_out"
BLOCKED_CODE = "domain_gpo_conflict"
"""Code of the plan's ``blocked`` for an endpoint whose GPO has a conflict."""


@dataclass(frozen=True)
class Claim:
    """What one endpoint gets from a domain GPO. ``needs`` is False where a change of it would not cure the endpoint: it
    reaches the Tetra servers already, or something else stands in the way."""

    host: str
    domain: str | None
    """DNS name of the GPO's domain, where RSoP tells it."""
    guid: str
    name: str | None
    path: str
    value: str
    before: State
    after: State | None = None
    """What the endpoint's own plan would have it hold; None where that does not fit."""
    wanted: tuple[str, ...] = ()
    """Accepted suites that this release can use."""
    needs: bool = True
    rivals: tuple[str, ...] = ()
    """GPOs that set the value as well and lost."""


def claims_of(facts: Facts, verdict: Verdict, options: c.Mapping[str, t.Any] | None = None) -> list[Claim]:
    """One claim for each value that this endpoint gets from a domain GPO and that counts. Raises PlanError."""
    if not names_a_gpo(facts):
        return []
    permitted = {**(options or {}), "change_domain_gpo": True}
    planned = planning.plan(facts, verdict, permitted)
    found = [_claim_of(facts, step) for step in planned["steps"] if step["target"] == DOMAIN_GPO]
    origin = verdict["policy_origin"]
    gpo = origin["gpo"]
    if origin["origin"] != "domain_gpo" or gpo is None or not gpo["guid"]:
        return found
    listed = Claim(
        host=str(facts["host"]),
        domain=domain_of(facts, gpo["guid"]),
        guid=gpo["guid"],
        name=gpo["name"],
        path=POLICY_KEY,
        value=SUITES_VALUE,
        before=state_of(facts["policy_order"]),
        wanted=_usable(facts, parse_options(permitted)),
        needs=any(entry["code"] == "list_too_long" for entry in planned["blocked"]),
        rivals=losers(facts, SUITES_VALUE),
    )
    if any(claim.value == SUITES_VALUE for claim in found):
        return [dataclasses.replace(claim, wanted=listed.wanted) for claim in found]
    return [listed, *found]


def _claim_of(facts: Facts, step: Step) -> Claim:
    owner, guid = step["owner"], step["owner"]["guid"] or ""
    return Claim(
        host=str(facts["host"]),
        domain=domain_of(facts, guid),
        guid=guid,
        name=owner["name"],
        path=step["path"],
        value=step["name"],
        before=step["before"],
        after=step["after"],
        rivals=losers(facts, step["name"]),
    )


def _usable(facts: Facts, options: PlanOptions) -> tuple[str, ...]:
    match = release_for(facts["os"]["build"], facts["os"]["kind"])
    return tuple(name for name in options.allow_list if match and name in match.release.supported)


def group_claims(claims: c.Iterable[Claim], options: c.Mapping[str, t.Any] | None = None) -> list[GpoChange]:
    """One document for each GPO and value that some endpoint needs changed, ordered by name.

    ``{guid, name, domain, path, value, before, after, suites, endpoints, also_governed, rivals, conflicts, why}``;
    ``after`` is None where a conflict leaves no value. Raises PlanError.
    """
    parsed = parse_options(options)
    groups: dict[tuple[str, ...], list[Claim]] = {}
    for claim in claims:
        place = ((claim.domain or "").lower(), claim.guid.upper(), claim.path.lower(), claim.value.lower())
        groups.setdefault(place, []).append(claim)
    found = [_change(group, parsed) for group in groups.values() if any(claim.needs for claim in group)]
    return sorted(found, key=lambda change: (str(change["name"]).lower(), change["guid"], change["value"]))


def _change(claims: c.Sequence[Claim], options: PlanOptions) -> GpoChange:
    needing = sorted((claim for claim in claims if claim.needs), key=lambda claim: claim.host)
    conflicts: list[Conflict] = []
    before, after = needing[0].before, None
    if len({_key(claim.before) for claim in needing}) > 1:
        conflicts.append(_different(needing))
    else:
        after, conflict = _one_value(needing, {name for claim in claims for name in claim.wanted}, options)
        conflicts.extend([conflict] if conflict else [])
    rivals = sorted({rival for claim in needing for rival in claim.rivals})
    change: GpoChange = {
        "guid": needing[0].guid,
        "name": next((claim.name for claim in needing if claim.name), None),
        "domain": needing[0].domain,
        "path": needing[0].path,
        "value": "Functions" if needing[0].value.lower() == SUITES_VALUE.lower() else "EccCurves",
        "before": _of_gpo(before) if not conflicts or conflicts[0]["code"] != DIFFERENT_VALUES else None,
        "after": _of_gpo(after) if after else None,
        "suites": suite_changes(before, after) if after else {"added": [], "removed": [], "moved": []},
        "endpoints": [claim.host for claim in needing],
        "also_governed": sorted(claim.host for claim in claims if not claim.needs),
        "rivals": rivals,
        "conflicts": conflicts,
        "why": "",
        "outcome": None,
    }
    change["why"] = _why(change)
    return change


def _of_gpo(state: State) -> GpoState:
    return {"status": state["status"], "type": state["type"], "data": state["data"]}


def _key(state: State) -> tuple[t.Any, ...]:
    data = state["data"]
    kind = "REG_SZ" if state["type"] == "REG_SZ_OR_EXPAND_SZ" else state["type"]
    return state["status"], kind, tuple(data) if isinstance(data, list) else data


def _different(claims: c.Sequence[Claim]) -> Conflict:
    by_value: dict[tuple[t.Any, ...], list[str]] = {}
    for claim in claims:
        by_value.setdefault(_key(claim.before), []).append(claim.host)
    parts = "; ".join(some(hosts) for hosts in by_value.values())
    why = (
        f"The endpoints hold {len(by_value)} different values of this GPO ({parts}): it has not reached all of them "
        "yet, or somebody changed the value there. Let policy be refreshed and look again."
    )
    return _conflict(DIFFERENT_VALUES, why, [claim.host for claim in claims])


def _one_value(
    claims: c.Sequence[Claim], needed: set[str], options: PlanOptions
) -> tuple[State | None, Conflict | None]:
    """``needed``: the accepted suites that some endpoint of the GPO can use, those that reach the servers included."""
    afters = [claim.after for claim in claims]
    if options.cure == NOT_CONFIGURED and afters[0] is not None:
        return afters[0], None
    if claims[0].value.lower() != SUITES_VALUE.lower():
        names: dict[str, str] = {}
        for after in afters:
            for name in names_of(after or {}):
                names.setdefault(name.lower(), name)
        return present("REG_MULTI_SZ", list(names.values())), None
    wanted = [name for name in options.allow_list if name in needed]
    listed = wanted + [name for name in names_of(claims[0].before) if name not in needed]
    for name in options.drop_to_fit:
        if len(",".join(listed)) > MAXIMUM_LENGTH and name in listed:
            listed.remove(name)
    text = ",".join(listed)
    if len(text) <= MAXIMUM_LENGTH:
        return present("REG_SZ", text), None
    why = (
        f"One list for all endpoints of this GPO has {len(text)} characters; {MAXIMUM_LENGTH} are allowed. It needs "
        f"{', '.join(wanted)}; name suites that may go in drop_to_fit, least wanted first. The last of the list are "
        f"{', '.join(listed[-3:])}."
    )
    return None, _conflict(DOES_NOT_FIT, why, [claim.host for claim in claims])


def conflict_of(
    change: GpoChange,
    facts: Facts,
    verdict: Verdict,
    options: c.Mapping[str, t.Any] | None = None,
) -> Conflict | None:
    """Why this endpoint speaks against the change, or None. Raises PlanError."""
    host = str(facts["host"])
    after = change["after"]
    if after is None:
        return None
    permitted = {**(options or {}), "change_domain_gpo": True}
    if host in change["endpoints"]:
        if not serves(after, change, facts, verdict, options):
            why = f"{host} would not reach the Tetra servers for sure with the value that the others need."
            return _conflict(NOT_SERVED, why, [host])
    elif verdict["reachability"]["answer"] == YES and not _reaches(facts, [_list_step(after, facts)], permitted):
        why = f"{host} reaches the Tetra servers today and would not with the new value."
        return _conflict(WOULD_BREAK, why, [host])
    if change["value"].lower() == SUITES_VALUE.lower() and lock_out(facts, [_list_step(after, facts)]) is not None:
        return _conflict(LOCK_OUT, f"The new list would leave TLS 1.3 or a listener without a suite on {host}.", [host])
    return None


def serves(
    state: ValueState,
    change: GpoChange,
    facts: Facts,
    verdict: Verdict,
    options: c.Mapping[str, t.Any] | None,
) -> bool:
    """Whether the endpoint's plan leads to a *yes* when the GPO holds ``state``. Raises PlanError."""
    permitted = {**(options or {}), "change_domain_gpo": True}
    steps = planning.plan(facts, verdict, permitted)["steps"]
    if not any(_is_of(step, change) for step in steps):
        return False
    merged = [with_value(step, state) if _is_of(step, change) else step for step in steps]
    return _reaches(facts, merged, permitted)


def _reaches(facts: Facts, steps: c.Sequence[Step], options: c.Mapping[str, t.Any]) -> bool:
    verdict = evaluate(apply_steps(facts, steps), {"allow_list": list(parse_options(options).allow_list)})
    return bool(verdict["reachability"]["answer"] == YES)


def with_value(step: Step, state: ValueState) -> Step:
    """A step of a plan with the value that the GPO holds for all its endpoints."""
    action: Action = "set_value" if state["status"] == OK else "remove_value"
    after: State = {"status": state["status"], "type": state["type"], "data": state["data"]}
    return {**step, "action": action, "after": after, "suites": suite_changes(step["before"], after)}


def _is_of(step: Step, change: GpoChange) -> bool:
    return step["target"] == DOMAIN_GPO and step["name"].lower() == change["value"].lower()


def _list_step(state: ValueState, facts: Facts) -> Step:
    after: State = {"status": state["status"], "type": state["type"], "data": state["data"]}
    return policy_list_step(facts, after, DOMAIN_GPO, {"kind": "domain_gpo", "name": None, "guid": None}, "")


def add_conflict(change: GpoChange, conflict: Conflict) -> None:
    """Notes what speaks against a change; those of one kind become one entry."""
    known = next((one for one in change["conflicts"] if one["code"] == conflict["code"]), None)
    if known is None:
        change["conflicts"].append({**conflict})
    else:
        known["endpoints"] = sorted({*known["endpoints"], *conflict["endpoints"]})
        known["why"] = f"{_WHY_ALL[conflict['code']]}: {some(known['endpoints'])}."
    change["why"] = _why(change)


_WHY_ALL: dict[ConflictCode, str] = {
    NOT_SERVED: "These endpoints would not reach the Tetra servers for sure with the value that the others need",
    WOULD_BREAK: "These endpoints reach the Tetra servers today and would not with the new value",
    LOCK_OUT: "The new list would leave TLS 1.3 or a listener without a suite on these endpoints",
}


def _conflict(code: ConflictCode, why: str, endpoints: c.Sequence[str]) -> Conflict:
    return {"code": code, "why": why, "endpoints": list(endpoints)}


def _why(change: GpoChange) -> str:
    if change["conflicts"]:
        return f"It is not changed: {change['conflicts'][0]['why']}"
    number = len(change["endpoints"])
    text = f"RSoP names it as the source of this value on {number} endpoint{'s' if number > 1 else ''} to cure."
    if change["rivals"]:
        text += f" {', '.join(change['rivals'])} set it as well and lost."
    return text


def title(change: GpoChange) -> str:
    """A GPO for a reader: its name and GUID."""
    return " ".join(part for part in (change["name"], change["guid"]) if part)
