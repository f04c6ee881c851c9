# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failure budget: the run stops after the wave that broke it and says so, whatever way endpoints fail."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

PLAYBOOK = "fleetops.tetra.remediation"
CURABLE: t.Final[dict[str, t.Any]] = {
    "release": "10_22h2",
    "boot_seconds": 0.2,
    "policy": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA",
    "origin": "direct",
}
WRITE_DENIED: t.Final[dict[str, t.Any]] = {
    **CURABLE,
    "write_denied": [r"HKLM\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"],
}
NEVER: t.Final[dict[str, t.Any]] = {**CURABLE, "boot_seconds": "never"}


def fleet(**endpoints: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"schema": "fleetops.tetra/fleet/1", "endpoints": endpoints}


def summary(playbooks: Playbooks) -> dict[str, t.Any]:
    return dict(json.loads((playbooks.results / "run" / "remediation.json").read_text(encoding="utf-8")))


def events(document: t.Mapping[str, t.Any]) -> dict[str, str | None]:
    return {name: entry["event"] for name, entry in sorted(document["hosts"].items())}


def test_a_failure_beyond_the_budget_stops_the_run_after_its_wave(checkout: Path, tmp_path: Path) -> None:
    endpoints = {"a1": CURABLE, "a2": CURABLE, "b1": WRITE_DENIED, "b2": CURABLE, "b3": CURABLE, "c1": CURABLE}
    with running_fleet(fleet(**endpoints), tmp_path / "lab") as running:
        playbooks = Playbooks(running, checkout, tmp_path / "results")
        before = machine_state.states_of(running)
        done = playbooks.run(PLAYBOOK, "--forks", "1", tetra_waves="[2,3,10]", tetra_max_failures=0)
        assert done.returncode == 2, done.stdout + done.stderr
        sentence = "The failure budget is spent: 1 endpoints failed and 0 were allowed."
        assert sentence in done.stdout + done.stderr
        found = summary(playbooks)
        assert (found["budget_spent"], found["failures"], found["allowed"], found["failed"]) == (True, 1, 0, ["b1"])
        # One fork: nothing is begun after the failure, and the next wave is not there at all.
        assert events(found) == {
            "a1": "proven",
            "a2": "proven",
            "b1": "failed",
            "b2": "not_started",
            "b3": "not_started",
            "c1": None,
        }
        assert found["hosts"]["b2"]["detail"] == sentence
        for name in ("b2", "b3", "c1"):
            assert machine_state.changes(before[name], machine_state.state_of(running, name)) == {}
        waves = sorted((playbooks.results / "run" / "waves").glob("*.json"))
        assert [sorted(json.loads(path.read_bytes())["hosts"]) for path in waves] == [["a1", "a2"], ["b1", "b2", "b3"]]
        for part in ("before", "after"):
            assert (playbooks.results / "run" / part / "report" / "index.html").is_file()

        # With room for it, running again goes on where the run stopped.
        done = playbooks.run(PLAYBOOK, tetra_max_failures=1)
        assert done.returncode == 2, done.stdout + done.stderr
        again = events(summary(playbooks))
        assert again.pop("b1") == "failed"
        assert set(again.values()) == {"proven"}


def test_endpoints_that_fail_in_other_ways_count_as_well_and_those_that_never_return_are_named(
    checkout: Path, tmp_path: Path
) -> None:
    endpoints = {
        "a-ok": CURABLE,
        "b-never-1": NEVER,
        "b-never-2": NEVER,
        "b-rescued": {**CURABLE, "inventory": {"tetra_deadline": "soon"}},
        "b-unproven": {**CURABLE, "tetra": {"outcome": "timeout"}},
        "c-not-reached": CURABLE,
    }
    with running_fleet(fleet(**endpoints), tmp_path / "lab") as running:
        playbooks = Playbooks(running, checkout, tmp_path / "results")
        before = machine_state.states_of(running)
        options = {"tetra_waves": "[1,4,10]", "tetra_max_failures": "50%"}
        # The deadline is a variable of each host here, so that one can be wrong.
        inventory = playbooks.write_inventory(
            {name: {"tetra_deadline": 6, **variables} for name, variables in playbooks.hosts().items()}
        )
        done = playbooks.run(PLAYBOOK, inventory=inventory, **options)
        assert done.returncode == 2, done.stdout + done.stderr
        found = summary(playbooks)
        assert events(found) == {
            "a-ok": "proven",
            "b-never-1": "timed_out",
            "b-never-2": "timed_out",
            "b-rescued": "failed",
            "b-unproven": "unproven",
            "c-not-reached": None,
        }
        assert "The failure budget is spent: 4 endpoints failed and 3 were allowed." in done.stdout + done.stderr
        assert "Did not come back after the restart: b-never-1, b-never-2." in done.stdout + done.stderr
        assert found["never_came_back"] == ["b-never-1", "b-never-2"]
        assert found["hosts"]["b-unproven"]["update"] == "failed"
        assert "network_timeout" in found["hosts"]["b-unproven"]["detail"]
        state = machine_state.state_of(running, "c-not-reached")
        assert machine_state.changes(before["c-not-reached"], state) == {}
        assert machine_state.changes(before["b-rescued"], machine_state.state_of(running, "b-rescued")) == {}


def test_dead_endpoints_are_lost_at_most_one_for_each_place_beyond_the_budget(checkout: Path, tmp_path: Path) -> None:
    """All are dead, one may be lost, and two restart at the same time; everyone is changed before the first is lost."""
    names = [f"pc-{number}" for number in range(8)]
    with running_fleet(fleet(**dict.fromkeys(names, NEVER)), tmp_path / "lab") as running:
        playbooks = Playbooks(running, checkout, tmp_path / "results")
        before = machine_state.states_of(running)
        options = {"tetra_waves": "[8]", "tetra_max_failures": 1, "tetra_max_reboots": 2, "tetra_deadline": 12}
        done = playbooks.run(PLAYBOOK, "--forks", "8", tetra_when_stopped="undo", **options)
        assert done.returncode == 2, done.stdout + done.stderr
        found = summary(playbooks)
        lost = [name for name, event in events(found).items() if event == "timed_out"]
        assert 2 <= len(lost) <= 1 + 2, events(found)
        assert {found["hosts"][name]["event"] for name in names if name not in lost} <= {"held", "not_started"}
        assert "The failure budget is spent" in done.stdout + done.stderr
        for name in set(names) - set(lost):
            changes = machine_state.without_traces(
                machine_state.changes(before[name], machine_state.state_of(running, name))
            )
            assert changes == {}, (name, found["hosts"][name]["detail"])
            assert not found["hosts"][name]["changed"]

        # A second start loses no further one, and asks none of the lost.
        again = playbooks.run(PLAYBOOK, "--forks", "8", tetra_lost_before="leave", **options)
        assert again.returncode == 2
        assert [name for name, event in events(summary(playbooks)).items() if event == "timed_out"] == lost
