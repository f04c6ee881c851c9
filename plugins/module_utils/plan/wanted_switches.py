# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From facts and what a task wants of Schannel's switches to steps, or to a refusal.

``wanted_switches(facts, options, over_https)`` is pure. Each step sets or removes one value. A change after which
nobody would get onto the endpoint any more is refused, and so is, unless forced, one that takes it away from Tetra.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts, RegistryType
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    ABSENT,
    OK,
    SCHANNEL_KEYS,
    registry_key,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import steps as steps_
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import Refused, lock_out
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import (
    WantedChange,
    reachability,
    refuse_32_bit,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switch_options import (
    SwitchOptions,
    WantedValue,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for

_WHY = "The task wants this switch."
_TLS13 = "Protocols\\TLS 1.3\\Client"
_LENGTHS = ("ClientMinKeyBitLength", "ClientMaxKeyBitLength")


def beyond_the_facts(options: SwitchOptions) -> list[WantedValue]:
    """The wanted values below keys that no facts document holds; they have to be read and added (``with_values``)."""
    return [value for value in options.values if value.key not in SCHANNEL_KEYS]


def with_values(facts: Facts, found: c.Iterable[tuple[WantedValue, c.Mapping[str, t.Any]]]) -> Facts:
    """The facts with further values below SCHANNEL, each ``{status, type, data}`` as it stands on the endpoint."""
    keys = dict(facts["schannel"]["keys"])
    for value, state in found:
        known = keys.get(value.key) or registry_key(schannel_path(value.key))
        values = dict(known["values"])
        if state["status"] == OK:
            kind = t.cast(RegistryType | None, state["type"])
            values[value.name] = {"type": kind, "data": state["data"]}
        keys[value.key] = {**known, "values": values}
    return {**facts, "schannel": {**facts["schannel"], "keys": keys}}


def wanted_switches(facts: Facts, options: SwitchOptions, over_https: bool = False) -> WantedChange:
    """``over_https``: the endpoint is managed through WinRM over HTTPS. Raises Refused."""
    refuse_32_bit(facts)
    _refuse_what_the_release_lacks(facts, options)
    steps = steps_.numbered(step for value in options.values for step in _steps(facts, value))
    reaches = reachability(facts, steps)
    warnings: list[str] = []
    if steps:
        after = apply_steps(facts, steps)
        _refuse_contradicting_lengths(after)
        lost = lock_out(facts, steps, over_https, options.force)
        if lost is not None:
            or_else = "" if lost.certain else " Or set force: true."
            raise Refused("lock_out", lost.why, f"{lost.what_to_do}{or_else}")
        warnings = _warnings(reaches, options.force)
    return WantedChange(steps, reaches, warnings)


def _steps(facts: Facts, value: WantedValue) -> list[Step]:
    section = facts["schannel"]
    key = section["keys"].get(value.key, {"status": "not_read"})
    if section["status"] not in (OK, ABSENT) or key["status"] not in (OK, ABSENT):
        raise Refused(
            "not_read",
            f"{value.key} below SCHANNEL could not be read, so it cannot be changed safely.",
            "Use an account that may read it.",
        )
    step = steps_.switch_step(facts, value.key, value.name, value.state, _WHY)
    return [] if _is_as_wanted(step["before"], value) else [step]


def _is_as_wanted(before: State, value: WantedValue) -> bool:
    """For protocols any number but 0 is *on*: older texts of Microsoft say 0xFFFFFFFF, the present one 1."""
    if before == value.state:
        return True
    both_numbers = before["type"] == value.state["type"] == "REG_DWORD"
    return both_numbers and value.key.startswith("Protocols\\") and before["data"] != 0 and value.state["data"] != 0


def _refuse_what_the_release_lacks(facts: Facts, options: SwitchOptions) -> None:
    wants_it = any(value.key == _TLS13 and value.name == "Enabled" and value.state["data"] for value in options.values)
    os_ = facts["os"]
    match = release_for(os_.get("build"), os_.get("kind"))
    if wants_it and match is not None and match.release.tls13_client == "unsupported":
        raise Refused(
            "not_of_this_release",
            f"{match.release.title()} does not support TLS 1.3; Microsoft calls switching it on there unsafe.",
            "Leave TLS 1.3 alone on this release.",
        )


def _refuse_contradicting_lengths(after: c.Mapping[str, t.Any]) -> None:
    for name, key in after["schannel"]["keys"].items():
        values = {one.lower(): value.get("data") for one, value in key.get("values", {}).items()}
        shortest, longest = (values.get(one.lower()) for one in _LENGTHS)
        if isinstance(shortest, int) and isinstance(longest, int) and 0 < longest < shortest:
            raise Refused(
                "contradicting_lengths",
                f"{name} would demand keys of at least {shortest} and at most {longest} bits.",
                "Name min and max together.",
            )


def _warnings(reaches: c.Mapping[str, str], force: bool) -> list[str]:
    before, after = reaches["before"], reaches["after"]
    if after == "yes":
        return []
    if before != "no" and (before == "yes" or after == "no"):
        why = "The endpoint would not reach the Tetra servers any more."
        if after != "no":
            why = "It would not be certain any more that the endpoint reaches the Tetra servers."
        if not force:
            raise Refused("loses_tetra", why, "Leave what Tetra needs switched on, or set force: true.")
        return [why]
    return ["With these switches the endpoint still does not reach the Tetra servers for certain."]
