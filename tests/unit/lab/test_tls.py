# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's TLS server and client against each other: both are real, so every outcome is one that happened."""

from __future__ import annotations

import socket
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab import tls_client
from ansible_collections.fleetops.tetra.lab.tls_client import offer
from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer, safe_prime

TETRA = [
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
]
# The Client Hello of Cisco's note, in its order.
FAILING = {
    "TLS_RSA_WITH_AES_128_CBC_SHA256": 0x003C,
    "TLS_RSA_WITH_AES_128_CBC_SHA": 0x002F,
    "TLS_RSA_WITH_AES_256_CBC_SHA256": 0x003D,
    "TLS_RSA_WITH_AES_256_CBC_SHA": 0x0035,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": 0xC013,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": 0xC014,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": 0xC02B,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": 0xC023,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": 0xC02C,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": 0xC024,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": 0xC009,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": 0xC00A,
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256": 0x0040,
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA": 0x0032,
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256": 0x006A,
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA": 0x0038,
}


@pytest.fixture(scope="module")
def server() -> t.Iterator[TlsServer]:
    with TlsServer(TETRA, proxy=True) as running:
        yield running


@pytest.mark.parametrize("name", TETRA)
def test_each_suite_of_the_allow_list_is_negotiated_alone(server: TlsServer, name: str) -> None:
    result = offer(server.host, server.port, [name])
    assert (result.outcome, result.suite, result.left_out) == ("ok", name, ())
    assert result.version == (772 if name == "TLS_AES_128_GCM_SHA256" else 771)
    assert len(result.offered) == 1


def test_the_failing_hello_of_the_note_is_sent_exactly_and_ends_in_alert_40(server: TlsServer) -> None:
    result = offer(server.host, server.port, list(FAILING), versions=[771])
    assert result.offered == tuple(FAILING.values())
    assert (result.outcome, result.alert) == ("alert", 40)


def test_order_on_the_wire_is_the_order_asked_for(server: TlsServer) -> None:
    names = ["TLS_RSA_WITH_AES_128_CBC_SHA", *TETRA[:3][::-1], "TLS_RSA_WITH_AES_256_CBC_SHA"]
    assert offer(server.host, server.port, names).offered == (0x002F, 0x009E, 0xC02F, 0xC030, 0x0035)


def test_both_versions_in_one_hello(server: TlsServer) -> None:
    result = offer(server.host, server.port, ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", TETRA[0]])
    assert result.offered == (0x1302, 0x1301, 0xC030)
    assert (result.outcome, result.version, result.suite) == ("ok", 772, "TLS_AES_128_GCM_SHA256")


def test_a_tls_1_3_suite_alone_needs_tls_1_3(server: TlsServer) -> None:
    result = offer(server.host, server.port, ["TLS_AES_128_GCM_SHA256"], versions=[771])
    assert (result.outcome, result.left_out) == ("nothing_offered", ("TLS_AES_128_GCM_SHA256",))


def test_what_the_library_lacks_is_named(server: TlsServer) -> None:
    strange = ["TLS_RSA_WITH_RC4_128_SHA", "TLS_PSK_WITH_AES_256_GCM_SHA384", "NO_SUCH_SUITE", "ALL:@x"]
    result = offer(server.host, server.port, [*strange, TETRA[1]])
    assert result.outcome == "ok"
    assert result.left_out == tuple(strange)
    assert offer(server.host, server.port, strange).outcome == "nothing_offered"


def test_no_curve_no_ecdhe(server: TlsServer) -> None:
    assert offer(server.host, server.port, [TETRA[0]], curves=[]).outcome == "nothing_offered"
    assert offer(server.host, server.port, [TETRA[2]], curves=[]).suite == TETRA[2]


def test_curves_must_meet() -> None:
    with TlsServer(TETRA[:1], curves=["NistP256", "NistP384"]) as strict:
        assert offer(strict.host, strict.port, TETRA[:1], curves=["NistP384"]).outcome == "ok"
        assert offer(strict.host, strict.port, TETRA[:1], curves=["curve25519"]).alert == 40


def test_through_the_proxy(server: TlsServer) -> None:
    assert server.proxy_port is not None
    before = len(server.connect_targets)
    result = offer(server.host, server.port, TETRA[:1], proxy=(server.host, server.proxy_port))
    assert result.outcome == "ok"
    assert server.connect_targets[before:] == ["tetra-defs.amp.cisco.com:443"]
    failed = offer(server.host, server.port, list(FAILING), proxy=(server.host, server.proxy_port))
    assert (failed.outcome, failed.alert) == ("alert", 40)


def test_a_proxy_that_wants_a_password() -> None:
    with TlsServer(TETRA, proxy=True, proxy_status=407) as server:
        result = offer("unused", 1, TETRA, proxy=(server.host, t.cast(int, server.proxy_port)))
        assert (result.outcome, result.proxy_status) == ("proxy", 407)


def test_refused_and_silent_servers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert offer("127.0.0.1", port, TETRA, timeout=0.2).outcome == "timeout"
    assert offer("127.0.0.1", port, TETRA).outcome == "refused"


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_diffie_hellman_groups_are_safe_primes(bits: int) -> None:
    prime = safe_prime(bits)
    assert prime.bit_length() == bits
    for candidate in (prime, (prime - 1) // 2):
        assert all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5))


def test_offered_suites_of_something_else() -> None:
    assert tls_client.offered_suites(b"") == ()
    assert tls_client.offered_suites(b"HTTP/1.1 200 OK" * 9) == ()


def test_a_server_without_any_suite_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="at least one suite"):
        TlsServer(["TLS_AES_128_GCM_SHA256"], versions=[771])
