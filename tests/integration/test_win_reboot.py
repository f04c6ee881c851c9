# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible.windows.win_reboot, unmodified, against the lab."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

BAD, GOOD = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CHANGED = {"release": "10_22h2", "boot_seconds": 1, "policy": f"{GOOD},{BAD}", "in_force": {"policy": BAD}}
FLEET = {
    "schema": "fleetops.tetra/fleet/1",
    "describe": "Endpoints to restart.",
    "endpoints": {
        "changed": CHANGED,
        "ordered-before": {**CHANGED, "shutdown_scheduled": True, "transport": {"scheme": "https", "auth": "ntlm"}},
        "never-back": {**CHANGED, "boot_seconds": "never"},
        "no-rights": {**CHANGED, "account": "filtered"},
        "jea": {**CHANGED, "sessions": {"audit": {"jea": True}}, "transport": {"configurations": ["audit"]}},
    },
}
PLAY = [
    {
        "hosts": "windows",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Restart",
                "ansible.windows.win_reboot": {
                    "msg": "It's time",
                    "post_reboot_delay": 4,
                    "reboot_timeout": "{{ (inventory_hostname == 'never-back') | ternary(5, 60) }}",
                },
                "register": "rebooted",
                "ignore_errors": True,
            },
            {
                "name": "Keep the result",
                "ansible.builtin.copy": {"content": "{{ rebooted }}", "dest": "{{ folder }}/{{ inventory_hostname }}"},
                "delegate_to": "localhost",
                "connection": "local",
            },
        ],
    }
]


@pytest.fixture
def fleet(tmp_path: Path) -> t.Iterator[RunningFleet]:
    with running_fleet(FLEET, tmp_path / "lab") as running:
        yield running


def test_win_reboot(fleet: RunningFleet, checkout: Path, tmp_path: Path) -> None:
    play, results = tmp_path / "play.yml", tmp_path / "results"
    play.write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    results.mkdir()
    states = {name: machine.state for name, machine in fleet.machines.items()}  # type: ignore[attr-defined]
    before = {name: state.boot_time for name, state in states.items()}
    done = Playbooks(fleet, checkout, tmp_path).run(str(play), folder=results)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in results.iterdir()}
    assert set(said) == set(states), done.stdout + done.stderr

    for name in ("changed", "ordered-before"):
        assert said[name]["rebooted"] and not said[name]["failed"], said[name]
        assert states[name].boot_time > before[name]
        assert states[name].in_force.suites == (GOOD, BAD)
    assert "pre-empted" in done.stdout + done.stderr
    assert said["never-back"]["msg"] == "Timed out waiting for last boot time check (timeout=5.0)"
    assert said["no-rights"]["rc"] == 5
    assert "ScriptsNotAllowed" in said["jea"]["stderr"]
    for name in ("never-back", "no-rights", "jea"):
        assert said[name]["failed"]
        assert states[name].boot_time == before[name]
        assert states[name].in_force.suites == (BAD,)
    for name, machine in fleet.machines.items():
        assert machine.unmatched == [], name  # type: ignore[attr-defined]
