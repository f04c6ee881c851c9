# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints as release 1.0.0 left them, and its results folder: this release goes on with it and rolls it back."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

FILES = Path(__file__).resolve().parents[1] / "data" / "1.0.0"
TYPES = {"REG_SZ": 1, "REG_DWORD": 4, "REG_MULTI_SZ": 7}
CURED = {"direct", "local-gpo", "local-list", "switches"}


@pytest.fixture
def playbooks_as_left(checkout: Path, tmp_path: Path) -> t.Iterator[Playbooks]:
    fleet = json.loads((FILES / "fleet.json").read_text(encoding="utf-8"))
    results = Path(shutil.copytree(FILES / "results", tmp_path / "results"))
    with running_fleet(fleet, tmp_path / "lab") as running:
        yield Playbooks(running, checkout, results)


def leave_as_it_did(fleet: RunningFleet) -> None:
    """Writes what the remediation of 1.0.0 had written, and restarts into it."""
    for host, changed in json.loads((FILES / "changed.json").read_text(encoding="utf-8")).items():
        if not changed:
            continue
        machine = fleet.machines[host]
        assert isinstance(machine, Endpoint)
        for place, (_before, after) in changed.items():
            if place.startswith("HKEY_"):
                path, _separator, name = place.rpartition("\\")
                data = tuple(after[1]) if isinstance(after[1], list) else after[1]
                machine.state.registry.set(path, name, Value(TYPES[after[0]], data))
            else:
                machine.state.files.write(place, bytes.fromhex(after), machine.state.now())


@pytest.mark.parametrize("from_endpoint", [False, True])
def test_what_1_0_0_changed_is_rolled_back(playbooks_as_left: Playbooks, from_endpoint: bool) -> None:
    playbooks = playbooks_as_left
    before = machine_state.states_of(playbooks.fleet)
    leave_as_it_did(playbooks.fleet)
    assert _remaining(before, playbooks.fleet) == CURED
    if from_endpoint:
        shutil.rmtree(playbooks.results / "backups")
    done = playbooks.run(
        "fleetops.tetra.rollback",
        "--limit",
        "!down",
        run_id="tonight",
        tetra_from_endpoint=str(from_endpoint).lower(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 5 endpoints put back, 0 failed" in done.stdout
    assert _remaining(before, playbooks.fleet) == set()


def test_a_remediation_of_1_0_0_is_gone_on_with(playbooks_as_left: Playbooks) -> None:
    playbooks = playbooks_as_left
    leave_as_it_did(playbooks.fleet)
    done = playbooks.run("fleetops.tetra.remediation", run_id="tonight", tetra_max_failures=5)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " changed=1 " not in done.stdout, "what is proven is not taken up again"
    assert "5 compliant, 0 non compliant, 1 unknown, 0 not applicable." in done.stdout


def _remaining(before: dict[str, machine_state.State], fleet: RunningFleet) -> set[str]:
    return {
        name
        for name, state in before.items()
        if machine_state.without_traces(machine_state.changes(state, machine_state.state_of(fleet, name)))
    }
