# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One handshake that offers one suite: does the server take it?"""

from __future__ import annotations

import dataclasses
import socket
import time
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import tls_library, tunnel
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake.certificate import describe_chain

try:
    from OpenSSL import SSL
except ImportError:  # tls_library.require tells the user
    pass

Accepted = t.Literal["yes", "no", "unknown"]

HANDSHAKE_FAILURE, PROTOCOL_VERSION, INSUFFICIENT_SECURITY = 40, 70, 71
_REFUSALS = {
    HANDSHAKE_FAILURE: "handshake_failure: the server takes none of the offered suites",
    PROTOCOL_VERSION: "protocol_version: the server does not speak this TLS version",
    INSUFFICIENT_SECURITY: "insufficient_security: the server wants stronger suites",
}
_ALERT, _HANDSHAKE = 21, 22
_RECORD_TYPES = (20, _ALERT, _HANDSHAKE, 23)


AttemptOutcome = t.Literal[
    "accepted", "refused", "alert", "closed", "timeout", "dns", "connect", "proxy", "not_tls", "failed_later",
    "not_offerable", "not_tried",
]  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """How one handshake ended.

    ``accepted``: ``yes`` only for a completed handshake with this suite, ``no`` only for an alert that says so.
    ``outcome``: ``accepted``, ``refused``, ``alert``, ``closed``, ``timeout``, ``dns``, ``connect``, ``proxy``,
    ``not_tls``, ``failed_later`` (the server chose the suite, then something else went wrong), ``not_offerable``,
    ``not_tried``.
    """

    suite: str
    version: int
    accepted: Accepted
    outcome: AttemptOutcome
    detail: str
    alert: int | None = None
    proxy_status: int | None = None
    seconds: float = 0.0
    certificate: dict[str, t.Any] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """How the server is reached: through the proxy where there is one."""

    target: tunnel.Endpoint
    addresses: tuple[tunnel.Address, ...]
    """Of the proxy where there is one, else of the target."""
    server_name: str
    proxy: tunnel.Endpoint | None = None
    timeout: float = 10.0
    """Seconds for one whole handshake, the connection included."""
    ca_file: str | None = None


def offer(
    way: Route, suite: str, with_certificate: bool = False, group: str | None = None, signature: str | None = None
) -> Attempt:
    """Makes one handshake, with one group or signature algorithm alone where one is given. Errors: only
    ``tls_library.LibraryError``; the network's come as outcomes."""
    version = tls_library.version_of(suite)
    started = time.monotonic()

    def ended(accepted: Accepted, outcome: AttemptOutcome, detail: str, **more: t.Any) -> Attempt:
        return Attempt(suite, version, accepted, outcome, detail, seconds=round(time.monotonic() - started, 3), **more)

    if not tls_library.can_offer(suite):
        return ended("unknown", "not_offerable", "The TLS library cannot offer this suite.")
    deadline = started + way.timeout
    verification = tls_library.Verification() if with_certificate else None
    context = tls_library.context_for(suite, verification, way.ca_file)
    if not tls_library.narrow(context, group, signature):
        return ended("unknown", "not_offerable", "The TLS library cannot offer this group or signature algorithm.")
    connection = SSL.Connection(context, None)
    if not _is_address(way.server_name):
        connection.set_tlsext_host_name(way.server_name.encode("ascii"))
    connection.set_connect_state()
    try:
        sock = tunnel.connect(way.addresses, way.proxy or way.target, deadline)
        with sock:
            if way.proxy is not None:
                tunnel.open_tunnel(sock, way.proxy, way.target, deadline)
            first, failure = _shake(connection, sock, deadline)
    except tunnel.WayError as error:
        return ended("unknown", error.kind, str(error), proxy_status=error.status)
    except TimeoutError:
        return ended("unknown", "timeout", f"The handshake took longer than {way.timeout:g} seconds.")
    except OSError as error:
        return ended("unknown", "closed", f"The connection broke: {error.strerror or error}.")
    if failure is None:
        certificate = describe_chain(connection, verification, way.server_name) if verification is not None else None
        return ended("yes", "accepted", "The handshake was completed.", certificate=certificate)
    return _failed(first, failure, ended)


def _shake(connection: SSL.Connection, sock: socket.socket, deadline: float) -> tuple[bytes, str | None]:
    """Drives the handshake. Answers the first bytes that the server sent, and why it failed, if it did."""
    first = b""
    while True:
        failure = finished = None
        try:
            connection.do_handshake()
            finished = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            failure = _reason(error)
        if finished:
            _say_goodbye(connection)
        _send(connection, sock, deadline)
        if finished or failure is not None:
            return first, failure
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        received = sock.recv(65536)
        if not received:
            return first, "closed"
        if len(first) < 16:
            first += received[:16]
        connection.bio_write(received)


def _say_goodbye(connection: SSL.Connection) -> None:
    """Ends the connection in TLS, so that the server does not log a broken one."""
    try:
        connection.shutdown()
    except SSL.Error:
        pass  # the handshake is what was measured


def _send(connection: SSL.Connection, sock: socket.socket, deadline: float) -> None:
    while True:
        try:
            data = connection.bio_read(65536)
        except SSL.WantReadError:
            return
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        sock.sendall(data)


def _reason(error: SSL.Error) -> str:
    """OpenSSL's reason texts, without anything that the server wrote."""
    parts = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(part[-1]) for part in parts)[:200] or "the handshake failed"


def _failed(first: bytes, failure: str, ended: t.Callable[..., Attempt]) -> Attempt:
    if not first:
        return ended("unknown", "closed", "The server closed the connection without an answer.")
    if first[0] not in _RECORD_TYPES or first[1:2] not in (b"\x03", b""):
        return ended("unknown", "not_tls", "The server's answer is not TLS.")
    if first[0] == _ALERT and len(first) >= 7:
        alert = first[6]
        if alert in _REFUSALS:
            return ended("no", "refused", f"Alert {alert}, {_REFUSALS[alert]}.", alert=alert)
        return ended("unknown", "alert", f"The server ended the handshake with alert {alert}.", alert=alert)
    if first[0] == _HANDSHAKE:
        return ended("unknown", "failed_later", f"The server chose the suite, then the handshake failed: {failure}.")
    return ended("unknown", "closed", f"The handshake ended without an alert: {failure}.")


def _is_address(name: str) -> bool:
    """Whether a server name is an IP address; those have no place in the name extension of a Client Hello."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
            return True
        except OSError:
            continue
    return False
