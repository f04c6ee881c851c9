# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The TLS library behind handshakes: pyOpenSSL, and a Client Hello that offers one suite of one version.

Why pyOpenSSL: docs/decisions/0010-pyopenssl-for-single-suite-handshakes.md.
"""

from __future__ import annotations

import dataclasses
import functools
import traceback
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import (
    IDS,
    TLS_1_2,
    TLS_1_3,
    algorithms,
)

try:
    from OpenSSL import SSL

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

_SIGNALLING = (0x00FF, 0x5600)


class LibraryError(Exception):
    """The TLS library is missing, too old, or was given files that it cannot read; one sentence."""


@dataclasses.dataclass(slots=True)
class Verification:
    """What the library found when it built the chain of a server's certificate; filled during the handshake."""

    problems: list[str] = dataclasses.field(default_factory=list)


def require() -> None:
    """Errors: ``LibraryError`` where single suites of both versions cannot be offered."""
    if IMPORT_ERROR is not None:
        raise LibraryError("The Python library pyOpenSSL (25.2 or later) is not installed.")
    if not hasattr(SSL.Context, "set_tls13_ciphersuites"):
        raise LibraryError("The installed pyOpenSSL cannot choose TLS 1.3 suites; 25.2 or later can.")


def name_and_version() -> str:
    """The library as it names itself, for the record of a measurement."""
    return SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode("ascii", "replace")


def version_of(suite: str) -> int:
    """The protocol version in which a suite is offered: 772 for TLS 1.3 suites, else 771."""
    return TLS_1_3 if algorithms(suite).tls13 else TLS_1_2


@functools.cache
def can_offer(suite: str) -> bool:
    """Whether a Client Hello can hold this suite, by IANA name, and nothing else.

    Not: unknown names, names with a curve suffix, pre-shared keys, and what OpenSSL was built without.
    """
    if suite not in IDS or "_PSK_" in suite or not suite.startswith("TLS_"):
        return False
    try:
        connection = SSL.Connection(context_for(suite), None)
        connection.set_connect_state()
        connection.do_handshake()
    except SSL.WantReadError:
        return offered_suites(connection.bio_read(65536)) == (IDS[suite],)
    except SSL.Error:
        return False
    return False


def all_offerable() -> tuple[str, ...]:
    """Every suite known here that the library can offer, TLS 1.3 first, then by id."""
    return tuple(sorted(filter(can_offer, IDS), key=lambda name: (version_of(name) == TLS_1_2, IDS[name])))


GROUPS: t.Final[dict[str, str]] = {
    "curve25519": "X25519",
    "NistP256": "P-256",
    "NistP384": "P-384",
    "NistP521": "P-521",
}
"""Groups by the names that Windows has for them, in OpenSSL's spelling."""
SIGNATURES: t.Final[dict[str, str]] = {
    "RSAE-PSS/SHA256": "RSA-PSS+SHA256",
    "RSAE-PSS/SHA384": "RSA-PSS+SHA384",
    "RSAE-PSS/SHA512": "RSA-PSS+SHA512",
    "RSA/SHA256": "RSA+SHA256",
    "RSA/SHA384": "RSA+SHA384",
    "RSA/SHA512": "RSA+SHA512",
    "RSA/SHA1": "RSA+SHA1",
}
"""Signature algorithms for RSA certificates by the names that CNG has for them, in OpenSSL's spelling."""


def narrow(context: SSL.Context, group: str | None, signature: str | None) -> bool:
    """Leaves one group or one signature algorithm in the hello; false where the library cannot."""
    # pyOpenSSL has no public setter for either.
    from OpenSSL._util import lib

    done = True
    if group is not None:
        done = lib.SSL_CTX_set1_curves_list(context._context, GROUPS[group].encode()) == 1
    if signature is not None:
        done = done and lib.SSL_CTX_set1_sigalgs_list(context._context, SIGNATURES[signature].encode()) == 1
    return done


def context_for(suite: str, verification: Verification | None = None, ca_file: str | None = None) -> SSL.Context:
    """A client context that offers this suite alone.

    With ``verification`` the certificate chain is checked against the roots of this machine (or those of ``ca_file``)
    and the findings noted; the handshake goes on whatever they are. Errors: ``LibraryError``, ``SSL.Error``.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if version_of(suite) == TLS_1_3:
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_max_proto_version(SSL.TLS1_3_VERSION)
        context.set_tls13_ciphersuites(suite.encode("ascii"))
    else:
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        # Level 0: whether a server's key or hash is strong enough is not the question here.
        context.set_cipher_list(f"{suite}:@SECLEVEL=0".encode("ascii"))
    if verification is None:
        context.set_verify(SSL.VERIFY_NONE)
        return context
    if ca_file is None:
        context.set_default_verify_paths()
    else:
        try:
            context.load_verify_locations(ca_file)
        except SSL.Error:
            raise LibraryError(f"{ca_file} holds no certificates that can be read.") from None
    context.set_verify(SSL.VERIFY_PEER, functools.partial(_note, verification))
    return context


def _note(
    verification: Verification, _connection: SSL.Connection, _certificate: t.Any, code: int, depth: int, good: int
) -> bool:
    if not good and len(verification.problems) < 20:
        verification.problems.append(f"{_PROBLEMS.get(code, f'error {code}')} (certificate {depth} of the chain)")
    return True


_PROBLEMS: t.Final[dict[int, str]] = {
    9: "not valid yet",
    10: "expired",
    18: "self-signed",
    19: "an unknown root in the chain",
    20: "issuer not known to this machine",
    21: "first certificate cannot be verified",
}
"""X509_V_ERR_… of OpenSSL's x509_vfy.h, in words; those that explain something here."""


def offered_suites(client_hello: bytes) -> tuple[int, ...]:
    """The suite ids in a TLS record that holds a Client Hello, signalling values left out; empty for anything else."""
    if len(client_hello) < 44 or client_hello[0] != 22 or client_hello[5] != 1:
        return ()
    start = 44 + client_hello[43]
    length = int.from_bytes(client_hello[start : start + 2], "big")
    body = client_hello[start + 2 : start + 2 + length]
    ids = (int.from_bytes(body[index : index + 2], "big") for index in range(0, len(body) - 1, 2))
    return tuple(number for number in ids if number not in _SIGNALLING)
