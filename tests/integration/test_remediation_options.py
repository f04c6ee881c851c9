# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of the remediation do: check mode, windows, restarts that are held, roles, budgets, bad input."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine import cmdlets
from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Event
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.machine_state import OUR_KEY, State

PLAYBOOK = "fleetops.tetra.remediation"
WITHOUT: t.Final = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
POLICY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
ADDED = ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")


DROPPED: t.Final = [
    f"TLS_DHE_DSS_WITH_{cipher}" for cipher in ("AES_256_CBC_SHA256", "AES_128_CBC_SHA256", "3DES_EDE_CBC_SHA")
]
LONG: t.Final = [
    f"TLS_{exchange}_WITH_{cipher}"
    for exchange in ("ECDHE_ECDSA", "ECDHE_RSA", "DHE_RSA", "RSA", "PSK")
    for cipher in ("AES_256_CBC_SHA384", "AES_128_CBC_SHA256", "AES_256_CBC_SHA", "AES_128_CBC_SHA", "NULL_SHA256")
]


def failing(**more: t.Any) -> dict[str, t.Any]:
    return {"release": "10_22h2", "boot_seconds": 0.2, "policy": WITHOUT, "origin": "direct", **more}


FLEET: t.Final[dict[str, t.Any]] = {
    "schema": "fleetops.tetra/fleet/1",
    "endpoints": {
        "healthy": {"release": "10_22h2"},
        "direct": failing(),
        "unset": failing(),
        "gpo": failing(origin="local_gpo"),
        "long": failing(policy=",".join([*DROPPED, *LONG])),
        "busy": failing(logged_on_users=["LAB\\kim"], boot_seconds=1),
        "controller": failing(registry={f"{SERVICES}\\NTDS": {"Start": 2}}, boot_seconds=1),
        "node": failing(registry={f"{SERVICES}\\ClusSvc": {"Start": 2}}, boot_seconds=1),
        "virtual": failing(registry={f"{SERVICES}\\vmms": {"Start": 2}}, boot_seconds=1),
    },
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[RunningFleet]:
    with running_fleet(FLEET, tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def playbooks(fleet: RunningFleet, checkout: Path, tmp_path: Path) -> Playbooks:
    return Playbooks(fleet, checkout, tmp_path / "results")


def windows(fleet: RunningFleet, name: str) -> WindowsState:
    machine = fleet.machines[name]
    assert isinstance(machine, Endpoint)
    return machine.state


def hosts_of(playbooks: Playbooks, run_id: str = "run") -> dict[str, dict[str, t.Any]]:
    text = (playbooks.results / run_id / "remediation.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["hosts"])


def events(playbooks: Playbooks, run_id: str = "run") -> dict[str, str | None]:
    return {name: entry["event"] for name, entry in hosts_of(playbooks, run_id).items()}


def changed(fleet: RunningFleet, before: t.Mapping[str, State]) -> dict[str, list[str]]:
    """Which places differ from before, by endpoint."""
    found = {name: machine_state.changes(state, machine_state.state_of(fleet, name)) for name, state in before.items()}
    return {name: list(places) for name, places in found.items() if places}


@pytest.mark.parametrize(
    ("extra", "code", "sentence"),
    [
        ({"tetra_waves": "[0]"}, 2, "The wave '0' is neither a number of endpoints from 1 nor a share"),
        ({"tetra_max_failures": "many"}, 2, "The failure budget 'many' is neither a number of hosts"),
        ({"tetra_maintenance_window": "always"}, 2, "is not written as HH:MM-HH:MM"),
        ({"tetra_plan": {"allow_list": ["TLS_NONSENSE"]}}, 2, "no cipher suite that this collection knows"),
        ({"tetra_policy": {"allow_list": ["TLS_NONSENSE"]}}, 2, "no cipher suite that this collection knows"),
        ({"tetra_plan": {"allow_list": []}}, 2, "The allow list is empty"),
        ({"tetra_fail_on": "noncompliant"}, 2, "value of fail_on must be one of: none, non_compliant, unknown"),
        ({"tetra_run_id": "a/b"}, 4, "cannot be a folder name"),
        ({"awx_job_slice_count": 3, "awx_job_slice_number": 2}, 2, "This job is slice 2 of 3"),
        ({"tetra_hosts": "heathy"}, 4, "No endpoint was tested"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_endpoint_is_asked(
    playbooks: Playbooks, extra: dict[str, t.Any], code: int, sentence: str
) -> None:
    asked = playbooks.fleet.requests
    done = playbooks.run(PLAYBOOK, "-e", json.dumps(extra))
    assert done.returncode == code, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert playbooks.fleet.requests == asked


def test_check_mode_shows_the_suites_and_writes_nothing(playbooks: Playbooks) -> None:
    before = machine_state.states_of(playbooks.fleet)
    slices = {"awx_job_slice_count": 2, "awx_job_slice_number": 1, "tetra_slices_declared": "true"}
    done = playbooks.run(PLAYBOOK, "--check", "--diff", tetra_hosts="healthy,direct,gpo", **slices)
    assert done.returncode == 0, done.stdout + done.stderr
    assert changed(playbooks.fleet, before) == {}
    for name in ADDED:
        assert f"added   {name}" in done.stdout
    assert f"{POLICY_KEY}\\Functions (local_gpo)" in done.stdout
    assert f"{POLICY_KEY}\\Functions (policy_registry)" in done.stdout
    assert not (playbooks.results / "backups").exists()
    assert not (playbooks.results / "run" / "journal").exists()
    assert not (playbooks.results / "run" / "cures").exists()


def test_the_policy_can_be_taken_away_and_a_long_list_shortened_when_told(playbooks: Playbooks) -> None:
    fleet = playbooks.fleet
    before = machine_state.states_of(fleet)
    listed = before["long"][f"{POLICY_KEY}\\Functions"][1]
    assert len(listed) <= 1023
    done = playbooks.run(PLAYBOOK, tetra_hosts="long")
    assert done.returncode == 0, done.stdout + done.stderr
    (blocked,) = hosts_of(playbooks)["long"]["blocked"]
    assert blocked["code"] == "list_too_long"
    assert changed(fleet, before) == {}

    drop = json.dumps({"tetra_plan": {"drop_to_fit": [DROPPED[0], DROPPED[1], "TLS_PSK_WITH_NULL_SHA256"]}})
    done = playbooks.run(PLAYBOOK, "-e", drop, tetra_hosts="long", run_id="drop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert events(playbooks, "drop") == {"long": "proven"}
    now = machine_state.state_of(fleet, "long")[f"{POLICY_KEY}\\Functions"][1].split(",")
    assert set(listed.split(",")) - set(now) == {DROPPED[0]}
    assert now[:2] == list(ADDED)

    unset = json.dumps({"tetra_plan": {"cure": "not_configured"}})
    done = playbooks.run(PLAYBOOK, "-e", unset, tetra_hosts="unset", run_id="unset")
    assert done.returncode == 0, done.stdout + done.stderr
    assert events(playbooks, "unset") == {"unset": "proven"}
    assert windows(fleet, "unset").registry.get(POLICY_KEY, "Functions") is None


def test_outside_of_the_window_nothing_is_started(playbooks: Playbooks) -> None:
    before = machine_state.states_of(playbooks.fleet)
    now = datetime.datetime.now()
    window = "-".join(f"{now + datetime.timedelta(hours=hours):%H:%M}" for hours in (2, 3))
    done = playbooks.run(PLAYBOOK, tetra_hosts="direct,gpo", tetra_maintenance_window=window)
    assert done.returncode == 0, done.stdout + done.stderr
    assert changed(playbooks.fleet, before) == {}
    assert events(playbooks) == {"direct": "held", "gpo": "held"}
    assert {entry["detail"].split(";", 1)[0] for entry in hosts_of(playbooks).values()} == {
        f"The maintenance window {window} is not open"
    }


def test_a_change_waits_for_its_restart_and_running_again_goes_on(
    playbooks: Playbooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, calls = playbooks.fleet, []

    def noted(call: Call, path: str, arguments: list[str]) -> t.Iterator[Event]:
        calls.append(arguments)
        return real(call, path, arguments)

    real = cmdlets.NATIVES["sfc.exe"]
    monkeypatch.setitem(cmdlets.NATIVES, "sfc.exe", noted)
    booted = windows(fleet, "gpo").boot_time
    done = playbooks.run(PLAYBOOK, tetra_hosts="gpo", tetra_reboot_when="never")
    assert done.returncode == 0, done.stdout + done.stderr
    entry = hosts_of(playbooks)["gpo"]
    assert (entry["event"], entry["changed"], entry["after"]) == ("held", True, "unknown")
    assert entry["detail"] == "The change is written; it counts after the next restart, which was not allowed."
    assert windows(fleet, "gpo").boot_time == booted
    assert windows(fleet, "gpo").registry.get(OUR_KEY, "ChangedAt") is not None

    refused = playbooks.run(PLAYBOOK, "-e", '{"tetra_policy": {"strict": true}}', tetra_hosts="gpo")
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "was begun with another tetra_policy" in refused.stdout + refused.stderr

    done = playbooks.run(PLAYBOOK, tetra_hosts="gpo", tetra_debug_logging="true")
    assert done.returncode == 0, done.stdout + done.stderr
    entry = hosts_of(playbooks)["gpo"]
    assert (entry["event"], entry["changed"], entry["after"], entry["update"]) == (
        "proven",
        True,
        "compliant",
        "updated",
    )
    assert calls == [["-l", "start"], ["-forceupdate"], ["-l", "stop"]]
    assert windows(fleet, "gpo").debug_logging is False
    assert windows(fleet, "gpo").registry.find(OUR_KEY) is None


def test_roles_and_users_hold_a_restart_until_it_is_allowed_and_places_are_waited_for(playbooks: Playbooks) -> None:
    fleet, hosts = playbooks.fleet, "busy,controller,node,virtual"
    before = machine_state.states_of(fleet)
    done = playbooks.run(PLAYBOOK, tetra_hosts=hosts, tetra_reboot_when="no_user")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(events(playbooks).values()) == {"held"}
    details = {name: entry["detail"] for name, entry in hosts_of(playbooks).items()}
    assert details.pop("busy") == "The change is written; somebody is logged on, so the restart waits."
    words = {"controller": "a domain controller", "node": "a cluster node", "virtual": "a Hyper-V host"}
    assert details == {
        name: f"This endpoint is {role}; it is restarted only when that is allowed by name."
        for name, role in words.items()
    }
    assert list(changed(fleet, before)) == ["busy"]

    windows(fleet, "busy").logged_on_users.clear()
    named = '{"tetra_named_roles": ["domain_controller", "cluster_node", "hyper_v_host"], "tetra_waves": [1, 10]}'
    # One after the other, so the last of the three waits longer for its place than its deadline allows for its cure.
    done = playbooks.run(
        PLAYBOOK, "-e", named, tetra_hosts=hosts, tetra_reboot_when="no_user", tetra_max_reboots=1, tetra_deadline=6
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(events(playbooks).values()) == {"proven"}
    folder = playbooks.results / "run"
    assert [len(json.loads(path.read_bytes())["hosts"]) for path in sorted((folder / "waves").glob("*.json"))][-2:] == [
        1,
        3,
    ]
    assert [path.name for path in (folder / "reboots").iterdir()] == ["0.lock"]
    assert len(_restarts(folder)) == 4
    for earlier, later in zip(_restarts(folder)[:-1], _restarts(folder)[1:], strict=True):
        assert earlier[1] <= later[0]


def _restarts(folder: Path) -> list[tuple[str, str]]:
    """(begun, proven to be over) of each restart by the journal, in their order."""
    found = []
    for path in (folder / "journal").glob("*.jsonl"):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        times = {line["event"]: line["at"] for line in lines}
        found.append((times["rebooting"], times["proving"]))
    return sorted(found)
