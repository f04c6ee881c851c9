# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much HTTP/1.1 as WS-Man uses: POST with a length, connections kept alive."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

MAX_BODY = 4 * 1024 * 1024
"""Bytes. Windows takes 500 KiB envelopes; sealed and with headers they stay far below this."""
SOAP = "application/soap+xml;charset=UTF-8"
_REASONS = {
    200: "",
    400: "Bad Request",
    401: "",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Request Entity Too Large",
    500: "",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class HttpRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def keep_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


class BadRequest(Exception):
    """Not the HTTP that a WS-Man client sends. ``status`` is what it is answered with."""

    def __init__(self, status: int) -> None:
        super().__init__(_REASONS[status])
        self.status = status


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request on a connection; None when the client has closed it. Raises BadRequest."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise BadRequest(400) from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(413) from None
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return HttpRequest(words[0], words[1].partition("?")[0], headers, await _read_body(reader, headers))


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise BadRequest(400)
    if int(length) > MAX_BODY:
        raise BadRequest(413)
    try:
        return await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        raise BadRequest(400) from None


def response(
    status: int, body: bytes = b"", content_type: str = SOAP, headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """The bytes of a response as http.sys frames it."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}"]
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines += [
        "Server: Microsoft-HTTPAPI/2.0",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
