# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From what one value should hold to the step that writes it where its owner keeps it, or to a refusal.

The cure (``make_plan``) and the wanted states (``wanted_order``, ``wanted_switches``) say what should stand where. Who
owns it, whether it can be written safely, and whether anybody would be locked out is answered here, for all alike.
"""

from __future__ import annotations

import collections.abc as c
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Owner, State, Step, Target, Wanted
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK, POLICY_KEY, SUITES_VALUE
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import steps as steps_
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.origin import decide_origin
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.lock_out import LockOut, lost_listener, lost_tls13
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_list import MAXIMUM_LENGTH
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release, release_for

REGISTRY: t.Final = "registry"
LOCAL_GPO: t.Final = "local_gpo"
NewPolicy = t.Literal["registry", "local_gpo"]

_LOCAL_GPO_OWNER: Owner = {"kind": "local_gpo", "name": "Local Group Policy", "guid": None}


class Refused(Exception):
    """The endpoint is left as it is. ``code`` is for programs; ``why`` and ``what_to_do`` are a sentence each.

    ``owner``: whose the value is; ``wanted``: what the owner should hold; where that is the reason.
    """

    def __init__(
        self, code: str, why: str, what_to_do: str, owner: Owner | None = None, wanted: Wanted | None = None
    ) -> None:
        super().__init__(f"{why} {what_to_do}")
        self.code = code
        self.why = why
        self.what_to_do = what_to_do
        self.owner: Owner = owner or {"kind": "none", "name": None, "guid": None}
        self.wanted = wanted


@dataclass(frozen=True)
class ValueOwner:
    """Where a value is written (``target`` of a step), and whose it is."""

    target: Target
    owner: Owner


@dataclass(frozen=True)
class Allowed:
    """What a task may do beyond the endpoint's own settings."""

    domain_gpo: bool = False
    """Steps on a domain GPO, which is written on a management host."""
    new_policy: NewPolicy = REGISTRY
    """Where a value is written that no policy holds yet."""


def release_of(facts: Facts) -> Release | None:
    os_ = facts.get("os") or {}
    match = release_for(os_.get("build"), os_.get("kind"))
    return match.release if match else None


def keeper_of(facts: Facts, after: State, allowed: Allowed, value: str = SUITES_VALUE) -> ValueOwner:
    """Whose a value of the SSL policy is. Raises Refused where it is not written on this endpoint."""
    origin = decide_origin(facts) if value == SUITES_VALUE else decide_origin(facts, value)
    gpo = origin["gpo"] or {"name": None, "guid": None}
    kind = origin["origin"]
    owner: Owner = {"kind": kind, "name": gpo["name"], "guid": gpo["guid"]}
    if kind == "local_gpo":
        return ValueOwner(steps_.LOCAL_GPO, owner)
    if kind == "direct":
        return ValueOwner(steps_.POLICY_REGISTRY, owner)
    if kind == "none":
        return _new_policy(facts, after, allowed, owner)
    if kind == "domain_gpo" and allowed.domain_gpo and owner["guid"]:
        return ValueOwner(steps_.DOMAIN_GPO, owner)
    raise _not_ours(owner, after, value)


def policy_text(names: c.Sequence[str]) -> str:
    """The policy list as one text. Raises Refused where it is longer than Windows takes."""
    text = ",".join(names)
    if len(text) > MAXIMUM_LENGTH:
        raise Refused(
            "list_too_long",
            f"The policy list would have {len(text)} characters; {MAXIMUM_LENGTH} are allowed.",
            "Name fewer suites, or give up some of the present ones.",
        )
    return text


def readable_local_list(facts: Facts) -> list[str]:
    """The names of the local list. Raises Refused where it could not be read."""
    local = facts["local_order"]
    if local.get("status") != OK or not isinstance(local.get("data"), list):
        raise Refused(
            "not_read",
            "The local list could not be read, so it cannot be changed safely.",
            "Use an account that may read it.",
        )
    return steps_.names_of(local)


def policy_away(facts: Facts, keeper: ValueOwner, why: str) -> Step:
    """The policy becomes *not configured*, so that the local list counts. Raises Refused."""
    if facts["local_order"]["status"] not in (OK, ABSENT):
        raise Refused(
            "not_read",
            "Without the policy the local list would count, and that one could not be read.",
            "Use an account that may read it.",
        )
    return steps_.policy_list_step(facts, steps_.nothing(), keeper.target, keeper.owner, why)


def lock_out(
    facts: Facts, steps: c.Sequence[Step], over_https: bool = True, accept_doubt: bool = False
) -> LockOut | None:
    """What nobody would get onto the endpoint by any more once the steps are in force. The one guard of all changes.

    ``over_https``: the endpoint is, or may be, managed through a TLS listener.
    """
    after = apply_steps(facts, steps)
    lost = lost_tls13(counting_list(facts), counting_list(after), release_of(facts))
    return lost or lost_listener(facts, after, over_https, accept_doubt)


def counting_list(facts: Facts) -> list[str]:
    """The names of the list that counts."""
    policy = facts["policy_order"]
    return steps_.names_of(policy if policy["status"] == OK else facts["local_order"])


# Details ------------------------------------------------------------------------------------------------------------


def _new_policy(facts: Facts, after: State, allowed: Allowed, owner: Owner) -> ValueOwner:
    if allowed.new_policy != LOCAL_GPO:
        return ValueOwner(steps_.POLICY_REGISTRY, owner)
    disabled = facts["policy_origin"]["lgpo_processing_disabled"]
    if after["status"] == OK and disabled.get("status") == OK and disabled.get("data") == 1:
        raise Refused(
            "local_policy_not_processed",
            "A policy switches the processing of local policies off here (DisableLGPOProcessing).",
            "Set the list in a domain GPO, or with new_policy: registry.",
        )
    return ValueOwner(steps_.LOCAL_GPO, _LOCAL_GPO_OWNER)


def _not_ours(owner: Owner, after: State, name: str) -> Refused:
    data = after["data"] if after["status"] == OK else None
    wanted: Wanted = {"path": POLICY_KEY, "name": name, "type": after["type"], "data": data}
    who = " ".join(part for part in (owner["name"], owner["guid"]) if part)
    if owner["kind"] == "domain_gpo":
        why = f"The domain GPO {who} owns this setting; a value written on the endpoint would not last."
        what = "Change the GPO to the value named here, or allow it with tetra_change_domain_gpo: true."
        return Refused("owned_by_domain_gpo", why, what, owner, wanted)
    if owner["kind"] == "mdm":
        why = "An MDM policy owns this setting; a value written on the endpoint would not last."
        return Refused("owned_by_mdm", why, "Change the MDM policy to the value named here.", owner, wanted)
    why = "Nobody could say who owns this setting (RSoP could not be read), so a value written here might not last."
    what = "Audit with an administrator's account, or find the owner with gpresult and change it there."
    return Refused("owner_unknown", why, what, owner, wanted)
