# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that mean harm: each costs itself its verdict, and nobody else anything."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run

ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
MEMORY = 400 * 1024
"""KiB that the largest process may have come to; an answer of 600 MiB that is taken goes far beyond."""
MEASURE = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], check=False);"
    "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
)
"""Runs a command from a small process of its own: what other tests started does not count."""


@pytest.fixture(scope="module")
def hostile_fleet(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    with running_fleet(checkout / "lab" / "fleets" / "hostile.yml", tmp_path_factory.mktemp("lab")) as fleet:
        yield fleet


@pytest.mark.parametrize("engine", ["bulk", "per_host"])
def test_no_endpoint_can_hurt(hostile_fleet: RunningFleet, checkout: Path, tmp_path: Path, engine: str) -> None:
    command = [
        sys.executable,
        "-c",
        MEASURE,
        ANSIBLE_PLAYBOOK,
        "-i",
        str(hostile_fleet.inventory),
        "fleetops.tetra.compliance",
        "-f",
        "4",
    ]
    command += ["-e", f"tetra_results_dir={tmp_path}", "-e", "tetra_run_id=run", "-e", "tetra_timeout=60"]
    command += ["-e", f"tetra_engine={engine}"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    records = {record["host"]: record for record in read_run(tmp_path / "run").records()}
    states = {host: record["verdict"]["state"] for host, record in records.items()}
    assert states.pop("honest") == "compliant"
    assert set(states.values()) == {"unknown"}, states
    kinds = {host: record["error"]["kind"] for host, record in records.items() if host != "honest"}
    assert set(kinds.values()) == {"session"}, {host: records[host]["error"] for host in kinds}
    redirected = [host for host in states if "redirect" in host or host == "not-modified"]
    assert len(redirected) == 9
    for host in redirected:
        assert "redirect" in records[host]["error"]["message"], records[host]["error"]
    for host in ("gzip-bomb", "deflate-bomb"):
        assert "compressed" in records[host]["error"]["message"], records[host]["error"]
    for host in ("huge-declared", "huge-undeclared", "huge-chunked"):
        assert "more than an answer can hold" in records[host]["error"]["message"], records[host]["error"]
    assert int(done.stdout.split()[-1]) < MEMORY
