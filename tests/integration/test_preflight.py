# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight playbook: one sentence per endpoint, and what its variables tell."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.fleetops.tetra.lab.machine import role_capability
from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

PREFLIGHT = "fleetops.tetra.preflight"


def test_an_endpoint_that_answers_is_described(playbooks: Playbooks) -> None:
    done = playbooks.run(PREFLIGHT, "--limit", "healthy,restricted")
    assert done.returncode == 0, done.stdout
    assert "Windows build 19045" in done.stdout
    assert "configuration fleetops.tetra.audit." in done.stdout


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ansible_password": "wrong"}, "refuses the log-in with basic"),
        ({"ansible_port": 1}, "refuses the connection"),
        ({"ansible_host": "no-such-host.invalid"}, "The name no-such-host.invalid cannot be resolved."),
        ({"ansible_psrp_auth": "certificate"}, "needs ansible_psrp_protocol https"),
        ({"ansible_psrp_message_encryption": "always"}, "cannot encrypt messages"),
        ({"ansible_psrp_configuration_name": "nowhere"}, "WS-Man fault"),
        ({"ansible_psrp_path": "elsewhere"}, "HTTP 404"),
        (
            {"ansible_connection": "winrm"},
            "set ansible_connection: psrp, and give its ansible_winrm_* variables",
        ),
        ({"ansible_connection": "local"}, "set ansible_connection: psrp."),
        ({"ansible_password": None}, "needs ansible_user and ansible_password"),
    ],
)
def test_each_mistake_gets_its_sentence(playbooks: Playbooks, change: dict[str, object], sentence: str) -> None:
    healthy = {**playbooks.hosts()["healthy"], **change}
    inventory = playbooks.write_inventory({"pc": {name: value for name, value in healthy.items() if value is not None}})
    done = playbooks.run(PREFLIGHT, "-vvv", inventory=inventory)
    assert done.returncode == 2, done.stdout + done.stderr
    assert sentence in done.stdout
    assert DEFAULT_PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_variables_that_psrp_does_not_read_are_named(playbooks: Playbooks) -> None:
    healthy = {**playbooks.hosts()["healthy"], "ansible_winrm_transport": "ntlm", "ansible_winrm_scheme": "http"}
    done = playbooks.run(PREFLIGHT, inventory=playbooks.write_inventory({"pc": healthy}))
    assert done.returncode == 0, done.stdout
    # psrp_auth and psrp_protocol stand beside them, so only variables without a twin are worth a word.
    assert "ansible_winrm_transport" not in done.stdout
    del healthy["ansible_psrp_protocol"]
    done = playbooks.run(PREFLIGHT, inventory=playbooks.write_inventory({"pc": healthy}))
    assert "ansible_winrm_scheme is not read by psrp: use ansible_psrp_protocol." in done.stdout


def test_a_session_configuration_that_lacks_a_command_is_not_ready_and_one_without_limits_is_told(
    checkout: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    visible = [
        name for name in role_capability.load(role_capability.shipped("audit")).visible if "Select-S" not in name
    ]
    endpoints = {
        "lacking": {"release": "10_22h2", "sessions": {"site": {"jea": True, "visible": visible}}},
        "wide": {"release": "10_22h2", "sessions": {"site": {}}},
        "right": {"release": "10_22h2", "sessions": {"site": {"jea": True}}},
    }
    for one in endpoints.values():
        one["transport"] = {"configurations": ["site"]}
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "Roles.", "endpoints": endpoints}
    with running_fleet(document, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        done = playbooks.run(PREFLIGHT)
    assert done.returncode == 2, done.stdout
    text = " ".join(done.stdout.split())
    assert "configuration site does not let the audit ask with Select-String: compare it with docs/jea." in text
    assert "site allows more than the roles of docs/jea: Get-Date was answered." in text
    assert "wide : ok=2 " in text and "right : ok=2 " in text and text.count("failed=1") == 1
