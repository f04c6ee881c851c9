# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The facts of an endpoint as they would be after planned steps and a reboot.

``apply_steps(facts, steps)`` gives a new facts document; the one passed in stays as it is. Steps have the shape of the
plan in ``docs/documents.md``. What there is only after the restart (the list that the cmdlet would then show) becomes
``absent``, so that it is judged from the registry and the release.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    ABSENT,
    CURVES_VALUE,
    FIPS_KEY,
    LOCAL_KEY,
    NOT_READ,
    OK,
    POLICY_KEY,
    SCHANNEL_KEY,
    SIGNATURE_LOCAL_KEY,
    SUITES_VALUE,
    empty_facts,
    empty_section,
    registry_key,
    registry_value,
)

Step = c.Mapping[str, t.Any]


def apply_steps(facts: Facts, steps: c.Iterable[Step]) -> Facts:
    """Raises ValueError for a step whose action or place is unknown."""
    planned: Facts = {**facts}
    changed = False
    for step in steps:
        changed = True
        if step["action"] == "enable_suite":
            _enable_suite(planned, step["name"])
        elif step["action"] in ("set_value", "remove_value", "arrange_suites"):
            _set_value(planned, step)
        else:
            raise ValueError(f"'{step['action']}' is not an action of a plan.")
    if changed:
        _as_after_a_reboot(planned)
    return planned


def _set_value(planned: Facts, step: Step) -> None:
    path, name = step["path"], step["name"]
    after = step["after"]
    value = registry_value(path, name, after["status"], None, after.get("type"), after.get("data"))
    if after["status"] == ABSENT:
        value["reason"] = "The value does not exist."
    place = (path.lower(), name.lower())
    if place == (POLICY_KEY.lower(), SUITES_VALUE.lower()):
        planned["policy_order"] = value
        _set_local_policy(planned, step)
    elif place == (LOCAL_KEY.lower(), SUITES_VALUE.lower()):
        planned["local_order"] = value
    elif place == (POLICY_KEY.lower(), CURVES_VALUE.lower()):
        planned["curves"] = {**planned["curves"], "policy": value}
        _set_local_policy(planned, step)
    elif place == (SIGNATURE_LOCAL_KEY.lower(), SUITES_VALUE.lower()):
        planned["signature_algorithms"] = {**planned["signature_algorithms"], "local": value}
    elif place == (LOCAL_KEY.lower(), CURVES_VALUE.lower()):
        planned["curves"] = {**planned["curves"], "local": value}
    elif path.lower().startswith(SCHANNEL_KEY.lower() + "\\"):
        _set_schannel_value(planned, path[len(SCHANNEL_KEY) + 1 :], name, after)
    elif path.lower() == FIPS_KEY.lower():
        planned["fips"] = {**planned["fips"], "value": value, "enabled": bool(after.get("data"))}
    else:
        raise ValueError(f"The plan names the value {name} below {path}, which is no part of the facts.")


def _set_local_policy(planned: Facts, step: Step) -> None:
    """The entry of the local ``Registry.pol``, where the step goes through the local GPO."""
    if step.get("target") != "local_gpo":
        return
    origin, name, after = planned["policy_origin"], step["name"], step["after"]
    own = (name.lower(), f"**del.{name.lower()}")
    entries = [entry for entry in origin["local_gpo"]["entries"] if str(entry.get("value")).lower() not in own]
    if after["status"] == OK:
        key = step["path"].partition("\\")[2]
        entries.append({"key": key, "value": name, "type": after["type"], "data": after["data"]})
    planned["policy_origin"] = {**origin, "local_gpo": {**origin["local_gpo"], "entries": entries}}


def _set_schannel_value(planned: Facts, key: str, name: str, after: c.Mapping[str, t.Any]) -> None:
    keys = dict(planned["schannel"]["keys"])
    known = next((known for known in keys if known.lower() == key.lower()), key)
    current = keys.get(known)
    path = current["path"] if current else f"{SCHANNEL_KEY}\\{known}"
    held = current["values"].items() if current else ()
    values = {known_name: data for known_name, data in held if known_name.lower() != name.lower()}
    if after["status"] == OK:
        values[name] = {"type": after["type"], "data": after["data"]}
    keys[known] = registry_key(path, OK, None, values)
    planned["schannel"] = {**planned["schannel"], "keys": keys}


def _enable_suite(planned: Facts, name: str) -> None:
    """``Enable-TlsCipherSuite -Position 0`` puts the name at the front of the local list."""
    local = planned["local_order"]
    names = local["data"] if isinstance(local["data"], list) else []
    planned["local_order"] = registry_value(
        local["path"], local["name"], type="REG_MULTI_SZ", data=[name, *(one for one in names if one != name)]
    )


def _as_after_a_reboot(planned: Facts) -> None:
    reason = "The plan changes what this would say."
    planned["cipher_suites"] = empty_section("cipher_suites", ABSENT, reason)
    planned["probe"] = empty_section("probe", NOT_READ, reason)
    planned["curves"] = {**planned["curves"], "cmdlet": {"status": ABSENT, "reason": reason, "names": []}}
    planned["reboot"] = {
        **planned["reboot"],
        "status": ABSENT,
        "reason": "The restart is still to come.",
        "last_boot": None,
        "changed_by_us": None,
    }
    last = empty_facts("", reason=reason)["connector"]["last_update"]
    planned["connector"] = {**planned["connector"], "last_update": last}
