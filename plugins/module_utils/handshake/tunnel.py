# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The way to a server: name lookup, TCP, and an HTTP proxy's CONNECT, each with a deadline and an error of its own.

The CONNECT is the minimal one of the Tetra updater: request line, ``Host``, blank line. No ``User-Agent``, no
credentials: a proxy that treats those differently would give another answer to a browser than to the updater.
"""

from __future__ import annotations

import dataclasses
import re
import socket
import threading
import time
import typing as t

MAX_ANSWER_BYTES = 16_384

Kind = t.Literal["dns", "connect", "timeout", "proxy", "closed"]
Address = tuple[int, t.Any]
"""Address family and socket address."""

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r|$)")
HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


class WayError(Exception):
    """The server could not be reached; ``kind`` says at which step, the text is one sentence."""

    def __init__(self, kind: Kind, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.status = status
        """What a proxy answered to CONNECT, where it did."""


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """Host (name or address) and port, 1 … 65535."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str, default_port: int | None = None) -> Endpoint:
    """``host``, ``host:port``, ``[address]:port``, with or without ``http://`` in front. Errors: ``ValueError``."""
    rest = text.strip()
    scheme, mark, tail = rest.partition("://")
    if mark:
        if scheme.lower() != "http":
            raise ValueError(f"{scheme}:// is not supported; only plain HTTP is")
        rest = tail.rstrip("/")
    if "@" in rest:
        raise ValueError("user and password in it are not supported; the updater does not send them this way either")
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?", rest)
    if match is None and re.fullmatch(r"[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*", rest):
        host, port = rest, default_port
    elif match is None:
        raise ValueError("it is not host:port")
    else:
        host = match.group(1) or match.group(2)
        port = int(match.group(3)) if match.group(3) else default_port
    if not HOST.fullmatch(host):
        raise ValueError("the host has characters that no host name has")
    if port is None:
        raise ValueError("the port is missing")
    if not 0 < port < 65536:
        raise ValueError("the port must lie between 1 and 65535")
    return Endpoint(host, port)


def resolve(endpoint: Endpoint, timeout: float) -> list[Address]:
    """The addresses of a host in the system's order. Errors: ``WayError`` (``dns``, ``timeout``).

    The system's lookup has no deadline of its own: it runs in a thread that is left behind when it takes too long.
    """
    found: list[Address] = []
    failure: list[str] = []

    def look_up() -> None:
        try:
            for family, _kind, _protocol, _name, address in socket.getaddrinfo(
                endpoint.host, endpoint.port, type=socket.SOCK_STREAM
            ):
                found.append((family, address))
        except (OSError, UnicodeError) as error:
            failure.append(str(getattr(error, "strerror", None) or error))

    worker = threading.Thread(target=look_up, daemon=True)
    worker.start()
    worker.join(timeout)
    if worker.is_alive():
        raise WayError("timeout", f"The name {endpoint.host} was not resolved within {timeout:g} seconds.")
    if not found:
        why = failure[0] if failure else "no address"
        raise WayError("dns", f"The name {endpoint.host} cannot be resolved: {why}.")
    return list(found)


def connect(addresses: t.Sequence[Address], endpoint: Endpoint, deadline: float) -> socket.socket:
    """A TCP connection to the first address that answers; ``deadline`` as ``time.monotonic``. Errors: ``WayError``."""
    last = WayError("connect", f"{endpoint} has no address.")
    for index, (family, address) in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            raise WayError("timeout", f"{endpoint} did not answer in time.")
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(left / (len(addresses) - index))
            sock.connect(address)
            return sock
        except TimeoutError:
            sock.close()
            last = WayError("timeout", f"{endpoint} did not answer in time.")
        except OSError as error:
            sock.close()
            last = WayError("connect", f"No connection to {endpoint}: {error.strerror or error}.")
    raise last


def open_tunnel(sock: socket.socket, proxy: Endpoint, target: Endpoint, deadline: float) -> None:
    """Asks the proxy for a tunnel. Errors: ``WayError`` (``proxy`` with its status, ``timeout``, ``closed``)."""
    sock.settimeout(max(deadline - time.monotonic(), 0.001))
    answer = b""
    try:
        sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii"))
        while not answer.endswith(b"\r\n\r\n"):
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            part = sock.recv(1)  # what follows the blank line belongs to TLS
            if not part:
                raise WayError("closed", f"The proxy {proxy} closed the connection while it was asked for a tunnel.")
            answer += part
            if len(answer) > MAX_ANSWER_BYTES or not b"HTTP/".startswith(answer[:5]):
                raise WayError("proxy", f"{proxy} does not answer like an HTTP proxy.")
    except TimeoutError:
        raise WayError("timeout", f"The proxy {proxy} did not answer to CONNECT in time.") from None
    except OSError as error:
        raise WayError("closed", f"The connection to the proxy {proxy} broke: {error.strerror or error}.") from None
    match = _STATUS.match(answer)
    if match is None:
        raise WayError("proxy", f"{proxy} does not answer like an HTTP proxy.")
    status = int(match.group(1))
    if status != 200:
        meaning = _MEANING.get(status, "")
        raise WayError("proxy", f"The proxy {proxy} refused the tunnel with status {status}{meaning}.", status)


_MEANING = {
    403: " (forbidden by a rule)",
    407: " (it asks for authentication)",
    502: " (it cannot reach the server)",
    504: " (it cannot reach the server)",
}
