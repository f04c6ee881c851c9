# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks against the lab: one small fleet for the whole folder, and a way to run ansible-playbook on it."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet

ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")


@dataclass
class Playbooks:
    """Runs playbooks on a fleet, with results below ``results``."""

    fleet: RunningFleet
    checkout: Path
    results: Path

    def environment(self) -> dict[str, str]:
        return {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}

    def command(
        self, *arguments: str, inventory: Path | str | None = None, run_id: str = "run", **extra: t.Any
    ) -> list[str]:
        variables = {"tetra_results_dir": str(self.results), "tetra_run_id": run_id, "tetra_timeout": 20, **extra}
        more = [item for name, value in variables.items() for item in ("-e", f"{name}={value}")]
        return [ANSIBLE_PLAYBOOK, "-i", str(inventory or self.fleet.inventory), *more, *arguments]

    def run(self, *arguments: str, **more: t.Any) -> subprocess.CompletedProcess[str]:
        """One ansible-playbook; arguments that start with ``fleetops.`` or end in ``.yml`` name the playbook."""
        if not any(item.startswith("fleetops.") or item.endswith(".yml") for item in arguments):
            arguments = ("fleetops.tetra.compliance", *arguments)
        return subprocess.run(
            self.command(*arguments, **more),
            cwd=self.checkout,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def hosts(self) -> dict[str, dict[str, t.Any]]:
        """The variables of the lab's hosts, all in one place, for inventories of a test's own."""
        group = yaml.safe_load(self.fleet.inventory.read_text(encoding="utf-8"))["windows"]
        return {name: {**group["vars"], **variables} for name, variables in group["hosts"].items()}

    def write_inventory(self, hosts: t.Mapping[str, dict[str, t.Any]]) -> Path:
        path = self.results.parent / "hosts.yml"
        path.write_text(yaml.safe_dump({"all": {"hosts": dict(hosts)}}), encoding="utf-8")
        return path


@pytest.fixture(scope="session")
def small_fleet(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    with running_fleet(checkout / "lab" / "fleets" / "small.yml", tmp_path_factory.mktemp("lab")) as fleet:
        yield fleet


@pytest.fixture
def playbooks(small_fleet: RunningFleet, checkout: Path, tmp_path: Path) -> Playbooks:
    return Playbooks(small_fleet, checkout, tmp_path / "results")
