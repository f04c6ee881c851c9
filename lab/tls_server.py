# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real TLS server on loopback that accepts only the suites it is given, as the Tetra servers do.

RSA certificate, Diffie-Hellman groups of RFC 7919, TLS 1.2 and 1.3, and on request a plain HTTP CONNECT proxy in
front. It runs in daemon threads and is a context manager::

    with TlsServer(["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"], proxy=True) as server:
        offer(server.host, server.port, [...], proxy=(server.host, server.proxy_port))
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import functools
import socket
import struct
import tempfile
import threading
import types
import typing as t
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from OpenSSL._util import lib as openssl  # the curve list has no public setter in pyOpenSSL 26

TLS_1_2 = 771
TLS_1_3 = 772
_TLS_1_3_PREFIXES = ("TLS_AES_", "TLS_CHACHA20_")
_CURVES = {"curve25519": "X25519", "nistp256": "P-256", "nistp384": "P-384", "nistp521": "P-521",
           "ffdhe2048": "ffdhe2048"}  # fmt: skip
SIGNATURES = b"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
SERVER_NAME = "tetra-defs.amp.cisco.com"
CISCO = "CN=HydrantID Server CA O1,OU=HydrantID Trusted Certificate Service,O=IdenTrust,C=US"
"""An issuer as Cisco's field notices FN72111 and FN72113 name it; that the definition servers have it is inferred."""
REVOCATION_LIST = "http://validation.identrust.com/crl/hydrantidcao1.crl"
AFTER_HELLO = ("reset", "silence", "page", "fault", "cut")
"""In place of an answer: a reset, nothing, a web page, alert 80; ``cut``: a handshake, data, then a reset."""


