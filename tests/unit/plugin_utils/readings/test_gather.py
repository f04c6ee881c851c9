# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fails for a passing reason is asked once more, on both ways of asking, and no more than once."""

from __future__ import annotations

import asyncio
import time
import typing as t
from collections.abc import Iterator

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.worker import ON_THE_LOOP
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import bridge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.many_connection import ManyConnection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import gather as gathering
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import ALARM, Gathered, gather
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Connection

PASSING = ("quota", "slow_start", "unready", "dropped")
WAYS = ("alone", "many")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFleet]:
    endpoints = {
        f"{fault}-{times}-{way}": {
            "release": "10_22h2",
            "describe": "Fails first.",
            "transport": {"user": "lab", "faults": {fault: times}},
        }
        for fault in PASSING
        for times in (1, 2)
        for way in WAYS
    }
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "Fails first.", "endpoints": endpoints}
    with running_fleet(document, tmp_path_factory.mktemp("lab")) as running:
        yield running


def ask(fleet: RunningFleet, name: str, seconds: float = 60) -> Gathered:
    port = fleet.ports[name]
    if name.endswith("alone"):
        return gather(Connection(port), name, seconds, pace=ALARM)
    options = {"remote_addr": "127.0.0.1", "port": port, "protocol": "http", "auth": "basic", "remote_user": "lab"}
    options |= {"remote_password": DEFAULT_PASSWORD, "message_encryption": "never", "ignore_proxy": True}
    connection = ManyConnection(options)

    async def run() -> Gathered:
        try:
            return await bridge.run(lambda: gather(connection, name, seconds, pace=ON_THE_LOOP), seconds)
        finally:
            connection.drop()

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PAUSE", 0.01)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_asked_once_more(fleet: RunningFleet, fault: str, way: str) -> None:
    found = ask(fleet, f"{fault}-1-{way}")
    assert found.error is None
    assert found.facts is not None
    assert fleet.machines[f"{fault}-1-{way}"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("quota", "as many shells open as it may (MaxShellsPerUser) (WS-Man fault 2150859173)"),
        ("unready", "its WinRM service is not ready (HTTP 503)"),
        ("dropped", "broke the connection off"),
    ],
)
def test_what_does_not_pass_is_told_in_words(fleet: RunningFleet, fault: str, words: str, way: str) -> None:
    found = ask(fleet, f"{fault}-2-{way}")
    assert found.facts is None
    assert found.error is not None
    assert words in str(found.error)


@pytest.mark.parametrize("way", WAYS)
def test_a_slow_start_is_waited_for_as_often_as_it_takes(fleet: RunningFleet, way: str) -> None:
    found = ask(fleet, f"slow_start-2-{way}")
    assert found.error is None
    assert found.facts is not None


@pytest.mark.parametrize("way", WAYS)
def test_the_second_try_has_no_time_of_its_own(fleet: RunningFleet, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PAUSE", 30)
    fleet_name = f"quota-2-{way}"
    listener: t.Any = fleet._endpoints.listeners[fleet_name]
    listener.openings = 0
    begun = time.monotonic()
    found = ask(fleet, fleet_name, seconds=1.5)
    assert found.error is not None
    assert found.error.kind == "timeout"
    assert time.monotonic() - begun < 25
