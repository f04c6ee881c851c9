# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remediation playbook on a fleet with everything that a repair meets: how each endpoint ends, and what stands in
every registry and on every disk afterwards."""

from __future__ import annotations

import json
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab import outcomes
from ansible_collections.fleetops.tetra.lab.comparison import differences, records
from ansible_collections.fleetops.tetra.lab.machine import domains
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.machine_state import OUR_KEY, State
from ansible_collections.fleetops.tetra.tests.schemas import complaints_of_backups, complaints_of_folder

PLAYBOOK = "fleetops.tetra.remediation"
FAST = {"tetra_deadline": 16, "tetra_max_failures": "50%"}


@dataclass
class Remediated:
    """The repair fleet after one remediation."""

    playbooks: Playbooks
    done: subprocess.CompletedProcess[str]
    before: dict[str, State]
    after: dict[str, State]

    @property
    def fleet(self) -> RunningFleet:
        return self.playbooks.fleet

    @property
    def folder(self) -> Path:
        return self.playbooks.results / "run"

    def summary(self, run_id: str = "run") -> dict[str, t.Any]:
        return read(self.playbooks.results / run_id / "remediation.json")

    def endpoint(self, name: str) -> dict[str, t.Any]:
        return dict(self.summary()["hosts"][name])


def read(path: Path) -> dict[str, t.Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def repaired(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Remediated]:
    domains.forget()
    with running_fleet(checkout / "lab" / "fleets" / "repair.yml", tmp_path_factory.mktemp("repair")) as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path_factory.mktemp("remediation") / "results")
        before = machine_state.states_of(fleet)
        done = playbooks.run(PLAYBOOK, "--forks", "20", **FAST)
        yield Remediated(playbooks, done, before, machine_state.states_of(fleet))


def test_every_endpoint_ends_as_the_fleet_file_says(repaired: Remediated) -> None:
    assert repaired.done.returncode == 2, repaired.done.stdout + repaired.done.stderr
    ends = outcomes.load(repaired.folder)
    first = records(repaired.folder / "before")
    wrong = [
        str(sentence)
        for one in repaired.fleet.fleet
        for sentence in (
            *differences(one.name, one.expect, first.get(one.name)),
            *outcomes.differences(one, ends.get(one.name)),
        )
    ]
    assert wrong == []
    assert set(ends) == set(repaired.fleet.machines)


def test_nothing_but_what_was_planned_differs_on_any_machine(repaired: Remediated) -> None:
    plans = read(repaired.folder / "plans.json")
    wrong: dict[str, list[str]] = {}
    for name, before in repaired.before.items():
        entry = repaired.endpoint(name)
        steps = plans[name]["steps"] if entry["changed"] else []
        after = dict(repaired.after[name])
        if name == "never-comes-back":
            # Not proven, so our own key stays: it tells a later audit that a change waits for its restart.
            assert after.pop(f"{OUR_KEY}\\ChangedAt")
            del after[OUR_KEY]
        found = machine_state.differs_from_plan(before, after, steps)
        if found:
            wrong[name] = found
    assert wrong == {}


@pytest.mark.parametrize("name", ["write-denied", "disk-full", "refresh-ignored"])
def test_what_could_not_be_done_whole_is_undone(repaired: Remediated, name: str) -> None:
    found = machine_state.without_traces(machine_state.changes(repaired.before[name], repaired.after[name]))
    assert found == {}
    entry = repaired.endpoint(name)
    assert "What was written has been undone." in entry["detail"]
    cure = read(repaired.folder / "cures" / f"{name}.json")
    assert {one["outcome"] for one in cure["undone"]} <= {"restored", "already_as_before"}
    assert (cure["changed"], entry["after"]) == (False, "non_compliant")


def test_the_folder_holds_both_reports_and_no_secret(repaired: Remediated) -> None:
    folder = repaired.folder
    for part in ("before", "after"):
        assert (folder / part / "report" / "index.html").is_file()
        assert str(folder / part / "report" / "index.html") in repaired.done.stdout
    comparison = read(folder / "after" / "report" / "report.json")["comparison"]
    assert comparison is not None
    summary = repaired.summary()
    assert summary["never_came_back"] == ["never-comes-back"]
    assert sorted(summary["failed"]) == ["disk-full", "filtered", "never-comes-back", "refresh-ignored", "write-denied"]
    assert summary["in_flight"] == []
    assert not summary["budget_spent"]
    waves = [read(path) for path in sorted((folder / "waves").glob("*.json"))]
    assert [len(wave["hosts"]) for wave in waves] == [1, 10, 7]
    written = "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file()
    )
    assert DEFAULT_PASSWORD not in written + repaired.done.stdout + repaired.done.stderr
    assert "Traceback" not in repaired.done.stdout + repaired.done.stderr


def test_every_document_has_the_shape_that_its_schema_says(repaired: Remediated) -> None:
    wrong, seen = complaints_of_folder(repaired.folder)
    assert wrong == []
    assert {"cure-1", "remediation-1", "plans-1", "journal-1", "domain-gpos-1", "gate-1"} <= set(seen)
    wrong, images = complaints_of_backups(repaired.playbooks.results)
    assert wrong == []
    assert images


@pytest.mark.parametrize("run_id", ["run", "again"])
def test_a_second_run_changes_nothing(repaired: Remediated, run_id: str) -> None:
    present = machine_state.states_of(repaired.fleet)
    done = repaired.playbooks.run(PLAYBOOK, "--forks", "20", run_id=run_id, **FAST)
    assert done.returncode == 2, done.stdout + done.stderr
    for name, before in present.items():
        found = machine_state.changes(before, machine_state.state_of(repaired.fleet, name))
        if name in repaired.summary()["failed"]:
            # What failed is tried again and undone again.
            found = machine_state.without_traces(found)
        assert found == {}, name
    hosts = repaired.summary(run_id)["hosts"]
    assert {hosts[name]["event"] for name in hosts if name.startswith("local-gpo")} == (
        {"proven"} if run_id == "run" else {"nothing_to_do"}
    )
    assert hosts["never-comes-back"]["event"] == ("unreachable" if run_id == "run" else "unknown")
    assert "never-comes-back" in done.stdout
    assert ("never-comes-back" in repaired.summary(run_id)["failed"]) is (run_id == "run")
    assert " changed=1 " not in done.stdout
