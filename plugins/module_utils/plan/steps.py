# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The single steps of a plan, built from facts: which value, what stands there, what should stand there, and why.

A step changes one registry value or enables one suite. It never names a value that the facts do not hold, so that what
is overwritten is always known beforehand. The shape is laid down in ``docs/documents.md``.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import (
    Owner,
    State,
    Step,
    SuiteChanges,
    Target,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    ABSENT,
    CURVES_VALUE,
    LOCAL_KEY,
    OK,
    POLICY_KEY,
    SUITES_VALUE,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.enable_disable_calls import Call

LOCAL_GPO: t.Final = "local_gpo"
DOMAIN_GPO: t.Final = "domain_gpo"
POLICY_REGISTRY: t.Final = "policy_registry"
CNG: t.Final = "cng"
SCHANNEL: t.Final = "schannel"

SET_VALUE: t.Final = "set_value"
REMOVE_VALUE: t.Final = "remove_value"
ENABLE_SUITE: t.Final = "enable_suite"
ARRANGE_SUITES: t.Final = "arrange_suites"
"""The whole local list, brought into order with Enable- and Disable-TlsCipherSuite."""

# Microsoft defines 0xFFFFFFFF as "on" for ciphers, hashes and key exchanges, and 1 for protocols (schannel registry
# pages); any other number is undefined.
ALGORITHM_ON = 0xFFFFFFFF
PROTOCOL_ON = 1

NO_OWNER: Owner = {"kind": "none", "name": None, "guid": None}


def present(type_: str | None, data: t.Any) -> State:
    return {"status": OK, "type": type_, "data": data}


def nothing() -> State:
    return {"status": ABSENT, "type": None, "data": None}


def state_of(value: c.Mapping[str, t.Any]) -> State:
    """``before`` of a step, from a registry value of the facts; only ``ok`` and ``absent`` may be planned upon."""
    if value.get("status") == OK:
        return present(value["type"], value["data"])
    return nothing()


def policy_list_step(facts: Facts, after: State, target: Target, owner: Owner, why: str) -> Step:
    """Changes or removes the policy list, where its owner keeps it."""
    before = state_of(facts["policy_order"])
    return _value_step(target, owner, POLICY_KEY, SUITES_VALUE, before, after, why, suite_changes(before, after))


def policy_curves_step(facts: Facts, names: c.Sequence[str], target: Target, owner: Owner, why: str) -> Step:
    before = state_of(facts["curves"]["policy"])
    after = present("REG_MULTI_SZ", list(names))
    return _value_step(target, owner, POLICY_KEY, CURVES_VALUE, before, after, why)


def local_curves_step(facts: Facts, names: c.Sequence[str], why: str) -> Step:
    before = state_of(facts["curves"]["local"])
    after = present("REG_MULTI_SZ", list(names))
    return _value_step(CNG, NO_OWNER, LOCAL_KEY, CURVES_VALUE, before, after, why)


def local_list_step(facts: Facts, names: c.Sequence[str], why: str) -> Step:
    """Writes the local list itself; for releases without ``Enable-TlsCipherSuite``."""
    before = state_of(facts["local_order"])
    after = present("REG_MULTI_SZ", list(names))
    return _value_step(CNG, NO_OWNER, LOCAL_KEY, SUITES_VALUE, before, after, why, suite_changes(before, after))


def enable_suite_step(name: str, why: str) -> Step:
    return {
        "id": "",
        "target": CNG,
        "owner": {**NO_OWNER},
        "action": ENABLE_SUITE,
        "path": LOCAL_KEY,
        "name": name,
        "before": nothing(),
        "after": present("REG_SZ", name),
        "suites": {"added": [name], "removed": [], "moved": []},
        "why": why,
        "undo": f"Disable-TlsCipherSuite -Name {name}",
        "reversible": True,
        # The cmdlet's page says that no restart is required; a running service keeps its credential handles and its
        # session cache (10 hours), so the connector sees the change for sure only after a restart.
        "needs_reboot": True,
    }


def arrange_suites_step(facts: Facts, names: c.Sequence[str], calls: c.Sequence[Call], why: str) -> Step:
    """The whole local list by the cmdlets; for releases that have them. The list stands there as REG_MULTI_SZ.

    It has one member more than other steps: ``calls``, ``[{enable, name, position}]`` in order.
    """
    step = local_list_step(facts, names, why)
    return {
        **step,
        "action": ARRANGE_SUITES,
        "undo": "Bring the old list back with the same cmdlets.",
        "calls": [{"enable": call.enable, "name": call.name, "position": call.position} for call in calls],
    }


def switch_step(facts: Facts, key: str, name: str, after: State, why: str) -> Step:
    """Sets one value below SCHANNEL; ``key`` is relative, e.g. ``Ciphers\\AES 128/128``."""
    known_key = facts["schannel"]["keys"].get(key)
    values = known_key["values"] if known_key else {}
    found = next((value for known, value in values.items() if known.lower() == name.lower()), None)
    before = nothing() if found is None else present(found["type"], found["data"])
    return _value_step(SCHANNEL, NO_OWNER, schannel_path(key), name, before, after, why)


def numbered(steps: c.Iterable[Step]) -> list[Step]:
    """The steps with their ids, ``1`` first, and without a step that stands there twice."""
    found: list[Step] = []
    for step in steps:
        place = (step["path"].lower(), step["name"].lower())
        if all((other["path"].lower(), other["name"].lower()) != place for other in found):
            found.append({**step, "id": str(len(found) + 1)})
    return found


def _value_step(
    target: Target,
    owner: Owner,
    path: str,
    name: str,
    before: State,
    after: State,
    why: str,
    suites: SuiteChanges | None = None,
) -> Step:
    removes = after["status"] == ABSENT
    undo = f"Remove the value {name}." if before["status"] == ABSENT else f"Write back the old {before['type']}."
    return {
        "id": "",
        "target": target,
        "owner": {**owner},
        "action": REMOVE_VALUE if removes else SET_VALUE,
        "path": path,
        "name": name,
        "before": before,
        "after": after,
        "suites": suites or {"added": [], "removed": [], "moved": []},
        "why": why,
        "undo": undo,
        "reversible": True,
        # Microsoft: a changed cipher suite order counts from the next boot; for SCHANNEL values its checker asks for
        # a restart as well, and says nothing certain otherwise.
        "needs_reboot": True,
    }


def suite_changes(before: ValueState, after: ValueState) -> SuiteChanges:
    """What becomes of the names in a list of suites, each in the order of its own list."""
    old, new = names_of(before), names_of(after)
    kept_before = [name for name in old if name in new]
    kept_after = [name for name in new if name in old]
    return {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "moved": [name for one, name in zip(kept_before, kept_after, strict=True) if one != name],
    }


def names_of(state: c.Mapping[str, t.Any]) -> list[str]:
    """The suite names in a value, in order, once each, without the spaces around them."""
    data = state.get("data")
    if isinstance(data, str):
        parts: c.Iterable[t.Any] = data.split(",")
    elif isinstance(data, list):
        parts = data
    else:
        parts = ()
    names = (part.strip() for part in parts if isinstance(part, str))
    return list(dict.fromkeys(name for name in names if name))
