# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""TLS cipher suites: names and ids (IANA TLS parameters), and what a name says about the algorithms behind it.

Suites are always compared as whole names or ids, never by a part of the name.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from functools import lru_cache

TLS_1_0 = 769
TLS_1_1 = 770
TLS_1_2 = 771
TLS_1_3 = 772
PROTOCOL_NAMES = {768: "SSL 3.0", 769: "TLS 1.0", 770: "TLS 1.1", 771: "TLS 1.2", 772: "TLS 1.3"}
"""Protocol numbers as ``Get-TlsCipherSuite`` shows them (wire versions in decimal)."""

IDS: dict[str, int] = {
    "TLS_RSA_WITH_NULL_MD5": 0x0001,
    "TLS_RSA_WITH_NULL_SHA": 0x0002,
    "TLS_RSA_EXPORT_WITH_RC4_40_MD5": 0x0003,
    "TLS_RSA_WITH_RC4_128_MD5": 0x0004,
    "TLS_RSA_WITH_RC4_128_SHA": 0x0005,
    "TLS_RSA_WITH_DES_CBC_SHA": 0x0009,
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": 0x000A,
    "TLS_DHE_DSS_WITH_DES_CBC_SHA": 0x0012,
    "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA": 0x0013,
    "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA": 0x0016,
    "TLS_RSA_WITH_AES_128_CBC_SHA": 0x002F,
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA": 0x0032,
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA": 0x0033,
    "TLS_RSA_WITH_AES_256_CBC_SHA": 0x0035,
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA": 0x0038,
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA": 0x0039,
    "TLS_RSA_WITH_NULL_SHA256": 0x003B,
    "TLS_RSA_WITH_AES_128_CBC_SHA256": 0x003C,
    "TLS_RSA_WITH_AES_256_CBC_SHA256": 0x003D,
    "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256": 0x0040,
    "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA": 0x0062,
    "TLS_DHE_DSS_EXPORT1024_WITH_DES_CBC_SHA": 0x0063,
    "TLS_RSA_EXPORT1024_WITH_RC4_56_SHA": 0x0064,
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256": 0x0067,
    "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256": 0x006A,
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256": 0x006B,
    "TLS_RSA_WITH_AES_128_GCM_SHA256": 0x009C,
    "TLS_RSA_WITH_AES_256_GCM_SHA384": 0x009D,
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256": 0x009E,
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384": 0x009F,
    "TLS_PSK_WITH_AES_128_GCM_SHA256": 0x00A8,
    "TLS_PSK_WITH_AES_256_GCM_SHA384": 0x00A9,
    "TLS_PSK_WITH_AES_128_CBC_SHA256": 0x00AE,
    "TLS_PSK_WITH_AES_256_CBC_SHA384": 0x00AF,
    "TLS_PSK_WITH_NULL_SHA256": 0x00B0,
    "TLS_PSK_WITH_NULL_SHA384": 0x00B1,
    "TLS_AES_128_GCM_SHA256": 0x1301,
    "TLS_AES_256_GCM_SHA384": 0x1302,
    "TLS_CHACHA20_POLY1305_SHA256": 0x1303,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": 0xC009,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": 0xC00A,
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": 0xC012,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": 0xC013,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": 0xC014,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": 0xC023,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": 0xC024,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": 0xC027,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384": 0xC028,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": 0xC02B,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": 0xC02C,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": 0xC02F,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": 0xC030,
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCA8,
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCA9,
    "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256": 0xCCAA,
    # SSL 2.0 kinds, three bytes long; on pages of Windows 7 to 10 1511 only.
    "SSL_CK_RC4_128_WITH_MD5": 0x010080,
    "SSL_CK_RC4_128_EXPORT40_WITH_MD5": 0x020080,
    "SSL_CK_DES_64_CBC_WITH_MD5": 0x060040,
    "SSL_CK_DES_192_EDE3_CBC_WITH_MD5": 0x0700C0,
}
NAMES: dict[int, str] = {number: name for name, number in IDS.items()}

_CURVE_SUFFIX = re.compile(r"_P(256|384|521)$")
_CURVES = {"256": "NistP256", "384": "NistP384", "521": "NistP521"}


