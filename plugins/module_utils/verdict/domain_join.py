# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What joining a domain would do to a machine that is fine today.

The machine is judged twice, as it is and as it will be once the domain's policy is applied and it has restarted. The
worse answer counts, and names the value of the policy that makes it worse.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import finding
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Evidence, Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import Step, apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicy
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import pending_policy
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_steps import policy_steps

RULE = "TETRA-DOMAIN-JOIN"
_SHOWN = 300
"""So many characters of the machine's own value are shown."""


def evaluate_joined(facts: t.Any, policy: t.Any, domain: DomainPolicy | None) -> Verdict:
    """``evaluate``, and what a join to this domain would make of it.

    ``domain`` is ``None`` where no policy was given. Raises OptionsError as ``evaluate`` does.
    """
    now = evaluate(facts, policy)
    if domain is None:
        return now
    document = read_facts(facts)
    steps = policy_steps(document, domain.pol)
    if not steps:
        return now
    later = evaluate(facts_after_join(document, steps), policy)
    note = f"Judged with the policy of {domain.name} as well, as after a domain join and a restart; the worse counts."
    if not pending_policy.is_worse(later, now):
        return pending_policy.worse(now, later, note)
    alone = (step for step in steps if _alone_is_worse(document, step, policy, now))
    guilty = next(alone, steps[0])
    verdict = pending_policy.worse(now, later, note, [finding(RULE, _proof(guilty, steps, domain))])
    where = f"{guilty['name']} in {domain.owner(guilty['name'])}"
    step = f"Change {where} before a machine like this joins the domain: the policy would undo what is right here."
    return {**verdict, "next_step": step}


def facts_after_join(facts: Facts, steps: t.Sequence[Step]) -> Facts:
    """The facts after the join, its policy refresh and a restart."""
    joined = apply_steps(facts, steps)
    replaced = {(step["path"].removeprefix("HKEY_LOCAL_MACHINE\\").lower(), step["name"].lower()) for step in steps}
    origin = joined["policy_origin"]
    local = origin["local_gpo"]
    # A domain GPO is applied after the local one, so the local entries for the same value no longer count.
    kept = [entry for entry in local["entries"] if not _is_overruled(entry, replaced)]
    reason = "A domain join changes what RSoP would say."
    joined["policy_origin"] = {
        **origin,
        "local_gpo": {**local, "entries": kept},
        "rsop": {"status": f.NOT_READ, "reason": reason, "rows": [], "gpos": []},
    }
    return joined


def _alone_is_worse(facts: Facts, step: Step, policy: t.Any, now: Verdict) -> bool:
    return pending_policy.is_worse(evaluate(facts_after_join(facts, [step]), policy), now)


def _proof(guilty: Step, steps: t.Sequence[Step], domain: DomainPolicy) -> Evidence:
    others = [f"{step['path']}\\{step['name']}" for step in steps if step is not guilty]
    does = "removes this value" if guilty["action"] == "remove_value" else "sets this value"
    before = guilty["before"]
    held = {f.ABSENT: "none", f.OK: str(before.get("data"))[:_SHOWN]}.get(
        before["status"], "one that could not be read"
    )
    note = f"{domain.name} {does}; the machine holds {held}."
    if others:
        note += f" It changes {', '.join(others)} as well."
    return evidence("domain_policy", f"{guilty['path']}\\{guilty['name']}", guilty["after"]["data"], note)


def _is_overruled(entry: t.Mapping[str, t.Any], replaced: t.Collection[tuple[str, str]]) -> bool:
    """Whether nothing is left of an entry of the local policy: what it sets or removes is set or removed after it."""
    key, name = str(entry.get("key") or "").lower(), str(entry.get("value") or "").lower()
    if name.startswith("**del.") or not name.startswith("**"):
        return (key, name.removeprefix("**del.")) in replaced
    return any(other == key or other.startswith(f"{key}\\") for other, _name in replaced)
