# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client Hellos written from what is published of them: the note's, and those of Schannel by release.

Releases: github.com/drwetter/testssl.sh, etc/client-simulation.txt (facts of it: suites, extensions, and the JA4 that
other code than ours computed from the bytes there).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation

NOTE_SUITES = (
    0x003C, 0x002F, 0x003D, 0x0035, 0xC013, 0xC014, 0xC02B, 0xC023, 0xC02C, 0xC024, 0xC009, 0xC00A, 0x0040, 0x0032,
    0x006A, 0x0038,
)  # fmt: skip
HOST = b"tetra-defs.amp.cisco.com"


def record(
    suites: Sequence[int],
    version: int = 0x0303,
    groups: Sequence[int] = (23, 24),
    extensions: Sequence[int] = (0, 10, 11, 13),
    extra: Sequence[tuple[int, bytes]] = (),
    signatures: Sequence[int] = (0x0401, 0x0501, 0x0201, 0x0403, 0x0503, 0x0203, 0x0202),
) -> bytes:
    """A Client Hello in one record."""

    def numbers(values: Sequence[int]) -> bytes:
        body = struct.pack(f"!{len(values)}H", *values)
        return struct.pack("!H", len(body)) + body

    name = b"\x00" + struct.pack("!H", len(HOST)) + HOST
    bodies = {
        0: struct.pack("!H", len(name)) + name,
        10: numbers(groups),
        11: b"\x01\x00",
        13: numbers(signatures),
        5: b"\x01\x00\x00\x00\x00",
        0xFF01: b"\x00",
    }
    parts = [(kind, bodies.get(kind, b"")) for kind in extensions] + list(extra)
    block = b"".join(struct.pack("!HH", kind, len(body)) + body for kind, body in parts)
    hello = struct.pack("!H", version) + bytes(range(32)) + b"\x00" + numbers(suites) + b"\x01\x00"
    hello += struct.pack("!H", len(block)) + block
    message = b"\x01" + struct.pack("!I", len(hello))[1:] + hello
    return b"\x16" + struct.pack("!HH", version, len(message)) + message


def note_conversation() -> Conversation:
    """The note's failing stream, with the times and the port that it shows."""
    talk = Conversation(server=("192.0.2.99", 6050))
    talk.say("client", b"CONNECT " + HOST + b":443 HTTP/1.1\r\nHost: " + HOST + b":443\r\n\r\n", 0.001)
    talk.say("server", b"HTTP/1.1 200 Connection established\r\n\r\n", 0.02)
    talk.say("client", record(NOTE_SUITES), 0.005)
    talk.say("server", b"\x15\x03\x03\x00\x02\x02\x28", 0.55)
    return talk.end("server", "fin", 0.001).end("client", "fin", 0.001)


# (suites, extensions, JA4) where the published row holds all that the fingerprint needs.
_RELEASES = {
    "IE 8/9 on Windows 7": (
        0x0301,
        (0x2F, 0x35, 0x5, 0xA, 0xC013, 0xC014, 0xC009, 0xC00A, 0x32, 0x38, 0x13, 0x4),
        (0xFF01, 0, 5, 10, 11),
        "t10d120500_d94e65cdb899_c35b4a14be45",
    ),
}
KNOWN_JA4 = [(name, row[3]) for name, row in _RELEASES.items()]


def known(release: str) -> bytes:
    version, suites, extensions, _ja4 = _RELEASES[release]
    return record(suites, version, extensions=extensions)
