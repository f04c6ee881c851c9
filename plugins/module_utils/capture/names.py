# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Numbers on the wire and their names: alerts, groups, signature algorithms, versions, extensions.

Names: IANA's registries "TLS Alerts", "TLS Supported Groups", "TLS SignatureScheme"; Windows' names of curves:
learn.microsoft.com, Get-TlsEccCurve. The meanings of alerts here are this collection's reading.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import cipher_suites

ALERTS: t.Final[dict[int, str]] = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 112: "unrecognized_name", 113: "bad_certificate_status_response",
    115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip

MEANINGS: t.Final[dict[int, str]] = {
    40: "nothing in common: cipher suite, group or signature algorithm; or a front end that does not know the name",
    42: "the client rejected the certificate",
    43: "the client rejected the certificate",
    44: "the client found the certificate revoked",
    45: "the client found the certificate expired or not yet valid: a wrong clock, or an old certificate",
    46: "the client rejected the certificate",
    47: "the other side could not accept a value of the hello: rather a middlebox's parser than a policy",
    48: "the client does not know the authority: a root is missing, or somebody in between shows its own certificate",
    49: "the server wants a client certificate that it accepts",
    70: "no protocol version in common",
    71: "the server wants stronger cipher suites than were offered",
    80: "a fault of the server or of a middlebox, for example one that cannot reach the server itself",
    112: "the server does not know the name that was asked for",
}

GROUPS: t.Final[dict[int, str]] = {
    19: "secp192r1", 21: "secp224r1", 22: "secp256k1", 23: "secp256r1", 24: "secp384r1", 25: "secp521r1",
    26: "brainpoolP256r1", 27: "brainpoolP384r1", 28: "brainpoolP512r1", 29: "x25519", 30: "x448",
    256: "ffdhe2048", 257: "ffdhe3072", 258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192",
    4587: "SecP256r1MLKEM768", 4588: "X25519MLKEM768", 4589: "SecP384r1MLKEM1024",
}  # fmt: skip
WINDOWS_CURVES: t.Final[dict[str, int]] = {
    "nistp192": 19, "nistp224": 21, "nistp256": 23, "nistp384": 24, "nistp521": 25, "secp256k1": 22,
    "brainpoolp256r1": 26, "brainpoolp384r1": 27, "brainpoolp512r1": 28, "curve25519": 29,
}  # fmt: skip
"""Windows' names in lower case → group number."""

SIGNATURES: t.Final[dict[int, str]] = {
    0x0101: "rsa_md5", 0x0201: "rsa_pkcs1_sha1", 0x0202: "dsa_sha1", 0x0203: "ecdsa_sha1", 0x0301: "rsa_sha224",
    0x0302: "dsa_sha224", 0x0303: "ecdsa_sha224", 0x0401: "rsa_pkcs1_sha256", 0x0402: "dsa_sha256",
    0x0403: "ecdsa_secp256r1_sha256", 0x0501: "rsa_pkcs1_sha384", 0x0503: "ecdsa_secp384r1_sha384",
    0x0601: "rsa_pkcs1_sha512", 0x0603: "ecdsa_secp521r1_sha512", 0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384", 0x0806: "rsa_pss_rsae_sha512", 0x0807: "ed25519", 0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256", 0x080A: "rsa_pss_pss_sha384", 0x080B: "rsa_pss_pss_sha512",
}  # fmt: skip
SIGNALLING: t.Final = (0x00FF, 0x5600)
"""TLS_EMPTY_RENEGOTIATION_INFO_SCSV and TLS_FALLBACK_SCSV stand among the suites and are none."""


def suite(number: int) -> str:
    """A suite by its IANA name where it is known here, else by its number."""
    return cipher_suites.NAMES.get(number) or f"0x{number:04x}"


def group(number: int) -> str:
    return GROUPS.get(number) or f"0x{number:04x}"


def signature(number: int) -> str:
    return SIGNATURES.get(number) or f"0x{number:04x}"


def version(number: int) -> str:
    return cipher_suites.PROTOCOL_NAMES.get(number) or f"0x{number:04x}"


def alert(number: int) -> str:
    return ALERTS.get(number) or "unknown"
