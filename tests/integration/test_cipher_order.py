# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.cipher_order on a simulated fleet: every owner of a list, every refusal, whole machines compared."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.policy_file import read_registry_pol
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import LOCAL_KEY, POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.wanting import Said, examples, run_tasks, want

OLD = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
CBC384, CBC = OLD.split(",")
G256, G128 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
DHE = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"
CURVES = {"policy": ["NistP384", "NistP256"]}
POLICY, LOCAL = f"{POLICY_KEY}\\Functions", f"{LOCAL_KEY}\\Functions"
OTHERS = {r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU": {"NoAutoUpdate": 1}}
LOCAL_GPO: dict[str, t.Any] = {"policy": OLD, "curves": CURVES, "origin": "local_gpo", "registry": OTHERS}
HTTPS = {"transport": {"scheme": "https", "auth": "negotiate"}}

CHANGED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str, t.Any]] = {
    # name: (endpoint, what is wanted, place, what stands there afterwards)
    "local-gpo": (LOCAL_GPO, {"ensure": [G256, G128]}, POLICY, ["REG_SZ", f"{G256},{G128},{OLD}"]),
    "local-gpo-taken-away": (LOCAL_GPO, {"state": "not_configured"}, POLICY, None),
    "new-local-gpo": (
        {"release": "10_21h2"},
        {"where": "policy", "suites": [G256, DHE, CBC]},
        POLICY,
        ["REG_SZ", f"{G256},{DHE},{CBC}"],
    ),
    "direct": (
        {"policy": OLD, "curves": CURVES, "origin": "direct", **HTTPS},
        {"ensure": [G128], "position": "end", "remove": [CBC]},
        POLICY,
        ["REG_SZ", f"{CBC384},{G128}"],
    ),
    "wrong-type": (
        {"policy": {"type": "REG_MULTI_SZ", "data": OLD.split(",")}},
        {"ensure": [G128]},
        POLICY,
        ["REG_SZ", f"{G128},{OLD}"],
    ),
    "local-list": (
        {"local": [CBC384, CBC, G128]},
        {"suites": [G256, CBC, CBC384]},
        LOCAL,
        ["REG_MULTI_SZ", (G256, CBC, CBC384)],
    ),
    "old-server": (
        {
            "release": "8.1_2012r2",
            "kind": "server",
            "powershell": "5.1",
            "local": [CBC, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"],
        },
        {"where": "local", "ensure": [DHE]},
        LOCAL,
        ["REG_MULTI_SZ", (DHE, CBC, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384")],
    ),
    "cures-nothing": ({"policy": OLD}, {"remove": [CBC384]}, POLICY, ["REG_SZ", CBC]),
}
UNCHANGED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any]]] = {
    "healthy": ({}, {"ensure": [G128]}),
    "domain-gpo-as-wanted": ({"policy": OLD, "origin": {"kind": "domain_gpo", "gpo": "Baseline"}}, {"ensure": [CBC]}),
}
REFUSED: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str, str]] = {
    # name: (endpoint, what is wanted, code, words of the sentence)
    "domain-gpo": ({"policy": OLD, "origin": {"kind": "domain_gpo", "gpo": "Baseline"}}, {"ensure": [G128]},
                   "owned_by_domain_gpo", "Baseline"),
    "mdm": ({"policy": OLD, "origin": "mdm"}, {"ensure": [G128]}, "owned_by_mdm", "MDM"),
    "lock-out": ({"policy": f"{G128},{CBC}", **HTTPS}, {"remove": [G128]}, "lock_out", "WinRM over HTTPS"),
    "no-tls13": ({"release": "2022"}, {"where": "policy", "suites": [G128]}, "lock_out", "TLS 1.3"),
    "name-with-curve": ({"policy": OLD}, {"ensure": [f"{CBC384}_P256"]}, "not_of_this_release", CBC384),
    "too-long": ({"policy": ",".join([CBC384] + [f"TLS_SOMETHING_LONG_{number:020}" for number in range(24)])},
                 {"ensure": [G128]}, "list_too_long", "1023"),
    "policy-counts": ({"policy": OLD}, {"where": "local", "ensure": [DHE], "remove": [CBC]}, "policy_counts",
                      "no effect"),
}  # fmt: skip
FAILING: dict[str, tuple[dict[str, t.Any], dict[str, t.Any], str]] = {
    # name: (endpoint, what is wanted, words of the sentence); the endpoint is as before afterwards
    "filtered": ({"policy": OLD, "account": "filtered"}, {"ensure": [G128]}, "may read but not write"),
    "disk-full": ({**LOCAL_GPO, "free_bytes": 16}, {"ensure": [G128]}, "What was written has been undone"),
    "refresh-ignored": ({**LOCAL_GPO, "refresh": "ignored"}, {"ensure": [G128], "timeout": 3}, "did not follow"),
    "write-denied": ({"local": [CBC384, CBC], "write_denied": [LOCAL_KEY]}, {"ensure": [G128]}, "has no right"),
    "unreachable": ({"transport": {"faults": ["refused"]}}, {"ensure": [G128]}, "refuses the connection"),
}
EXAMPLE = "examples"
ENDPOINTS = {
    **{name: case[0] for name, case in {**CHANGED, **UNCHANGED, **REFUSED, **FAILING}.items()},
    EXAMPLE: {"policy": OLD, "origin": "local_gpo"},
}
WANTED = {name: case[1] for name, case in {**CHANGED, **UNCHANGED, **REFUSED, **FAILING}.items()}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    endpoints = {name: {"release": "10_22h2", **mapping} for name, mapping in ENDPOINTS.items()}
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "Lists to set.", "endpoints": endpoints}
    with running_fleet(document, tmp_path_factory.mktemp("lab")) as running:
        yield running


