# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handshake that a Schannel program of this endpoint makes now, with a real TLS client against a real server."""

from __future__ import annotations

import ipaddress
import socket
import time
import urllib.parse

from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation, Recorder
from ansible_collections.fleetops.tetra.lab.machine import conditions, tetra_servers
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import Offer
from ansible_collections.fleetops.tetra.lab.machine.state import TetraRoute, WindowsState
from ansible_collections.fleetops.tetra.lab.tls_client import HandshakeResult, Trust, offer

PROXY = ("203.0.113.8", 8080)
"""Where packets show the proxy."""


def shake(
    wanted: Offer,
    route: TetraRoute,
    timeout: float = 10.0,
    through_proxy: bool | None = None,
    *,
    trust: Trust | None = None,
    request: bytes = b"",
    conversations: list[Conversation] | None = None,
) -> HandshakeResult:
    """How it ends. Route trouble before TLS gives ``refused``, ``timeout`` or ``proxy``; DNS ``refused`` with detail.

    through_proxy: None as the route says; True or False to insist. trust: None for a client that checks nothing.
    conversations: takes what goes over the wire, as a capture does.
    """
    if through_proxy is None:
        through_proxy = route.proxy is not None
    server = tetra_servers.server(
        route.suites or tetra_servers.ACCEPTED,
        route.curves,
        _status(route.proxy) if through_proxy else 200,
        route.authority,
        route.after_hello or ("cut" if route.interrupted else None),
    )
    place: tuple[str, int] = (server.host, server.port)
    if not through_proxy and route.outcome != "ok":
        if route.outcome == "timeout":
            _note(conversations, Conversation(answered=False))
            return HandshakeResult("timeout")
        if route.outcome == "dns":
            return HandshakeResult("refused", detail="dns")
        _note(conversations, Conversation(answered=False, refused=True))
        place = (server.host, _closed_port())
    if through_proxy and route.proxy == "dns":
        return HandshakeResult("refused", detail="proxy dns")
    if through_proxy:
        place = (server.host, server.proxy_port or 0)
        if route.proxy == "refused":
            _note(conversations, Conversation(answered=False, refused=True, server=PROXY))
            place = (server.host, _closed_port())
    if conversations is None or (route.outcome != "ok" and not through_proxy) or route.proxy == "refused":
        return _shake(wanted, place, timeout, through_proxy, trust, request)
    with Recorder(place) as recorder:
        result = _shake(wanted, recorder.address, timeout, through_proxy, trust, request)
    for one in recorder.conversations:
        one.server = PROXY if through_proxy else one.server
        one.reset_ttl = 61 if route.after_hello == "reset" else None
    conversations += recorder.conversations
    return result


def place_of(address: str) -> tuple[str, int] | None:
    """Host and port of a URL that names both by number; ``None`` for any other."""
    parts = urllib.parse.urlsplit(address)
    try:
        return (str(ipaddress.ip_address(parts.hostname or "")), parts.port) if parts.port else None
    except ValueError:
        return None


def shake_at(wanted: Offer, place: tuple[str, int], timeout: float, request: bytes = b"") -> HandshakeResult:
    """The handshake with a server outside of the simulation."""
    return _shake(wanted, place, timeout, False, None, request)


def trust_of(state: WindowsState) -> Trust:
    """Whom this endpoint's programs trust, by which clock, and whether revocation can be checked."""
    certificate = tetra_servers.server(authority=state.route.authority).authority_certificate
    known = state.route.authority is None and conditions.trusts(state)
    roots = (certificate,) if known and certificate is not None else ()
    return Trust(roots, state.now(), state.conditions.revocation == "ok")


def _note(conversations: list[Conversation] | None, one: Conversation) -> None:
    if conversations is not None:
        one.began = time.time()
        conversations.append(one)


def _shake(
    wanted: Offer,
    place: tuple[str, int],
    timeout: float,
    through_proxy: bool,
    trust: Trust | None,
    request: bytes,
) -> HandshakeResult:
    result = offer(
        *place,
        wanted.suites,
        wanted.versions,
        wanted.curves,
        timeout=timeout,
        proxy=place if through_proxy else None,
        trust=trust,
        request=request,
        signatures=wanted.signatures or None,
    )
    if result.outcome == "ok" and (_key_refused(wanted, result) or not wanted.sha256_signatures):
        # OpenSSL has no such limits; Schannel ends the handshake when the server's key or signature is outside of them.
        return HandshakeResult("closed", offered=result.offered, detail="key length or signature")
    return result


def _key_refused(wanted: Offer, result: HandshakeResult) -> bool:
    name = result.suite or ""
    if name.startswith("TLS_DHE_") and not _within(tetra_servers.DH_BITS, wanted.dh_bits):
        return True
    return name.startswith("TLS_") and "_RSA_" in name and not _within(tetra_servers.RSA_BITS, wanted.rsa_bits)


def _within(bits: int, limits: tuple[int, int | None]) -> bool:
    smallest, largest = limits
    return bits >= smallest and (largest is None or bits <= largest)


def _status(proxy: str | None) -> int:
    return int(proxy) if proxy is not None and proxy.isdigit() else 200


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
