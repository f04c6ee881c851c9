# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A TLS server of our own that keeps the Client Hello of whoever connects, and ends the handshake properly.

What Windows makes of its settings shows there and nowhere else. The certificate is made for the moment (RSA with 2048
bits, signed with SHA256, as the Tetra servers' are), so a client has to be told not to check it.
"""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import tempfile
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.capture.tls import ClientHello, client_hello
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import NAMES

_SIGNALLING = frozenset({0x00FF, 0x5600})
_RECORD_HEAD, _MESSAGE_HEAD = 5, 4
_SECONDS = 10.0
_PAUSE = 0.02
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Heard:
    """What one program sent. ``suites``: names in order (a number in hexadecimal where it has none); ``versions``: as
    on the wire, 771 and 772; ``groups``, ``signatures``: numbers of IANA; ``finished``: its handshake was complete."""

    suites: tuple[str, ...]
    versions: tuple[int, ...]
    groups: tuple[int, ...]
    signatures: tuple[int, ...]
    finished: bool

    def plain(self) -> dict[str, t.Any]:
        """As it stands among the raw answers of an observation."""
        return {
            "suites": list(self.suites),
            "versions": list(self.versions),
            "groups": list(self.groups),
            "signatures": list(self.signatures),
            "finished": self.finished,
        }


class Listener:
    """A context manager. ``address``: this machine as the endpoint reaches it. Raises OSError where it has none."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.port = 0
        self._server: socket.socket | None = None
        self._heard: list[Heard] = []
        self._idle = threading.Event()
        self._context: ssl.SSLContext | None = None

    def __enter__(self) -> Listener:
        self._context = _context()
        self._server = socket.create_server((self.address, 0))
        self.port = self._server.getsockname()[1]
        self._idle.set()
        threading.Thread(target=self._serve, args=(self._server,), daemon=True).start()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"https://{host}:{self.port}/"

    def forget(self) -> None:
        self._heard.clear()

    def first(self) -> Heard | None:
        """The first hello since the last ``forget``. The program that sent it has ended."""
        self._idle.wait(_SECONDS)
        return self._heard[0] if self._heard else None

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _peer = server.accept()
            except OSError:
                return
            self._idle.clear()
            with connection, contextlib.suppress(OSError):
                self._take(connection)
            self._idle.set()

    def _take(self, connection: socket.socket) -> None:
        connection.settimeout(_SECONDS)
        found = _peek(connection)
        if found is None:
            return
        finished = False
        context = self._context
        with contextlib.suppress(OSError):  # ssl.SSLError is one
            if context is not None:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    # With TLS 1.3 the client's own alert comes only after the handshake of this side.
                    finished = bool(wrapped.recv(1024))
                    wrapped.sendall(_ANSWER)
        self._heard.append(_heard(found, finished))


def _peek(connection: socket.socket) -> ClientHello | None:
    """The first message, left in the socket for the handshake."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        data = connection.recv(65536, socket.MSG_PEEK)
        if not data or data[0] != 22:
            return None
        if len(data) > _RECORD_HEAD and len(data) >= _RECORD_HEAD + int.from_bytes(data[3:5], "big"):
            length = int.from_bytes(data[6:9], "big")
            body = data[_RECORD_HEAD + _MESSAGE_HEAD : _RECORD_HEAD + _MESSAGE_HEAD + length]
            try:
                return client_hello(body, int.from_bytes(data[1:3], "big"), 0) if data[5] == 1 else None
            except ValueError:
                return None
        time.sleep(_PAUSE)  # the rest is on its way
    return None


def _heard(hello: ClientHello, finished: bool) -> Heard:
    suites = tuple(NAMES.get(number, f"0x{number:04X}") for number in hello.suites if number not in _SIGNALLING)
    versions = tuple(sorted(hello.versions or [hello.version]))
    return Heard(suites, versions, tuple(hello.groups), tuple(hello.signatures), finished)


def _context() -> ssl.SSLContext:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fleetops.tetra observation")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "server.pem"
        file.touch(mode=0o600)
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(file)
    return context
