# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The certificate chain that a capture shows (TLS 1.2 and older; TLS 1.3 encrypts it): who issued it, and for whom.

Whether a chain is trusted cannot be told from a capture. Read with ``cryptography`` where it is installed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    _DER = Encoding.DER
    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

PUBLIC_AUTHORITIES: t.Final = (
    "HydrantID", "IdenTrust", "QuoVadis", "DigiCert", "GlobalSign", "Amazon", "Baltimore", "Starfield", "GoDaddy",
    "Go Daddy", "Sectigo", "USERTRUST", "Microsoft", "Entrust", "Google Trust Services", "Let's Encrypt", "ISRG",
    "VeriSign", "Comodo", "AAA Certificate Services",
)  # fmt: skip
"""Words in the names of public authorities. Cisco's move to HydrantID below IdenTrust: its field notices FN72111 and
FN72113; the rest are those of the roots that its health checker looks for, and other large ones. That the issuer of the
definition servers is among them is not proven: the option ``issuers`` holds what was learnt on the spot."""


class Chain(t.TypedDict):
    """``names`` are those of the leaf; ``name_matches`` is None where no name was asked for or nothing could be read;
    ``public_authority``: whether an issuer in the chain bears the name of a public authority."""

    subject: str | None
    issuer: str | None
    top_issuer: str | None
    not_before: str | None
    not_after: str | None
    sha256: str
    spki_sha256: str | None
    names: list[str]
    name_matches: bool | None
    public_authority: bool | None
    length: int
    problem: str | None


def describe(chain: list[bytes], name: str | None) -> Chain:
    """The chain as sent, leaf first. Never raises: what cannot be read is said in ``problem``."""
    found: Chain = {
        "subject": None, "issuer": None, "top_issuer": None, "not_before": None, "not_after": None,
        "sha256": hashlib.sha256(chain[0]).hexdigest(), "spki_sha256": None, "names": [], "name_matches": None,
        "public_authority": None, "length": len(chain), "problem": None,
    }  # fmt: skip
    if not HAS_CRYPTOGRAPHY:
        found["problem"] = "The Python library cryptography is not installed, so the certificate was not read."
        return found
    try:
        leaf = x509.load_der_x509_certificate(chain[0])
        found["subject"], found["issuer"] = _name(leaf.subject), _name(leaf.issuer)
        found["not_before"], found["not_after"] = written(leaf.not_valid_before_utc), written(leaf.not_valid_after_utc)
        found["names"] = _names(leaf)
        found["spki_sha256"] = _spki(leaf)
        issuers = [_name(leaf.issuer)]
        for data in chain[1:]:
            issuers.append(_name(x509.load_der_x509_certificate(data).issuer))
    except (ValueError, TypeError, x509.InvalidVersion, OverflowError) as error:
        found["problem"] = f"The certificate cannot be read ({type(error).__name__})."
        return found
    found["top_issuer"] = issuers[-1]
    text = " ".join(issuers).lower()
    found["public_authority"] = any(word.lower() in text for word in PUBLIC_AUTHORITIES)
    if name:
        found["name_matches"] = any(matches(one, name) for one in found["names"])
    return found


def of_pem(chain: list[str], name: str | None = None) -> Chain | None:
    """The same for a chain written as PEM, leaf first; None where there is none that can be read."""
    if not chain or not HAS_CRYPTOGRAPHY:
        return None
    try:
        data = [x509.load_pem_x509_certificate(one.encode("ascii")).public_bytes(_DER) for one in chain[:10]]
    except ValueError:
        return None
    found = describe(data, name)
    return found if found["problem"] is None else None


def points(pem: str) -> list[str]:
    """The plain HTTP addresses that a certificate names for revocation: lists and OCSP responders."""
    if not HAS_CRYPTOGRAPHY:
        return []
    try:
        extensions = x509.load_pem_x509_certificate(pem.encode("ascii")).extensions
    except (ValueError, x509.DuplicateExtension):
        return []
    names: list[x509.GeneralName] = []
    for extension in extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            names += [name for point in extension.value for name in point.full_name or []]
        elif isinstance(extension.value, x509.AuthorityInformationAccess):
            names += [one.access_location for one in extension.value]
    found = [str(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return [url for url in dict.fromkeys(found) if url.startswith("http://") and url.isprintable() and len(url) < 300]


def valid_at(chain: Chain, when: dt.datetime) -> bool | None:
    """Whether the leaf was valid at that time; None where its dates were not read."""
    if chain["not_before"] is None or chain["not_after"] is None:
        return None
    return chain["not_before"] <= written(when) <= chain["not_after"]


def matches(pattern: str, name: str) -> bool:
    """A name of a certificate against a host name; ``*`` stands for one whole first label."""
    pattern, name = pattern.rstrip(".").lower(), name.rstrip(".").lower()
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name


def _name(name: x509.Name) -> str:
    text = name.rfc4514_string()
    return "".join(char if char.isprintable() else "?" for char in text)[:200]


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return [
        *names.get_values_for_type(x509.DNSName)[:50],
        *map(str, names.get_values_for_type(x509.IPAddress)[:50]),
    ]


def _spki(leaf: x509.Certificate) -> str | None:
    """SHA-256 of the public key, by which operators pin a server."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import PublicFormat

    try:
        data = leaf.public_key().public_bytes(_DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return hashlib.sha256(data).hexdigest()
