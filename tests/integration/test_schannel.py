# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.schannel on a simulated fleet: switches with and without a slash, refusals, machines compared."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import schannel_path
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.wanting import examples, run_tasks, want

AES_128, AES_256 = "Ciphers\\AES 128/128", "Ciphers\\AES 256/256"
TLS_10, TLS_12 = "Protocols\\TLS 1.0\\Client", "Protocols\\TLS 1.2\\Client"
DH = "KeyExchangeAlgorithms\\Diffie-Hellman"
ON, OFF = ["REG_DWORD", 0xFFFFFFFF], ["REG_DWORD", 0]
BOTH_OFF: dict[str, t.Any] = {
    "schannel": {AES_128: {"Enabled": 0, "Somebody": 7}},
    "registry": {schannel_path(AES_256): {"Enabled": "0"}},
}

CHANGED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], dict[tuple[str, str], t.Any]]] = {
    # name: (endpoint, what is wanted, what stands there afterwards)
    "ciphers": (
        BOTH_OFF,
        {"ciphers": {"AES 128/128": "default", "AES 256/256": "enabled"}},
        {(AES_128, "Enabled"): None, (AES_256, "Enabled"): ON},
    ),
    "protocols": (
        {"schannel": {TLS_12: {"Enabled": 0, "DisabledByDefault": 1}}},
        {"protocols": {"TLS 1.2": "enabled", "TLS 1.0": "disabled"}},
        {
            (TLS_12, "Enabled"): ["REG_DWORD", 1],
            (TLS_12, "DisabledByDefault"): OFF,
            (TLS_10, "Enabled"): OFF,
            (TLS_10, "DisabledByDefault"): ["REG_DWORD", 1],
        },
    ),
    "key-lengths": (
        {"schannel": {DH: {"ClientMaxKeyBitLength": 1024}}},
        {"key_lengths": {"Diffie-Hellman": {"min": 2048, "max": "default"}}},
        {(DH, "ClientMinKeyBitLength"): ["REG_DWORD", 2048], (DH, "ClientMaxKeyBitLength"): None},
    ),
    "forced": (
        {},
        {"protocols": {"TLS 1.2": "disabled"}, "force": True},
        {(TLS_12, "Enabled"): OFF, (TLS_12, "DisabledByDefault"): ["REG_DWORD", 1]},
    ),
}
REFUSED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str, str]] = {
    "loses-tetra": ({}, {"protocols": {"TLS 1.2": "disabled"}}, "loses_tetra", "force: true"),
    "lock-out": (
        {},
        {"ciphers": {"AES 128/128": "disabled", "AES 256/256": "disabled"}, "force": True},
        "lock_out",
        "No suite would be left",
    ),
    "no-tls13": ({}, {"protocols": {"TLS 1.3": "enabled"}}, "not_of_this_release", "does not support TLS 1.3"),
    "denied": ({"denied": [schannel_path(AES_128)]}, {"ciphers": {"AES 128/128": "enabled"}}, "not_read", "AES 128"),
}
FAILING: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str]] = {
    "half-way": (
        {**BOTH_OFF, "write_denied": [schannel_path(AES_256)]},
        {"ciphers": {"AES 128/128": "enabled", "AES 256/256": "enabled"}},
        "What was written has been undone.",
    ),
    "odd-type": (
        {"registry": {schannel_path(AES_128): {"Enabled": {"type": "REG_BINARY", "data": "00"}}}},
        {"ciphers": {"AES 128/128": "enabled"}},
        "neither a REG_DWORD nor a REG_SZ; it was left as it is.",
    ),
}
HEALTHY, EXAMPLE = "healthy", "examples"
CASES = {name: case[:2] for name, case in {**CHANGED, **REFUSED, **FAILING}.items()}
WANTED = {**{name: case[1] for name, case in CASES.items()}, HEALTHY: {"protocols": {"TLS 1.2": "default"}}}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    mappings = {**{name: case[0] for name, case in CASES.items()}, HEALTHY: {}, EXAMPLE: {}}
    endpoints = {name: {"release": "10_22h2", **mapping} for name, mapping in mappings.items()}
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "Switches to set.", "endpoints": endpoints}
    with running_fleet(document, tmp_path_factory.mktemp("lab")) as running:
        yield running


def test_switches_are_brought_into_the_wanted_state(fleet: RunningFleet, checkout: Path, tmp_path: Path) -> None:
    playbooks = Playbooks(fleet, checkout, tmp_path / "results")
    before = machine_state.states_of(fleet)

    some = {name: WANTED[name] for name in ("ciphers", "protocols", "half-way", "loses-tetra", HEALTHY)}
    said, _again = want(playbooks, "schannel", some, "--check", "--diff")
    assert machine_state.states_of(fleet) == before
    assert not playbooks.results.exists()
    assert {name for name, one in said.items() if one["changed"]} == {"ciphers", "protocols", "half-way"}
    assert "AES 256/256\\Enabled (schannel)" in said.output

    said, again = want(playbooks, "schannel", WANTED)
    after = machine_state.states_of(fleet)
    for name, (_endpoint, _wanted, values) in CHANGED.items():
        assert (said[name]["changed"], said[name]["needs_reboot"]) == (True, True), said[name]
        places = {f"{schannel_path(key)}\\{value}": stored for (key, value), stored in values.items()}
        assert {place: after[name].get(place) for place in places} == places
        found = machine_state.without_traces(machine_state.changes(before[name], after[name]))
        others = {one.place for one in found.values() if one.place not in places and one.after != "key"}
        assert others == {f"{machine_state.OUR_KEY}\\ChangedAt"}, name
        assert not again[name]["changed"], again[name]
        assert not again[name].get("failed"), again[name]
    for name, (_endpoint, _wanted, code, words) in REFUSED.items():
        assert (said[name]["failed"], said[name].get("refused")) == (True, code), said[name]
        assert words in said[name]["msg"]
        assert after[name] == before[name]
    for name, (_endpoint, _wanted, words) in FAILING.items():
        assert (said[name]["failed"], said[name]["changed"]) == (True, False), said[name]
        assert words in said[name]["msg"]
        assert machine_state.without_traces(machine_state.changes(before[name], after[name])) == {}
    assert not said[HEALTHY]["changed"]
    assert after[HEALTHY] == before[HEALTHY]
    assert said["ciphers"]["reachability"] == {"before": "unknown", "after": "yes"}
    assert said["forced"]["reachability"] == {"before": "yes", "after": "no"}
    assert set(BeforeImageStore(playbooks.results).hosts()) == set(CHANGED)
    assert "Traceback" not in said.output


def test_the_examples_of_the_documentation_run_and_bad_options_do_not(
    fleet: RunningFleet, checkout: Path, tmp_path: Path
) -> None:
    playbooks = Playbooks(fleet, checkout, tmp_path / "results")
    tasks = examples(checkout, "schannel", playbooks.results)
    tasks.append({"fleetops.tetra.schannel": {"ciphers": {"AES 512/512": "enabled"}, "results_dir": "r"}})
    done = run_tasks(playbooks, tasks, "--limit", EXAMPLE)
    assert done.returncode == 0, done.output
    assert done.output.count("changed: [examples]") == 2
    assert "ciphers names 'AES 512/512'; it may name AES 128/128, AES 256/256" in done.output
    assert "Traceback" not in done.output
