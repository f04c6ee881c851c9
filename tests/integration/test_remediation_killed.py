# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at random instants of a remediation: each time every endpoint is untouched or restorable, and a second run
finishes the job.

The instants are drawn from a fixed seed. One time the whole machine dies; another time only the controller is killed,
and its workers, which run in sessions of their own, finish what they are at before the second run; a third time the
second run begins while they are still at it. The environment variable TETRA_KILLS says how many instants;
`make prove-kill` takes 50.
"""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.handshake import shake
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.killing import kill_processes_of, processes_naming
from ansible_collections.fleetops.tetra.tests.integration.machine_state import OUR_KEY, State

PLAYBOOK = "fleetops.tetra.remediation"
KILLS = int(os.environ.get("TETRA_KILLS", "6"))
SEED = 20261124
KINDS = MACHINE, CONTROLLER, CONTROLLER_AT_ONCE = "machine", "controller", "controller, and a second run at once"
STAGES: t.Final = ("running", "before_image", "changing", "changed", "rebooting", "proving", "proven")
LONGEST = 4.0
"""Seconds from the first cure's beginning in which most of this fleet is cured, on an idle machine."""
OPTIONS: t.Final = {"tetra_waves": "[7]", "tetra_max_failures": "100%", "tetra_deadline": 40}
WITHOUT: t.Final = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
_USUAL: t.Final = {"release": "10_22h2", "boot_seconds": 0.2}
FLEET: t.Final[dict[str, t.Any]] = {
    "schema": "fleetops.tetra/fleet/1",
    "endpoints": {
        "local-gpo": {**_USUAL, "policy": WITHOUT, "origin": "local_gpo"},
        "direct": {**_USUAL, "policy": WITHOUT, "origin": "direct"},
        "local-list": {**_USUAL, "release": "10_21h2", "local": WITHOUT.split(",")},
        "tls12-off": {**_USUAL, "schannel": {"Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1}}},
        "curves": {**_USUAL, "curves": {"local": ["NistP521"]}, "connector": {"log": "failed"}},
        "old-server": {
            **_USUAL,
            "release": "8.1_2012r2",
            "kind": "server",
            "local": ["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"],
        },
        "waits-for-a-restart": {
            **_USUAL,
            "policy": f"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,{WITHOUT}",
            "in_force": {"policy": WITHOUT},
            "origin": "local_gpo",
            "connector": {"log": "failed"},
        },
    },
}


@pytest.fixture(params=range(KILLS))
def playbooks(request: pytest.FixtureRequest, checkout: Path, tmp_path: Path) -> t.Iterator[Playbooks]:
    with running_fleet(FLEET, tmp_path / "lab") as fleet:
        yield Playbooks(fleet, checkout, tmp_path / "results")


def test_a_killed_run_leaves_endpoints_that_can_be_put_back_and_a_second_run_finishes(
    playbooks: Playbooks, request: pytest.FixtureRequest
) -> None:
    number = int(request.node.callspec.params["playbooks"])
    fleet, original = playbooks.fleet, machine_state.states_of(playbooks.fleet)
    _kill_at(playbooks, random.Random(SEED + number), KINDS[number % 3])
    store = BeforeImageStore(playbooks.results)
    for name, state in _settled(fleet).items():
        assert _not_restorable(original[name], state, store, name) == [], name

    done = playbooks.run(PLAYBOOK, "--forks", "7", **OPTIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = playbooks.results / "run"
    hosts = json.loads((folder / "remediation.json").read_text(encoding="utf-8"))["hosts"]
    plans = json.loads((folder / "plans.json").read_text(encoding="utf-8"))
    others = {name: entry for name, entry in hosts.items() if entry["event"] != "proven"}
    assert others == {}, (others, plans, done.stdout)
    assert {entry["after"] for entry in hosts.values()} == {"compliant"}
    assert {name for name, entry in hosts.items() if not entry["changed"]} == {"waits-for-a-restart"}
    for name, machine in fleet.machines.items():
        assert isinstance(machine, Endpoint)
        assert shake(machine.state.offer(), machine.state.route).outcome == "ok"
        present = machine_state.state_of(fleet, name)
        assert machine_state.differs_from_plan(original[name], present, plans[name]["steps"]) == [], name


def test_after_a_kill_one_command_rebuilds_the_report_and_names_what_was_in_flight(
    checkout: Path, tmp_path: Path
) -> None:
    endpoints = {
        "healthy": {"release": "10_22h2"},
        "goes-down": {**FLEET["endpoints"]["direct"], "boot_seconds": "never"},
    }
    with running_fleet({**FLEET, "endpoints": endpoints}, tmp_path / "lab") as fleet:
        playbooks = Playbooks(fleet, checkout, tmp_path / "results")
        process = _started(playbooks)
        folder = playbooks.results / "run"
        journal = folder / "journal" / "goes-down.jsonl"
        try:
            while process.poll() is None and not (journal.exists() and '"rebooting"' in journal.read_text("utf-8")):
                time.sleep(0.02)
        finally:
            kill_processes_of(playbooks.results)
            process.wait()
        assert not (folder / "remediation.json").exists()
        command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", "fleetops.tetra.remediation_report"]
        done = subprocess.run(
            [*command, "-a", f"run={folder}"],
            cwd=checkout,
            env=playbooks.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "In flight when their run ended: goes-down." in done.stdout
        summary = json.loads((folder / "remediation.json").read_text(encoding="utf-8"))
        assert summary["in_flight"] == ["goes-down"]
        assert (summary["hosts"]["goes-down"]["event"], summary["hosts"]["goes-down"]["stage"]) == (
            "abandoned",
            "rebooting",
        )
        assert (folder / "after" / "report" / "index.html").is_file()


def _kill_at(playbooks: Playbooks, chance: random.Random, kind: str) -> None:
    process = _started(playbooks)
    sign, longest = _sign(playbooks.results / "run", chance)
    try:
        while process.poll() is None and not sign():
            time.sleep(0.005)
        time.sleep(chance.uniform(0, longest))
    finally:
        if kind != MACHINE:
            process.send_signal(signal.SIGKILL)
            process.wait()
            while kind == CONTROLLER and processes_naming(playbooks.results):
                time.sleep(0.05)
        else:
            kill_processes_of(playbooks.results)
            process.wait()


def _sign(folder: Path, chance: random.Random) -> tuple[t.Callable[[], bool], float]:
    """From when on, and for how long, the instant may be.

    Any time of the run, or shortly after a stage of one endpoint: so late stages are met on a slow machine too.
    """
    kind = chance.random()
    if kind < 0.1:
        return (folder / "run.json").exists, 1.0
    if kind < 0.5:
        return (folder / "journal").exists, LONGEST
    name, stage = chance.choice(sorted(FLEET["endpoints"])), chance.choice(STAGES)
    journal = folder / "journal" / f"{name}.jsonl"
    return lambda: journal.exists() and f'"event":"{stage}"' in journal.read_text("utf-8"), 0.4


def _started(playbooks: Playbooks) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        playbooks.command(PLAYBOOK, "--forks", "7", **OPTIONS),
        cwd=playbooks.checkout,
        env=playbooks.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _settled(fleet: RunningFleet) -> dict[str, State]:
    """The lab carries out what it has accepted, and restarts go on without anybody."""
    before = machine_state.states_of(fleet)
    while True:
        time.sleep(0.4)
        after = machine_state.states_of(fleet)
        if after == before:
            return after
        before = after


def _not_restorable(original: State, present: State, store: BeforeImageStore, name: str) -> list[str]:
    """What was changed and stands in no before-image as it was; our own key and temporary files are no settings."""
    items = [item for image in store.unrestored(name) for item in image.items]
    kept = {_place(item): _before(item) for item in items}
    found = machine_state.without_traces(machine_state.changes(original, present))
    return [
        place
        for place, change in found.items()
        if not place.startswith(OUR_KEY)
        and not place.endswith(".fleetops-tetra.tmp")
        and not (change.after == "key" and any(one.startswith(f"{place}\\") for one in kept))
        and (place not in kept or kept[place] != change.before)
    ]


def _place(item: t.Mapping[str, t.Any]) -> str:
    return str(item["path"]) if item["kind"] == "file" else f"{item['path']}\\{item['name']}"


def _before(item: t.Mapping[str, t.Any]) -> t.Any:
    state = item["before"]
    if state["status"] == "absent":
        return None
    if item["kind"] == "file":
        return base64.b64decode(state["content"]).hex()
    data = state["data"]
    return [state["type"], tuple(data) if isinstance(data, list) else data]
