# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance playbook on a simulated fleet: every host accounted for, and exit codes that mean what they say."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.killing import kill_processes_of, processes_naming
from ansible_collections.fleetops.tetra.tests.schemas import complaints_of_folder

EXPECTED = {
    "healthy": "compliant",
    "failing": "non_compliant",
    "old-server": "compliant",
    "restricted": "compliant",
    "without-connector": "not_applicable",
    "wrong-password": "unknown",
}


def records(playbooks: Playbooks, run_id: str = "run") -> dict[str, dict[str, t.Any]]:
    return {record["host"]: record for record in read_run(playbooks.results / run_id).records()}


def states(playbooks: Playbooks, run_id: str = "run") -> dict[str, str]:
    return {host: record["verdict"]["state"] for host, record in records(playbooks, run_id).items()}


def kinds(playbooks: Playbooks, run_id: str = "run") -> dict[str, str | None]:
    return {
        host: record["error"]["kind"] if record["error"] else None
        for host, record in records(playbooks, run_id).items()
    }


def test_a_whole_fleet_is_judged_recorded_and_reported(playbooks: Playbooks) -> None:
    before = playbooks.fleet.requests["healthy"]
    done = playbooks.run("-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert playbooks.fleet.requests["healthy"] - before == 8
    assert states(playbooks) == EXPECTED
    assert {host: record["timing"]["pipelines"] for host, record in records(playbooks).items()}["healthy"] == 2
    folder = playbooks.results / "run"
    assert sorted(path.name for path in (folder / "report").iterdir()) == [
        "index.html",
        "junit.xml",
        "report.csv",
        "report.json",
        "report.sarif",
    ]
    assert complaints_of_folder(folder) == (
        [],
        {"run-1": 1, "result-1": len(EXPECTED), "gate-1": 1, "progress-1": 1, "report-1": 1},
    )
    assert str(folder / "report" / "index.html") in done.stdout
    written = "".join(
        path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file()
    )
    assert DEFAULT_PASSWORD not in done.stdout + done.stderr + written
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("limit", "fail_on", "code"),
    [
        ("healthy,wrong-password", "none", 0),
        ("healthy,wrong-password", "non_compliant", 0),
        ("healthy,wrong-password", "unknown", 4),
        ("healthy,failing", "none", 0),
        ("healthy,failing", "non_compliant", 2),
        ("failing,wrong-password", "unknown", 2),
        ("wrong-password", "none", 4),
    ],
)
def test_the_exit_code_says_what_was_found(playbooks: Playbooks, limit: str, fail_on: str, code: int) -> None:
    done = playbooks.run("--limit", limit, tetra_fail_on=fail_on)
    assert done.returncode == code, done.stdout + done.stderr
    assert set(states(playbooks)) == set(limit.split(","))


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"tetra_fail_on": "noncompliant"}, "value of fail_on must be one of: none, non_compliant, unknown"),
        ({"tetra_policy": {"strikt": True}}, "strikt"),
    ],
)
def test_an_option_that_makes_no_sense_is_noticed_before_an_endpoint_is_asked(
    playbooks: Playbooks, extra: dict[str, t.Any], sentence: str
) -> None:
    asked = playbooks.fleet.requests
    done = playbooks.run("--limit", "healthy", "-e", json.dumps(extra))
    assert done.returncode == 4, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert playbooks.fleet.requests == asked


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ((), {"tetra_hosts": "heathy"}),
        (("--limit", "healthy"), {"tetra_hosts": "failing"}),
        (("--check",), {"tetra_hosts": "heathy"}),
        (("--skip-tags", "always"), {}),
    ],
)
def test_nothing_tested_is_never_green(playbooks: Playbooks, arguments: tuple[str, ...], extra: dict[str, str]) -> None:
    done = playbooks.run(*arguments, **extra)
    assert done.returncode == 4, done.stdout + done.stderr


def test_an_empty_inventory_is_not_green(playbooks: Playbooks, tmp_path: Path) -> None:
    empty = tmp_path / "empty.yml"
    empty.write_text("all: {hosts: {}}\n", encoding="utf-8")
    assert playbooks.run(inventory=empty).returncode == 4


