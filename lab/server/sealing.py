# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message encryption over HTTP (MS-WSMV 2.2.9.1): envelopes sealed by the security context of the connection."""

from __future__ import annotations

import re
import struct

from spnego import ContextProxy

MEDIA_TYPE = "multipart/encrypted"
_SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
_PART = re.compile(rb"--\s*Encrypted Boundary\r\n")
_END = re.compile(rb"--\s*Encrypted Boundary--\r\n\Z")
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"Length=(\d+)")


class NotSealed(Exception):
    """The body is not what a sealed message looks like, or its signature is wrong."""


def content_type() -> str:
    return f'{MEDIA_TYPE};protocol="{_SPNEGO}";boundary="Encrypted Boundary"'


def unseal(body: bytes, context: ContextProxy) -> bytes:
    """The envelope of a sealed body. Raises NotSealed."""
    parts = [part for part in _PART.split(_END.sub(b"", body)) if part]
    if not parts or len(parts) % 2:
        raise NotSealed("the parts of the message do not pair up")
    envelope = b""
    for header, payload in zip(parts[::2], parts[1::2], strict=True):
        length = _LENGTH.search(header)
        sealed = payload.removeprefix(_OCTETS)
        if length is None or len(sealed) < 4:
            raise NotSealed("a part has no length or no content")
        size = struct.unpack("<i", sealed[:4])[0]
        try:
            clear = context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
        except Exception as problem:
            raise NotSealed(str(problem)) from None
        if len(clear) != int(length[1]):
            raise NotSealed("a part is not as long as it says")
        envelope += clear
    return envelope


def seal(envelope: bytes, context: ContextProxy) -> bytes:
    """The envelope as a sealed body."""
    sealed = context.wrap_winrm(envelope)
    length = len(envelope) + sealed.padding_length
    head = (
        f"--Encrypted Boundary\r\n\tContent-Type: {_SPNEGO}\r\n"
        f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n"
        "--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n"
    )
    return (
        head.encode()
        + struct.pack("<i", len(sealed.header))
        + sealed.header
        + sealed.data
        + b"--Encrypted Boundary--\r\n"
    )
