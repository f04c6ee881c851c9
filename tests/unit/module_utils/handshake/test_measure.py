# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server accepts, measured against real TLS servers and against everything that is none."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import certificate as certificates
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import measure as measuring
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import offer, tls_library, tunnel
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS
from ansible_collections.fleetops.tetra.tests.unit.module_utils.handshake.servers import (
    Answering,
    closed_port,
    hangs,
    says,
)

TETRA = "tetra-defs.amp.cisco.com"
TLS_1_3_SUITE = "TLS_AES_128_GCM_SHA256"
CBC = "TLS_RSA_WITH_AES_128_CBC_SHA"


def measure(port: int, suites: t.Sequence[str] = ALLOW_LIST, **options: t.Any) -> dict[str, t.Any]:
    options.setdefault("server_name", TETRA)
    options.setdefault("timeout", 10.0)
    return measuring.measure(tunnel.Endpoint("127.0.0.1", port), suites, **options)


def test_allow_list_server() -> None:
    others = [CBC, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_256_GCM_SHA384"]
    with TlsServer(ALLOW_LIST) as server:
        result = measure(server.port, [*ALLOW_LIST, *others])
    assert result["accepted"] == list(ALLOW_LIST)
    assert result["refused"] == others
    assert {result["suites"][name]["alert"] for name in result["refused"]} == {40}
    assert (result["reached"], result["problem"], result["connections"]) == (True, None, 7)
    assert result["drift"]["answer"] == "none"


def test_every_suite_that_the_library_can_offer() -> None:
    names = tls_library.all_offerable()
    assert set(ALLOW_LIST) <= set(names)
    assert len(names) > 25
    with TlsServer(ALLOW_LIST) as server:
        result = measure(server.port, names)
    assert sorted(result["accepted"]) == sorted(ALLOW_LIST)
    assert result["unknown"] == []
    assert result["drift"]["answer"] == "none"


def test_tls_1_2_only_server() -> None:
    with TlsServer(ALLOW_LIST, versions=[771]) as server:
        result = measure(server.port)
    assert result["refused"] == [TLS_1_3_SUITE]
    assert result["suites"][TLS_1_3_SUITE]["alert"] == 70
    assert (result["drift"]["answer"], result["drift"]["missing"]) == ("drift", [TLS_1_3_SUITE])


def test_tls_1_3_only_server() -> None:
    with TlsServer([TLS_1_3_SUITE]) as server:
        result = measure(server.port)
    assert result["accepted"] == [TLS_1_3_SUITE]
    assert len(result["refused"]) == 3
    assert len(result["drift"]["missing"]) == 3


def test_server_that_accepts_more_than_the_list() -> None:
    with TlsServer([*ALLOW_LIST, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]) as server:
        result = measure(server.port, [*ALLOW_LIST, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"])
        own = measure(server.port, allow_list=[CBC])
    assert result["drift"]["extra"] == ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]
    assert own["drift"]["allow_list"]["source"] == "given by the user"
    assert own["drift"]["untested"] == [CBC]
    assert own["drift"]["answer"] == "drift"


def test_untested_suites_leave_the_answer_unknown() -> None:
    with TlsServer(ALLOW_LIST) as server:
        result = measure(server.port, ALLOW_LIST[:2])
    assert (result["drift"]["answer"], result["drift"]["untested"]) == ("unknown", list(ALLOW_LIST[2:]))


def test_through_a_proxy_in_the_words_of_the_updater() -> None:
    with TlsServer(ALLOW_LIST, proxy=True) as server:
        assert server.proxy_port is not None
        proxy = tunnel.Endpoint("127.0.0.1", server.proxy_port)
        result = measuring.measure(tunnel.Endpoint(TETRA, 443), ALLOW_LIST, proxy=proxy)
        assert server.connect_targets == [f"{TETRA}:443"] * 4
    assert result["accepted"] == list(ALLOW_LIST)
    with says(b"HTTP/1.1 502 x\r\n\r\n") as listener:
        proxy = tunnel.Endpoint("127.0.0.1", listener.port)
        measuring.measure(tunnel.Endpoint(TETRA, 443), ALLOW_LIST, proxy=proxy)
        request = listener.requests[0]
    assert request == f"CONNECT {TETRA}:443 HTTP/1.1\r\nHost: {TETRA}:443\r\n\r\n".encode()
    assert len(request) == 85  # as in the capture of the note


@pytest.mark.parametrize(
    ("status", "words"), [(407, "authentication"), (502, "cannot reach"), (403, "rule"), (418, "418")]
)
def test_proxy_that_refuses(status: int, words: str) -> None:
    with TlsServer(ALLOW_LIST, proxy=True, proxy_status=status) as server:
        assert server.proxy_port is not None
        result = measure(server.port, proxy=tunnel.Endpoint("127.0.0.1", server.proxy_port))
    assert (result["reached"], result["connections"], result["accepted"], result["refused"]) == (False, 1, [], [])
    assert words in result["problem"]
    assert result["suites"][ALLOW_LIST[0]]["proxy_status"] == status
    assert result["suites"][ALLOW_LIST[1]]["outcome"] == "not_tried"
    assert (result["drift"]["answer"], result["inspection"]["answer"]) == ("unknown", "unknown")


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n", b"HTTP/1.1 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5000, b""]
)
def test_proxy_that_is_none(answer: bytes) -> None:
    with says(answer) as server:
        result = measure(1, proxy=tunnel.Endpoint("127.0.0.1", server.port))
    assert not result["reached"]
    assert result["suites"][ALLOW_LIST[0]]["outcome"] in ("proxy", "closed")


