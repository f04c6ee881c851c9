# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ways of asking give the same records, over every endpoint of the mixed fleet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run

ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
OF_THE_MOMENT = {"token", "started_at", "seconds", "collected_at"}


@pytest.fixture(scope="module")
def mixed_fleet(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    with running_fleet(checkout / "lab" / "fleets" / "mixed.yml", tmp_path_factory.mktemp("lab")) as fleet:
        yield fleet


def without_moment(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {name: without_moment(item) for name, item in value.items() if name not in OF_THE_MOMENT}
    return [without_moment(item) for item in value] if isinstance(value, list) else value


def audit(fleet: RunningFleet, checkout: Path, results: Path, engine: str) -> dict[str, t.Any]:
    command = [ANSIBLE_PLAYBOOK, "-i", str(fleet.inventory), "fleetops.tetra.compliance", "-f", "10"]
    command += ["-e", f"tetra_results_dir={results}", "-e", f"tetra_run_id={engine}", "-e", f"tetra_engine={engine}"]
    # A time limit that only the endpoint reaches that hangs.
    command += ["-e", "tetra_timeout=30"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = read_run(results / engine)
    records = {record["host"]: record for record in run.records()}
    assert run.problems == []
    return records


def test_both_engines_give_equal_records(mixed_fleet: RunningFleet, checkout: Path, tmp_path: Path) -> None:
    many = audit(mixed_fleet, checkout, tmp_path, "bulk")
    each = audit(mixed_fleet, checkout, tmp_path, "per_host")
    assert set(many) == set(each) == {endpoint.name for endpoint in mixed_fleet.fleet}
    different = {host for host in many if without_moment(many[host]) != without_moment(each[host])}
    assert different == set()
    progress = json.loads((tmp_path / "bulk" / "progress.json").read_text(encoding="utf-8"))
    assert progress["ended"] is True
    assert progress["done"] == progress["total"] == len(many)
    assert sum(progress["states"].values()) == len(many)


def test_an_engine_that_does_not_exist_is_told_before_anything_is_asked(
    mixed_fleet: RunningFleet, checkout: Path, tmp_path: Path
) -> None:
    command = [ANSIBLE_PLAYBOOK, "-i", str(mixed_fleet.inventory), "fleetops.tetra.compliance"]
    command += ["-e", f"tetra_results_dir={tmp_path}", "-e", "tetra_engine=perhost"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 4
    assert "value of engine must be one of: bulk, per_host" in done.stdout
