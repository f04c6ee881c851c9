# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's certificates: a small authority of its own, and the wrong certificates that an endpoint may show."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import pathlib
import ssl
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.fleetops.tetra.lab.server.listener import Tls

_DAY = datetime.timedelta(days=1)
_KIND = ""
"""The kind of a certificate that is in order; the others are the values of the fault ``tls_error``."""


@dataclass
class Authority:
    """Issues server certificates for loopback. ``file`` is what clients name as ``ansible_psrp_ca_cert``.

    Keys are elliptic, so that a handshake costs little; a Windows listener has an RSA key as a rule.
    """

    folder: pathlib.Path
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _made: dict[str, Tls] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._certificate = _certificate(self._key.public_key(), "tetra lab authority", self._key, None)
        self.file = self.folder / "lab-ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def listener(self, error: str = _KIND) -> Tls:
        """The context of a listener: in order, or ``expired``, ``self_signed``, ``wrong_name``."""
        if error not in self._made:
            self._made[error] = self._make(error)
        return self._made[error]

    def server_files(self, name: str, certificate: pathlib.Path, key: pathlib.Path) -> None:
        """Certificate and key of another server, for a program of its own."""
        private = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(private.public_key(), name, self._key, self._certificate)
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(
                private.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.TraditionalOpenSSL,
                    serialization.NoEncryption(),
                )
            )

    def _make(self, error: str) -> Tls:
        key = ec.generate_private_key(ec.SECP256R1())
        name = "elsewhere.example" if error == "wrong_name" else "localhost"
        issuer = None if error == "self_signed" else self._certificate
        signer = key if error == "self_signed" else self._key
        certificate = _certificate(key.public_key(), name, signer, issuer, expired=error == "expired")
        path = self.folder / f"listener{'-' + error if error else ''}.pem"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(certificate.public_bytes(serialization.Encoding.PEM))
            stream.write(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(path)
        digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
        return Tls(context, digest)


def _certificate(
    public_key: ec.EllipticCurvePublicKey,
    name: str,
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    expired: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * _DAY)
        .not_valid_after(now - _DAY if expired else now + 30 * _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if name == "tetra lab authority":
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(usage, critical=True)
    else:
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if name == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(signer, hashes.SHA256())
