# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real TLS client that offers exactly the cipher suites it is told to, in that order, for TLS 1.2 and TLS 1.3.

pyOpenSSL, because Python's own ``ssl`` cannot choose the TLS 1.3 suites before Python 3.15. OpenSSL takes the
IANA names. What OpenSSL does not implement (RC4, 3DES, DES, EXPORT, SSL 2 kinds) or offers only with a pre-shared
key is left out and named in ``left_out``. No suite that the Tetra servers accept is among them.
"""

from __future__ import annotations

import datetime
import functools
import socket
import time
import typing as t
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from OpenSSL._util import lib as openssl  # curves and signature algorithms have no public setter in pyOpenSSL 26

TLS_1_2 = 771
TLS_1_3 = 772
_TLS_1_3_NAMES = frozenset(
    {
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_128_GCM_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    }
)
_PROTOCOLS = {769: SSL.TLS1_VERSION, 770: SSL.TLS1_1_VERSION, TLS_1_2: SSL.TLS1_2_VERSION, TLS_1_3: SSL.TLS1_3_VERSION}
# Windows curve names (Get-TlsEccCurve) in OpenSSL's spelling; lower case, since Windows pages spell them in two ways.
_CURVES = {"curve25519": "X25519", "nistp256": "P-256", "nistp384": "P-384", "nistp521": "P-521"}
_SIGNATURES = (
    b"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA1:"
    b"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA1:DSA+SHA1:RSA+SHA512:ECDSA+SHA512"
)

Outcome = t.Literal["ok", "alert", "closed", "refused", "timeout", "proxy", "nothing_offered"]


@dataclass(frozen=True)
class HandshakeResult:
    """How one handshake ended.

    outcome: ``ok``; ``alert`` (the server sent a fatal alert, its number is in ``alert``); ``closed`` (the connection
    ended without one); ``refused`` (no TCP connection); ``timeout``; ``proxy`` (CONNECT was refused,
    ``proxy_status`` says how); ``nothing_offered`` (no suite is left that this client can offer: no hello was sent).
    """

    outcome: Outcome
    alert: int | None = None
    version: int | None = None
    suite: str | None = None
    """IANA name of the chosen suite."""
    offered: tuple[int, ...] = ()
    """Suite ids of the Client Hello as sent, signalling values (SCSV, GREASE) left out."""
    left_out: tuple[str, ...] = ()
    proxy_status: int | None = None
    detail: str = field(default="", compare=False)
    chain: tuple[bytes, ...] = field(default=(), compare=False)
    """The certificates that the server sent (DER), leaf first."""


@dataclass(frozen=True)
class Trust:
    """How the client checks the server's certificate. ``at``: what its clock says; ``roots``: whom it trusts;
    ``revocation``: False where the check cannot reach its servers, which refuses any certificate."""

    roots: tuple[x509.Certificate, ...]
    at: datetime.datetime
    revocation: bool = True


@functools.cache
def can_offer(name: str) -> bool:
    """Whether the TLS library can put this IANA suite into a Client Hello without a pre-shared key."""
    if name in _TLS_1_3_NAMES:
        context = SSL.Context(SSL.TLS_METHOD)
        try:
            context.set_tls13_ciphersuites(name.encode())
        except SSL.Error:
            return False
        return True
    if not name.isascii() or not name.replace("_", "").isalnum() or not name.startswith("TLS_") or "PSK" in name:
        return False
    context = SSL.Context(SSL.TLS_METHOD)
    try:
        context.set_cipher_list(f"{name}:@SECLEVEL=0".encode())
    except SSL.Error:
        return False
    return True


def offer(
    host: str,
    port: int,
    suites_in_order: t.Sequence[str],
    versions: t.Collection[int] = (TLS_1_2, TLS_1_3),
    curves: t.Sequence[str] | None = None,
    timeout: float = 5.0,
    *,
    proxy: tuple[str, int] | None = None,
    server_name: str = "tetra-defs.amp.cisco.com",
    server_port: int = 443,
    trust: Trust | None = None,
    request: bytes = b"",
    signatures: t.Sequence[str] | None = None,
) -> HandshakeResult:
    """Makes one handshake and says how it ended. Without ``trust`` the server's certificate is not checked.

    ``request`` is sent after it, and what comes back is read; a reset then gives ``closed`` with ``interrupted``.

    suites_in_order: IANA names without curve suffix. versions: 771 and/or 772 (769, 770 too); a version without any
    suite of its own is not offered. curves: Windows names in order, ``None`` for the library's default; with no curve
    at all the suites that need one are left out. proxy: an HTTP proxy to CONNECT through. timeout: seconds for the
    whole exchange. signatures: signature algorithms as CNG names them, ``None`` for all that Windows has.
    """
    deadline = time.monotonic() + timeout
    groups = None if curves is None else [_CURVES[name.lower()] for name in curves if name.lower() in _CURVES]
    wanted: list[str] = []
    left_out: list[str] = []
    for name in dict.fromkeys(suites_in_order):
        needs_group = name in _TLS_1_3_NAMES or name.startswith("TLS_ECDH")
        usable = can_offer(name) and not (needs_group and groups == []) and _has_version(name, versions)
        (wanted if usable else left_out).append(name)
    if not wanted:
        return HandshakeResult("nothing_offered", left_out=tuple(left_out))
    alerts: list[int] = []
    algorithms = _SIGNATURES if signatures is None else signature_list(signatures)
    if not algorithms:
        return HandshakeResult("nothing_offered", left_out=tuple(left_out))
    context = _context(wanted, versions, groups, alerts, algorithms)
    if trust is not None:
        _check(context, trust)
    connection = SSL.Connection(context, None)
    connection.set_tlsext_host_name(server_name.encode())
    connection.set_connect_state()
    result = functools.partial(HandshakeResult, left_out=tuple(left_out))
    sent: list[int] = []
    try:
        with socket.create_connection(proxy or (host, port), timeout=timeout) as sock:
            if proxy is not None:
                status = _connect_through(sock, f"{server_name}:{server_port}", deadline)
                if status != 200:
                    return result("proxy", proxy_status=status)
            found = _handshake(connection, sock, alerts, deadline, result, sent)
            return _ask(connection, sock, request, found, deadline) if request and found.outcome == "ok" else found
    except TimeoutError:
        return result("timeout", offered=tuple(sent))
    except ConnectionRefusedError as error:
        return result("refused", detail=str(error))
    except OSError as error:
        return result("closed", detail=str(error))


def signature_list(names: t.Sequence[str]) -> bytes:
    """``RSAE-PSS/SHA256`` and its like in OpenSSL's spelling; what it does not know is left out."""
    spelled = (name.replace("RSAE-PSS", "RSA-PSS").replace("/", "+").encode() for name in names)
    known = _SIGNATURES.split(b":")
    return b":".join(dict.fromkeys(name for name in spelled if name in known))


