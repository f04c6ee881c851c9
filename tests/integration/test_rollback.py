# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rollback playbook after a remediation, and after one that was killed: every machine is as it was, whole."""

from __future__ import annotations

import re
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.killing import kill_processes_of
from ansible_collections.fleetops.tetra.tests.integration.listening import listens

REMEDIATION, ROLLBACK = "fleetops.tetra.remediation", "fleetops.tetra.rollback"
WITHOUT_THE_FOUR = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
ENDPOINTS: dict[str, dict[str, t.Any]] = {
    "healthy": {},
    "local-gpo": {"policy": WITHOUT_THE_FOUR, "curves": {"policy": ["NistP384", "NistP256"]}, "origin": "local_gpo"},
    "direct": {"release": "11_23h2", "policy": WITHOUT_THE_FOUR, "origin": "direct"},
    "changed-since": {"policy": WITHOUT_THE_FOUR, "origin": "direct"},
    "local-list": {"local": WITHOUT_THE_FOUR.split(",")},
    "switches": {
        "schannel": {
            "Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1},
            "Ciphers\\AES 128/128": {"Enabled": 0},
            "Ciphers\\AES 256/256": {"Enabled": 0},
        }
    },
    "old-server": {
        "release": "8.1_2012r2",
        "kind": "server",
        "powershell": "5.1",
        "policy": "TLS_RSA_WITH_AES_256_CBC_SHA,TLS_RSA_WITH_AES_128_CBC_SHA",
        "origin": "direct",
    },
}


