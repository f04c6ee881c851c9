# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of a transport, as pypsrp meets it."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest
import requests
from pypsrp.exceptions import WinRMError, WinRMTransportError
from pypsrp.powershell import PowerShell, RunspacePool

from tests.unit.lab.server.conftest import Start
from tests.unit.lab.server.echo import ask, client

SEALED = {"auth": ["ntlm"], "allow_unencrypted": False}


def _open(start: Start, transport: dict[str, t.Any], **changes: t.Any) -> RunspacePool:
    return RunspacePool(client(start(one=transport), "one", **changes))


def test_refused(start: Start) -> None:
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        _open(start, {"faults": ["refused"]}).open()


@pytest.mark.parametrize("transport", [{}, SEALED, {"scheme": "https"}])
def test_hangs_at_the_first_request(start: Start, transport: dict[str, t.Any]) -> None:
    with pytest.raises(requests.exceptions.ReadTimeout):
        _open(start, {**transport, "faults": ["hangs"]}, read_timeout=0.4).open()


def test_hangs_in_a_pipeline(start: Start) -> None:
    pool = _open(start, {"faults": {"hangs": "pipeline"}}, read_timeout=0.2)
    pool.open()
    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(pool, "Get-Parameters")


@pytest.mark.parametrize("transport", [{}, SEALED, {"scheme": "https"}])
def test_http_500_when_opening(start: Start, transport: dict[str, t.Any]) -> None:
    with pytest.raises(WinRMTransportError) as failed:
        _open(start, {**transport, "faults": ["http_500"]}).open()
    assert failed.value.code == 500


def test_http_500_in_a_pipeline(start: Start) -> None:
    pool = _open(start, {"faults": {"http_500": "pipeline"}})
    pool.open()
    with pytest.raises(WinRMTransportError):
        ask(pool, "Get-Parameters")


@pytest.mark.parametrize("transport", [{}, SEALED, {"scheme": "https"}])
def test_reset_in_the_middle_of_an_answer(start: Start, transport: dict[str, t.Any]) -> None:
    pool = _open(start, {**transport, "faults": ["reset_mid_answer"]})
    pool.open()
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(pool, "Get-Parameters")


def test_reset_in_the_middle_of_opening(start: Start) -> None:
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        _open(start, {"faults": {"reset_mid_answer": "open"}}).open()


@pytest.mark.parametrize("stage", ["open", "pipeline"])
def test_garbage(start: Start, stage: str) -> None:
    pool = _open(start, {"faults": {"garbage": stage}})
    with pytest.raises(ET.ParseError):
        pool.open()
        ask(pool, "Get-Parameters")


def test_an_envelope_of_the_wrong_shape(start: Start) -> None:
    with pytest.raises(WinRMError, match="does not match"):
        _open(start, {"faults": {"wrong_shape": "open"}}).open()


def test_outputs_of_the_wrong_shape(start: Start) -> None:
    pool = _open(start, {"faults": ["wrong_shape"]})
    pool.open()
    assert ask(pool, "Get-Object", "Get-Parameters").output == [42, 42]


@pytest.mark.parametrize(
    ("error", "message"),
    [("expired", "expired"), ("self_signed", "self.signed"), ("wrong_name", "doesn't match|not valid for|mismatch")],
)
def test_tls_errors(start: Start, error: str, message: str) -> None:
    fleet = start(one={"scheme": "https", "faults": {"tls_error": error}})
    with pytest.raises(requests.exceptions.SSLError, match=message):
        RunspacePool(client(fleet, "one")).open()
    with RunspacePool(client(fleet, "one", cert_validation=False)) as pool:
        assert ask(pool, "Get-Parameters").output == ["()"], "a client that does not look gets in"


def test_every_answer_is_delayed(start: Start) -> None:
    fleet = start(slow={"delay": 60}, quick={"delay": 0.05})
    with pytest.raises(requests.exceptions.ReadTimeout):
        RunspacePool(client(fleet, "slow", read_timeout=0.2)).open()
    with RunspacePool(client(fleet, "quick")) as pool:
        assert ask(pool, "Get-Parameters").output == ["()"]


def test_a_fault_at_one_endpoint_leaves_the_others_alone(start: Start) -> None:
    fleet = start(bad={"faults": ["http_500"]}, good={})
    with pytest.raises(WinRMTransportError):
        RunspacePool(client(fleet, "bad")).open()
    with RunspacePool(client(fleet, "good")) as pool:
        assert ask(pool, "Get-Parameters").output == ["()"]


def test_two_hundred_endpoints_in_one_process(start: Start) -> None:
    fleet = start(**{f"host{number:03}": {} for number in range(200)})
    assert len(set(fleet.ports.values())) == 200
    for name in fleet.ports:
        with RunspacePool(client(fleet, name)) as pool:
            assert PowerShell(pool).add_cmdlet("Get-Parameters").invoke() == ["()"]
    assert set(fleet.requests.values()) == {6}


def test_a_restart_drops_connections_refuses_and_comes_back(start: Start) -> None:
    fleet = start(one={})
    pool = RunspacePool(client(fleet, "one"))
    pool.open()
    PowerShell(pool).add_cmdlet("Restart-Computer").add_parameter("For", 0.3).invoke()
    with pytest.raises((requests.exceptions.ConnectionError, WinRMError)):
        while True:
            ask(pool, "Get-Parameters")
    machine: t.Any = fleet.machines["one"]
    refused = 0
    while True:
        after = RunspacePool(client(fleet, "one"))
        try:
            after.open()
            break
        except requests.exceptions.ConnectionError:
            refused += 1
    assert refused > 0
    assert machine.boots == [1]
    assert ask(after, "Get-Parameters").output == ["()"]


def test_an_endpoint_that_never_comes_back(start: Start) -> None:
    fleet = start(one={})
    pool = RunspacePool(client(fleet, "one"))
    pool.open()
    PowerShell(pool).add_cmdlet("Restart-Computer").invoke()
    with pytest.raises((requests.exceptions.ConnectionError, WinRMError)):
        while True:
            ask(pool, "Get-Parameters")
    with pytest.raises(requests.exceptions.ConnectionError, match="refused"):
        RunspacePool(client(fleet, "one")).open()
