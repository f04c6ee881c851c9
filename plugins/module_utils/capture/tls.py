# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What one direction of a TCP connection says: a proxy's CONNECT, then TLS records, handshakes and alerts.

Fed with bytes in order, however they are cut. Wire formats: RFC 5246, RFC 8446, RFC 7301; CONNECT: RFC 9110, 9.3.6.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

HELLO_RETRY: t.Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The Server Hello random that makes it a HelloRetryRequest (RFC 8446, 4.1.3)."""
LARGEST_RECORD = (1 << 14) + 2048
LARGEST_HANDSHAKE = 1 << 18
LARGEST_HEADER = 16_384
MOST_MESSAGES = 16
"""Hellos, answers and alerts that are kept of one direction; a connection has two or three."""

SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, ALPN, VERSIONS, KEY_SHARE, ECH = 0, 10, 11, 13, 16, 43, 51, 0xFE0D
_CONNECT = re.compile(rb"CONNECT ([!-~]{1,300}) HTTP/1\.[01]\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_HEADER = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([^\r\n]{0,200})", re.MULTILINE)


@dataclass(slots=True)
class ClientHello:
    """Numbers as on the wire, in order; GREASE values (RFC 8701) are left out everywhere but in the counts."""

    time: int
    record_version: int
    version: int
    suites: list[int]
    extensions: list[int]
    groups: list[int]
    signatures: list[int]
    point_formats: list[int]
    alpn: list[bytes]
    versions: list[int]
    """What the extension supported_versions names; empty where there is none."""
    server_name: str | None
    encrypted: bool
    """Whether it carries an encrypted Client Hello, so that the name shown is the outer one."""
    key_shares: list[int] = field(default_factory=list)


@dataclass(slots=True)
class ServerHello:
    time: int
    version: int
    """The version chosen: 771 for TLS 1.2, 772 for TLS 1.3."""
    suite: int
    extensions: list[int]
    group: int | None
    retry: bool


@dataclass(slots=True)
class Alert:
    time: int
    level: int
    description: int


@dataclass(slots=True)
class Connect:
    """What stood before TLS: what the client asked a proxy for, or what the proxy answered."""

    time: int
    target: str | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class HandshakeSide:
    """All of one direction."""

    kind: str = ""
    """``tls``, ``http``, ``other``; empty where nothing was said."""
    connect: Connect | None = None
    client_hellos: list[ClientHello] = field(default_factory=list)
    server_hellos: list[ServerHello] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)
    certificate_time: int = 0
    key_exchange_group: int | None = None
    """Named group of a ServerKeyExchange over elliptic curves."""
    asked_for_certificate: bool = False
    change_cipher: bool = False
    application: bool = False
    """Whether application data was seen; reading ends there."""
    first_application: int = 0
    """Bytes of its first record: in TLS 1.3 a Finished has 53 or 69, an alert 19."""
    first_time: int = 0
    damaged: str | None = None
    lost_in: str | None = None
    """What a gap fell into: ``hello`` where the first message could not be read."""


def grease(number: int) -> bool:
    """Whether a number is one of RFC 8701's reserved ones."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


