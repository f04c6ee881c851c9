# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a session, and what goes over it, by the playbooks that users run: slow beginnings, processes that die,
settings that mislead, and values that a careless client changes on the way (``_X``, 2^31 and more, REG_EXPAND_SZ)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.schannel_model import POLICY_KEY
from ansible_collections.fleetops.tetra.lab.running import running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.wanting import run_tasks, want

FOREVER = 1_000_000
HTTPS_NTLM = {"scheme": "https", "auth": ["ntlm"]}
ENDPOINTS: dict[str, dict[str, t.Any]] = {
    "slow": {"transport": {"faults": {"slow_start": 3}}},
    "too-slow": {"transport": {"faults": {"slow_start": FOREVER}}},
    "died": {"transport": {"faults": {"died": FOREVER}}},
    "strict": {"transport": {**HTTPS_NTLM, "channel_binding": "strict"}},
    "tls-port": {"transport": HTTPS_NTLM},
    "no-user": {"transport": {"auth": ["ntlm"]}},
    "impatient": {"transport": {"faults": {"hangs": "pipeline"}}},
    "other-plugin": {},
    "xp": {
        "domain": "corp.example",
        "policy": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "origin": {"kind": "domain_gpo", "gpo": "Basis_XP_Härtung"},
    },
}
CHANGES: dict[str, dict[str, t.Any]] = {
    "strict": {"ansible_psrp_negotiate_send_cbt": False},
    "tls-port": {"ansible_psrp_protocol": "http"},
    "no-user": {"ansible_user": None, "ansible_password": None},
    "impatient": {"ansible_psrp_read_timeout": 2, "ansible_psrp_operation_timeout": 20},
    "other-plugin": {"ansible_connection": "winrm"},
}
SAID = {
    "too-slow": "did not begin it in time: PowerShell was still starting there",
    "died": "lost the process of the session in the middle: PowerShell died there",
    "strict": "ansible_psrp_negotiate_send_cbt is off",
    "tls-port": "where it is a port for HTTPS, set ansible_psrp_protocol to https",
    "no-user": "has no user: set ansible_user and ansible_password",
    "impatient": "ansible_psrp_read_timeout (2) has to be longer than ansible_psrp_operation_timeout (20)",
    "other-plugin": "set ansible_connection: psrp, and give its ansible_winrm_* variables",
}


def fleet_of(endpoints: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    made = {name: {"release": "10_22h2", **mapping} for name, mapping in endpoints.items()}
    return {"schema": "fleetops.tetra/fleet/1", "describe": "Sessions that begin in odd ways.", "endpoints": made}


@pytest.mark.parametrize("engine", ["bulk", "per_host"])
def test_each_odd_beginning_is_waited_for_or_told_in_words(checkout: Path, tmp_path: Path, engine: str) -> None:
    with running_fleet(fleet_of(ENDPOINTS), tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        hosts = {name: {**variables, **CHANGES.get(name, {})} for name, variables in playbooks.hosts().items()}
        kept = {name: {k: v for k, v in one.items() if v is not None} for name, one in hosts.items()}
        done = playbooks.run(inventory=playbooks.write_inventory(kept), tetra_engine=engine, tetra_timeout=15)
    assert "Traceback" not in done.stdout + done.stderr
    records = {record["host"]: record for record in read_run(playbooks.results / "run").records()}
    assert records["slow"]["verdict"]["state"] == "compliant", records["slow"]["error"]
    for name, sentence in SAID.items():
        assert records[name]["verdict"]["state"] == "unknown"
        assert sentence in records[name]["error"]["message"], name
    origin = records["xp"]["verdict"]["policy_origin"]
    assert origin["gpo"]["name"] == "Basis_XP_Härtung"


ODD = "TLS_XP_Härtung_X_x0041_,%SystemRoot%,TLS_RSA_WITH_AES_128_CBC_SHA256"
"""A careless client writes it back as another text."""
WANTED_SUITE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
POLICY = f"{POLICY_KEY}\\Functions"
CIPHER = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Ciphers\AES 256/256\Enabled"
EXCHANGE = (
    r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\KeyExchangeAlgorithms\ECDH\Enabled"
)
BIG = 0xFFFFFFFE
TO_CHANGE: dict[str, dict[str, t.Any]] = {
    "text": {"policy": ODD, "origin": "direct"},
    "expanding": {"policy": {"type": "REG_EXPAND_SZ", "data": ODD}, "origin": "direct"},
    "big": {"schannel": {"Ciphers\\AES 256/256": {"Enabled": BIG}, "KeyExchangeAlgorithms\\ECDH": {"Enabled": BIG}}},
}


def test_odd_values_are_changed_and_put_back_letter_for_letter(checkout: Path, tmp_path: Path) -> None:
    with running_fleet(fleet_of(TO_CHANGE), tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        before = machine_state.states_of(fleet)
        lists, _again = want(
            playbooks, "cipher_order", {name: {"ensure": [WANTED_SUITE]} for name in ("text", "expanding")}
        )
        switches = {"ciphers": {"AES 256/256": "enabled"}, "key_exchanges": {"ECDH": "enabled"}}
        numbers, _again = want(playbooks, "schannel", {"big": switches})
        after = machine_state.states_of(fleet)
        assert lists["text"]["changed"] and after["text"][POLICY] == ["REG_SZ", f"{WANTED_SUITE},{ODD}"], lists
        # Of another type than REG_SZ: either changed as a text of its own, unexpanded, or refused and left alone.
        assert after["expanding"][POLICY] in (
            before["expanding"][POLICY],
            ["REG_SZ", f"{WANTED_SUITE},{ODD}"],
            ["REG_EXPAND_SZ", f"{WANTED_SUITE},{ODD}"],
        ), lists["expanding"]
        assert numbers["big"]["changed"], numbers
        for place in (CIPHER, EXCHANGE):
            assert after["big"][place] == ["REG_DWORD", 0xFFFFFFFF], numbers
        undo = {"fleetops.tetra.rollback": {"results_dir": str(playbooks.results)}, "ignore_errors": False}
        done = run_tasks(playbooks, [undo], hosts=sorted(TO_CHANGE))
        assert done.returncode == 0 and "Traceback" not in done.output, done.output
        back = machine_state.states_of(fleet)
    for name, places in {"text": [POLICY], "expanding": [POLICY], "big": [CIPHER, EXCHANGE]}.items():
        assert {place: back[name][place] for place in places} == {place: before[name][place] for place in places}, (
            done.output
        )
