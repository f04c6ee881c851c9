# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Messages to a syslog server: UDP (RFC 5426), TCP with counted octets (RFC 6587), TLS (RFC 5425).

Syslog has no answer. Over TCP and TLS a server that goes away or refuses is noticed, since the connection is ended in
order and its end is waited for; over UDP nobody knows, which is said.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError

Protocol = t.Literal["udp", "tcp", "tls"]
PORTS: t.Final[t.Mapping[str, int]] = {"udp": 514, "tcp": 601, "tls": 6514}
_UDP_MOST: t.Final = 2048
"""RFC 5426, section 3.2: receivers should take 2048 octets."""
_BATCH: t.Final = 64 * 1024


@dataclass(frozen=True)
class Receiver:
    """``timeout``: seconds for each step. ``ca``: a file, ``None`` for the system's."""

    host: str
    port: int
    protocol: Protocol
    ca: str | None = None
    timeout: float = 10.0

    @property
    def name(self) -> str:
        """As sentences name it."""
        return f"{self.host}:{self.port} ({self.protocol})"


def send(receiver: Receiver, messages: Iterable[bytes]) -> int:
    """How many were sent. Errors: TellingError; what was sent until then may have arrived."""
    try:
        return _datagrams(receiver, messages) if receiver.protocol == "udp" else _stream(receiver, messages)
    except ssl.SSLCertVerificationError:
        by = f"the CA file {receiver.ca}" if receiver.ca else "the system's CAs"
        raise TellingError(f"The certificate of the syslog server {receiver.name} cannot be trusted by {by}.") from None
    except ssl.SSLError as error:
        raise TellingError(f"The syslog server {receiver.name} does not speak TLS ({error.reason}).") from None
    except TimeoutError:
        raise TellingError(
            f"The syslog server {receiver.name} does not answer within {receiver.timeout:g} s."
        ) from None
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise TellingError(f"The syslog server {receiver.name} cannot be told: {said}.") from None


def _datagrams(receiver: Receiver, messages: Iterable[bytes]) -> int:
    family, kind, protocol, _name, address = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_DGRAM)[0]
    number = 0
    with socket.socket(family, kind, protocol) as channel:
        channel.settimeout(receiver.timeout)
        channel.connect(address)
        for message in messages:
            channel.send(message if len(message) <= _UDP_MOST else _cut(message))
            number += 1
    return number


def _cut(message: bytes) -> bytes:
    """Cut between two characters."""
    return message[:_UDP_MOST].decode("utf-8", errors="ignore").encode("utf-8")


def _stream(receiver: Receiver, messages: Iterable[bytes]) -> int:
    number = 0
    with contextlib.ExitStack() as closing:
        channel: socket.socket = closing.enter_context(
            socket.create_connection((receiver.host, receiver.port), receiver.timeout)
        )
        if receiver.protocol == "tls":
            context = ssl.create_default_context(cafile=receiver.ca)
            channel = closing.enter_context(context.wrap_socket(channel, server_hostname=receiver.host))
        waiting = bytearray()
        for message in messages:
            waiting += f"{len(message)} ".encode("ascii") + message
            number += 1
            if len(waiting) >= _BATCH:
                channel.sendall(waiting)
                waiting.clear()
        channel.sendall(waiting)
        _end(channel)
    return number


def _end(channel: socket.socket) -> None:
    """Ends the sending side and waits for the server's end, so that a refusal is noticed."""
    if isinstance(channel, ssl.SSLSocket):
        # Some servers close without TLS' own goodbye; a reset is an OSError that is told.
        with contextlib.suppress(ssl.SSLError, TimeoutError):
            channel = channel.unwrap()
    channel.shutdown(socket.SHUT_WR)
    with contextlib.suppress(TimeoutError):
        while channel.recv(4096):
            pass