class HandshakeReader:
    """Reads one direction. ``feed`` and ``gap`` say whether there is more to be learnt from it."""

    __slots__ = ("_buffer", "_handshake", "_poisoned", "_state", "said")

    def __init__(self) -> None:
        self.said = HandshakeSide()
        self._buffer = bytearray()
        self._handshake = bytearray()
        self._state = "start"
        self._poisoned = False

    def feed(self, data: bytes, time: int) -> bool:
        """The next bytes. False when nothing more is looked for."""
        if self._state == "done":
            return False
        if not self.said.first_time:
            self.said.first_time = time
        self._buffer += data
        if self._state == "start" and not self._begin(time):
            return self._state != "done"
        if self._state == "http" and not self._http(time):
            return self._state != "done"
        if self._state == "tls":
            self._records(time)
        return self._state != "done"

    def gap(self, missing: int, following: bytes) -> bool:
        """``missing`` bytes are not there, ``following`` comes next. False when nothing more is looked for.

        Within a record whose length is known its end is known too; elsewhere reading goes on where a record seems to
        start.
        """
        if self._state == "done":
            return False
        buffer = self._buffer
        wanted = 5 + (buffer[3] << 8 | buffer[4]) - len(buffer) if len(buffer) >= 5 else 0
        if self._state == "tls" and missing <= wanted:
            buffer += bytes(missing)
            self._poisoned = True
            self._records(0)
            return self._state != "done"
        self._note_loss()
        if self._state in ("tls", "start") and _is_record(following):
            self.said.kind = self._state = "tls"
            buffer.clear()
            self._handshake.clear()
            self._poisoned = False
            return True
        self._finish()
        return False

    def _note_loss(self) -> None:
        if self.said.lost_in is None:
            self.said.lost_in = "later" if self.said.client_hellos or self.said.server_hellos else "hello"

    def _finish(self) -> None:
        self._state = "done"
        self._buffer.clear()
        self._handshake.clear()

    # Before TLS -----------------------------------------------------------------------------------------------------

    def _begin(self, time: int) -> bool:
        """Decides by the first bytes; False where more are needed or none are wanted."""
        head = bytes(self._buffer[:8])
        if _is_record(head) or (len(head) < 3 and head[:1] in (b"\x16", b"\x15") and b"\x03".startswith(head[1:2])):
            if len(head) < 3:
                return False
            self._state, self.said.kind = "tls", "tls"
            return True
        for start in (b"CONNECT ", b"HTTP/1."):
            if head.startswith(start[: len(head)]):
                if len(head) < len(start):
                    return False
                self._state, self.said.kind = "http", "http"
                return True
        self.said.kind = "other"
        self._finish()
        return False

    def _http(self, time: int) -> bool:
        """The head of a CONNECT or of its answer; True when TLS may follow at once."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_HEADER:
                self.said.damaged = "an HTTP header without an end"
                self._finish()
            return False
        head = bytes(self._buffer[: end + 2])
        del self._buffer[: end + 4]
        headers = {
            name.decode("ascii").lower(): printable(value)
            for name, value in _HEADER.findall(head)
            if name.lower() in _TELLING
        }
        asked = _CONNECT.match(head)
        if asked is not None:
            self.said.connect = Connect(time, target=asked.group(1).decode("ascii"), headers=headers)
            self._state = "start"
            return self._next(time)
        answered = _STATUS.match(head)
        if answered is None:
            self.said.damaged = "an HTTP header that is none"
            self._finish()
            return False
        status = int(answered.group(1))
        if 100 <= status < 200 and status != 101:
            return self._http(time)
        if self.said.connect is None or self.said.connect.status == 407:
            self.said.connect = Connect(time, status=status, headers=headers)
        if status == 407:
            self._skip_body(head)
        self._state = "start" if 200 <= status < 300 or status == 407 else "done"
        return self._state == "start" and self._next(time)

    def _next(self, time: int) -> bool:
        """After an HTTP head: another one (authentication takes several rounds) or TLS."""
        return bool(self._buffer) and self._begin(time) and (self._state == "tls" or self._http(time))

    def _skip_body(self, head: bytes) -> None:
        """The page that comes with a 407, as far as it has come."""
        found = re.search(rb"(?im)^content-length:[ \t]*([0-9]{1,7})", head)
        if found is not None:
            del self._buffer[: int(found.group(1))]

    # TLS ------------------------------------------------------------------------------------------------------------

    def _records(self, time: int) -> None:
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= 5:
            kind, major = buffer[at], buffer[at + 1]
            length = buffer[at + 3] << 8 | buffer[at + 4]
            if not 20 <= kind <= 24 or major != 3 or length > LARGEST_RECORD:
                self.said.damaged = "a TLS record that is none"
                self._finish()
                return
            if kind == 23:
                self.said.application = True
                self.said.first_application = length
                self._finish()  # all that follows is encrypted
                return
            if len(buffer) - at < 5 + length:
                break
            body = bytes(buffer[at + 5 : at + 5 + length])
            version = buffer[at + 1] << 8 | buffer[at + 2]
            at += 5 + length
            if self._poisoned:
                self._poisoned = False
                if kind != 23:
                    self._note_loss()
                self._handshake.clear()
            elif kind == 22:
                self._handshakes(body, version, time)
            elif kind == 21:
                self._alert(body, time)
            elif kind == 20:
                self.said.change_cipher = True
                self._handshake.clear()
        del buffer[:at]

    def _alert(self, body: bytes, time: int) -> None:
        if len(body) == 2 and body[0] in (1, 2) and len(self.said.alerts) < MOST_MESSAGES:
            self.said.alerts.append(Alert(time, body[0], body[1]))

    def _handshakes(self, body: bytes, version: int, time: int) -> None:
        if self.said.change_cipher:
            # Encrypted, unless it is a second hello after a dummy change_cipher_spec (RFC 8446, D.4).
            if len(body) < 42 or body[0] not in (1, 2) or int.from_bytes(body[1:4], "big") != len(body) - 4:
                return
            self._handshake.clear()
        whole = self._handshake
        whole += body
        at = 0
        while len(whole) - at >= 4:
            length = int.from_bytes(whole[at + 1 : at + 4], "big")
            if length > LARGEST_HANDSHAKE:
                self.said.damaged = "a handshake message of impossible length"
                self._finish()
                return
            if len(whole) - at < 4 + length:
                break
            self._message(whole[at], bytes(whole[at + 4 : at + 4 + length]), version, time)
            at += 4 + length
        del whole[:at]

    def _message(self, kind: int, body: bytes, version: int, time: int) -> None:
        said = self.said
        try:
            if kind == 1 and len(said.client_hellos) < MOST_MESSAGES:
                said.client_hellos.append(client_hello(body, version, time))
            elif kind == 2 and len(said.server_hellos) < MOST_MESSAGES:
                said.server_hellos.append(server_hello(body, time))
            elif kind == 11 and said.server_hellos and not said.certificates:
                said.certificates, said.certificate_time = certificates(body), time
            elif kind == 12 and len(body) >= 3 and body[0] == 3:
                said.key_exchange_group = body[1] << 8 | body[2]
            elif kind == 13:
                said.asked_for_certificate = True
        except (IndexError, ValueError) as error:
            said.damaged = f"a handshake message that contradicts itself ({error})"


_TELLING = frozenset({b"via", b"proxy-agent", b"server", b"proxy-authenticate", b"user-agent", b"x-squid-error"})
"""Headers that tell which proxy answers and what it wants; credentials are never among them."""


def printable(value: bytes) -> str:
    return "".join(char if char.isprintable() else "?" for char in value.decode("utf-8", "replace")).strip()


def _is_record(head: bytes) -> bool:
    """Whether bytes look like the start of a TLS record."""
    if len(head) < 3:
        return False
    if head[0] not in (20, 21, 22, 23) or head[1] != 3 or head[2] > 4:
        return False
    return len(head) < 5 or 0 < (head[3] << 8 | head[4]) <= LARGEST_RECORD


class _Reader:
    """Vectors of a handshake message; a length that does not fit raises ValueError."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise ValueError("a length that reaches beyond its end")
        part = self.data[self.at : self.at + count]
        self.at += count
        return part

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))

    @property
    def left(self) -> int:
        return len(self.data) - self.at


