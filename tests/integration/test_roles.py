# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles: the example of each README, on the lab."""

from __future__ import annotations

import datetime
import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.console.computers import SimulatedComputer
from ansible_collections.fleetops.tetra.lab.console.server import API_KEY, CLIENT_ID, ConsoleServer
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

BAD, GOOD = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
FAILING = {"release": "10_22h2", "boot_seconds": 1, "policy": BAD, "connector": {"log": "failed"}}
CHANGED = {**FAILING, "policy": f"{GOOD},{BAD}", "in_force": {"policy": BAD}, "origin": "local_gpo"}
NO_LANGUAGE = {"sessions": {"strict": {"language_mode": "NoLanguage"}}, "transport": {"configurations": ["strict"]}}
DOMAIN_CONTROLLER = r"HKLM\SYSTEM\CurrentControlSet\Services\NTDS"


def fleet_of(**endpoints: t.Any) -> dict[str, t.Any]:
    named = {name.replace("_", "-"): dict(endpoint) for name, endpoint in endpoints.items()}
    return {"schema": "fleetops.tetra/fleet/1", "describe": "For one role.", "endpoints": named}


@dataclass
class Done:
    """One run of a README's example: exit code, output, and results by task and host."""

    code: int
    text: str
    results: dict[str, dict[str, dict[str, t.Any]]]

    def of(self, task: str, host: str) -> dict[str, t.Any]:
        assert host in self.results.get(task, {}), self.text
        return self.results[task][host]


