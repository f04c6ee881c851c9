# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What no endpoint may do to the controller: the limits of an answer, the same on every path.

Windows answers with an envelope of at most the size that the client names (512,000 bytes as pypsrp names it), never
compressed, never with a document type, and never from another place than the one that was asked.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

MAX_BODY = 2 * 1024 * 1024
"""Bytes of one HTTP body, unless a larger envelope was asked for."""
MAX_CONVERSATION = 64 * 1024 * 1024
"""Bytes of all HTTP bodies of one connection to an endpoint."""
MAX_ANSWERS = 5000
"""HTTP answers of one connection. Windows holds an answer back while there is none; one that does not makes us ask."""
MAX_HEADERS = 64 * 1024
"""Bytes of the head of one answer, for the client that counts them itself."""
MAX_ENVELOPE_ELEMENTS = 20_000
"""Elements of a SOAP envelope; an answer of Windows has some fifty, the objects are inside as Base64."""

_DECLARED = re.compile(rb"""<\?xml[^>]{0,80}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def body_limit(envelope_size: t.Any) -> int:
    """Bytes that one answer may have where the client names this envelope size."""
    wanted = envelope_size if isinstance(envelope_size, int) else 0
    return max(MAX_BODY, 2 * wanted)


class Meter:
    """What one endpoint has sent so far on one connection. Raises SessionError where that is too much."""

    def __init__(self, place: object, limit: int = MAX_BODY) -> None:
        self.place = place
        self.limit = limit
        self._total = 0
        self._answers = 0

    def head(self, status: int, header: t.Callable[[str], str | None]) -> None:
        """Judges status and headers before anything of the body is read; ``header`` looks one up by its name."""
        if 300 <= status < 400:
            raise SessionError(
                "session",
                f"{self.place} answers with an HTTP redirect ({status}), which no Windows does: not followed, since "
                "another machine would be taken for it.",
            )
        coding = (header("content-encoding") or "").strip().lower()
        if coding not in ("", "identity"):
            raise SessionError(
                "session", f"{self.place} sends a compressed answer, which nobody asked for: not unpacked."
            )
        length = (header("content-length") or "").strip()
        if length.isdecimal() and (len(length) > 12 or int(length) > self.limit):
            raise self.too_large()

    def take(self, size: int) -> None:
        """Counts a body that was read."""
        self._total += size
        self._answers += 1
        if self._answers > MAX_ANSWERS:
            raise SessionError("session", f"{self.place} keeps answering and never comes to an end: given up.")
        if size > self.limit or self._total > MAX_CONVERSATION:
            raise self.too_large()

    def too_large(self) -> SessionError:
        return SessionError(
            "session", f"{self.place} sends more than an answer can hold ({self.limit} bytes): not read any further."
        )


def check_envelope(envelope: bytes, place: object) -> None:
    """Refuses what no Windows sends before an XML parser sees it. Raises SessionError."""
    start = envelope[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    declared = _DECLARED.match(start)
    foreign = declared is not None and declared[1].lower() not in (b"utf-8", b"utf8")
    if foreign or b"\0" in start[:8] or b"<!DOCTYPE" in envelope or b"<!ENTITY" in envelope:
        raise SessionError("session", f"{place} gave an answer that is not WS-Man or PSRP.")
    if envelope.count(b"<") > 2 * MAX_ENVELOPE_ELEMENTS:
        raise SessionError("session", f"{place} gave an answer of too many parts: not read any further.")
