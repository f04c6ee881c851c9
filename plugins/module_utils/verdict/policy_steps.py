# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a policy file makes of facts: steps in the shape of a plan's, one for each value that it changes."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import Step
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol

_HIVE = "HKEY_LOCAL_MACHINE\\"
_PLACES = (
    (f.POLICY_KEY, f.SUITES_VALUE),
    (f.POLICY_KEY, f.CURVES_VALUE),
    (f.LOCAL_KEY, f.SUITES_VALUE),
    (f.LOCAL_KEY, f.CURVES_VALUE),
    (f.FIPS_KEY, f.FIPS_VALUE),
)


def policy_steps(facts: Facts, pol: registry_pol.RegistryPol) -> list[Step]:
    """What the policy changes of these facts, in the shape of a plan's steps; a value that is there already is none."""
    steps: list[Step] = []
    for path, name, current in _values(facts, pol):
        outcome = registry_pol.outcome(pol, path.removeprefix(_HIVE), name)
        if outcome.action == "none" or outcome.entry is None:
            continue
        place = {"path": path, "name": name, "before": current}
        if outcome.action == "deleted":
            if current["status"] != f.ABSENT:
                after = {"status": f.ABSENT, "type": None, "data": None}
                steps.append({"action": "remove_value", **place, "after": after})
            continue
        kind, data = registry_pol.plain(outcome.entry)
        data = _printable(data)
        if not holds(current, kind, data):
            after = {"status": f.OK, "type": kind, "data": data}
            steps.append({"action": "set_value", **place, "after": after})
    return steps


def holds(value: t.Mapping[str, t.Any], kind: str | None, data: t.Any) -> bool:
    """Whether a registry value of the facts is this one already."""
    if value["status"] != f.OK or value["data"] != data:
        return False
    open_type = value["type"] == "REG_SZ_OR_EXPAND_SZ" and kind in ("REG_SZ", "REG_EXPAND_SZ")
    return open_type or value["type"] == kind


def _values(facts: Facts, pol: registry_pol.RegistryPol) -> t.Iterator[tuple[str, str, t.Mapping[str, t.Any]]]:
    """(key, name, ``{status, type, data}``) of everything in the facts that a policy could set or remove."""
    fixed = (
        facts["policy_order"],
        facts["curves"]["policy"],
        facts["local_order"],
        facts["curves"]["local"],
        facts["fips"]["value"],
    )
    for (path, name), value in zip(_PLACES, fixed, strict=True):
        yield path, name, value
    absent = {"status": f.ABSENT, "type": None, "data": None}
    for key in f.SCHANNEL_KEYS:
        path = f.schannel_path(key)
        held = {name.lower(): (name, data) for name, data in facts["schannel"]["keys"][key]["values"].items()}
        named = {
            entry.value.lower(): entry.value
            for entry in pol.entries
            if not entry.is_command and entry.value and entry.key.lower() == path.removeprefix(_HIVE).lower()
        }
        for lower in sorted(held.keys() | named.keys()):
            name, data = held.get(lower, (named.get(lower, lower), None))
            yield path, name, absent if data is None else {"status": f.OK, **data}


def _printable(data: t.Any) -> t.Any:
    """Without lone surrogates, which no JSON file holds."""
    if isinstance(data, str):
        return data.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return [_printable(item) for item in data] if isinstance(data, list) else data
