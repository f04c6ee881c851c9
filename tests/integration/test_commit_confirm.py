# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that restore themselves unless they are proven; the time that this takes passes in the lab only."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.listening import listens

REMEDIATION, ROLLBACK = "fleetops.tetra.remediation", "fleetops.tetra.rollback"
WITHOUT_THE_FOUR = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
COMMON = {"release": "10_22h2", "boot_seconds": 0.3, "policy": WITHOUT_THE_FOUR}
FLEET = {
    "schema": "fleetops.tetra/fleet/1",
    "describe": "One that is cut off by the change, and others.",
    "endpoints": {
        "cut-off": {**COMMON, "origin": "local_gpo", "cut_off_by_change": True},
        "good": {**COMMON, "origin": "local_gpo"},
        "no-tasks": {**COMMON, "origin": "direct", "task_scheduler": "stopped"},
        "user-works": {**COMMON, "origin": "direct", "logged_on_users": ["kim"]},
    },
}
OURS = ("fleetops.tetra\\restore.reg", "fleetops-tetra")


def test_an_endpoint_that_cannot_be_reached_after_the_change_comes_back_as_it_was(
    checkout: Path, tmp_path: Path
) -> None:
    with running_fleet(FLEET, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        before = machine_state.states_of(fleet)
        options: dict[str, t.Any] = {"tetra_commit_confirm": 1, "tetra_deadline": 15, "tetra_waves": 10}
        done = playbooks.run(
            REMEDIATION, "--forks", "10", tetra_max_failures="100%", tetra_reboot_when="no_user", **options
        )
        assert done.returncode == 2, done.stdout + done.stderr
        hosts = json.loads((playbooks.results / "run" / "remediation.json").read_text())["hosts"]
        events = {name: entry["event"] for name, entry in hosts.items()}
        assert events == {"cut-off": "timed_out", "good": "proven", "no-tasks": "failed", "user-works": "held"}
        assert "did not come back" in hosts["cut-off"]["detail"]
        assert "It puts its old values back by itself at 20" in hosts["cut-off"]["detail"]
        assert "could not be registered. Nothing was changed." in hosts["no-tasks"]["detail"]
        found = {name: changed(before, fleet, name) for name in fleet.machines}
        assert found["no-tasks"] == {}
        for name in ("good", "user-works"):
            assert found[name]
            assert not [place for place in found[name] if any(word in place for word in OURS)], name
        assert [place for place in found["cut-off"] if any(word in place for word in OURS)]

        fleet.pass_time("cut-off", 90)
        fleet.pass_time("cut-off", 90)
        while not listens(fleet.ports["cut-off"]):
            time.sleep(0.05)
        assert changed(before, fleet, "cut-off") == {}
        assert machine_of(fleet, "cut-off").unmatched == []

        # Nothing is left to do for a rollback of it; the proven one is put back, and no guard strikes.
        back = playbooks.run(ROLLBACK, "--forks", "10")
        assert back.returncode == 0, back.stdout + back.stderr
        for name in fleet.machines:
            fleet.pass_time(name, 3600)
            assert changed(before, fleet, name) == {}, name


def test_a_guard_that_cannot_be_confirmed_in_time_is_refused(checkout: Path, tmp_path: Path) -> None:
    fleet_of_one = {**FLEET, "endpoints": {"good": {**COMMON, "origin": "direct"}}}
    with running_fleet(fleet_of_one, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        done = playbooks.run(REMEDIATION, tetra_commit_confirm=30)
        assert done.returncode == 2
        assert "has to be longer than the deadline of an endpoint: 30 minutes against 1800 seconds." in done.stdout
        assert fleet.requests["good"] == 0


def changed(before: dict[str, machine_state.State], fleet: t.Any, name: str) -> dict[str, machine_state.Change]:
    return machine_state.without_traces(machine_state.changes(before[name], machine_state.state_of(fleet, name)))


def machine_of(fleet: t.Any, name: str) -> Endpoint:
    machine = fleet.machines[name]
    assert isinstance(machine, Endpoint)
    return machine
