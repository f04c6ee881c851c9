# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook diagnose against the lab: the note's story end to end, and a controller that is killed in the middle."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.evidence_taking import FOLDER, TASK
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.killing import kill_processes_of

DIAGNOSE = "fleetops.tetra.diagnose"
WEAK = "TLS_RSA_WITH_AES_128_CBC_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
NOTE = [
    "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256",
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA",
]  # fmt: skip
"""What the note's failing Client Hello offers, in its order."""
PROXY = {"proxy": {"server": "proxy.example.com", "port": 6050}, "policy_readable": True}
BEHIND = {"release": "10_22h2", "connector": PROXY}
FLEET = {
    "schema": "fleetops.tetra/fleet/1",
    "describe": "The note's failing endpoint and a healthy one behind the same proxy, and one whose update hangs.",
    "endpoints": {
        "failing": {**BEHIND, "policy": ",".join(NOTE), "tetra": {"proxy": "ok"}},
        "healthy": {**BEHIND, "tetra": {"proxy": "ok"}},
        "unproven": {
            "release": "10_22h2",
            "boot_seconds": 0.2,
            "policy": WEAK,
            "origin": "direct",
            "tetra": {"after_hello": "reset"},
        },
        "hangs": {"release": "11_23h2", "tetra": {"after_hello": "silence"}},
    },
}
OPTIONS: dict[str, t.Any] = {"tetra_hosts": "all", "tetra_request_seconds": 3, "tetra_timeout": 60}


def left_behind(fleet: t.Any, name: str) -> list[str]:
    state = fleet.machines[name].state
    found = [path for path in state.dump()["files"] if FOLDER in path.lower() or TASK in path.lower()]
    capture = state.conditions.capture
    return [*found, *state.tasks, *(["capture"] if capture and capture.running else []), *["log"] * state.debug_logging]


def test_the_story_of_the_note(checkout: Path, tmp_path: Path) -> None:
    with running_fleet(FLEET, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        done = playbooks.run(DIAGNOSE, "--limit", "failing,healthy", **OPTIONS, tetra_site="Bern")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The endpoint offers no cipher suite that the definition servers accept" in done.stdout
        folder = playbooks.results / "diagnoses"
        told = {name: json.loads((folder / name / "diagnosis.json").read_text()) for name in ("failing", "healthy")}
        assert (told["failing"]["cause"], told["failing"]["confidence"]) == ("no_suite_in_common", "proven")
        assert {said["source"] for said in told["failing"]["causes"][0]["speaks_for"]} >= {
            "capture",
            "settings",
            "events",
        }
        assert told["healthy"]["cause"] == "works_now"
        captures = [str(folder / name / "capture.pcap") for name in ("failing", "healthy")]
        command = ["python", "tools/capture.py", captures[0], "--good", captures[1]]
        shown = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout
        assert "First difference: Of the suites" in shown
        assert "Alert 40 handshake_failure" in shown
        assert "CONNECT tetra-defs.amp.cisco.com:443" in shown
        both = [json.loads((folder / name / "evidence.json").read_text()) for name in ("failing", "healthy")]
        hello, answer = (both[0]["capture"]["connections"][0]["connection"][part] for part in ("hello", "answer"))
        assert [suite["name"] for suite in hello["suites"]] == NOTE
        assert (answer["kind"], answer["alert"], hello["server_name"]) == ("alert", 40, "tetra-defs.amp.cisco.com")
        chosen = both[1]["capture"]["connections"][0]["connection"]["answer"]
        assert (chosen["kind"], chosen["suite"]["name"]) == ("suite", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
        logs = [(folder / name / "log.txt").read_text() for name in ("failing", "healthy")]
        assert "TetraUpdateInterface::update Update failed with error -3000" in logs[0]
        assert "PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000" in logs[0]
        assert "bUpdated = TRUE" in logs[1] or "bUpdated = FALSE, state: 20, status: 0" in logs[1]
        assert left_behind(fleet, "failing") == left_behind(fleet, "healthy") == []
        assert not [what for machine in fleet.machines.values() for what in machine.unmatched]


def test_a_controller_killed_while_the_capture_runs(checkout: Path, tmp_path: Path) -> None:
    with running_fleet(FLEET, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        command = playbooks.command(DIAGNOSE, "--limit", "hangs", **OPTIONS)
        process = subprocess.Popen(
            command, cwd=checkout, env=playbooks.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        state = fleet.machines["hangs"].state
        while not (state.conditions.capture and state.conditions.capture.running and state.debug_logging):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
        assert kill_processes_of(playbooks.results)
        process.wait()
        assert left_behind(fleet, "hangs")
        fleet.pass_time("hangs", 16 * 60)
        assert left_behind(fleet, "hangs") == []


def test_a_remediation_hands_over_what_it_leaves_unproven(checkout: Path, tmp_path: Path) -> None:
    with running_fleet(FLEET, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        options: dict[str, t.Any] = {"tetra_hosts": "unproven", "tetra_deadline": 20, "tetra_max_failures": "100%"}
        done = playbooks.run("fleetops.tetra.remediation", **options, tetra_diagnose_unproven="true", tetra_site="Bern")
        assert done.returncode == 2, done.stdout + done.stderr
        ends = json.loads((playbooks.results / "run" / "remediation.json").read_text())["hosts"]
        assert ends["unproven"]["event"] == "unproven"
        told = json.loads((playbooks.results / "diagnoses" / "unproven" / "diagnosis.json").read_text())
        assert (told["cause"], told["network"]["site"]) == ("reset_after_hello", "Bern")
        assert not [what for what in left_behind(fleet, "unproven") if what in ("capture", "log", TASK)]


def test_endpoints_are_chosen_by_an_expression_or_named_and_never_all_by_accident(
    checkout: Path, tmp_path: Path
) -> None:
    with running_fleet(FLEET, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        assert playbooks.run("--limit", "failing,healthy").returncode == 0
        chosen = {"tetra_from": str(playbooks.results / "run"), "tetra_where": "verdict.state=='non_compliant'"}
        done = playbooks.run(DIAGNOSE, **chosen, tetra_request_seconds=3, tetra_capture="false")
        assert done.returncode == 0, done.stdout + done.stderr
        found = {path.parent.name for path in (playbooks.results / "diagnoses").glob("*/diagnosis.json")}
        assert found == {"failing"}
        nobody = playbooks.run(DIAGNOSE)
        assert nobody.returncode == 2
        assert "Say which endpoints" in nobody.stdout
