# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The certificate that a server showed: who issued it, and whether somebody in between could have.

Traffic to Cisco must not be decrypted on the way. An inspecting proxy shows a certificate of its own authority, which
may be among the trusted roots of this machine; so the roots that Cisco's own health checker looks for are asked too.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake.tls_library import Verification
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import is_cisco_cloud

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from OpenSSL import SSL
except ImportError:  # tls_library.require tells the user
    pass

CISCO_ROOTS: t.Final[dict[str, str]] = {
    "3B1EFD3A66EA28B16697394703A72CA340A05BD5": "Microsoft Root 2010",
    "D69B561148F01C77C54578C10926DF5B856976AD": "GlobalSign",
    "CDD4EEAE6000AC7F40C3802C171E30148030C072": "Microsoft Root",
    "D4DE20D05E66FC53FE1A50882C78DB2852CAE474": "Baltimore",
    "D1EB23A46D17D68FD92564C2F1F1601764D8E349": "AAA Certificate Services",
    "B1BC968BD4F49D622AA89A81F2150152A41D829C": "GlobalSign Root CA",
    "AD7E1C28B064EF8F6003402014C3D0E3370EB58A": "Starfield Class 2",
    "A8985D3A65E5E5C4B2D7D66D40C6DD2FB19C5436": "DigiCert Global Root",
    "4EB6D578499B1CCF5F581EAD56BE3D9B6744A5E5": "VeriSign G5",
    "2796BAE63F1801E277261BA0D77770028F20EEE4": "Go Daddy Class 2",
    "0563B8630D62D75ABBC8AB1E4BDFB5A899B24D43": "DigiCert Assured ID",
    "DDFB16CD4931C973A2037D3FC83A4D7D775D05E4": "DigiCert Trusted G4",
    "CA3AFBCF1240364B44B216208880483919937CF7": "QuoVadis 2",
    "2B8F1B57330DBBA2D07A6C51F70EE90DDAB9AD8E": "USERTrust RSA",
    "F40042E2E5F7E8EF8189FED15519AECE42C3BFA2": "Microsoft Identity Verification 2020",
    "DF717EAA4AD94EC9558499602D48DE5FBCF03A25": "IdenTrust Commercial Root CA 1",
}
"""SHA-1 thumbprints; github.com/CiscoSecurity/amp-05-health-checker-windows, certificates.py (2025-04-15). Roots for
other services and for signed programs are among them, and the list may be older than the servers' certificates."""


def describe_chain(connection: SSL.Connection, verification: Verification, server_name: str) -> dict[str, t.Any]:
    """The chain after a handshake.

    ``{subject, issuer, not_after, sha256, names_match, trusted, root: {name, thumbprint}, problems, chain}``. The root
    is the one that the chain was verified with, or else the issuer of the last certificate sent, without thumbprint.
    """
    sent = [certificate.to_cryptography() for certificate in connection.get_peer_cert_chain() or []]
    if not sent:
        return {
            "subject": None,
            "issuer": None,
            "not_after": None,
            "sha256": None,
            "names_match": None,
            "trusted": None,
            "root": None,
            "problems": ["the server sent no certificate"],
            "chain": [],
        }
    built = [certificate.to_cryptography() for certificate in connection.get_verified_chain() or []]
    trusted = bool(built) and not verification.problems
    top = built[-1] if trusted else sent[-1]
    matches = _matches(sent[0], server_name)
    problems = list(dict.fromkeys(verification.problems))
    if not matches:
        problems.append(f"the certificate is not for {server_name}")
    return {
        "subject": _name(sent[0].subject),
        "issuer": _name(sent[0].issuer),
        "not_after": written(sent[0].not_valid_after_utc),
        "sha256": sent[0].fingerprint(hashes.SHA256()).hex(),
        "names_match": matches,
        "trusted": trusted,
        "root": {
            "name": _name(top.subject if trusted else top.issuer),
            "thumbprint": _thumbprint(top) if trusted else None,
        },
        "problems": problems,
        "chain": [{"subject": _name(one.subject), "issuer": _name(one.issuer)} for one in sent[:10]],
    }


def judge_inspection(host: str, certificate: dict[str, t.Any] | None) -> dict[str, str]:
    """Whether somebody between here and the server decrypts: ``{answer: no|suspected|unknown, why: sentence}``."""
    if certificate is None:
        return {"answer": "unknown", "why": "No handshake was completed, so no certificate was seen."}
    if not is_cisco_cloud(host):
        return {"answer": "unknown", "why": f"{host} is not Cisco's; which authority it should have is not known here."}
    shown = f"The certificate, issued by {certificate['issuer'] or 'nobody'},"
    if not certificate["trusted"]:
        return {"answer": "suspected", "why": f"{shown} leads to no root that this machine trusts."}
    if not certificate["names_match"]:
        return {"answer": "suspected", "why": f"{shown} is not for {host}."}
    root = certificate["root"]
    known = CISCO_ROOTS.get(root["thumbprint"])
    if known is not None:
        return {"answer": "no", "why": f"The certificate leads to {known}, a root that Cisco names."}
    why = f"The certificate leads to {root['name']}, not among the roots that Cisco names; that list may be old."
    return {"answer": "suspected", "why": why}


def _thumbprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


def _name(name: x509.Name) -> str:
    """A distinguished name as one printable line of at most 200 characters."""
    text = name.rfc4514_string()
    return "".join(char if char.isprintable() else "?" for char in text)[:200]


def _matches(certificate: x509.Certificate, server_name: str) -> bool:
    """Whether the certificate is for this name: subject alternative names, ``*`` for one whole first label."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    try:
        address = ipaddress.ip_address(server_name)
    except ValueError:
        wanted = server_name.rstrip(".").lower()
        patterns = [name.rstrip(".").lower() for name in names.get_values_for_type(x509.DNSName)]
        return any(p == wanted or (p.startswith("*.") and wanted.partition(".")[2] == p[2:]) for p in patterns)
    return address in names.get_values_for_type(x509.IPAddress)