def _has_version(name: str, versions: t.Collection[int]) -> bool:
    if name in _TLS_1_3_NAMES:
        return TLS_1_3 in versions
    if name.endswith(("_SHA256", "_SHA384")):  # new with TLS 1.2
        return TLS_1_2 in versions
    return any(version <= TLS_1_2 for version in versions)


def _context(
    names: t.Sequence[str],
    versions: t.Collection[int],
    groups: list[str] | None,
    alerts: list[int],
    signatures: bytes,
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_info_callback(functools.partial(_note_alert, alerts))
    context.set_options(SSL.OP_NO_TICKET)
    context.set_verify(SSL.VERIFY_NONE)
    modern = [name for name in names if name in _TLS_1_3_NAMES]
    classic = [name for name in names if name not in _TLS_1_3_NAMES]
    sendable = [v for v in sorted(versions) if v in _PROTOCOLS and (modern if v == TLS_1_3 else classic)]
    context.set_min_proto_version(_PROTOCOLS[sendable[0]])
    context.set_max_proto_version(_PROTOCOLS[sendable[-1]])
    context.set_tls13_ciphersuites(":".join(modern).encode())
    # Without a classic suite the list must still hold one; the minimum version keeps it out of the hello.
    context.set_cipher_list(":".join([*(classic or ["TLS_RSA_WITH_AES_128_CBC_SHA"]), "@SECLEVEL=0"]).encode())
    openssl.SSL_CTX_set1_sigalgs_list(context._context, signatures)
    if groups:
        openssl.SSL_CTX_set1_curves_list(context._context, ":".join(groups).encode())
    return context


def _note_alert(alerts: list[int], _connection: SSL.Connection, where: int, value: int) -> None:
    if where & SSL.SSL_CB_ALERT and where & SSL.SSL_CB_READ:
        alerts.append(value & 0xFF)


def _handshake(
    connection: SSL.Connection,
    sock: socket.socket,
    alerts: list[int],
    deadline: float,
    result: t.Callable[..., HandshakeResult],
    sent: list[int],
) -> HandshakeResult:
    offered: tuple[int, ...] = ()
    while True:
        finished = False
        failure = ""
        try:
            connection.do_handshake()
            finished = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            failure = "; ".join(str(part[-1]) for part in error.args[0]) if error.args else "closed"
        outgoing = _drain(connection)
        offered = offered or offered_suites(outgoing)
        sent[:] = offered
        if outgoing:
            sock.sendall(outgoing)
        if finished:
            name = connection.get_cipher_name() or ""
            chain = tuple(one.public_bytes(Encoding.DER) for one in _chain(connection))
            version = _version_number(connection)
            return result("ok", version=version, suite=_iana_name(name), offered=offered, chain=chain)
        if failure and not offered:
            return result("nothing_offered", detail=failure)
        if failure:
            last = alerts[-1] if alerts else None
            return result("closed" if last is None else "alert", alert=last, offered=offered, detail=failure)
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        incoming = sock.recv(65536)
        if not incoming:
            return result("closed", offered=offered, detail="the server closed the connection")
        connection.bio_write(incoming)


def _chain(connection: SSL.Connection) -> list[x509.Certificate]:
    return list(connection.get_peer_cert_chain(as_cryptography=True) or [])


def _check(context: SSL.Context, trust: Trust) -> None:
    store = context.get_cert_store() or crypto.X509Store()
    for root in trust.roots:
        store.add_cert(crypto.X509.from_cryptography(root))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    store.set_time(trust.at)

    def verified(_connection: SSL.Connection, _one: t.Any, _code: int, _depth: int, good: int) -> bool:
        return bool(good) and trust.revocation

    context.set_verify(SSL.VERIFY_PEER, verified)


def _ask(
    connection: SSL.Connection, sock: socket.socket, request: bytes, found: HandshakeResult, deadline: float
) -> HandshakeResult:
    """Sends a request and reads what comes until the other side ends."""
    connection.sendall(request)
    sock.sendall(_drain(connection))
    try:
        while True:
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            incoming = sock.recv(65536)
            if not incoming:
                return found
            connection.bio_write(incoming)
    except ConnectionResetError:
        return replace(found, outcome="closed", detail="interrupted")


def _drain(connection: SSL.Connection) -> bytes:
    data = b""
    while True:
        try:
            data += connection.bio_read(65536)
        except SSL.WantReadError:
            return data


def _connect_through(sock: socket.socket, target: str, deadline: float) -> int:
    """The minimal CONNECT of the Tetra updater: request line, Host, blank line. Returns the status, 0 for nonsense."""
    sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        part = sock.recv(1)  # byte by byte: what follows the blank line belongs to TLS
        if not part or len(answer) > 16384:
            return 0
        answer += part
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def offered_suites(client_hello: bytes) -> tuple[int, ...]:
    """The suite ids of a TLS record that holds a Client Hello; signalling values are left out. Empty if it is none."""
    if len(client_hello) < 44 or client_hello[0] != 22 or client_hello[5] != 1:
        return ()
    session = 43
    start = session + 1 + client_hello[session]
    length = int.from_bytes(client_hello[start : start + 2], "big")
    body = client_hello[start + 2 : start + 2 + length]
    ids = (int.from_bytes(body[i : i + 2], "big") for i in range(0, len(body) - 1, 2))
    return tuple(number for number in ids if number not in (0x00FF, 0x5600) and number & 0x0F0F != 0x0A0A)


def _version_number(connection: SSL.Connection) -> int:
    return int(connection.get_protocol_version())


@functools.cache
def _names_of_openssl() -> dict[str, str]:
    """OpenSSL's own suite names by IANA name, asked from the library; it accepts both and reports its own."""
    found: dict[str, str] = {}
    for key in ("RSA", "ECDHE_RSA", "ECDHE_ECDSA", "DHE_RSA", "DHE_DSS"):
        for rest in (
            "AES_256_GCM_SHA384",
            "AES_128_GCM_SHA256",
            "AES_256_CBC_SHA384",
            "AES_256_CBC_SHA256",
            "AES_128_CBC_SHA256",
            "AES_256_CBC_SHA",
            "AES_128_CBC_SHA",
            "NULL_SHA256",
            "NULL_SHA",
            "NULL_MD5",
            "CHACHA20_POLY1305_SHA256",
        ):
            name = f"TLS_{key}_WITH_{rest}"
            if can_offer(name):
                context = SSL.Context(SSL.TLS_METHOD)
                context.set_tls13_ciphersuites(b"")
                context.set_cipher_list(f"{name}:@SECLEVEL=0".encode())
                listed = SSL.Connection(context, None).get_cipher_list()
                if listed:
                    found[listed[-1]] = name
    return found


def _iana_name(name: str) -> str:
    return name if name in _TLS_1_3_NAMES else _names_of_openssl().get(name, name)
