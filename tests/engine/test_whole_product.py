# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unmodified product, by its playbooks, on endpoints whose PowerShell is real.

The audit of a play goes over the collection's own conversation (one task for all), the remediation over the psrp
connection plugin of each host; so both paths are here.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import time
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.engine import wine_registry
from ansible_collections.fleetops.tetra.tests.engine.conftest import MakeEngine
from ansible_collections.fleetops.tetra.tests.engine.jea import one_file
from ansible_collections.fleetops.tetra.tests.engine.machine import EngineMachine, Template
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.killing import kill_processes_of

REMEDIATION, ROLLBACK = "fleetops.tetra.remediation", "fleetops.tetra.rollback"
WITHOUT = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
USUAL: dict[str, t.Any] = {"release": "10_22h2", "boot_seconds": 0.5}
PATIENT: dict[str, t.Any] = {"tetra_timeout": 120, "tetra_deadline": 400, "tetra_max_failures": "100%"}
POLICY = "Software\\Policies\\Microsoft\\Cryptography\\Configuration\\SSL\\00010002"
CONSTRAINED = "@{ SchemaVersion = '2.0.0.0'; SessionType = 'Default'; LanguageMode = 'ConstrainedLanguage' }"


@contextlib.contextmanager
def engines(
    template: Template, folder: pathlib.Path, endpoints: t.Mapping[str, t.Any], **given: t.Any
) -> t.Iterator[RunningFleet]:
    def make(name: str, mapping: dict[str, t.Any]) -> t.Any:
        return EngineMachine(template, folder / name, name, mapping, **given)

    document = {"schema": "fleetops.tetra/fleet/1", "describe": "Engines.", "endpoints": dict(endpoints)}
    with running_fleet(document, folder / "lab", make) as fleet:
        yield fleet


def machine_of(fleet: RunningFleet, name: str) -> EngineMachine:
    machine: t.Any = fleet.machines[name]
    assert isinstance(machine, EngineMachine)
    return machine


def state_of(machine: EngineMachine) -> dict[str, t.Any]:
    """Registry and policy files, as they lie on the disk of a machine that is switched off."""
    machine.power_off()
    keys = {}
    for below in ("Software\\Policies", "System\\CurrentControlSet\\Control\\Cryptography", SCHANNEL):
        keys.update(wine_registry.read(machine.prefix / "system.reg", below))
    pol = machine.host_path("C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol")
    return {
        "keys": {key: values for key, values in keys.items() if values},
        "pol": pol.read_bytes() if pol.exists() else b"",
    }


SCHANNEL = "System\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"


def records(playbooks: Playbooks, run_id: str = "run") -> dict[str, t.Any]:
    found = {}
    for file in (playbooks.results / run_id / "hosts").glob("*.json"):
        document = json.loads(file.read_text())
        found[document["host"]] = document
    return found


