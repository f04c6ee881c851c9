# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet of make demo-remediation, 200 mixed endpoints: what can be cured shakes hands for real, every other one is
listed with its owner or its reason, and nothing else in any registry or file has changed."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab import outcomes
from ansible_collections.fleetops.tetra.lab.comparison import differences, records
from ansible_collections.fleetops.tetra.lab.machine import domains
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.handshake import shake
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.machine_state import OUR_KEY

PLAYBOOK = "fleetops.tetra.remediation"
FAST: t.Final = {"tetra_deadline": 30}
CURED = 107


def read(path: Path) -> dict[str, t.Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def handshake(fleet: RunningFleet, name: str) -> str:
    """How a handshake of the endpoint ends, with what it has in force now."""
    machine = fleet.machines[name]
    assert isinstance(machine, Endpoint)
    return shake(machine.state.offer(), machine.state.route).outcome


@pytest.fixture
def playbooks(checkout: Path, tmp_path: Path) -> t.Iterator[Playbooks]:
    domains.forget()
    with running_fleet(checkout / "lab" / "fleets" / "remediation.yml", tmp_path / "lab") as fleet:
        yield Playbooks(fleet, checkout, tmp_path / "results")


def test_a_fleet_of_200_is_repaired_and_a_second_run_changes_nothing(playbooks: Playbooks) -> None:
    fleet = playbooks.fleet
    before = machine_state.states_of(fleet)
    done = playbooks.run(PLAYBOOK, "--forks", "25", **FAST)
    assert done.returncode == 2, done.stdout + done.stderr
    after = machine_state.states_of(fleet)
    folder = playbooks.results / "run"
    summary, plans = read(folder / "remediation.json"), read(folder / "plans.json")
    hosts = summary["hosts"]

    # Every endpoint was judged, and ended, as the fleet file says.
    first, ends = records(folder / "before"), outcomes.load(folder)
    assert [
        str(wrong)
        for one in fleet.fleet
        for wrong in (
            *differences(one.name, one.expect, first.get(one.name)),
            *outcomes.differences(one, ends.get(one.name)),
        )
    ] == []

    # What can be cured shakes hands for real.
    cured = [name for name, entry in hosts.items() if entry["event"] == "proven"]
    assert len(cured) == CURED
    assert {handshake(fleet, name) for name in cured} == {"ok"}

    # Every other one is listed with its owner or its reason.
    for name, entry in hosts.items():
        if entry["event"] not in ("proven", "nothing_to_do", "unknown"):
            reasons = [blocked["why"] for blocked in entry["blocked"]] or [entry["detail"]]
            assert reasons and all(reasons), name
        if entry["event"] == "blocked" and name.startswith(("domain-gpo", "mdm")):
            (blocked,) = entry["blocked"]
            assert blocked["owner"]["kind"] == ("mdm" if name.startswith("mdm") else "domain_gpo")
            assert blocked["wanted"]["data"], name
        if entry["event"] == "unknown":
            assert name in summary["not_known"]

    # The default waves: the last of 250 holds the rest.
    waves = [read(path)["hosts"] for path in sorted((folder / "waves").glob("*.json"))]
    taken_up = sum(map(len, waves))
    assert [len(wave) for wave in waves] == [1, 10, 50, taken_up - 61]
    assert list(waves[0]) == [min(name for wave in waves for name in wave)]

    # Nothing else has changed anywhere.
    wrong = {}
    for name, state in after.items():
        if name == "never-comes-back":
            state = {place: value for place, value in state.items() if not place.startswith(OUR_KEY)}
        steps = plans[name]["steps"] if hosts[name]["changed"] else []
        found = machine_state.differs_from_plan(before[name], state, steps)
        if found:
            wrong[name] = found
    assert wrong == {}

    # A second run changes nothing.
    again = playbooks.run(PLAYBOOK, "--forks", "25", run_id="again", **FAST)
    assert again.returncode == 2, again.stdout + again.stderr
    for name, state in after.items():
        found_now = machine_state.changes(state, machine_state.state_of(fleet, name))
        assert (machine_state.without_traces(found_now) if name in summary["failed"] else found_now) == {}, name
    second = read(playbooks.results / "again" / "remediation.json")["hosts"]
    assert {second[name]["event"] for name in cured} == {"nothing_to_do"}
    for part in ("before", "after"):
        assert (folder / part / "report" / "index.html").is_file()
