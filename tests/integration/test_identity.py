# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory name that leads to another machine than before: told by the audit, and not repaired."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

POLICY = "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"


@pytest.fixture
def two(tmp_path: Path) -> t.Iterator[RunningFleet]:
    endpoint = {"release": "10_22h2", "describe": "Fails.", "policy": POLICY, "origin": "local_gpo"}
    fleet = {"schema": "fleetops.tetra/fleet/1", "describe": "Two.", "endpoints": {"one": endpoint, "two": endpoint}}
    with running_fleet(fleet, tmp_path / "lab") as running:
        yield running


def findings(folder: Path, host: str) -> list[str]:
    record = json.loads((folder / "hosts" / f"{host}.json").read_text(encoding="utf-8"))
    return [finding["rule"] for finding in record["verdict"]["findings"]]


@pytest.mark.parametrize("engine", ["bulk", "per_host"])
def test_another_machine_is_told_and_not_repaired(
    two: RunningFleet, checkout: Path, tmp_path: Path, engine: str
) -> None:
    playbooks = Playbooks(two, checkout, tmp_path / "results")
    hosts = playbooks.hosts()
    ports = {name: hosts[name]["ansible_port"] for name in hosts}

    def run(*arguments: str, **more: t.Any) -> subprocess.CompletedProcess[str]:
        done = playbooks.run(*arguments, inventory=inventory, tetra_engine=engine, **more)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    inventory = playbooks.write_inventory(hosts)
    assert run(run_id="first").returncode == 0
    for name in hosts:
        assert "TETRA-IDENTITY" not in findings(playbooks.results / "first", name)
    # The address of one was given to the other; the other is gone.
    before = yaml.safe_dump(two.machines["two"].state.dump())  # type: ignore[attr-defined]
    inventory = playbooks.write_inventory({"one": {**hosts["one"], "ansible_port": ports["two"]}})
    assert run(run_id="second").returncode == 0
    assert "TETRA-IDENTITY" in findings(playbooks.results / "second", "one")
    done = playbooks.run(
        "fleetops.tetra.remediation", inventory=inventory, run_id="repair", tetra_probe="false", tetra_deadline=60
    )
    assert yaml.safe_dump(two.machines["two"].state.dump()) == before, done.stdout  # type: ignore[attr-defined]
    cure = json.loads((playbooks.results / "repair" / "cures" / "one.json").read_text(encoding="utf-8"))
    assert cure["event"] == "held"
    assert "Another machine answers under this name than before" in cure["detail"]
    assert run(run_id="third", tetra_accept_identity="one").returncode == 0
    assert "TETRA-IDENTITY" not in findings(playbooks.results / "third", "one")
