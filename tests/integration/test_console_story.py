# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One story end to end: the console lists 3 outdated of 60, they are audited, remediated and updated, the console shows
them fresh, the history tells of the repair and the metrics count it."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from prometheus_client.openmetrics import parser

from ansible_collections.fleetops.tetra.lab.console.computers import SimulatedComputer
from ansible_collections.fleetops.tetra.lab.console.policy_xml import policy_xml
from ansible_collections.fleetops.tetra.lab.console.server import API_KEY, CLIENT_ID, ConsoleServer
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration.conftest import ANSIBLE_PLAYBOOK

LOG = r"C:\Program Files\Cisco\AMP\*\sfc.exe.log"
HOUR = datetime.timedelta(hours=1)
FLEET = {
    "schema": "fleetops.tetra/fleet/1",
    "describe": "57 healthy endpoints and three that a local policy keeps from updating.",
    "endpoints": {
        "healthy": {
            "repeat": 57, "release": "10_22h2", "expect": {"state": "compliant", "reachability": "yes"},
        },
        "failing": {
            "repeat": 3, "release": "10_22h2", "boot_seconds": 1, "origin": "local_gpo",
            "policy": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA",
            "connector": {"log": "failed"},
            "expect": {"state": "non_compliant", "reachability": "no", "cause": "cipher_mismatch"},
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    folder = tmp_path_factory.mktemp("story")
    (folder / "fleet.yml").write_text(yaml.safe_dump(FLEET))
    with running_fleet(folder / "fleet.yml", folder / "lab") as running:
        yield running


def log_of(fleet: RunningFleet, name: str) -> t.Callable[[], bytes]:
    """The connector's log on the simulated endpoint, as it stands at the moment it is asked."""

    def log() -> bytes:
        files = t.cast(t.Any, fleet.machines[name]).state.files
        return b"".join(files.find(path).data for path in files.matching(LOG))

    return log


def test_from_the_consoles_list_to_the_metrics(fleet: RunningFleet, tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    names = sorted(fleet.machines)
    computers = [
        SimulatedComputer(
            name.upper(), now - (60 if name.startswith("failing") else 1) * HOUR, now, log=log_of(fleet, name)
        )
        for name in names
    ]
    results = tmp_path / "results"
    with ConsoleServer(computers, policies={"Protect": policy_xml()}) as console:
        source = tmp_path / "console.secure_endpoint.yml"
        source.write_text(json.dumps({"plugin": "fleetops.tetra.secure_endpoint", "base_url": console.url}))

        def play(book: str, *more: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
            given = {"tetra_results_dir": str(results), "tetra_console_base_url": console.url}
            given |= {f"tetra_{name}": value for name, value in variables.items()}
            command = [
                ANSIBLE_PLAYBOOK, "-i", str(fleet.inventory), "-i", str(source), f"fleetops.tetra.{book}",
                "-e", json.dumps(given), *more,
            ]  # fmt: skip
            environment = {
                **os.environ, "TETRA_CONSOLE_CLIENT_ID": CLIENT_ID, "TETRA_CONSOLE_API_KEY": API_KEY,
                "no_proxy": "127.0.0.1", "ANSIBLE_NOCOLOR": "1",
            }  # fmt: skip
            return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

        def well(done: subprocess.CompletedProcess[str]) -> None:
            assert done.returncode == 0, done.stdout + done.stderr

        failing = [name for name in names if name.startswith("failing")]
        assert (len(names), len(failing)) == (60, 3)
        well(play("console"))
        listed = json.loads((results / "console" / "failing.json").read_text())
        assert sorted(one["computer"]["hostname"].lower() for one in listed) == failing

        well(play("compliance", run_id="first", timeout=1800))

        report = json.loads((results / "first" / "report" / "report.json").read_text())
        assert report["summary"]["states"]["non_compliant"]["count"] == 3
        assert report["summary"]["states"]["compliant"]["count"] == 57
        store = str(tmp_path / "history.sqlite")
        page = str(tmp_path / "history.html")
        well(play("history", history_store=store, history_page=page, history_add=[str(results / "first")]))

        # The console's own group says whom to remediate.
        group = "secure_endpoint_definitions_failing"
        well(
            play(
                "remediation",
                "--forks",
                "3",
                hosts=group,
                run_id="repair",
                max_failures="100%",
                deadline=1800,
                timeout=900,
            )
        )

        well(play("console"))
        assert json.loads((results / "console" / "failing.json").read_text()) == []
        well(play("compliance", run_id="second", timeout=1800))
        done = play("history", history_store=store, history_page=page, history_add=[str(results / "second")])
        well(done)
        assert '"repaired": 3' in done.stdout
        assert "Days to repair, median" in Path(page).read_text()
        metrics = tmp_path / "tetra.prom"
        well(play("tell", tell_run=str(results / "second"), history_store=store, tell_metrics=str(metrics)))
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in parser.text_string_to_metric_families(metrics.read_text())
        for sample in family.samples
    }
    assert found["tetra_changed_endpoints", "repaired"] == 3
    assert found["tetra_endpoints", "compliant"] == 60
    assert found["tetra_endpoints", "non_compliant"] == 0
