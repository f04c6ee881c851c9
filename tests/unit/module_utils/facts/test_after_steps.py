# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts after planned steps: the one value changes, the rest and the original stay as they are."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps


def set_value(path: str, name: str, type_: str | None, data: t.Any) -> dict[str, t.Any]:
    after = {"status": f.OK if type_ else f.ABSENT, "type": type_, "data": data}
    return {"action": "set_value" if type_ else "remove_value", "path": path, "name": name, "after": after}


def test_no_step_leaves_the_facts_as_they_are() -> None:
    facts = f.empty_facts("a")
    assert apply_steps(facts, []) == facts


def test_a_policy_step_changes_the_policy_list_alone_and_not_the_original() -> None:
    facts = f.empty_facts("a")
    before = copy.deepcopy(facts)
    planned = apply_steps(facts, [set_value(f.POLICY_KEY, f.SUITES_VALUE, "REG_SZ", "A,B")])
    assert planned["policy_order"]["data"] == "A,B"
    assert planned["policy_order"]["status"] == f.OK
    assert planned["local_order"] == before["local_order"]
    assert facts == before


def test_a_removed_policy_value_is_absent() -> None:
    planned = apply_steps(f.empty_facts("a"), [set_value(f.POLICY_KEY.upper(), "functions", None, None)])
    assert planned["policy_order"]["status"] == f.ABSENT


def test_a_step_on_the_local_gpo_changes_its_entry_as_well() -> None:
    facts = f.empty_facts("a")
    key = f.POLICY_KEY.partition("\\")[2]
    other = {"key": key, "value": "EccCurves", "type": "REG_MULTI_SZ", "data": ["NistP256"]}
    for old in ("functions", "**del.Functions"):
        entry = {"key": key, "value": old, "type": "REG_SZ", "data": "A"}
        facts["policy_origin"]["local_gpo"].update(status=f.OK, entries=[entry, other])
        before = copy.deepcopy(facts)
        step = {**set_value(f.POLICY_KEY, f.SUITES_VALUE, "REG_SZ", "A,B"), "target": "local_gpo"}
        new = {"key": key, "value": "Functions", "type": "REG_SZ", "data": "A,B"}
        assert apply_steps(facts, [step])["policy_origin"]["local_gpo"]["entries"] == [other, new]
        gone = {**set_value(f.POLICY_KEY, f.SUITES_VALUE, None, None), "target": "local_gpo"}
        assert apply_steps(facts, [gone])["policy_origin"]["local_gpo"]["entries"] == [other]
        assert facts == before
    elsewhere = {**step, "target": "policy_registry"}
    assert apply_steps(facts, [elsewhere])["policy_origin"] == facts["policy_origin"]


def test_a_switch_is_set_under_its_key_and_other_values_of_the_key_are_kept() -> None:
    facts = f.empty_facts("a")
    key = "Protocols\\TLS 1.2\\Client"
    values = {"enabled": {"type": "REG_DWORD", "data": 0}, "DisabledByDefault": {"type": "REG_DWORD", "data": 1}}
    facts["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key), values=values)
    planned = apply_steps(facts, [set_value(f.schannel_path(key), "Enabled", "REG_DWORD", 1)])
    assert planned["schannel"]["keys"][key]["values"] == {
        "DisabledByDefault": {"type": "REG_DWORD", "data": 1},
        "Enabled": {"type": "REG_DWORD", "data": 1},
    }
    assert facts["schannel"]["keys"][key]["values"] == values


def test_an_enabled_suite_stands_first_and_once_in_the_local_list() -> None:
    facts = f.empty_facts("a")
    facts["local_order"] = f.registry_value(f.LOCAL_KEY, f.SUITES_VALUE, type="REG_MULTI_SZ", data=["A", "B"])
    planned = apply_steps(facts, [{"action": "enable_suite", "name": "B"}])
    assert planned["local_order"]["data"] == ["B", "A"]


def test_what_the_cmdlet_said_before_is_no_fact_about_the_time_after() -> None:
    facts = f.empty_facts("a")
    facts["cipher_suites"] = f.section(f.OK, suites=[{"name": "A", "id": 1, "protocols": [771]}])
    planned = apply_steps(facts, [{"action": "enable_suite", "name": "A"}])
    assert planned["cipher_suites"] == f.section(f.ABSENT, "The plan changes what this would say.", suites=[])


@pytest.mark.parametrize(
    "step",
    [
        {"action": "reformat", "path": f.POLICY_KEY, "name": "x", "after": {"status": "absent"}},
        set_value(r"HKEY_LOCAL_MACHINE\SOFTWARE\Elsewhere", "x", "REG_SZ", "y"),
    ],
)
def test_a_step_that_is_no_part_of_the_facts_is_refused(step: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="plan"):
        apply_steps(f.empty_facts("a"), [step])