@dataclass(frozen=True)
class SuiteAlgorithms:
    """What the name of a suite says. The names of switches are the last parts of the keys below SCHANNEL."""

    tls13: bool
    key_exchange: str | None
    """``ECDHE``, ``DHE``, ``RSA``, ``PSK``; ``None`` for TLS 1.3 suites (not part of the suite) and unknown forms."""
    authentication: str | None
    """``RSA``, ``ECDSA``, ``DSS``, ``PSK``; ``None`` for TLS 1.3 suites and unknown forms."""
    cipher: str | None
    """``AES 128/128``, ``AES 256/256``, ``Triple DES 168``, ``RC4 128/128``, ``NULL``, ``CHACHA20``, ..."""
    hash: str | None
    """``SHA``, ``SHA256``, ``SHA384``, ``MD5``."""
    protocols: tuple[int, ...]
    """Protocol versions that can carry the suite, lowest first."""


def split_curve_suffix(name: str) -> tuple[str, str | None]:
    """``TLS_ECDHE_…_P256`` → the plain name and ``NistP256``; a name without a suffix → itself and ``None``."""
    found = _CURVE_SUFFIX.search(name) if name[-5:-3] == "_P" else None
    if found is None:
        return name, None
    return name[: found.start()], _CURVES[found.group(1)]


def suite_id(name: str) -> int | None:
    """The id of a suite (0 … 2^16-1; SSL 2.0 kinds 3 bytes), ``None`` for an unknown name. Curve suffixes count not."""
    found = IDS.get(name)
    return IDS.get(split_curve_suffix(name)[0]) if found is None else found


def is_tls13(name: str) -> bool:
    """Whether a name is that of a suite of TLS 1.3, as ``algorithms`` says it."""
    return name.startswith(_TLS13_NAMES) and "_WITH_" not in name


_CIPHERS = (
    ("AES_128", "AES 128/128"),
    ("AES_256", "AES 256/256"),
    ("3DES_EDE", "Triple DES 168"),
    ("DES_192_EDE3", "Triple DES 168"),
    ("RC4_128", "RC4 128/128"),
    ("RC4_56", "RC4 56/128"),
    ("RC4_40", "RC4 40/128"),
    ("CHACHA20", "CHACHA20"),
    ("DES", "DES 56/56"),
    ("NULL", "NULL"),
)


_TLS13_NAMES = ("TLS_AES_", "TLS_CHACHA20_")


@lru_cache(maxsize=4096)
def algorithms(name: str) -> SuiteAlgorithms:
    """The algorithms behind a suite name (curve suffix allowed). Unknown forms give ``None`` in the unknown places."""
    plain = split_curve_suffix(name)[0]
    head, separator, tail = plain.partition("_WITH_")
    tls13 = not separator and plain.startswith(_TLS13_NAMES)
    body = tail if separator and head.startswith("TLS_") else plain
    cipher = next((switch for part, switch in _CIPHERS if part in body), None)
    last = plain.rsplit("_", 1)[-1]
    hash_name = last if last in ("SHA", "SHA256", "SHA384", "MD5") else None
    if tls13:
        return SuiteAlgorithms(True, None, None, cipher, hash_name, (TLS_1_3,))
    if not separator or not head.startswith("TLS_"):
        return SuiteAlgorithms(False, None, None, cipher, hash_name, ())
    words = head.split("_")[1:]
    key_exchange = words[0] if words[0] in ("ECDHE", "DHE", "RSA", "PSK") else None
    authentication = words[1] if len(words) > 1 and words[1] in ("RSA", "ECDSA", "DSS") else None
    if key_exchange in ("RSA", "PSK"):
        authentication = key_exchange
    newer = hash_name in ("SHA256", "SHA384")
    protocols = (TLS_1_2,) if newer else (TLS_1_0, TLS_1_1, TLS_1_2)
    return SuiteAlgorithms(False, key_exchange, authentication, cipher, hash_name, protocols)


def describe(names: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """``[{name, id, hex}]`` for a list of names, for output; unknown names have ``id`` ``None``."""
    rows = []
    for name in names:
        number = suite_id(name)
        rows.append({"name": name, "id": number, "hex": None if number is None else f"0x{number:04x}"})
    return rows
