# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line, as a user and the Makefile run it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from ansible_collections.fleetops.tetra.lab import cli
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD

LAB = [sys.executable, "-m", "ansible_collections.fleetops.tetra.lab"]
FLEET = """
schema: fleetops.tetra/fleet/1
endpoints:
  plain: {release: "10_1809_2019", kind: server}
  tls: {release: "10_22h2", transport: {scheme: https, auth: negotiate}}
"""
ASK = """
import sys, yaml
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
host = yaml.safe_load(open(sys.argv[1]))["windows"]["hosts"]["plain"]
wsman = WSMan("127.0.0.1", port=host["ansible_port"], username=host["ansible_user"], password=host["ansible_password"],
              ssl=False, auth="basic", encryption="never", no_proxy=True)
with RunspacePool(wsman) as pool:
    print(len(PowerShell(pool).add_cmdlet("Get-TlsCipherSuite").add_cmdlet("Write-Output").invoke()))
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yml"
    path.write_text(FLEET)
    return path


def _lab(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*LAB, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_run_serves_while_the_command_runs_and_gives_its_exit_code(fleet: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    script = tmp_path / "ask.py"
    script.write_text(ASK + "raise SystemExit(3)")
    done = _lab("run", "--fleet", fleet, "--work-dir", work, "--", sys.executable, script, "{inventory}")
    assert (done.returncode, done.stderr) == (3, "")
    assert int(done.stdout) > 20
    assert json.loads((work / "requests.json").read_text())["plain"]["requests"] == 6


def test_run_exports_the_inventory(fleet: Path, tmp_path: Path) -> None:
    inventory = tmp_path / "else" / "where.yml"
    print_it = f"import os; print(os.environ[{cli.INVENTORY_VARIABLE!r}])"
    given: list[str | Path] = ["run", "--fleet", fleet, "--work-dir", tmp_path / "w", "--inventory", inventory]
    done = _lab(*given, "--", sys.executable, "-c", print_it)
    assert (done.returncode, done.stdout.strip()) == (0, str(inventory))
    assert set(yaml.safe_load(inventory.read_text())["windows"]["hosts"]) == {"plain", "tls"}


def test_serve_says_when_it_is_ready_and_cleans_up(fleet: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    inventory = tmp_path / "hosts.yml"
    command = [*LAB, "serve", "--fleet", str(fleet), "--work-dir", str(work), "--inventory", str(inventory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            ready = process.stdout.readline()
            assert ready == f"2 simulated endpoints are up; inventory: {inventory}\n"
            assert DEFAULT_PASSWORD not in ready
            host = yaml.safe_load(inventory.read_text())["windows"]["hosts"]["tls"]
            with RunspacePool(_client(host)) as pool:
                assert PowerShell(pool).add_cmdlet("Get-TlsCipherSuite").add_cmdlet("Write-Output").invoke()
        finally:
            process.send_signal(signal.SIGTERM)
        assert (process.wait(10), process.stderr.read()) == (0, "")
    assert not inventory.exists()
    assert sorted(path.name for path in work.iterdir()) == ["lab-ca.pem", "requests.json"]
    assert json.loads((work / "requests.json").read_text())["tls"]["pipelines"] == 1


def _client(host: dict[str, t.Any]) -> WSMan:
    return WSMan(
        host.get("ansible_host", "127.0.0.1"),
        port=host["ansible_port"],
        username=host["ansible_user"],
        password=host["ansible_password"],
        ssl=host["ansible_psrp_protocol"] == "https",
        auth=host["ansible_psrp_auth"],
        cert_validation=host["ansible_psrp_ca_cert"],
        no_proxy=True,
    )


def test_a_signal_reaches_the_command_that_runs(fleet: Path, tmp_path: Path) -> None:
    wait = (
        "import signal, sys; signal.signal(signal.SIGINT, lambda *a: sys.exit(9)); "
        "print('on', flush=True); signal.pause()"
    )
    command = [*LAB, "run", "--fleet", str(fleet), "--work-dir", str(tmp_path / "w"), "--", sys.executable, "-c", wait]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FLEET.replace("scheme", "shceme"), ["endpoint 'tls'", "'shceme'", "Did you mean 'scheme'?"]),
        (FLEET.replace("10_22h2", "10_99h9"), ["'tls'", "10_99h9"]),
        (FLEET.replace("kind", "knid"), ["'plain'", "knid"]),
        ("", ["must be a mapping"]),
    ],
)
def test_a_typo_in_the_fleet_file_is_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "fleet.yml"
    path.write_text(text)
    done = _lab("run", "--fleet", path, "--work-dir", tmp_path / "w", "--", "true")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_what_cannot_work_is_said(fleet: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = ["run", "--fleet", str(fleet), "--work-dir", str(tmp_path / "w")]
    assert cli.main(given) == 2
    assert "needs a command" in capfd.readouterr().err
    assert cli.main([*given, "--", "/no/such/program"]) == 127
    assert "/no/such/program cannot be run" in capfd.readouterr().err
    assert cli.main(["serve", "--fleet", str(tmp_path / "none.yml"), "--work-dir", str(tmp_path / "w")]) == 2
    assert "cannot be read" in capfd.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*given, "--port-base", "80"])
    assert "no port from 1024" in capfd.readouterr().err


def test_a_port_that_is_taken_is_said(fleet: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = ["run", "--fleet", str(fleet), "--work-dir", str(tmp_path / "w")]
    grab = (
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); "
        "print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", grab], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        port = holder.stdout.readline().strip()
        assert cli.main([*given, "--port-base", port, "--", "true"]) == 2
        assert f"'plain' cannot listen on port {port}" in capfd.readouterr().err
        holder.communicate("\n")


def test_killed_commands_have_the_shells_exit_code(fleet: Path, tmp_path: Path) -> None:
    kill = f"import os, signal; os.kill(os.getpid(), {signal.SIGKILL:d})"
    given = ["run", "--fleet", str(fleet), "--work-dir", str(tmp_path / "w"), "--", sys.executable, "-c", kill]
    assert cli.main(given) == 128 + signal.SIGKILL