class TlsServer:
    """Accepts TLS connections in the background until closed.

    suites: IANA names. versions: 771 and/or 772, each offered only where it has a suite. dh_bits: 2048, 3072, 4096.
    curves: Windows names, None for the library's default. signatures: what it signs with, in OpenSSL's spelling; by
    default not SHA1, as on every server of today. proxy: also listen as an HTTP proxy on ``proxy_port``;
    proxy_status: what the proxy answers to CONNECT (anything but 200 opens no tunnel). authority: distinguished name
    (RFC 4514) of the authority that issues the certificate; without it the certificate is self-signed.
    """

    def __init__(
        self,
        suites: t.Sequence[str],
        *,
        versions: t.Collection[int] = (TLS_1_2, TLS_1_3),
        dh_bits: int = 2048,
        curves: t.Sequence[str] | None = None,
        signatures: bytes = SIGNATURES,
        proxy: bool = False,
        proxy_status: int = 200,
        timeout: float = 10.0,
        authority: str | None = None,
        after_hello: str | None = None,
    ) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.proxy_port: int | None = None
        self.handshakes = 0
        """Completed handshakes so far."""
        self.connect_targets: list[str] = []
        """What clients asked the proxy for, in order."""
        self.authority_certificate = _identity(authority)[2]
        self._after_hello = after_hello
        self._context = _context(suites, versions, dh_bits, curves, signatures, authority)
        self._with_proxy = proxy
        self._proxy_status = proxy_status
        self._timeout = timeout
        self._listeners: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> TlsServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> TlsServer:
        """Binds free ports on 127.0.0.1 and serves until ``close``."""
        self.port = self._listen(self._serve)
        if self._with_proxy:
            self.proxy_port = self._listen(self._serve_proxy)
        return self

    def close(self) -> None:
        """Stops listening; connections under way end by themselves."""
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._listeners.clear()

    def _listen(self, serve: t.Callable[[socket.socket], None]) -> int:
        listener = socket.create_server((self.host, 0), backlog=512)
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, serve: t.Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connected, _peer = listener.accept()
            except OSError:
                return
            connected.settimeout(self._timeout)
            threading.Thread(target=self._guard, args=(connected, serve), daemon=True).start()

    def _guard(self, connected: socket.socket, serve: t.Callable[[socket.socket], None]) -> None:
        # A client may vanish at any moment; that ends its connection and nothing else.
        with connected, contextlib.suppress(OSError, SSL.Error):
            serve(connected)

    def _instead(self, connected: socket.socket) -> None:
        connected.recv(65536)
        if self._after_hello == "silence":
            with contextlib.suppress(TimeoutError):
                while connected.recv(65536):
                    pass
        elif self._after_hello == "page":
            connected.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<html>blocked</html>\r\n")
        elif self._after_hello == "fault":
            connected.sendall(b"\x15\x03\x03\x00\x02\x02\x50")
        else:
            _reset(connected)

    def _serve(self, connected: socket.socket) -> None:
        if self._after_hello not in (None, "cut"):
            self._instead(connected)
            return
        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        while True:
            try:
                connection.do_handshake()
                break
            except SSL.WantReadError:
                _send_pending(connection, connected)
            except SSL.Error:
                _send_pending(connection, connected)  # the alert
                connected.shutdown(socket.SHUT_WR)
                return
            received = connected.recv(65536)
            if not received:
                return
            connection.bio_write(received)
        _send_pending(connection, connected)
        with self._lock:
            self.handshakes += 1
        request = b""
        while b"\r\n\r\n" not in request and len(request) < 65536:
            received = connected.recv(65536)
            if not received:
                return
            connection.bio_write(received)
            with contextlib.suppress(SSL.WantReadError):
                request += connection.recv(65536)
        if self._after_hello == "cut":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + bytes(2000))
            _send_pending(connection, connected)
            _reset(connected)
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        _send_pending(connection, connected)

    def _serve_proxy(self, connected: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request and len(request) < 65536:
            received = connected.recv(65536)
            if not received:
                return
            request += received
        words = request.split(b"\r\n", 1)[0].split()
        with self._lock:
            self.connect_targets.append(words[1].decode("ascii", "replace") if len(words) > 1 else "")
        if words[:1] != [b"CONNECT"] or self._proxy_status != 200:
            status = self._proxy_status if words[:1] == [b"CONNECT"] else 405
            connected.sendall(f"HTTP/1.1 {status} Refused\r\nContent-Length: 0\r\n\r\n".encode())
            return
        connected.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection((self.host, self.port), timeout=self._timeout) as upstream:
            upstream.sendall(request.partition(b"\r\n\r\n")[2])
            back = threading.Thread(target=_pump, args=(upstream, connected), daemon=True)
            back.start()
            _pump(connected, upstream)
            back.join(self._timeout)


def _reset(connected: socket.socket) -> None:
    """Ends the connection by a reset in place of an end."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def _send_pending(connection: SSL.Connection, connected: socket.socket) -> None:
    with contextlib.suppress(SSL.WantReadError):
        while True:
            connected.sendall(connection.bio_read(65536))


def _context(
    suites: t.Sequence[str],
    versions: t.Collection[int],
    dh_bits: int,
    curves: t.Sequence[str] | None,
    signatures: bytes,
    authority: str | None = None,
) -> SSL.Context:
    modern = [name for name in suites if name.startswith(_TLS_1_3_PREFIXES)]
    classic = [name for name in suites if not name.startswith(_TLS_1_3_PREFIXES)]
    served = [v for v in (TLS_1_2, TLS_1_3) if v in versions and (modern if v == TLS_1_3 else classic)]
    if not served:
        raise ValueError("a TLS server needs at least one suite of a version that it serves")
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(served[0])
    context.set_max_proto_version(served[-1])
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_tls13_ciphersuites(":".join(modern).encode())
    context.set_cipher_list(":".join([*(classic or ["TLS_RSA_WITH_AES_128_CBC_SHA"]), "@SECLEVEL=0"]).encode())
    key, certificate, issuer = _identity(authority)
    context.use_privatekey(key)
    context.use_certificate(certificate)
    if issuer is not None:
        context.add_extra_chain_cert(issuer)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "dh.pem")
        path.write_bytes(_dh_parameters(dh_bits))
        context.load_tmp_dh(str(path))
    openssl.SSL_CTX_set1_sigalgs_list(context._context, signatures)
    if curves is not None:
        names = ":".join(_CURVES[name.lower()] for name in curves)
        openssl.SSL_CTX_set1_curves_list(context._context, names.encode())
    return context


@functools.cache
def _identity(authority: str | None = None) -> tuple[rsa.RSAPrivateKey, x509.Certificate, x509.Certificate | None]:
    """(key, certificate, the authority's own) once a process and authority; making a key takes longer than a handshake.

    Without an authority the certificate is self-signed.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER_NAME)])
    if authority is None:
        return key, _certificate(name, key, name, key, SERVER_NAME), None
    above = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issuer = x509.Name.from_rfc4514_string(authority)
    return key, _certificate(name, key, issuer, above, SERVER_NAME), _certificate(issuer, above, issuer, above)


def _certificate(
    subject: x509.Name, key: rsa.RSAPrivateKey, issuer: x509.Name, signer: rsa.RSAPrivateKey, host: str | None = None
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
    )
    if host is None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        if issuer != subject:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(REVOCATION_LIST)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(signer, hashes.SHA256())


# RFC 7919, appendix A: p = 2^b - 2^(b-64) + ([2^(b-130) * e] + offset) * 2^64 - 1, generator 2.
_OFFSETS = {2048: 560316, 3072: 2625351, 4096: 5736041}


def safe_prime(bits: int) -> int:
    """The prime of the RFC 7919 group of that size (ffdhe2048, ffdhe3072, ffdhe4096)."""
    if bits not in _OFFSETS:
        raise ValueError(f"no Diffie-Hellman group of {bits} bits here; use one of {sorted(_OFFSETS)}")
    scale = 64  # extra bits, so that the rounding of the series does not reach the bits that count
    term = euler = 1 << (bits - 130 + scale)
    divisor = 1
    while term:
        term //= divisor
        euler += term
        divisor += 1
    return (1 << bits) - (1 << (bits - 64)) + ((euler >> scale) + _OFFSETS[bits]) * (1 << 64) - 1


@functools.cache
def _dh_parameters(bits: int) -> bytes:
    """PKCS #3 parameters as PEM. Written by hand: cryptography is about to drop finite-field Diffie-Hellman."""
    body = _der(0x02, _unsigned(safe_prime(bits))) + _der(0x02, _unsigned(2))
    text = base64.encodebytes(_der(0x30, body)).decode()
    return f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n".encode()


def _unsigned(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content