def test_the_audit_of_two_engines(template: Template, checkout: pathlib.Path, tmp_path: pathlib.Path) -> None:
    endpoints = {"healthy": USUAL, "failing": {**USUAL, "policy": WITHOUT, "origin": "local_gpo"}}
    with engines(template, tmp_path, endpoints) as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        done = playbooks.run(tetra_timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        states = {name: record["verdict"]["state"] for name, record in records(playbooks).items()}
        assert states == {"healthy": "compliant", "failing": "non_compliant"}
        assert records(playbooks)["failing"]["verdict"]["cause"]["code"] == "cipher_mismatch"
        assert all(not machine_of(fleet, name).bridge.unmatched for name in endpoints)


@pytest.mark.long_engine
def test_remediation_with_a_guard_and_a_rollback(
    template: Template, checkout: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    endpoints = {
        "local-gpo": {**USUAL, "policy": WITHOUT, "origin": "local_gpo"},
        "direct": {**USUAL, "policy": WITHOUT, "origin": "direct"},
        "aes-off": {**USUAL, "schannel": {f"Ciphers\\AES {bits}/{bits}": {"Enabled": 0} for bits in (128, 256)}},
        "tls12-off": {**USUAL, "schannel": {"Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1}}},
    }
    with engines(template, tmp_path, endpoints) as fleet:
        before = {name: state_of(machine_of(fleet, name)) for name in endpoints}
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        done = playbooks.run(REMEDIATION, "--forks", "2", tetra_commit_confirm=30, tetra_waves=10, **PATIENT)
        assert done.returncode == 0, done.stdout + done.stderr
        hosts = json.loads((playbooks.results / "run" / "remediation.json").read_text())["hosts"]
        assert {name: entry["event"] for name, entry in hosts.items()} == dict.fromkeys(endpoints, "proven")
        assert all(not machine_of(fleet, name).bridge.unmatched for name in endpoints)
        after = {name: state_of(machine_of(fleet, name)) for name in endpoints}
        assert all(before[name] != after[name] for name in endpoints)
        assert after["local-gpo"]["pol"] != before["local-gpo"]["pol"]
        # No guard is left.
        assert all(not machine_of(fleet, name).state.tasks for name in endpoints)

        back = playbooks.run(ROLLBACK, "--forks", "2", **PATIENT)
        assert back.returncode == 0, back.stdout + back.stderr
        restored = {name: state_of(machine_of(fleet, name)) for name in endpoints}
        assert restored == before


@pytest.mark.long_engine
def test_a_killed_controller_leaves_an_engine_that_a_second_run_finishes(
    template: Template, checkout: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with engines(template, tmp_path, {"pc": {**USUAL, "policy": WITHOUT, "origin": "local_gpo"}}) as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        run = subprocess.Popen(
            playbooks.command(REMEDIATION, **PATIENT),
            cwd=checkout,
            env=playbooks.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        backups = playbooks.results / "backups"
        while run.poll() is None and not any(backups.rglob("*.json")):
            time.sleep(0.02)
        assert run.poll() is None, "the run was over before it changed anything"
        kill_processes_of(playbooks.results)
        run.wait()
        again = playbooks.run(REMEDIATION, **PATIENT)
        assert again.returncode == 0, again.stdout + again.stderr
        hosts = json.loads((playbooks.results / "run" / "remediation.json").read_text())["hosts"]
        assert hosts["pc"]["event"] == "proven"
        back = playbooks.run(ROLLBACK, **PATIENT)
        assert back.returncode == 0, back.stdout + back.stderr
        found = state_of(machine_of(fleet, "pc"))["keys"]
        policy = {key.lower(): values for key, values in found.items()}[POLICY.lower()]
        assert policy["Functions"] == wine_registry.raw("REG_SZ", WITHOUT)


@pytest.mark.long_engine
@pytest.mark.parametrize("policy", [None, WITHOUT])
def test_constrained_language_and_jea_give_the_facts_of_full_language(
    engine: MakeEngine, checkout: pathlib.Path, policy: str | None
) -> None:
    from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect

    folder = checkout / "docs" / "jea"
    jea = one_file(
        (folder / "fleetops.tetra.audit.pssc").read_text(), (folder / "fleetops.tetra.audit.psrc").read_text()
    )
    mapping = {**USUAL, **({"policy": policy} if policy else {}), "schannel": {"Ciphers\\AES 128/128": {"Enabled": 0}}}
    with engine(mapping=mapping, configurations={"constrained": CONSTRAINED, "jea": jea}) as one:
        facts = {
            name: collect(one.session(name), "pc", "2026-01-01T00:00:00Z", None)
            for name in ("Microsoft.PowerShell", "constrained", "jea")
        }
    for found in facts.values():
        found.pop("psrp")
    assert facts["constrained"] == facts["Microsoft.PowerShell"]
    assert facts["jea"] == facts["Microsoft.PowerShell"]
