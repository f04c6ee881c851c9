# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real handshakes, taken down between real clients and servers, as conversations that can be written as captures."""

from __future__ import annotations

import functools
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace

from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation, Recorder
from ansible_collections.fleetops.tetra.lab.tls_client import offer
from ansible_collections.fleetops.tetra.lab.tls_server import SERVER_NAME, TlsServer

ACCEPTED = [
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
]
# The failing endpoint of the note, without the DSS suites, which OpenSSL does not offer.
WEAK = [
    "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
]  # fmt: skip
PROXY_PORT = 8080
CISCO = "CN=HydrantID Server CA O1,OU=HydrantID Trusted Certificate Service,O=IdenTrust,C=US"
"""An issuer as Cisco's field notices FN72111 and FN72113 name it; that the definition servers have it is not proven."""
MIDDLEBOX = "CN=Example Corp Inspection CA,O=Example Corp"


def _recorded(act: Callable[[tuple[str, int]], object], target: tuple[str, int]) -> Conversation:
    with Recorder(target) as recorder:
        act(recorder.address)
    (one,) = recorder.conversations
    # A side that ends with bytes unread resets: a matter of chance here, and not what these scenarios are about.
    ends = [replace(event, kind="fin") if event.kind == "reset" else event for event in one.events]
    return replace(one, events=ends)


def _through(suites: list[str], *, proxy: bool = False, status: int = 200, versions: tuple[int, ...] = (771, 772),
             curves: list[str] | None = None, server: list[str] | None = None,
             server_curves: list[str] | None = None, authority: str = CISCO) -> Conversation:  # fmt: skip
    with TlsServer(
        server or ACCEPTED, proxy=proxy, proxy_status=status, curves=server_curves, authority=authority
    ) as tetra:
        target = (tetra.host, tetra.proxy_port or 0) if proxy else (tetra.host, tetra.port)

        def act(address: tuple[str, int]) -> None:
            way = {"proxy": address} if proxy else {}
            offer(*address, suites, versions, curves, 10, **way)  # type: ignore[arg-type]

        one = _recorded(act, target)
    return replace(one, server=("203.0.113.8", PROXY_PORT)) if proxy else one


def _s_client(*arguments: str, server_curves: list[str] | None = None, suites: list[str] | None = None,
              authority: str = CISCO) -> Conversation:  # fmt: skip
    with TlsServer(suites or ACCEPTED, curves=server_curves, authority=authority) as tetra:

        def act(address: tuple[str, int]) -> None:
            command = ["openssl", "s_client", "-connect", f"{address[0]}:{address[1]}", *arguments]
            request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            subprocess.run(command, input=request, capture_output=True, timeout=30, check=False)

        return _recorded(act, (tetra.host, tetra.port))


def _plain(answer: bytes) -> Conversation:
    """A server that does not speak TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def act(address: tuple[str, int]) -> None:
        command = ["openssl", "s_client", "-connect", f"{address[0]}:{address[1]}", "-servername", SERVER_NAME]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        connected, _peer = listener.accept()
        connected.recv(65536)
        connected.sendall(answer)
        connected.close()
        process.wait(30)

    with listener:
        return _recorded(act, ("127.0.0.1", listener.getsockname()[1]))


def _silent() -> Conversation:
    hello = next(event for event in made("weak").events if event.kind == "data").data
    return Conversation().say("client", hello).end("client", "fin", 30)


def _reset() -> Conversation:
    hello = next(event for event in made("weak").events if event.kind == "data").data
    return Conversation(reset_ttl=61).say("client", hello).end("server", "reset", 0.002)


MAKERS: dict[str, Callable[[], Conversation]] = {
    "good": lambda: _through([*ACCEPTED[:3], *WEAK], versions=(771,)),
    "good-modern": lambda: _through(ACCEPTED),
    "good-proxy": lambda: _through([*ACCEPTED[:3], *WEAK], proxy=True, versions=(771,)),
    "weak": lambda: _through(WEAK, versions=(771,)),
    "weak-proxy": lambda: _through(WEAK, proxy=True, versions=(771,)),
    "intercepted": lambda: _through([*ACCEPTED[:3], *WEAK], proxy=True, versions=(771,), authority=MIDDLEBOX),
    "proxy-407": lambda: _through(ACCEPTED, proxy=True, status=407),
    "proxy-403": lambda: _through(ACCEPTED, proxy=True, status=403),
    "proxy-502": lambda: _through(ACCEPTED, proxy=True, status=502),
    "no-group": lambda: _through(ACCEPTED[:2], versions=(771,), curves=["curve25519"], server_curves=["nistP256"]),
    "old-version": lambda: _through(["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"], versions=(769, 770)),
    "retry": lambda: _s_client("-servername", SERVER_NAME, "-groups", "P-521:P-256", server_curves=["nistP256"]),
    "no-name": lambda: _s_client("-noservername"),
    "long-hello": lambda: _s_client(
        "-servername", SERVER_NAME, "-alpn", ",".join(f"protocol-{number:050d}" for number in range(90))
    ),
    "huge-hello": lambda: _s_client(
        "-servername", SERVER_NAME, "-alpn", ",".join(f"protocol-{number:050d}" for number in range(330))
    ),
    "rejected": lambda: _s_client(
        "-servername", SERVER_NAME, "-tls1_2", "-verify", "1", "-verify_return_error"
    ),
    "rejected-modern": lambda: _s_client(
        "-servername", SERVER_NAME, "-verify", "1", "-verify_return_error"
    ),
    "not-tls": lambda: _plain(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "http-page": lambda: _plain(b"<html>blocked</html>\r\n"),
    "silent": _silent,
    "reset": _reset,
    "no-syn-ack": lambda: Conversation(answered=False),
    "refused": lambda: Conversation(answered=False, refused=True),
}  # fmt: skip


@functools.cache
def made(name: str) -> Conversation:
    """A scenario's conversation, made once a process."""
    return MAKERS[name]()