def test_refused_connection() -> None:
    result = measure(closed_port())
    assert (result["reached"], result["connections"]) == (False, 1)
    assert result["suites"][ALLOW_LIST[0]]["outcome"] == "connect"
    assert "No connection to 127.0.0.1" in result["problem"]


def test_name_that_does_not_exist() -> None:
    result = measuring.measure(tunnel.Endpoint("no-such-host.invalid", 443), ALLOW_LIST)
    assert (result["reached"], result["connections"], result["address"]) == (False, 0, None)
    assert "no-such-host.invalid" in result["problem"]


def test_name_lookup_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: release.wait(30) and [])
    try:
        result = measuring.measure(tunnel.Endpoint("slow.example", 443), ALLOW_LIST, timeout=0.2)
    finally:
        release.set()
    assert "not resolved within 0.2 seconds" in result["problem"]


def test_server_that_hangs_is_left_after_two_attempts() -> None:
    with hangs() as server:
        result = measure(server.port, timeout=0.3)
        assert len(server.requests) == 2
    outcomes = [result["suites"][name]["outcome"] for name in ALLOW_LIST]
    assert outcomes == ["timeout", "timeout", "not_tried", "not_tried"]
    assert result["unknown"] == list(ALLOW_LIST)


def test_server_that_speaks_plain_http() -> None:
    with says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        result = measure(server.port)
    assert (result["reached"], result["connections"]) == (False, 1)
    assert "not TLS" in result["problem"]


def test_server_that_closes_without_an_alert_refuses_nothing() -> None:
    with says(b"") as server:
        result = measure(server.port)
    assert (result["refused"], result["unknown"]) == ([], list(ALLOW_LIST))


@pytest.mark.parametrize(("alert", "accepted"), [(40, "no"), (70, "no"), (71, "no"), (80, "unknown"), (112, "unknown")])
def test_only_alerts_that_say_so_are_refusals(alert: int, accepted: str) -> None:
    with says(bytes([21, 3, 3, 0, 2, 2, alert])) as server:
        result = measure(server.port, [CBC])
    assert (result["suites"][CBC]["accepted"], result["suites"][CBC]["alert"]) == (accepted, alert)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x03\xff\xff" + b"\x02" * 200,
        b"\x15\x03",
        b"\x16",
        b"\x17\x03\x03\x00\x01x",
    ],
)
def test_broken_tls_is_unknown(answer: bytes) -> None:
    with says(answer) as server:
        result = measure(server.port, [CBC, TLS_1_3_SUITE])
    assert result["unknown"] == [CBC, TLS_1_3_SUITE]


