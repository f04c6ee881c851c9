# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The console as inventory, as module and as playbook, against a simulated one over HTTP."""

from __future__ import annotations

import csv
import datetime
import json
import os
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.console.computers import SimulatedComputer, guid_of
from ansible_collections.fleetops.tetra.lab.console.policy_xml import policy_xml
from ansible_collections.fleetops.tetra.lab.console.server import API_KEY, CLIENT_ID, ConsoleServer, Misbehaviour

NOW = datetime.datetime.now(datetime.UTC)
HOUR = datetime.timedelta(hours=1)
ENVIRONMENT = {"TETRA_CONSOLE_CLIENT_ID": CLIENT_ID, "TETRA_CONSOLE_API_KEY": API_KEY, "no_proxy": "127.0.0.1"}


def fleet() -> list[SimulatedComputer]:
    return [
        SimulatedComputer("FRESH1.corp.example", NOW - HOUR, NOW),
        SimulatedComputer("OLD1", NOW - 60 * HOUR, NOW, policy="Audit", groups=("Servers", "Korea 서울")),
        SimulatedComputer("QUIET1", NOW - 999 * HOUR, NOW - 999 * HOUR, connector_version="8.1.3.21242"),
        SimulatedComputer("NONE1", None, NOW),
        SimulatedComputer("LINUX1", NOW, NOW, operating_system="Ubuntu 22.04"),
        SimulatedComputer("DEMO1", NOW, NOW, demo=True),
        SimulatedComputer("John's Laptop", NOW, NOW),
        SimulatedComputer("OLD1", NOW - 800 * HOUR, NOW - 800 * HOUR, guid=guid_of("former OLD1")),
        SimulatedComputer("EVIL1", NOW, NOW, policy="{{ lookup('pipe', 'touch /tmp/never') }}"),
    ]


@pytest.fixture
def console() -> t.Iterator[ConsoleServer]:
    policies = {"Protect": policy_xml(), "Audit": policy_xml(tetra=False, debug=True)}
    with ConsoleServer(fleet(), policies=policies) as server:
        yield server


def ansible(tool: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / tool), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, **ENVIRONMENT, **environment}
    )


def inventory_file(folder: Path, console: ConsoleServer, **options: t.Any) -> Path:
    path = folder / "fleet.secure_endpoint.yml"
    path.write_text(json.dumps({"plugin": "fleetops.tetra.secure_endpoint", "base_url": console.url, **options}))
    return path


def listed(path: Path, *more: str, **environment: str) -> dict[str, t.Any]:
    done = ansible("ansible-inventory", "-i", str(path), "--list", *more, cwd=path.parent, **environment)
    assert done.returncode == 0, done.stderr
    assert API_KEY not in done.stdout + done.stderr
    found = json.loads(done.stdout, object_hook=_plain)
    assert isinstance(found, dict)
    return found


def _plain(found: dict[str, t.Any]) -> t.Any:
    """ansible-inventory marks texts that no template may come from."""
    return found["__ansible_unsafe"] if list(found) == ["__ansible_unsafe"] else found


def test_every_windows_computer_is_a_host(tmp_path: Path, console: ConsoleServer) -> None:
    found = listed(inventory_file(tmp_path, console, compose={"site": "secure_endpoint_groups[0]"}))
    hosts = found["_meta"]["hostvars"]
    assert sorted(hosts) == ["evil1", "fresh1.corp.example", "none1", "old1", "quiet1"]
    old = hosts["old1"]
    assert old["secure_endpoint_guid"] == guid_of("computer", "OLD1")
    assert old["secure_endpoint_definitions_said"] == "Definitions Outdated"
    assert old["secure_endpoint_definitions_standing"] == "failing"
    assert old["secure_endpoint_duplicates"] == [guid_of("former OLD1")]
    assert old["site"] == "Servers"
    assert found["secure_endpoint_definitions_failing"]["hosts"] == ["old1"]
    assert found["secure_endpoint_definitions_stale_connector"]["hosts"] == ["quiet1"]
    assert found["secure_endpoint_policy_Audit"]["hosts"] == ["old1"]
    assert found["secure_endpoint_connector_8_1_3_21242"]["hosts"] == ["quiet1"]


