# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal tells beforehand what a remediation of the same fleet does, and touches nothing but its own endpoints."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab import outcomes
from ansible_collections.fleetops.tetra.lab.fleet import Fleet
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.schemas import complaints, complaints_of_backups, complaints_of_folder

CURED = ("local-gpo-0001", "direct-0001", "local-list", "aes-off")
BY_DOMAIN = "domain-gpo-0001"
CANNOT_BE_KNOWN = ("never-comes-back", "server-unreachable")
"""Nothing in the facts of an audit without a probe tells how these end."""
ENDPOINTS = (*CURED, BY_DOMAIN, "management-host", "mdm", "filtered", "healthy-0001", *CANNOT_BE_KNOWN)


@pytest.fixture(scope="module")
def repair(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    """The real fleet, as far as this test is concerned."""
    wanted = Fleet("", tuple(one for one in fleets.load(checkout / "lab/fleets/repair.yml") if one.name in ENDPOINTS))
    with running_fleet(wanted, tmp_path_factory.mktemp("real")) as running:
        yield running


def dump(running: RunningFleet) -> dict[str, t.Any]:
    return {name: t.cast(t.Any, machine).state.dump() for name, machine in running.machines.items()}


def test_a_rehearsal_ends_as_the_remediation_would(repair: RunningFleet, checkout: Path, tmp_path: Path) -> None:
    playbooks = Playbooks(repair, checkout, tmp_path / "results")
    done = playbooks.run("--forks", "20")
    assert done.returncode == 0, done.stdout + done.stderr
    before, asked = dump(repair), repair.requests
    out = tmp_path / "rehearsal"
    command = [sys.executable, "-m", "ansible_collections.fleetops.tetra.lab", "rehearse", "--results",
               str(tmp_path / "results" / "run"), "--out", str(out), "--reboot-minutes", "8", "--gpo-host",
               "management-host", "--", "--forks", "20", "-e",
               json.dumps({"tetra_waves": [1, 50], "tetra_max_failures": 5, "tetra_deadline": 60,
                           "tetra_change_domain_gpo": True, "tetra_gpo_host": "management-host"})]  # fmt: skip
    rehearsed = subprocess.run(
        command, cwd=checkout, env=playbooks.environment(), capture_output=True, text=True, timeout=240, check=False
    )
    said = rehearsed.stdout + rehearsed.stderr
    assert rehearsed.returncode == 2, said  # one endpoint refuses to be written
    assert "Traceback" not in said

    # The fleet itself was neither asked nor changed.
    assert repair.requests == asked
    assert dump(repair) == before

    ends = outcomes.load(out / "remediation")
    definitions = {one.name: one for one in repair.fleet}
    for name in ENDPOINTS:
        if name not in (*CANNOT_BE_KNOWN, BY_DOMAIN):
            assert outcomes.differences(definitions[name], ends[name]) == []
    # The fleet file speaks of a remediation without the right to change the domain's GPO.
    assert (ends[BY_DOMAIN]["event"], ends[BY_DOMAIN]["after"]) == ("proven", "compliant")

    document = json.loads((out / "rehearsal.json").read_text(encoding="utf-8"))
    endpoints = document["endpoints"]
    assert {name for name, one in endpoints.items() if one["differences"]} == set()
    assert document["left_out"] == {}
    assert all(endpoints[name]["restarts"] == 1 for name in CURED)
    assert endpoints["mdm"]["blocked"][0]["owner"]["kind"] == "mdm"
    for name in CANNOT_BE_KNOWN:
        assert endpoints[name]["assumed"]
    restarts = sum(one["restarts"] for one in endpoints.values())
    assert document["restarts"] == restarts == len(CURED) + 1 + len(CANNOT_BE_KNOWN)
    assert (document["estimate"]["minutes"], document["estimate"]["at_once"]) == (16, 20)
    for part in (f"{len(ENDPOINTS)} of {len(ENDPOINTS)} simulated endpoints get the saved verdict.",
                 f"{restarts} restarts in 2 waves: about 16 minutes",
                 str(out / "remediation" / "after" / "report" / "index.html")):  # fmt: skip
        assert part in rehearsed.stdout
    assert not list((out / "lab").glob("*.accounts")), "the lab's password stays on disk"

    assert [one.name for one in fleets.load(out / "fleet.yml")] == list(endpoints)

    # Every document of the rehearsal, of the audit before and of the remediation has the shape that its schema says.
    assert complaints("rehearsal-1", document) == []
    assert complaints_of_folder(tmp_path / "results" / "run")[0] == []
    wrong, seen = complaints_of_folder(out / "remediation")
    assert wrong == []
    assert seen["cure-1"] == len(CURED) + 1 + len(CANNOT_BE_KNOWN) + 1
    assert seen["remediation-1"] == 1 + len(document["waves"])
    others = {"run-1", "result-1", "gate-1", "report-1", "plans-1", "domain-gpos-1", "journal-1"}
    assert set(seen) == {*others, "cure-1", "remediation-1"}
    wrong, images = complaints_of_backups(out)
    # Beside the cured: the management host, the one that does not come back, the one that refuses to be written.
    assert (wrong, images) == ([], len(CURED) + 3)