def test_slow_drip_meets_the_deadline() -> None:
    stop: list[Answering] = []

    def drip(connected: t.Any) -> None:
        while not stop[0].stop.wait(0.05):
            connected.sendall(b"\x16")

    with Answering(drip) as server:
        stop.append(server)
        result = measure(server.port, [CBC], timeout=0.5)
    assert result["suites"][CBC]["accepted"] == "unknown"


def test_no_more_connections_than_allowed() -> None:
    with TlsServer(ALLOW_LIST) as server:
        result = measure(server.port, max_connections=2)
    assert result["connections"] == 2
    assert result["accepted"] == list(ALLOW_LIST[:2])
    assert [result["suites"][name]["outcome"] for name in ALLOW_LIST[2:]] == ["not_tried"] * 2


def test_pause_between_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    with TlsServer(ALLOW_LIST) as server:
        measure(server.port, pause=0.7)
    assert slept == [0.7] * 3


def test_suites_that_cannot_be_offered_cost_no_connection() -> None:
    names = ["TLS_PSK_WITH_AES_128_GCM_SHA256", "TLS_RSA_EXPORT_WITH_RC4_40_MD5", "SSL_CK_RC4_128_WITH_MD5", "TLS_X"]
    with TlsServer(ALLOW_LIST) as server:
        result = measure(server.port, names)
    assert result["connections"] == 0
    assert {result["suites"][name]["outcome"] for name in names} == {"not_offerable"}


@pytest.mark.parametrize("suite", ALLOW_LIST)
def test_the_hello_offers_exactly_one_suite(suite: str) -> None:
    with says(b"") as server:
        way = offer.Route(tunnel.Endpoint("127.0.0.1", server.port), (_loopback(server.port),), TETRA)
        offer.offer(way, suite)
        hello = server.requests[0]
    assert tls_library.offered_suites(hello) == (IDS[suite],)
    assert TETRA.encode() in hello


def _loopback(port: int) -> tunnel.Address:
    return tunnel.resolve(tunnel.Endpoint("127.0.0.1", port), 5)[0]


# The certificate ---------------------------------------------------------------------------------------------------


def test_wrong_name_and_unknown_root_are_told() -> None:
    with TlsServer(ALLOW_LIST) as server:
        result = measure(server.port, server_name="other.example")
    shown = result["certificate"]
    assert shown["issuer"] == f"CN={TETRA}"
    assert (shown["names_match"], shown["trusted"]) == (False, False)
    assert any("not for other.example" in problem for problem in shown["problems"])
    assert any("self-signed" in problem for problem in shown["problems"])
    assert result["inspection"]["answer"] == "unknown"


def test_inspection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TlsServer(ALLOW_LIST) as server:
        untrusted = measure(server.port)
        ca_file = tmp_path / "roots.pem"
        ca_file.write_text(ssl.get_server_certificate(("127.0.0.1", server.port)))
        trusted = measure(server.port, ca_file=str(ca_file))
        thumbprint = trusted["certificate"]["root"]["thumbprint"]
        monkeypatch.setitem(certificates.CISCO_ROOTS, thumbprint, "a root of the test")
        known = measure(server.port, ca_file=str(ca_file))
    assert untrusted["inspection"]["answer"] == "suspected"
    assert "no root that this machine trusts" in untrusted["inspection"]["why"]
    assert trusted["certificate"]["trusted"] is True
    assert (trusted["certificate"]["problems"], trusted["certificate"]["names_match"]) == ([], True)
    assert trusted["inspection"]["answer"] == "suspected"
    assert known["inspection"] == {
        "answer": "no",
        "why": "The certificate leads to a root of the test, a root that Cisco names.",
    }


def test_unreadable_ca_file(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text("nothing")
    with TlsServer(ALLOW_LIST) as server, pytest.raises(tls_library.LibraryError, match="no certificates"):
        measure(server.port, ca_file=str(tmp_path / "roots.pem"))


def test_thumbprints_are_forty_hexadecimal_digits() -> None:
    assert len(certificates.CISCO_ROOTS) == 16
    assert all(len(bytes.fromhex(text)) == 20 and text == text.upper() for text in certificates.CISCO_ROOTS)