def _numbers(data: bytes) -> list[int]:
    if len(data) % 2:
        raise ValueError("a list of odd length")
    return [data[at] << 8 | data[at + 1] for at in range(0, len(data), 2)]


def client_hello(body: bytes, record_version: int, time: int) -> ClientHello:
    """The body of a Client Hello message. Raises ValueError where a length is wrong."""
    reader = _Reader(body)
    version = reader.number(2)
    reader.take(32)
    reader.vector(1)
    suites = _numbers(reader.vector(2))
    reader.vector(1)
    extensions = _extensions(reader)
    names = dict(reversed(extensions))
    shares = _Reader(_Reader(names[KEY_SHARE]).vector(2)) if KEY_SHARE in names else None
    key_shares = []
    while shares is not None and shares.left:
        key_shares.append(shares.number(2))
        shares.vector(2)
    return ClientHello(
        time=time,
        record_version=record_version,
        version=version,
        suites=[number for number in suites if not grease(number)],
        extensions=[kind for kind, _data in extensions if not grease(kind)],
        groups=_list_of(names.get(GROUPS)),
        signatures=_list_of(names.get(SIGNATURES)),
        point_formats=list(_Reader(names[POINT_FORMATS]).vector(1)) if POINT_FORMATS in names else [],
        alpn=_alpn(names.get(ALPN)),
        versions=_versions(names.get(VERSIONS)),
        server_name=_server_name(names.get(SERVER_NAME)),
        encrypted=ECH in names,
        key_shares=[number for number in key_shares if not grease(number)],
    )


def server_hello(body: bytes, time: int) -> ServerHello:
    """The body of a Server Hello or HelloRetryRequest. Raises ValueError where a length is wrong."""
    reader = _Reader(body)
    version = reader.number(2)
    random = reader.take(32)
    if not 0x7F00 <= version <= 0x7F1F:  # drafts of TLS 1.3 up to 21 have no session id here
        reader.vector(1)
    suite = reader.number(2)
    if not 0x7F00 <= version <= 0x7F1F:
        reader.take(1)
    extensions = _extensions(reader)
    names = dict(reversed(extensions))
    chosen = names.get(VERSIONS, b"")
    share = names.get(KEY_SHARE, b"")
    return ServerHello(
        time=time,
        version=chosen[0] << 8 | chosen[1] if len(chosen) == 2 else version,
        suite=suite,
        extensions=[kind for kind, _data in extensions],
        group=share[0] << 8 | share[1] if len(share) >= 2 else None,
        retry=random == HELLO_RETRY,
    )


def certificates(body: bytes) -> list[bytes]:
    """The certificates (DER) of a TLS 1.2 Certificate message, leaf first; at most ten."""
    reader = _Reader(_Reader(body).vector(3))
    found: list[bytes] = []
    while reader.left and len(found) < 10:
        found.append(reader.vector(3))
    return found


def _extensions(reader: _Reader) -> list[tuple[int, bytes]]:
    if reader.left < 2:
        return []
    inner = _Reader(reader.vector(2))
    found = []
    while inner.left:
        kind = inner.number(2)
        found.append((kind, inner.vector(2)))
    return found


def _list_of(data: bytes | None) -> list[int]:
    return [] if data is None else [number for number in _numbers(_Reader(data).vector(2)) if not grease(number)]


def _versions(data: bytes | None) -> list[int]:
    return [] if data is None else [number for number in _numbers(_Reader(data).vector(1)) if not grease(number)]


def _alpn(data: bytes | None) -> list[bytes]:
    if data is None:
        return []
    reader = _Reader(_Reader(data).vector(2))
    found: list[bytes] = []
    while reader.left:
        found.append(reader.vector(1))
    return found


def _server_name(data: bytes | None) -> str | None:
    if not data:
        return None
    reader = _Reader(_Reader(data).vector(2))
    while reader.left:
        kind, name = reader.number(1), reader.vector(2)
        if kind == 0:
            return printable(name)[:255]
    return None
