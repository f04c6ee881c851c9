# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole cure by hand over pypsrp: fails, is changed, still fails, restarts, shakes hands, updates."""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest
from pypsrp.exceptions import WinRMError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from requests.exceptions import RequestException

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import POLICY_KEY
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD, DEFAULT_USER

BAD, GOOD = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
SFC = r"C:\Program Files\Cisco\AMP\7.5.3.20938\sfc.exe"
FLEET = {
    "schema": "fleetops.tetra/fleet/1",
    "endpoints": {
        "pc": {
            "release": "10_22h2",
            "policy": BAD,
            "origin": "direct",
            "boot_seconds": 0.2,
            "connector": {"log": "failed"},
        }
    },
}
_BACK_WITHIN = 60.0  # seconds for a restart of 0.2, on a machine that does other work too


@pytest.fixture
def running(tmp_path: pathlib.Path) -> t.Iterator[RunningFleet]:
    with running_fleet(FLEET, tmp_path) as fleet:
        yield fleet


def ask(fleet: RunningFleet, name: str, *positional: str, **named: t.Any) -> tuple[list[t.Any], list[t.Any]]:
    """(output, errors) of one command over a connection of its own."""
    wsman = WSMan(
        "127.0.0.1",
        port=fleet.ports["pc"],
        username=DEFAULT_USER,
        password=DEFAULT_PASSWORD,
        ssl=False,
        auth="basic",
        encryption="never",
        reconnection_retries=0,
        no_proxy=True,
    )
    with wsman, RunspacePool(wsman) as pool:
        shell = PowerShell(pool).add_cmdlet(name)
        for argument in positional:
            shell.add_argument(argument)
        for key, value in named.items():
            shell.add_parameter(key, value)
        output = shell.invoke()
        return list(output), list(shell.streams.error)


def curl(fleet: RunningFleet) -> str:
    arguments = ("-s", "-o", "NUL", "-w", "%{exitcode}", "https://tetra-defs.amp.cisco.com/")
    return str(ask(fleet, r"C:\Windows\System32\curl.exe", *arguments)[0][-1])


def boot_time(fleet: RunningFleet) -> str:
    (system,) = ask(fleet, "Get-CimInstance", ClassName="Win32_OperatingSystem")[0]
    return str(system.adapted_properties["LastBootUpTime"])


def test_a_cure_by_hand(running: RunningFleet) -> None:
    before = boot_time(running)
    assert curl(running) == "35"
    written = ask(
        running, "Set-ItemProperty", LiteralPath=f"Registry::{POLICY_KEY}", Name="Functions", Value=GOOD, Type="String"
    )
    assert written == ([], [])
    assert curl(running) == "35", "not in force before a restart"
    ask(running, r"C:\Windows\System32\shutdown.exe", "/r", "/t", "0")
    lost = False
    give_up = time.monotonic() + _BACK_WITHIN
    while True:
        try:
            if boot_time(running) != before:
                break
        except (WinRMError, RequestException):
            lost = True
        if time.monotonic() > give_up:
            pytest.fail("the endpoint did not come back")
        time.sleep(0.02)
    assert lost, "the connection should have been lost on the way"
    assert curl(running) == "0"
    ask(running, SFC, "-forceupdate")
    endpoint = t.cast(Endpoint, running.machines["pc"])
    log = endpoint.state.files.find(f"{SFC}.log")
    assert log is not None
    assert b"bUpdated = TRUE, state: 20, status: 0" in log.data
    assert endpoint.unmatched == []


def test_bytes_and_lists_arrive_as_they_were_sent(running: RunningFleet) -> None:
    data = bytes(range(256))
    path = r"C:\ProgramData\x.bin"
    assert ask(running, "Set-Content", LiteralPath=path, Value=data, Encoding="Byte") == ([], [])
    listed = ask(
        running, "Set-ItemProperty", LiteralPath=r"HKLM:\SOFTWARE", Name="x", Value=["a", "b"], Type="MultiString"
    )
    assert listed == ([], [])
    endpoint = t.cast(Endpoint, running.machines["pc"])
    file = endpoint.state.files.find(path)
    assert file is not None
    assert file.data == data
    value = endpoint.state.registry.get(r"HKLM\SOFTWARE", "x")
    assert value is not None
    assert value.data == ("a", "b")
