# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From a verdict to a plan: the smallest change that makes an endpoint reach the Tetra servers, made where its owner
keeps it.

``plan(facts, verdict, options) -> plan document`` (``docs/documents.md``). The way of thinking:

1. Each allow-listed suite that the release can have is kept from use by *obstacles*: it is not in the list that counts,
   a protocol, cipher, hash or key exchange is switched off, no curve is left.
2. The suite with the fewest obstacles is chosen, in the order in which the Tetra servers prefer them; the steps remove
   exactly its obstacles. Where the list is touched anyway, all allow-listed suites that the release knows are added.
3. What a domain GPO or an MDM owns is not written here: the plan is blocked, and says what the owner should hold.
4. The facts as they would be after the steps are judged again. A plan that does not lead to *yes* is not offered.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import (
    Blocked,
    Guard,
    Plan,
    Step,
    Todo,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer, Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CURVES_VALUE,
    OK,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import steps as steps_
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.obstacles import ELSEWHERE, Obstacle, obstacles_of
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.options import (
    NOT_CONFIGURED,
    PlanError,
    PlanOptions,
    parse_options,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import (
    Allowed,
    Refused,
    keeper_of,
    lock_out,
    policy_away,
    readable_local_list,
    release_of,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_list import MAXIMUM_LENGTH
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import cause as causes
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.verdicts_of_1_0 import with_reasons_as_data

SCHEMA: t.Final = "fleetops.tetra/plan/1"

NOTHING: t.Final = "nothing"
CHANGE: t.Final = "change"
REBOOT: t.Final = "reboot"
BLOCKED: t.Final = "blocked"
UNKNOWN: t.Final = "unknown"

_ELSEWHERE = frozenset(
    {
        causes.CERTIFICATE,
        causes.CLOCK,
        causes.CONNECT,
        causes.CONNECTOR_STOPPED,
        causes.DNS,
        causes.HANDSHAKE_OTHER,
        causes.NETWORK_TIMEOUT,
        causes.PROXY,
    }
)
"""Causes that neither a change of the suites nor a restart would remove."""

_NO_CERTAIN_CURE: t.Final = "no_certain_cure"
_NOTHING_IS_CERTAIN: t.Final = (
    "No change that this collection can make would let the endpoint reach the Tetra servers for sure."
)

__all__ = ["SCHEMA", "PlanError", "plan"]


def _fault(obstacle: Obstacle) -> str:
    """What the list of cures in a verdict calls it."""
    return "list" if obstacle.kind in ("policy_list", "local_list") else obstacle.kind


def _blocked(closed: Refused) -> Blocked:
    """An entry of ``blocked``: this way of curing is closed."""
    return {
        "code": closed.code,
        "owner": closed.owner,
        "why": closed.why,
        "what_to_do": closed.what_to_do,
        "wanted": closed.wanted,
    }


def plan(facts: Facts, verdict: Verdict, options: c.Mapping[str, t.Any] | None = None) -> Plan:
    """Raises PlanError for options that make no sense. Never raises for anything that an endpoint said."""
    return _Planner(facts, verdict, parse_options(options)).make()


class _Planner:
    def __init__(self, facts: Facts, verdict: Verdict, options: PlanOptions) -> None:
        self.facts = facts
        self.verdict = with_reasons_as_data(verdict)
        self.options = options
        self.dropped: list[str] = []
        self.allowed = Allowed(domain_gpo=options.change_domain_gpo)
        self.release: Release | None = release_of(facts)

    def make(self) -> Plan:
        state, answer = self.verdict["state"], self.verdict["reachability"]["answer"]
        if state == "not_applicable":
            return self._document(NOTHING)
        if answer == "yes" and self.verdict["in_force"] != "after_reboot":
            return self._document(NOTHING)
        if self.verdict["either_way"]["in_force"] == "yes":
            return self._configured_well()
        if answer == "unknown" and not self._curable_unknown():
            return self._document(UNKNOWN)
        if self.release is None:
            why = "The Windows release is not known, so nobody can say which suites it can use."
            return self._document(
                BLOCKED, blocked=[_blocked(Refused("unknown_release", why, self.verdict["next_step"]))]
            )
        try:
            steps = steps_.numbered(self._steps(self.release))
        except Refused as closed:
            return self._document(BLOCKED, blocked=[_blocked(closed)])
        return self._proven(steps)

    def _configured_well(self) -> Plan:
        """What is configured would do: nothing is written. A restart puts it in force, or the cause lies elsewhere."""
        cause = self.verdict["cause"]["code"] if self.verdict["cause"] else None
        if self.verdict["in_force"] != "after_reboot" and cause in _ELSEWHERE:
            why = f"The suites configured would do; the update fails for another reason ({cause})."
            closed = Refused("not_the_suites", why, self.verdict["next_step"])
            return self._document(BLOCKED, blocked=[_blocked(closed)])
        return self._document(REBOOT, needs_reboot=True)

    def _proven(self, steps: list[Step]) -> Plan:
        predicted = evaluate(apply_steps(self.facts, steps), self._policy())["reachability"]["answer"]
        if predicted != "yes" or not steps:
            closed = Refused(_NO_CERTAIN_CURE, _NOTHING_IS_CERTAIN, self.verdict["next_step"])
            return self._document(BLOCKED, blocked=[_blocked(closed)], predicted=predicted)
        lost = lock_out(self.facts, steps)
        if lost is not None:
            closed = Refused("lock_out", lost.why, lost.what_to_do)
            return self._document(BLOCKED, blocked=[_blocked(closed)], predicted=predicted)
        guards: list[Guard] = [
            {"code": "keeps_a_suite_in_use", "why": "No suite that the endpoint uses today is taken away."}
            if not any(step["suites"]["removed"] for step in steps)
            else {"code": "keeps_tls13", "why": "TLS 1.3 keeps a suite, or had none before."}
        ]
        return self._document(CHANGE, steps=steps, guards=guards, predicted=predicted, needs_reboot=True)

    def _curable_unknown(self) -> bool:
        """An unknown answer can be cured where a value that we can write is what makes it unknown."""
        return any(
            not obstacle.is_unknown for name in self.options.allow_list for obstacle in obstacles_of(self.verdict, name)
        ) and not any(
            obstacle.kind == "not_read"
            for name in self.options.allow_list
            for obstacle in obstacles_of(self.verdict, name)
        )

    # The steps ------------------------------------------------------------------------------------------------------

    def _steps(self, release: Release) -> list[Step]:
        ways: list[tuple[int, list[Obstacle]]] = []
        for name in self.options.allow_list:
            # What lies elsewhere may lose its weight with the others; the proof tells.
            obstacles = [one for one in obstacles_of(self.verdict, name) if one.kind != ELSEWHERE]
            if name in release.supported and obstacles and all(one.is_curable for one in obstacles):
                ways.append((len({one.key for one in obstacles}), obstacles))
        if not ways and any(name in release.supported and release.suffixed for name in self.options.allow_list):
            raise Refused(
                "update_not_seen",
                f"On {release.title()} the DHE suite came with an update, and nothing shows that it is installed.",
                "Install KB3042058 (on 8.1 and 2012 R2 also KB2919355) and audit again.",
            )
        if not ways and any(
            one.kind == ELSEWHERE for name in self.options.allow_list for one in obstacles_of(self.verdict, name)
        ):
            raise Refused(_NO_CERTAIN_CURE, _NOTHING_IS_CERTAIN, self.verdict["next_step"])
        if not ways:
            raise Refused(
                "no_suite_for_this_release",
                f"No suite of the allow list can be made to work on {release.title()}.",
                "Upgrade Windows, or ask Cisco which other suites the Tetra servers accept.",
            )
        order = [cure["fault"] for cure in self.verdict.get("cures") or ()]
        # The way that the verdict tells, where it is one of ours; else the shortest.
        _count, obstacles = min(ways, key=lambda way: (not all(_fault(one) in order for one in way[1]), way[0]))
        found: list[Step] = []
        for obstacle in sorted(obstacles, key=lambda one: order.index(_fault(one)) if _fault(one) in order else 0):
            found.extend(self._remove(obstacle, release))
        return found

    def _remove(self, obstacle: Obstacle, release: Release) -> list[Step]:
        if obstacle.kind == "policy_list":
            return [self._policy_list(release)]
        if obstacle.kind == "local_list":
            return self._local_list(release)
        if obstacle.kind == "curves":
            return [self._curves(release)]
        return self._switches(obstacle)

    def _policy_list(self, release: Release) -> Step:
        if self.options.cure == NOT_CONFIGURED:
            why = "The policy list holds no suite that the Tetra servers accept; without it the local list counts."
            return policy_away(self.facts, keeper_of(self.facts, steps_.nothing(), self.allowed), why)
        after = steps_.present("REG_SZ", self._longer_list(release))
        why = "The policy list holds no suite that the Tetra servers accept and this release can use."
        keeper = keeper_of(self.facts, after, self.allowed)
        return steps_.policy_list_step(self.facts, after, keeper.target, keeper.owner, why)

    def _longer_list(self, release: Release) -> str:
        wanted = [name for name in self.options.allow_list if name in release.supported]
        names = wanted + [name for name in steps_.names_of(self.facts["policy_order"]) if name not in wanted]
        for name in self.options.drop_to_fit:
            if len(",".join(names)) <= MAXIMUM_LENGTH:
                break
            if name in names:
                names.remove(name)
                self.dropped.append(name)
        text = ",".join(names)
        if len(text) > MAXIMUM_LENGTH:
            raise Refused(
                "list_too_long",
                f"With the suites needed the policy list has {len(text)} characters; {MAXIMUM_LENGTH} are allowed.",
                "Name suites that may go in drop_to_fit, least wanted first; the last of the list are "
                f"{', '.join(names[-3:])}.",
            )
        return text

    def _local_list(self, release: Release) -> list[Step]:
        wanted = [name for name in self.options.allow_list if name in release.supported]
        listed = steps_.names_of(self.facts["local_order"])
        missing = [name for name in wanted if name not in listed]
        why = "The local list holds no suite that the Tetra servers accept and this release can use."
        if release.has_cmdlets:
            # Each is put at the front, so the last one enabled is offered first.
            return [steps_.enable_suite_step(name, why) for name in reversed(missing)]
        return [steps_.local_list_step(self.facts, missing + readable_local_list(self.facts), why)]

    def _curves(self, release: Release) -> Step:
        why = "No NIST curve is left, and without one no ECDHE suite works."
        policy = self.facts["curves"]["policy"]
        nist = [name for name in release.curves if name.lower().startswith("nist")]
        if policy.get("status") == OK:
            names = nist[:1] + [name for name in steps_.names_of(policy) if name.lower() != nist[0].lower()]
            keeper = keeper_of(self.facts, steps_.present("REG_MULTI_SZ", names), self.allowed, CURVES_VALUE)
            return steps_.policy_curves_step(self.facts, names, keeper.target, keeper.owner, why)
        local = self.facts["curves"]["local"]
        if local.get("status") != OK:
            raise Refused(
                "not_read",
                "The list of curves could not be read, so it cannot be changed safely.",
                self.verdict["next_step"],
            )
        return steps_.local_curves_step(self.facts, nist[:1] + steps_.names_of(local), why)

    def _switches(self, obstacle: Obstacle) -> list[Step]:
        key = obstacle.switch
        known = self.facts["schannel"]["keys"].get(key)
        values = {name.lower(): value["data"] for name, value in (known["values"] if known else {}).items()}
        found = []
        if obstacle.kind == "protocol":
            why = f"The client side of {key.split(chr(92))[1]} is switched off."
            if values.get("enabled") != steps_.PROTOCOL_ON:
                on = steps_.present("REG_DWORD", steps_.PROTOCOL_ON)
                found.append(steps_.switch_step(self.facts, key, "Enabled", on, why))
            if values.get("disabledbydefault") != 0:
                found.append(
                    steps_.switch_step(self.facts, key, "DisabledByDefault", steps_.present("REG_DWORD", 0), why)
                )
            return found
        if obstacle.kind == "key_length":
            what = "group" if key.endswith("Diffie-Hellman") else "certificate"
            why = f"The key lengths allowed below {key} may not fit the server's {what}."
            return [
                steps_.switch_step(self.facts, key, name, steps_.nothing(), why)
                for name in ("ClientMinKeyBitLength", "ClientMaxKeyBitLength")
                if name.lower() in values
            ]
        why = f"{key} is switched off, and the suite needs it."
        return [steps_.switch_step(self.facts, key, "Enabled", steps_.present("REG_DWORD", steps_.ALGORITHM_ON), why)]

    def _policy(self) -> dict[str, t.Any]:
        return {"allow_list": list(self.options.allow_list)}

    def _document(
        self,
        todo: Todo,
        steps: list[Step] | None = None,
        blocked: list[Blocked] | None = None,
        guards: list[Guard] | None = None,
        predicted: Answer | None = None,
        needs_reboot: bool = False,
    ) -> Plan:
        return {
            "schema": SCHEMA,
            "host": self.facts["host"],
            "todo": todo,
            "steps": steps or [],
            "blocked": blocked or [],
            "guards": guards or [],
            "dropped": self.dropped,
            "predicted": {"reachability": predicted or self.verdict["either_way"]["in_force"]},
            "needs_reboot": needs_reboot,
        }