def version(content: str | None) -> int:
    found = re.search(rb"Version=(\d+)", bytes.fromhex(content or ""))
    return int(found[1]) if found else 0


def test_lists_are_brought_into_the_wanted_state(fleet: RunningFleet, checkout: Path, tmp_path: Path) -> None:
    playbooks = Playbooks(fleet, checkout, tmp_path / "results")
    before = machine_state.states_of(fleet)

    # Check mode says what would be done and writes nothing, neither there nor here.
    some = {name: WANTED[name] for name in ("local-gpo", "direct", "local-list", "write-denied", "mdm", "healthy")}
    said, _again = want(playbooks, "cipher_order", some, "--check", "--diff")
    assert machine_state.states_of(fleet) == before
    assert not playbooks.results.exists()
    assert {name for name, one in said.items() if one["changed"]} == {*some} - {"mdm", "healthy"}
    assert f"+{G256}" in said.output
    assert f"added   {G256}" in said.output

    said, again = want(playbooks, "cipher_order", WANTED)
    after = machine_state.states_of(fleet)
    for name, (_endpoint, _wanted, place, stored) in CHANGED.items():
        _is_changed(name, said, before[name], after[name], place, stored)
        assert not again[name]["changed"], again[name]
        assert not again[name].get("failed"), again[name]
    for name in UNCHANGED:
        assert not said[name]["changed"], said[name]
        assert after[name] == before[name]
    for name, (_endpoint, _wanted, code, words) in REFUSED.items():
        assert (said[name]["failed"], said[name].get("refused")) == (True, code), said[name]
        assert words in said[name]["msg"]
        assert after[name] == before[name]
    for name, (_endpoint, _wanted, words) in FAILING.items():
        assert (said[name]["failed"], said[name]["changed"]) == (True, False), said[name]
        assert words in said[name]["msg"], said[name]
        assert machine_state.without_traces(machine_state.changes(before[name], after[name])) == {}
    _the_local_policy_is_as_the_editor_would_write_it(before["local-gpo"], after["local-gpo"])
    assert any("REG_MULTI_SZ" in warning for warning in said["wrong-type"]["warnings"])
    assert any("no suite that the Tetra servers accept" in warning for warning in said["cures-nothing"]["warnings"])
    assert said["unreachable"]["error"]["kind"] == "unreachable"
    store = BeforeImageStore(playbooks.results)
    assert set(store.hosts()) == set(CHANGED), "a before-image for each change, and those undone are marked"
    assert "Traceback" not in said.output


def _is_changed(
    name: str, said: Said, before: machine_state.State, after: machine_state.State, place: str, stored: t.Any
) -> None:
    result = said[name]
    assert (result["changed"], result["needs_reboot"]) == (True, True), result
    assert result["before_image"]
    assert after.get(place) == stored, name
    found = machine_state.without_traces(machine_state.changes(before, after))
    others = {
        one.place
        for one in found.values()
        if one.place not in (place, machine_state.REGISTRY_POL, machine_state.GPT_INI) and one.after != "key"
    }
    # The note of a change that waits for a restart.
    assert others == {f"{machine_state.OUR_KEY}\\ChangedAt"}, name


def _the_local_policy_is_as_the_editor_would_write_it(before: machine_state.State, after: machine_state.State) -> None:
    old, new = (read_registry_pol(bytes.fromhex(state[machine_state.REGISTRY_POL])) for state in (before, after))
    text = f"{G256},{G128},{OLD}\0".encode("utf-16-le")
    assert [(one.key, one.value_name, one.type) for one in new] == [(one.key, one.value_name, one.type) for one in old]
    assert [one.data for one in new] == [text if one.value_name == "Functions" else one.data for one in old]
    assert version(after[machine_state.GPT_INI]) == version(before[machine_state.GPT_INI]) + 1


def test_bad_options_are_refused_before_anything_is_touched(
    fleet: RunningFleet, checkout: Path, tmp_path: Path
) -> None:
    playbooks = Playbooks(fleet, checkout, tmp_path / "results")
    requests = fleet.requests["healthy"]
    tasks = [
        {"fleetops.tetra.cipher_order": {"ensure": ["TLS_NO_SUCH_SUITE"], "results_dir": "r"}},
        {"fleetops.tetra.cipher_order": {"suites": [], "results_dir": "r"}},
        {"fleetops.tetra.cipher_order": {"ensure": [G128]}},
        {"fleetops.tetra.cipher_order": {"ensure": [G128], "results_dir": "r"}, "delegate_to": "direct"},
    ]
    done = run_tasks(playbooks, tasks, "--limit", "healthy")
    for sentence in (
        "ensure names 'TLS_NO_SUCH_SUITE', which is no cipher suite that this collection knows",
        "suites is empty; an empty list would leave Windows without any cipher suite.",
        "results_dir is missing: nothing is changed without a before-image on the controller.",
        "The task would change direct in place of healthy: take delegate_to away.",
    ):
        assert sentence in done.output
    assert fleet.requests["healthy"] == requests
    assert "Traceback" not in done.output


def test_the_examples_of_the_documentation_run(fleet: RunningFleet, checkout: Path, tmp_path: Path) -> None:
    playbooks = Playbooks(fleet, checkout, tmp_path / "results")
    tasks = examples(checkout, "cipher_order", playbooks.results)
    done = run_tasks(playbooks, tasks, "--limit", EXAMPLE, our_suites=[G256, CBC])
    assert done.returncode == 0, done.output
    assert done.output.count("changed: [examples]") == 3