def test_what_the_console_says_is_never_a_template(tmp_path: Path, console: ConsoleServer) -> None:
    path = inventory_file(tmp_path, console)
    done = ansible(
        "ansible", "evil1", "-i", str(path), "-c", "local", "-m", "ansible.builtin.debug",
        "-a", "msg={{ secure_endpoint_policy }}", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "lookup('pipe', 'touch /tmp/never')" in done.stdout


def test_names_filters_and_the_users_own_condition(tmp_path: Path, console: ConsoleServer) -> None:
    options = {"name_form": "full", "domain": "corp.example", "name_case": "upper", "groups_by": ["definitions"]}
    found = listed(inventory_file(tmp_path, console, **options, where="secure_endpoint_active"))
    assert "OLD1.CORP.EXAMPLE" in found["_meta"]["hostvars"]
    assert "FRESH1.CORP.EXAMPLE" in found["_meta"]["hostvars"]
    assert not any(name.startswith("secure_endpoint_policy") for name in found)
    console.requests.clear()
    found = listed(inventory_file(tmp_path, console, filters={"hostname": ["old"], "last_seen_within": 30}))
    assert list(found["_meta"]["hostvars"]) == ["old1"]
    assert all("hostname%5B%5D=old" in request and "last_seen_within=30" in request for request in console.requests)


def test_a_cached_second_reading_asks_nothing(tmp_path: Path, console: ConsoleServer) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    path = inventory_file(tmp_path, console, **cache)
    first = listed(path)
    asked = len(console.requests)
    assert listed(path) == first
    assert len(console.requests) == asked
    assert all(API_KEY not in file.read_text() for file in (tmp_path / "cache").iterdir())


@pytest.mark.parametrize(
    ("options", "odd", "sentence"),
    [
        ({"name_form": "full"}, None, "the option domain must say which domain"),
        ({"where": "a ==="}, None, "is not a JMESPath expression"),
        ({"region": "us"}, None, "region"),
        ({"timeout": 0}, None, "The option timeout is 0"),
        ({}, Misbehaviour(endless=True), "does not end"),
        ({"api_key": "wrong-key"}, None, "the key is wrong, or belongs to another region"),
    ],
)
def test_bad_input_gets_one_sentence(
    tmp_path: Path, options: dict[str, t.Any], odd: Misbehaviour | None, sentence: str
) -> None:
    with ConsoleServer(fleet(), misbehaviour=odd or Misbehaviour()) as console:
        path = inventory_file(tmp_path, console, **options)
        done = ansible("ansible-inventory", "-i", str(path), "--list", "-vvvvv", cwd=tmp_path)
    said = " ".join((done.stdout + done.stderr).split())
    assert sentence in said
    assert "wrong-key" not in said
    assert API_KEY not in said
    assert '"hostvars": {}' in said or done.returncode != 0


def test_the_playbook_writes_the_list_of_failing_computers(tmp_path: Path, console: ConsoleServer) -> None:
    credentials = tmp_path / "console.yml"
    credentials.write_text(f"client_id: {CLIENT_ID}\napi_key: {API_KEY}\n")
    done = ansible(
        "ansible-playbook", "fleetops.tetra.console", "-vvvvv",
        "-e", f"tetra_console_base_url={console.url}", "-e", f"tetra_console_credentials_file={credentials}",
        "-e", f"tetra_results_dir={tmp_path / 'results'}",
        cwd=tmp_path, TETRA_CONSOLE_CLIENT_ID="", TETRA_CONSOLE_API_KEY="",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert API_KEY not in done.stdout + done.stderr
    path = tmp_path / "results" / "console" / "failing.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["hostname"] for row in rows] == ["OLD1"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one["computer"]["hostname"] for one in json.loads(path.with_suffix(".json").read_text())] == ["OLD1"]
    assert "'failing': 1" in done.stdout or '"failing": 1' in done.stdout
    assert '"Audit"' in done.stdout


def test_one_computer_is_waited_for_until_its_definitions_are_fresh(tmp_path: Path) -> None:
    """The console learns of the update while it is asked; a name that it does not know is never fresh."""
    late = SimulatedComputer("LATE1", NOW - 60 * HOUR, NOW)
    play = tmp_path / "wait.yml"

    def asked(console: ConsoleServer, **options: t.Any) -> subprocess.CompletedProcess[str]:
        task = {"fleetops.tetra.console_info": {"base_url": console.url, **options}, "register": "said"}
        shown = {
            "ansible.builtin.debug": {
                "msg": "{{ said.sentence }} {{ (said.computer or {}).standing | default('none') }}"
            }
        }
        book = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, shown]}]
        play.write_text(json.dumps(book))
        return ansible("ansible-playbook", str(play), cwd=tmp_path)

    with ConsoleServer([late, SimulatedComputer("LATE12", NOW, NOW)]) as console:
        done = asked(console, host="late1.corp.example")
        assert "60 hours" in done.stdout or "Definitions Outdated" in done.stdout, done.stdout
        assert "failing" in done.stdout
        console.now = lambda: _update(late, len(console.requests))
        done = asked(console, host="late1.corp.example", wait=600, wait_every=1)
        assert "fresh" in done.stdout, done.stdout + done.stderr
        done = asked(console, host="nobody", wait=2, wait_every=1)
        assert "knows no computer nobody. none" in done.stdout, done.stdout
        done = asked(console, host="not a name")
        assert "which is no host name" in done.stdout
        assert "Traceback" not in done.stdout


def _update(late: SimulatedComputer, asked: int) -> datetime.datetime:
    now = datetime.datetime.now(datetime.UTC)
    if asked >= 4:
        late.updated_at = late.last_seen = now
    return now