@pytest.mark.parametrize("limit", ["heathy", "localhost"])
def test_a_limit_that_matches_nothing_is_not_green(playbooks: Playbooks, limit: str) -> None:
    """ansible-playbook itself refuses such a limit, with 1."""
    assert playbooks.run("--limit", limit).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ((), {"tetra_strategy": "free"}),
        ((), {"tetra_strategy": "host_pinned", "tetra_serial": 2}),
        ((), {"tetra_serial": 1}),
        (("--check", "--diff"), {}),
        (("--tags", "nonsense"), {}),
        (("--skip-tags", "nonsense"), {}),
    ],
)
def test_every_way_of_running_judges_the_same(
    playbooks: Playbooks, arguments: tuple[str, ...], extra: dict[str, t.Any]
) -> None:
    limit = "healthy,failing,wrong-password"
    done = playbooks.run("--limit", limit, *arguments, tetra_fail_on="non_compliant", **extra)
    assert done.returncode == 2, done.stdout + done.stderr
    assert states(playbooks) == {host: EXPECTED[host] for host in limit.split(",")}


def test_what_never_reaches_the_action_is_missed(playbooks: Playbooks) -> None:
    known = playbooks.hosts()
    healthy = known["healthy"]
    inventory = playbooks.write_inventory(
        {
            "undefined": {**healthy, "ansible_host": "{{ nowhere }}"},
            "undefined-connection": {**healthy, "ansible_connection": "{{ nowhere }}"},
            "unknown-connection": {**healthy, "ansible_connection": "pssrp"},
            "by-ssh": {**healthy, "ansible_connection": "ssh"},
            "by-winrm": {**healthy, "ansible_connection": "local"},
            "bad-port": {**healthy, "ansible_port": "many"},
            "a/b": healthy,
            "CON": healthy,
            "host": healthy,
            "HOST": known["failing"],
            "유럽": healthy,
        }
    )
    done = playbooks.run(inventory=inventory, tetra_serial=2)
    assert done.returncode == 0, done.stdout + done.stderr
    found = kinds(playbooks)
    for host in ("undefined", "undefined-connection", "unknown-connection", "bad-port"):
        assert found.pop(host) in ("not_audited", "session", "connection_plugin"), host
    assert found.pop("by-ssh") == "connection_plugin"
    assert found.pop("by-winrm") == "connection_plugin"
    assert set(found.values()) == {None}
    assert states(playbooks)["host"] == "compliant"
    assert states(playbooks)["HOST"] == "non_compliant"
    strict = playbooks.run(inventory=inventory, tetra_fail_on="unknown", tetra_hosts="undefined,host", run_id="strict")
    assert strict.returncode == 4


def test_a_second_run_into_the_same_folder_counts_alone(playbooks: Playbooks) -> None:
    assert playbooks.run("--limit", "healthy,failing").returncode == 0
    first = json.loads((playbooks.results / "run" / "run.json").read_text(encoding="utf-8"))
    assert playbooks.run("--limit", "healthy").returncode == 0
    second = json.loads((playbooks.results / "run" / "run.json").read_text(encoding="utf-8"))
    assert first["token"] != second["token"]
    assert states(playbooks) == {"healthy": "compliant"}


