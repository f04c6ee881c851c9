# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an endpoint that means harm answers a client that has logged in. No Windows does any of it."""

from __future__ import annotations

import gzip
import typing as t
import zlib

from ansible_collections.fleetops.tetra.lab.server import http, soap

ELSEWHERE = "/wsman-elsewhere"
"""Where the redirects lead: to a service that answers as a healthy machine would."""
_HUGE = 600 * 1024 * 1024
_BLOCK = b" " * (1024 * 1024)

Chunks = t.Iterator[bytes]


def attack(kind: str, request: soap.Request, place: str) -> Chunks:
    """The bytes that are sent instead of the answer, piece by piece. Redirects keep the connection open."""
    return ATTACKS[kind](request, place)


def _redirect(status: int, with_location: bool = True) -> t.Callable[[soap.Request, str], Chunks]:
    def answer(request: soap.Request, place: str) -> Chunks:
        headers = (("Location", f"{place}{ELSEWHERE}"),) if with_location else ()
        # A client that does not look at the status takes this for the answer to its question.
        body = soap.answer(request, f"{soap.TRANSFER}CreateResponse", "", "saxwp")
        yield http.response(status, body, headers=headers)

    return answer


def _head(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 ", f"Content-Type: {http.SOAP}", *headers, "", ""]).encode()


def _declared_huge(request: soap.Request, place: str) -> Chunks:
    yield _head(f"Content-Length: {_HUGE}")
    yield from _blocks()


def _undeclared_huge(request: soap.Request, place: str) -> Chunks:
    yield _head("Connection: close")
    yield from _blocks()


def _chunked_huge(request: soap.Request, place: str) -> Chunks:
    yield _head("Transfer-Encoding: chunked")
    for block in _blocks():
        yield f"{len(block):x}\r\n".encode() + block + b"\r\n"
    yield b"0\r\n\r\n"


def _blocks() -> Chunks:
    for _number in range(_HUGE // len(_BLOCK)):
        yield _BLOCK


def _bomb(coding: str, pack: t.Callable[[bytes], bytes]) -> t.Callable[[soap.Request, str], Chunks]:
    def answer(request: soap.Request, place: str) -> Chunks:
        body = pack(b" " * (64 * 1024 * 1024))
        yield _head(f"Content-Encoding: {coding}", f"Content-Length: {len(body)}") + body

    return answer


def _many_headers(request: soap.Request, place: str) -> Chunks:
    yield b"HTTP/1.1 200 \r\n"
    for number in range(200_000):
        yield f"X-Filler-{number}: {'x' * 200}\r\n".encode()


def _entities(request: soap.Request, place: str) -> Chunks:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    body = f'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY e0 "ha">{levels}]><b>&e8;</b>'.encode()
    yield http.response(200, body)


def _wrapped(inner: bytes) -> t.Callable[[soap.Request, str], Chunks]:
    def answer(request: soap.Request, place: str) -> Chunks:
        whole = soap.answer(request, f"{soap.TRANSFER}CreateResponse", "@", "saxwp")
        yield http.response(200, whole.replace(b"@", inner))

    return answer


ATTACKS: dict[str, t.Callable[[soap.Request, str], Chunks]] = {
    **{f"redirect_{status}": _redirect(status) for status in (301, 302, 303, 307, 308)},
    "redirect_nowhere": _redirect(300, with_location=False),
    "not_modified": _redirect(304, with_location=False),
    "huge_declared": _declared_huge,
    "huge_undeclared": _undeclared_huge,
    "huge_chunked": _chunked_huge,
    "gzip_bomb": _bomb("gzip", gzip.compress),
    "deflate_bomb": _bomb("deflate", zlib.compress),
    "many_headers": _many_headers,
    "entity_bomb": _entities,
    "many_elements": _wrapped(b"<x/>" * 200_000),
    "deep_elements": _wrapped(b"<x>" * 100_000 + b"</x>" * 100_000),
}