def fleet_of(endpoints: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    made = {name: {"release": "10_22h2", "boot_seconds": 0.5, **mapping} for name, mapping in endpoints.items()}
    return {"schema": "fleetops.tetra/fleet/1", "describe": "To be changed and put back.", "endpoints": made}


def machine(fleet: RunningFleet, name: str) -> Endpoint:
    found = fleet.machines[name]
    assert isinstance(found, Endpoint)
    return found


def remaining(before: dict[str, machine_state.State], fleet: RunningFleet) -> dict[str, t.Any]:
    """What differs from the beginning, by endpoint, but for traces that are allowed to stay."""
    found = {
        name: machine_state.without_traces(machine_state.changes(state, machine_state.state_of(fleet, name)))
        for name, state in before.items()
    }
    return {name: changed for name, changed in found.items() if changed}


@pytest.fixture
def playbooks_on(checkout: Path, tmp_path: Path) -> t.Iterator[t.Callable[[dict[str, dict[str, t.Any]]], Playbooks]]:
    running: list[t.Any] = []

    def start(endpoints: dict[str, dict[str, t.Any]]) -> Playbooks:
        context = running_fleet(fleet_of(endpoints), tmp_path / "lab")
        fleet = context.__enter__()
        running.append(context)
        return Playbooks(fleet, checkout, tmp_path / "results")

    yield start
    for context in running:
        context.__exit__(None, None, None)


def test_a_remediation_is_rolled_back_whole(playbooks_on: t.Callable[..., Playbooks]) -> None:
    playbooks = playbooks_on(ENDPOINTS)
    fleet = playbooks.fleet
    before = machine_state.states_of(fleet)
    cured = playbooks.run(REMEDIATION, "--forks", "10", tetra_waves=10)
    assert cured.returncode == 0, cured.stdout + cured.stderr
    changed = remaining(before, fleet)
    assert set(changed) == set(ENDPOINTS) - {"healthy"}
    theirs = Value(1, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    machine(fleet, "changed-since").state.registry.set(POLICY_KEY, "Functions", theirs)

    present = machine_state.states_of(fleet)
    checked = playbooks.run(ROLLBACK, "--check", "--diff", "--forks", "10", tetra_waves="[1,10]")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert machine_state.states_of(fleet) == present
    assert not list(playbooks.results.glob("backups/*/*.restored"))
    assert "removed TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" in checked.stdout
    assert "5 of 7 endpoints would be put back" in checked.stdout

    boots = {name: machine(fleet, name).state.boot_time for name in ENDPOINTS}
    done = playbooks.run(ROLLBACK, "--forks", "10", "-v", tetra_reboot="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 of 7 endpoints put back, 0 failed" in done.stdout
    assert "Changed by somebody since, and left so" in done.stdout
    assert set(remaining(before, fleet)) == {"changed-since"}
    assert machine(fleet, "changed-since").state.registry.get(POLICY_KEY, "Functions") == theirs
    restarted = {name for name, boot in boots.items() if machine(fleet, name).state.boot_time > boot}
    assert restarted == set(ENDPOINTS) - {"healthy", "changed-since"}
    assert "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" not in machine(fleet, "direct").state.offer().suites

    present = machine_state.states_of(fleet)
    again = playbooks.run(ROLLBACK, "--forks", "10")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "0 of 7 endpoints put back, 0 failed. Changed by somebody since, and left so, on: changed-since." in re.sub(
        r"\s+", " ", again.stdout
    )
    assert " changed=1 " not in again.stdout
    assert machine_state.states_of(fleet) == present
    assert "Traceback" not in done.stdout + done.stderr + again.stderr


def test_a_cure_that_was_killed_in_the_middle_is_rolled_back(playbooks_on: t.Callable[..., Playbooks]) -> None:
    kinds = ("local-gpo", "direct", "switches")
    playbooks = playbooks_on({name: {**ENDPOINTS[name], "boot_seconds": 0.3} for name in kinds})
    fleet = playbooks.fleet
    before = machine_state.states_of(fleet)
    process = subprocess.Popen(
        playbooks.command(REMEDIATION, "--forks", "5", tetra_waves=5),
        cwd=playbooks.checkout,
        env=playbooks.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    journal = Journal(playbooks.results / "run", token="")
    try:
        while process.poll() is None and not any(journal.standing(name).event == "rebooting" for name in kinds):
            time.sleep(0.02)
        assert process.poll() is None
    finally:
        kill_processes_of(playbooks.results)
        process.wait()
    assert any(journal.standing(name).abandoned for name in kinds)
    assert remaining(before, fleet)
    for name in kinds:
        wait_until_it_stays_up(fleet, name)
    done = playbooks.run(ROLLBACK, "--forks", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert remaining(before, fleet) == {}
    assert "0 failed" in done.stdout


def wait_until_it_stays_up(fleet: RunningFleet, name: str) -> None:
    """An endpoint that was told to restart still listens, goes away, and comes back."""
    state = machine(fleet, name).state
    seen_up = 0
    while seen_up < 10:
        time.sleep(0.05)
        is_up = listens(fleet.ports[name]) and state.scheduled_shutdown is None and not state.off
        seen_up = seen_up + 1 if is_up else 0


def test_how_a_rollback_ends_that_cannot_do_anything(playbooks_on: t.Callable[..., Playbooks]) -> None:
    playbooks = playbooks_on({"direct": ENDPOINTS["direct"], "down": {"transport": {"faults": ["refused"]}}})
    nowhere = playbooks.run(ROLLBACK, tetra_results_dir="reslts")
    assert nowhere.returncode == 2
    assert "look for a typo in tetra_results_dir" in nowhere.stdout
    nobody = playbooks.run(ROLLBACK, tetra_hosts="typo")
    assert nobody.returncode == 4
    assert "No endpoint was tested" in nobody.stdout

    # One that cannot be reached is named, and keeps no other from being put back.
    sides = {side: {"status": "ok", "type": "REG_SZ", "data": data} for side, data in (("before", "A"), ("after", "B"))}
    machine(playbooks.fleet, "direct").state.registry.set(POLICY_KEY, "Functions", Value(1, "B"))
    for name in ("direct", "down"):
        item = {"kind": "registry_value", "path": POLICY_KEY, "name": "Functions", **sides}
        BeforeImageStore(playbooks.results).keep(name, "run", "t", [item])
    some = playbooks.run(ROLLBACK)
    assert some.returncode == 2, some.stdout + some.stderr
    assert "Not put back: down." in some.stdout
    assert "refuses the connection" in some.stdout
    assert machine(playbooks.fleet, "direct").state.registry.get(POLICY_KEY, "Functions") == Value(1, "A")