def test_a_killed_run_leaves_a_folder_that_misses_its_hosts(playbooks: Playbooks) -> None:
    # The last endpoint takes the connection and never answers, so the run is still going on when it is killed.
    silent = socket.create_server(("127.0.0.1", 0))
    hosts = playbooks.hosts()
    hosts["zz-silent"] = {
        **hosts["healthy"],
        "ansible_port": silent.getsockname()[1],
        "ansible_psrp_operation_timeout": 80,
        "ansible_psrp_read_timeout": 90,
    }
    inventory = playbooks.write_inventory(hosts)
    process = subprocess.Popen(
        playbooks.command("fleetops.tetra.compliance", inventory=inventory, tetra_serial=1, tetra_hosts="all"),
        cwd=playbooks.checkout,
        env=playbooks.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = playbooks.results / "run" / "hosts"
    try:
        while process.poll() is None and not (folder.is_dir() and any(folder.glob("*.json"))):
            time.sleep(0.02)
        # While it lives, nobody else may take its folder.
        taken = playbooks.run(inventory=inventory)
        assert taken.returncode == 4
        assert "in use by a run that is still going on" in taken.stdout
    finally:
        kill_processes_of(playbooks.results)
        process.wait()
        silent.close()
    found = kinds(playbooks)
    assert set(found) == set(hosts)
    audited = sorted(path.name for path in folder.glob("*.json"))
    assert list(found.values()).count("not_audited") == len(hosts) - len(audited)


def test_a_lost_worker_is_not_taken_for_a_result(playbooks: Playbooks) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    hosts = playbooks.hosts()
    hosts["zz-silent"] = {**hosts["healthy"], "ansible_port": silent.getsockname()[1]}
    inventory = playbooks.write_inventory(hosts)
    controller = subprocess.Popen(
        # One at a time, so that the one that is lost waits for its endpoint and holds no lock of Ansible's queue.
        playbooks.command("fleetops.tetra.compliance", "--forks", "1", inventory=inventory, tetra_engine="per_host"),
        cwd=playbooks.checkout,
        env=playbooks.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        silent.settimeout(60)
        connection, _peer = silent.accept()
        connection.recv(1)  # the worker is asking
        lost = [pid for pid in processes_naming(playbooks.results) if pid != controller.pid]
        for pid in lost:
            os.kill(pid, signal.SIGKILL)
        output, _errors = controller.communicate(timeout=120)
        connection.close()
    finally:
        kill_processes_of(playbooks.results)
        silent.close()
    assert lost
    assert controller.returncode != 0, output
    assert kinds(playbooks)["zz-silent"] == "not_audited"
    folder = playbooks.results / "run"
    report = ("fleetops.tetra.report", "-e", f"tetra_report_path={folder}")
    made = playbooks.run(*report)
    assert made.returncode == 0, made.stdout + made.stderr
    told = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    assert told["summary"]["states"]["unknown"]["count"] == list(states(playbooks).values()).count("unknown")
    # Judged with an allow-list that the failing endpoint satisfies, only those that were lost stand in the way.
    lenient = {"allow_list": ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", *ALLOW_LIST]}
    again = (*report, "-e", json.dumps({"tetra_report_policy": lenient}))
    assert playbooks.run(*report, tetra_fail_on="unknown").returncode == 2
    assert playbooks.run(*again, tetra_fail_on="non_compliant").returncode == 0
    assert playbooks.run(*again, tetra_fail_on="unknown").returncode == 4


def _askers(playbooks: Playbooks, controller: int) -> list[int]:
    """The processes of the engine: those that ansible-playbook did not start itself."""
    found = []
    for pid in processes_naming(playbooks.results):
        parent = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
        if pid != controller and parent != controller:
            found.append(pid)
    return found


def test_an_engine_whose_processes_are_killed_comes_to_its_end(playbooks: Playbooks) -> None:
    """Killed once, its endpoints are asked again; killed twice, who was at hand is unknown, and the others are not."""
    silent = socket.create_server(("127.0.0.1", 0))
    hosts = playbooks.hosts()
    hosts["zz-silent"] = {**hosts["healthy"], "ansible_port": silent.getsockname()[1]}
    controller = subprocess.Popen(
        playbooks.command(
            "fleetops.tetra.compliance",
            inventory=playbooks.write_inventory(hosts),
            tetra_timeout=100,
            tetra_fail_on="none",
        ),
        cwd=playbooks.checkout,
        env=playbooks.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    kept = []
    folder = playbooks.results / "run" / "hosts"
    try:
        silent.settimeout(60)
        for number in range(2):
            kept.append(silent.accept()[0])
            kept[-1].recv(1)
            while number and len(list(folder.glob("*.json"))) < len(hosts) - 1:
                time.sleep(0.02)
            askers = _askers(playbooks, controller.pid)
            assert askers
            for pid in askers:
                os.kill(pid, signal.SIGKILL)
        output, _errors = controller.communicate(timeout=120)
    finally:
        kill_processes_of(playbooks.results)
        silent.close()
        for connection in kept:
            connection.close()
    assert controller.returncode == 0, output
    found = kinds(playbooks)
    assert found.pop("zz-silent") == "internal"
    assert found.pop("wrong-password") == "authentication"
    assert set(found.values()) == {None}
    record = json.loads((folder / "zz-silent.json").read_text(encoding="utf-8"))
    assert "was ended by signal 9, twice" in record["error"]["message"]


def test_delegation_is_refused_and_facts_come_on_request(playbooks: Playbooks, tmp_path: Path) -> None:
    playbook = tmp_path / "own.yml"
    playbook.write_text(
        """
- hosts: healthy
  gather_facts: false
  tasks:
    - fleetops.tetra.audit:
      register: slim
    - fleetops.tetra.audit:
        return_facts: true
      register: whole
    - fleetops.tetra.audit:
      delegate_to: failing
      register: delegated
    - fleetops.tetra.endpoint_info:
      register: info
    - fleetops.tetra.endpoint_info:
      delegate_to: failing
      register: refused
      ignore_errors: true
    - ansible.builtin.assert:
        that:
          - slim.state == 'compliant'
          - slim.facts is not defined
          - not slim.changed
          - whole.facts.schema == 'fleetops.tetra/facts/1'
          - whole.verdict.state == 'compliant'
          - delegated.state == 'unknown'
          - delegated.error.kind == 'delegated'
          - info.facts.cipher_suites.suites | length > 20
          - info.error is none
          - refused is failed
""",
        encoding="utf-8",
    )
    done = playbooks.run(str(playbook))
    assert done.returncode == 0, done.stdout + done.stderr
