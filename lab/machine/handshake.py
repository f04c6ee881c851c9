# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handshake that a Schannel program of this endpoint makes now, with a real TLS client against a real server."""

from __future__ import annotations

import socket

from ansible_collections.fleetops.tetra.lab.machine import tetra_servers
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import Offer
from ansible_collections.fleetops.tetra.lab.machine.state import TetraRoute
from ansible_collections.fleetops.tetra.lab.tls_client import HandshakeResult, offer


def shake(
    wanted: Offer, route: TetraRoute, timeout: float = 10.0, through_proxy: bool | None = None
) -> HandshakeResult:
    """How it ends. Route trouble before TLS gives ``refused``, ``timeout`` or ``proxy``; DNS ``refused`` with detail.

    through_proxy: None as the route says; True or False to insist.
    """
    if through_proxy is None:
        through_proxy = route.proxy is not None
    server = tetra_servers.server(
        route.suites or tetra_servers.ACCEPTED, route.curves, _status(route.proxy) if through_proxy else 200
    )
    port = server.port
    if not through_proxy and route.outcome != "ok":
        if route.outcome == "timeout":
            return HandshakeResult("timeout")
        if route.outcome == "dns":
            return HandshakeResult("refused", detail="dns")
        port = _closed_port()
    if through_proxy and route.proxy == "dns":
        return HandshakeResult("refused", detail="proxy dns")
    proxy = (server.host, server.proxy_port) if through_proxy and server.proxy_port else None
    if through_proxy and route.proxy == "refused":
        proxy = (server.host, _closed_port())
    result = offer(server.host, port, wanted.suites, wanted.versions, wanted.curves, timeout=timeout, proxy=proxy)
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
