# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole mixed fleet under every combination of the undocumented behaviours that touches an endpoint.

The simulated Schannel (``lab/machine/schannel_model.py``) shares no logic with the product. Whatever Windows does,
a green verdict must be a client that gets through, and a red one must be a client that does not.
"""

from __future__ import annotations

import functools
import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab import fleet
from ansible_collections.fleetops.tetra.lab.machine.behaviours import SWITCHABLE, Behaviours
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import lab_facts

FINDINGS_NOT_STATED_HERE = True
"""They depend on the simulated behaviour; test_exact_findings states those of the fleet."""
MIXED = Path(__file__).resolve().parents[4] / "lab" / "fleets" / "mixed.yml"
FLEET = {definition.name: definition for definition in fleet.load(MIXED)}
ENDPOINTS = {name: definition.machine for name, definition in FLEET.items() if not name.startswith("fault-")}


def look(machine: t.Mapping[str, t.Any], behaviours: t.Mapping[str, str]) -> tuple[t.Any, t.Any]:
    """(facts, offer) of an endpoint with these behaviours."""
    state = lab_facts.state_of(machine, behaviours)
    return lab_facts.read(state), state.offer()


@functools.cache
def relevant(endpoint: str) -> list[str]:
    """The behaviours that change what this endpoint offers or shows, alone or against all others changed."""
    machine = ENDPOINTS[endpoint]
    first = {name: variants[0] for name, variants in SWITCHABLE.items()}
    last = {name: variants[-1] for name, variants in SWITCHABLE.items()}
    found = []
    for name, variants in SWITCHABLE.items():
        for others in (first, last):
            seen = {_trace(machine, {**others, name: variant}) for variant in variants}
            if len(seen) > 1:
                found.append(name)
                break
    return found


def _trace(machine: t.Mapping[str, t.Any], behaviours: t.Mapping[str, str]) -> str:
    facts, offer = look(machine, behaviours)
    return repr((facts["cipher_suites"], facts["curves"], offer))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_no_variant_of_windows_makes_a_verdict_wrong(name: str) -> None:
    machine = ENDPOINTS[name]
    names = relevant(name)
    assert len(names) <= 7, names
    for values in itertools.product(*(SWITCHABLE[behaviour] for behaviour in names)):
        behaviours = dict(zip(names, values, strict=True))
        facts, offer = look(machine, behaviours)
        state = evaluate(facts)["state"]
        through = lab_facts.gets_through(offer)
        assert (state, through) not in (("compliant", False), ("non_compliant", True)), behaviours


def test_the_behaviours_that_matter_are_all_met_by_the_fleet() -> None:
    """Every behaviour that decides what is offered or shown touches at least one endpoint of the fleet."""
    touched = {behaviour for name in ENDPOINTS for behaviour in relevant(name)}
    of_schannel = {
        "cmdlet_shows_policy",
        "cmdlet_tls13_before_windows_11",
        "policy_multi_sz",
        "policy_expand_sz",
        "policy_empty",
        "policy_spaces",
        "policy_over_1023",
        "suffixed_names_on_10",
        "disabled_by_default_client",
        "mdm_minimum_tls",
        "enabled_one_for_algorithms",
        "pkcs_off_kills_ecdhe_rsa",
    }
    assert of_schannel <= touched
    assert Behaviours()["policy_multi_sz"] == "ignored"


@pytest.mark.parametrize("name", [name for name in ENDPOINTS if "account" not in ENDPOINTS[name]])
def test_the_verdict_is_the_one_that_an_expert_gave(name: str) -> None:
    """What the fleet file expects, as far as it does not rest on connector, origin or account."""
    expect = FLEET[name].expect
    if expect["state"] == "not_applicable":
        pytest.skip("rests on the connector's policy, which is not read here")
    verdict = evaluate(lab_facts.read(lab_facts.state_of(ENDPOINTS[name])))
    assert verdict["state"] == expect["state"]
    assert verdict["reachability"]["answer"] == expect["reachability"]
    if "usable" in expect:
        assert sorted(verdict["reachability"]["usable"]) == sorted(expect["usable"])
    if expect.get("cause") is not None:
        assert verdict["cause"]["code"] == expect["cause"]
    told = {item["rule"] for item in verdict["findings"]}
    assert set(expect.get("findings", [])) - {"TETRA-SESSION"} <= told
