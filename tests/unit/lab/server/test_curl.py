# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""curl as an independent client: HTTP, the challenge, NTLM, TLS, Identify."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD, DEFAULT_USER
from tests.unit.lab.server.conftest import Start

IDENTIFY = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>"
)


def _features() -> str:
    if shutil.which("curl") is None:
        return ""
    return subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout


def _curl(
    fleet: RunningFleet, name: str, *options: str, password: str = DEFAULT_PASSWORD, body: str = IDENTIFY
) -> t.Any:
    """Status, body and response headers of one POST."""
    scheme = next(endpoint.transport.scheme for endpoint in fleet.fleet if endpoint.name == name)
    command = ["curl", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*", "--data-binary", body]
    command += ["--header", "Content-Type: application/soap+xml;charset=UTF-8", "--cacert", str(fleet.ca_file)]
    command += ["--write-out", "%{stderr}%{json}", *options, f"{scheme}://127.0.0.1:{fleet.ports[name]}/wsman"]
    given = (
        f'user = "{DEFAULT_USER}:{password}"' if any(o in ("--ntlm", "--basic", "--negotiate") for o in options) else ""
    )
    done = subprocess.run(
        [*command[:1], "--config", "-", *command[1:]],
        input=given, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return json.loads(done.stderr[done.stderr.index("{") :]), done.stdout


pytestmark = pytest.mark.skipif("NTLM" not in _features(), reason="needs a curl with NTLM")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("way", ["basic", "ntlm"])
def test_identify_with_the_right_password(start: Start, scheme: str, way: str) -> None:
    fleet = start(one={"scheme": scheme, "auth": [way]})
    facts, body = _curl(fleet, "one", f"--{way}")
    assert facts["http_code"] == 200
    assert "<wsmid:ProductVersion>OS: 10.0.17763 SP: 0.0 Stack: 3.0</wsmid:ProductVersion>" in body
    assert fleet.counters["one"]["connections"] == 1


@pytest.mark.parametrize("way", ["basic", "ntlm"])
def test_a_wrong_password_is_401(start: Start, way: str) -> None:
    fleet = start(one={"auth": [way]})
    facts, body = _curl(fleet, "one", f"--{way}", password="guessed")
    assert (facts["http_code"], body) == (401, "")


def test_without_credentials_the_ways_in_are_listed(start: Start) -> None:
    fleet = start(one={"auth": ["basic", "negotiate", "ntlm"]})
    facts, body = _curl(fleet, "one")
    assert (facts["http_code"], body) == (401, "")
    _body, head = _curl(fleet, "one", "--include")
    challenges = [line.split(": ", 1)[1] for line in head.splitlines() if line.startswith("WWW-Authenticate")]
    assert challenges == ["Negotiate", "NTLM", 'Basic realm="WSMAN"']


def test_identify_without_credentials_tells_no_version(start: Start) -> None:
    fleet = start(one={})
    facts, body = _curl(fleet, "one", "--header", "WSMANIDENTIFY: unauthenticated")
    assert facts["http_code"] == 200
    assert "OS: 0.0.0 SP: 0.0 Stack: 3.0" in body


def test_what_is_no_ws_man_is_refused(start: Start) -> None:
    fleet = start(one={})
    assert _curl(fleet, "one", "--basic", body="no xml")[0]["http_code"] == 400
    soap = IDENTIFY.replace("wsmid:Identify", "wsmid:Other")
    facts, body = _curl(fleet, "one", "--basic", body=soap)
    assert facts["http_code"] == 500
    assert "Fault" in body


def test_an_action_that_is_not_simulated_is_a_fault(start: Start) -> None:
    fleet = start(one={})
    envelope = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">'
        "<s:Header><a:Action>urn:nothing</a:Action><a:MessageID>uuid:1</a:MessageID></s:Header><s:Body/></s:Envelope>"
    )
    facts, body = _curl(fleet, "one", "--basic", body=envelope)
    assert facts["http_code"] == 500
    assert "<a:RelatesTo>uuid:1</a:RelatesTo>" in body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /wsman HTTP/1.1\r\n\r\n", b"405"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Basic !!!\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Basic " + base64.b64encode(b"no colon") + b"\r\n\r\n", b"401"),
        (b"x" * 70_000 + b"\r\n\r\n", b"413"),
    ],
)
def test_bad_http_gets_a_status_and_no_crash(start: Start, sent: bytes, status: bytes) -> None:
    fleet = start(one={})
    with socket.create_connection(("127.0.0.1", fleet.ports["one"]), timeout=5) as raw:
        raw.sendall(sent)
        assert raw.recv(64).split(b" ")[1] == status