def run_example(fleet: RunningFleet, checkout: Path, work: Path, role: str, *arguments: str, **extra: t.Any) -> Done:
    readme = (checkout / "roles" / role / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    play = work / "example.yml"
    play.write_text(example, encoding="utf-8")
    extra.setdefault("tetra_reboot_results_dir", str(work / "results"))
    given = [item for name, value in extra.items() for item in ("-e", json.dumps({name: value}))]
    done = Playbooks(fleet, checkout, work / "results").run(str(play), "-v", "-f", "12", *given, *arguments)
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    return Done(done.returncode, text, results_in(done.stdout))


def results_in(output: str) -> dict[str, dict[str, dict[str, t.Any]]]:
    """``{task: {host: result}}`` of what ``ansible-playbook -v`` prints."""
    found: dict[str, dict[str, dict[str, t.Any]]] = {}
    decoder = json.JSONDecoder()
    ended = re.compile(r"^(ok|changed|fatal): \[([\w-]+)(?: -> \w+)?\](?:: FAILED!)? => ", re.MULTILINE)
    _head, *parts = re.split(r"^TASK \[(?:.* : )?(.*)\] \*+$", output, flags=re.MULTILINE)
    for task, printed in zip(parts[::2], parts[1::2], strict=True):
        results = {
            end[2]: {**decoder.raw_decode(printed, end.end())[0], "failed": end[1] == "fatal"}
            for end in ended.finditer(printed)
        }
        found.setdefault(task, {}).update(results)
    return found


def states_of(fleet: RunningFleet) -> dict[str, t.Any]:
    return {name: machine.state for name, machine in fleet.machines.items()}  # type: ignore[attr-defined]


def test_tetra_reboot(checkout: Path, tmp_path: Path) -> None:
    fleet = fleet_of(
        waiting=CHANGED,
        ordered_before={**CHANGED, "shutdown_scheduled": True},
        strict={**CHANGED, **NO_LANGUAGE, "inventory": {"tetra_reboot_method": "win_reboot"}},
        used={**CHANGED, "logged_on_users": ["kim"]},
        domain_controller={**CHANGED, "release": "2022", "registry": {DOMAIN_CONTROLLER: {"Type": 16}}},
        healthy={"release": "10_22h2"},
        never_back={**CHANGED, "boot_seconds": "never", "inventory": {"tetra_reboot_deadline": 10}},
        no_rights={**CHANGED, "account": "filtered"},
        refused={**CHANGED, "transport": {"faults": ["refused"]}},
    )
    for endpoint in fleet["endpoints"].values():
        endpoint.setdefault("inventory", {}).setdefault("tetra_reboot_deadline", 30)
    with running_fleet(fleet, tmp_path / "lab") as running:
        states = states_of(running)
        before = {name: state.boot_time for name, state in states.items()}
        play = "tetra_reboot"
        planned = run_example(running, checkout, tmp_path, play, "--check", "--limit", "waiting,healthy")
        assert planned.of("Restart the endpoint", "waiting")["event"] == "planned"
        assert planned.of("Restart the endpoint", "waiting")["changed"] is True
        assert states["waiting"].boot_time == before["waiting"]
        assert planned.of("Restart the endpoint", "healthy")["changed"] is False

        done = run_example(running, checkout, tmp_path, play)
        assert done.code == 2
        events = {name: done.of("Restart the endpoint", name)["event"] for name in states}
        assert events == {
            "waiting": "restarted",
            "ordered-before": "held",
            "strict": "restarted",
            "used": "held",
            "domain-controller": "held",
            "healthy": "not_needed",
            "never-back": "timed_out",
            "no-rights": "failed",
            "refused": "unreachable",
        }
        for name, event in events.items():
            said = done.of("Restart the endpoint", name)
            assert said["changed"] is (event == "restarted"), said
            assert (states[name].boot_time > before[name]) is said["changed"]
            assert said["failed"] is (event in ("timed_out", "failed", "unreachable"))
        fallen_back = done.of("Restart the endpoint", "strict")
        assert fallen_back["reboot_method"] == "native"
        assert "win_reboot ordered no restart" in fallen_back["note"]
        waiting = done.of("Restart the endpoint", "waiting")
        assert (waiting["reboot_method"], waiting["note"]) == ("native", None)
        assert waiting["boot_time_before"] == before["waiting"].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert waiting["boot_time_after"] == states["waiting"].boot_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert states["waiting"].in_force.suites == (GOOD, BAD)
        assert "did not come back" in done.of("Restart the endpoint", "never-back")["msg"]


def test_win_reboot_without_its_collection_is_refused(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(checkout / "build" / "dev"))
    with running_fleet(fleet_of(waiting=CHANGED), tmp_path / "lab") as running:
        done = run_example(running, checkout, tmp_path, "tetra_reboot", tetra_reboot_method="win_reboot")
        said = done.of("Restart the endpoint", "waiting")
        assert said["msg"].startswith("The endpoint was not touched: reboot_method: win_reboot needs the collection")
        assert running.requests["waiting"] == 0


def test_tetra_remediate(checkout: Path, tmp_path: Path) -> None:
    fleet = fleet_of(
        a_direct={**FAILING, "origin": "direct"},
        by_module={**FAILING, "origin": "direct", "inventory": {"tetra_remediate_reboot_method": "win_reboot"}},
        healthy={"release": "10_22h2"},
        mdm={**FAILING, "origin": "mdm"},
        never_back={
            **FAILING,
            "origin": "direct",
            "boot_seconds": "never",
            "inventory": {"tetra_remediate_deadline": 15},
        },
    )
    with running_fleet(fleet, tmp_path / "lab") as running:
        results = tmp_path / "results"
        done = run_example(running, checkout, tmp_path, "tetra_remediate", tetra_remediate_results_dir=str(results))
        assert done.code == 2, done.text
        task = "Change, restart and prove"
        events = {name: said["event"] for name, said in done.results[task].items()}
        assert events == {
            "a-direct": "proven",
            "by-module": "proven",
            "never-back": "timed_out",
        }, done.text
        for name in ("a-direct", "by-module"):
            assert GOOD in states_of(running)[name].in_force.suites
        ways = {name: json.loads(Path(done.of(task, name)["cure"]).read_text())["restart"] for name in events}
        assert ways["a-direct"]["method"] == "native"
        assert ways["by-module"]["method"] == "win_reboot"
        assert ways["never-back"] is None
        end = "Say what became of the endpoint, and fail where it was not cured"
        assert done.of(end, "healthy")["msg"].startswith("Left alone")
        assert "did not come back" in done.of(end, "never-back")["msg"]
        (folder,) = (path for path in results.iterdir() if path.name == "tonight")
        summary = json.loads((folder / "remediation.json").read_text(encoding="utf-8"))
        assert set(summary["hosts"]) == set(fleet["endpoints"]), "one folder for all batches of the play"
        assert (folder / "after" / "report" / "index.html").is_file()

        again = run_example(
            running,
            checkout,
            tmp_path,
            "tetra_remediate",
            "--limit",
            "a-direct,mdm",
            tetra_remediate_run=str(folder),
        )
        assert again.code == 0, again.text
        ends = {name: said["event"] for name, said in again.results[task].items()}
        assert ends == {"a-direct": "proven", "mdm": "blocked"}, "the run keeps what it proved"
        assert not any(said["changed"] for said in again.results[task].values())

        reported = run_example(
            running,
            checkout,
            tmp_path,
            "tetra_report",
            tetra_report_path=[str(folder / "after")],
            tetra_report_compare_with=[str(folder / "before")],
            tetra_report_output_dir=str(tmp_path / "report"),
        )
        assert reported.code == 0, reported.text
        compared = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
        assert "a-direct" in json.dumps(compared["comparison"])


def test_tetra_verify_waits_for_the_console(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.datetime.now(datetime.UTC)
    old = now - datetime.timedelta(hours=60)
    fleet = fleet_of(
        first_update={"release": "10_22h2", "connector": {"log": "never"}},
        not_in_console={"release": "10_22h2", "connector": {"log": "never"}},
    )
    monkeypatch.setenv("TETRA_CONSOLE_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("TETRA_CONSOLE_API_KEY", API_KEY)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running_fleet(fleet, tmp_path / "lab") as running:
        files = t.cast(t.Any, running.machines["first-update"]).state.files
        log = r"C:\Program Files\Cisco\AMP\*\sfc.exe.log"
        known = SimulatedComputer(
            "FIRST-UPDATE", old, now, log=lambda: b"".join(files.find(path).data for path in files.matching(log))
        )
        with ConsoleServer([known]) as console:
            done = run_example(
                running, checkout, tmp_path, "tetra_verify", tetra_verify_update_timeout=30, tetra_verify_timeout=300,
                tetra_verify_console=True, tetra_verify_console_base_url=console.url, tetra_verify_console_wait=3,
                tetra_verify_console_every=1,
            )  # fmt: skip
        seen = {
            name: said["ansible_facts"]["tetra_verify_result"]
            for name, said in done.results["Put together what was seen"].items()
        }
    first, other = seen["first-update"], seen["not-in-console"]
    assert (first["proven"], first["console"]["fresh"]) == (True, True), first
    assert first["console"]["before"]["updated_at"] < first["console"]["after"]["updated_at"]
    assert (other["proven"], other["console"]["fresh"], other["console"]["after"]) == (False, False, None), other
    assert "knows no computer not-in-console" in other["msg"]


def test_tetra_verify(checkout: Path, tmp_path: Path) -> None:
    fleet = fleet_of(
        first_update={"release": "10_22h2", "connector": {"log": "never"}},
        updated_before={"release": "10_22h2", "connector": {"log": "updated"}},
        old_server={"release": "8.1_2012r2", "kind": "server", "powershell": "5.1"},
        failing={**FAILING, "origin": "direct"},
        stopped={"release": "10_22h2", "connector": {"service": "Stopped"}},
        without_connector={"release": "10_22h2", "connector": "absent"},
        unreachable={"release": "10_22h2", "transport": {"faults": ["wrong_password"]}},
    )
    with running_fleet(fleet, tmp_path / "lab") as running:
        done = run_example(running, checkout, tmp_path, "tetra_verify", tetra_verify_update_timeout=3)
        assert done.code == 2
        update = {name: said["result"] for name, said in done.results["Fetch the definitions"].items()}
        assert update == {
            "first-update": "updated",
            "updated-before": "up_to_date",
            "old-server": "up_to_date",
            "failing": "failed",
            "stopped": "unknown",
            "without-connector": "unknown",
        }
        failed = done.of("Fetch the definitions", "failing")
        assert (failed["code"], failed["cause"]["code"], failed["changed"]) == (-3000, "cipher_mismatch", False)
        assert done.of("Fetch the definitions", "first-update")["changed"] is True
        seen = {
            name: said["ansible_facts"]["tetra_verify_result"]
            for name, said in done.results["Put together what was seen"].items()
        }
        proven = {name: result["proven"] for name, result in seen.items()}
        assert proven == {
            "first-update": True,
            "updated-before": True,
            "old-server": True,
            "failing": False,
            "stopped": True,
            "without-connector": True,
            "unreachable": False,
        }
        assert (seen["failing"]["probe"], seen["failing"]["cause"]) == ("tls_failed", "cipher_mismatch")
        assert (seen["old-server"]["probe"], seen["stopped"]["probe"]) == (None, "tls_ok")
        last = "Say what was seen, and fail where nothing is proven"
        said = {name: done.of(last, name)["msg"] for name in seen}
        assert said["first-update"] == "The endpoint shakes hands. New definitions were fetched."
        assert said["failing"].startswith("Not proven. ") and "-3000" in said["failing"]
        assert "not installed" in said["without-connector"] and "shakes hands" in said["without-connector"]
        assert "Not proven" in said["unreachable"]
        assert not any(state.debug_logging for state in states_of(running).values())

        audited = run_example(running, checkout, tmp_path, "tetra_audit", tetra_audit_timeout=20)
        assert audited.code == 0, audited.text
        judged = {name: said["state"] for name, said in audited.results["Audit the endpoint"].items()}
        assert judged == {
            **dict.fromkeys(judged, "compliant"),
            "failing": "non_compliant",
            "unreachable": "unknown",
            "without-connector": "not_applicable",
        }
