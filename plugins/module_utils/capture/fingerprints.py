# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Fingerprints of a Client Hello, by which other tools know it: JA3 and JA4.

JA3: github.com/salesforce/ja3 (BSD-3-Clause). JA4 of the client: github.com/FoxIO-LLC/ja4, technical_details/JA4.md
(BSD-3-Clause; the other fingerprints of that family are under another licence and are not made here).
"""

from __future__ import annotations

import hashlib

from ansible_collections.fleetops.tetra.plugins.module_utils.capture.tls import ClientHello

_JA4_VERSIONS = {772: "13", 771: "12", 770: "11", 769: "10", 768: "s3", 2: "s2"}


def ja3(hello: ClientHello) -> tuple[str, str]:
    """(the string, its MD5)."""
    lists = (hello.suites, hello.extensions, hello.groups, hello.point_formats)
    text = ",".join([str(hello.version), *("-".join(map(str, numbers)) for numbers in lists)])
    return text, hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


def ja4(hello: ClientHello) -> str:
    """The fingerprint over TCP."""
    version = _JA4_VERSIONS.get(max(hello.versions, default=hello.version), "00")
    name = "d" if 0 in hello.extensions else "i"
    suites = ",".join(sorted(f"{number:04x}" for number in hello.suites))
    rest = ",".join(sorted(f"{number:04x}" for number in hello.extensions if number not in (0, 16)))
    if hello.signatures:
        rest += "_" + ",".join(f"{number:04x}" for number in hello.signatures)
    first = hello.alpn[0] if hello.alpn else b""
    return "_".join(
        (
            f"t{version}{name}{min(len(hello.suites), 99):02d}{min(len(hello.extensions), 99):02d}{_protocol(first)}",
            _hash(suites) if hello.suites else "0" * 12,
            _hash(rest) if hello.extensions else "0" * 12,
        )
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12]


def _protocol(name: bytes) -> str:
    """First and last character of the first ALPN value; of its hexadecimal form where they are no letters or digits."""
    if not name:
        return "00"
    ends = bytes((name[0], name[-1]))
    if all(chr(one).isascii() and chr(one).isalnum() for one in ends):
        return ends.decode("ascii")
    written = name.hex()
    return written[0] + written[-1]
