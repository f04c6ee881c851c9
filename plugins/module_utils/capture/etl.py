# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Windows traces (ETL) as ``netsh trace`` and ``pktmon`` write them, as far as their format is public.

Container: what github.com/fox-it/dissect.etl and github.com/airbus-cert/etl-parser read (facts checked on real traces
without packets). Payload of packet events: Microsoft's manifests as recorded in github.com/jdu2600/Windows10EtwEvents,
meaning of keywords and fragments as in github.com/microsoft/etl2pcapng. No trace with packets that Windows itself wrote
was at hand: **unproven against Windows**, and ``notes`` says so.
"""

from __future__ import annotations

import collections.abc as c
import struct
import typing as t
from dataclasses import dataclass, field
from uuid import UUID

HEADER = 72
LARGEST_BUFFER = 16 << 20
MOST_PACKET_BYTES = 512 << 20
"""Packets of an ETL file have to be sorted by time, so they are held; more than this is not."""
_EPOCH = 116_444_736_000_000_000
"""1970 as FILETIME (100 ns since 1601)."""
NDISCAP: t.Final = UUID("2ed6006e-4729-4609-b423-3ee7bcd678ef").bytes_le
PKTMON: t.Final = UUID("4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac").bytes_le
ETHERNET, RAW_IP, WIFI = 1, 101, 105
_WWAN, _NATIVE_WIFI, _TRUNCATED, _END = 0x200, 0x10000, 0x2000000, 0x80000000
UNPROVEN: t.Final = (
    "ETL files are read by what is public of their format; no capture that Windows itself wrote was at hand to prove "
    "it. Where pktmon or etl2pcapng can convert the file, read that."
)

Packet = tuple[int, int, int, int, bytes, int]


@dataclass
class Trace:
    """Packets in order of time, and what was noticed."""

    packets: list[Packet] = field(default_factory=list)
    problem: str | None = None
    notes: list[str] = field(default_factory=lambda: [UNPROVEN])
    events: int = 0
    truncated: int = 0


@dataclass
class _Clock:
    kind: int = 2
    frequency: int = 10_000_000
    start: int = 0
    first: int | None = None

    def nanoseconds(self, stamp: int) -> int:
        if self.kind == 2 or self.first is None:
            filetime = stamp
        else:
            filetime = self.start + (stamp - self.first) * 10_000_000 // max(self.frequency, 1)
        return (filetime - _EPOCH) * 100


def looks_like(head: bytes) -> bool:
    """Whether 72 bytes are the header of a trace's first buffer."""
    if len(head) < HEADER:
        return False
    size, saved = struct.unpack_from("<II", head)
    (kind,) = struct.unpack_from("<H", head, 0x36)
    return bool(HEADER <= saved <= size <= LARGEST_BUFFER and size % 1024 == 0 and kind == 4)


def read(head: bytes, more: c.Callable[[int], bytes]) -> Trace:
    """The packets of a trace whose first 72 bytes are ``head``; ``more`` reads on. Never raises for damaged bytes."""
    trace, clock = Trace(), _Clock()
    parts: dict[tuple[int, int], bytearray] = {}
    found: list[tuple[int, int, bytes, int]] = []
    seen: set[tuple[int, int]] = set()
    held = 0
    while True:
        size, saved = struct.unpack_from("<II", head)
        (flags,) = struct.unpack_from("<H", head, 0x34)
        if not HEADER <= size <= LARGEST_BUFFER:
            trace.problem = "The trace is damaged: a buffer of impossible size."
            break
        body = _exactly(more, size - HEADER)
        if flags & 0x40:
            trace.problem = "The trace holds compressed buffers, which are not supported: convert it on the endpoint."
        else:
            for stamp, link, data, wire in _events(body[: max(0, saved - HEADER)], trace, clock, parts, seen):
                held += len(data)
                if held > MOST_PACKET_BYTES:
                    trace.problem = f"Only the first {MOST_PACKET_BYTES >> 20} MiB of packets were read."
                    break
                found.append((stamp, link, data, wire))
        if len(body) < size - HEADER:
            trace.problem = trace.problem or "The trace is cut short: it ends within a buffer."
            break
        head = _exactly(more, HEADER)
        if len(head) < HEADER or held > MOST_PACKET_BYTES:
            break
    found.sort(key=lambda one: one[0])
    trace.packets = [(clock.nanoseconds(stamp), link, wire, len(data), data, 0) for stamp, link, data, wire in found]
    if trace.truncated:
        trace.notes.append(f"{trace.truncated} packets were cut by the tool that captured: ask for whole packets (0).")
    if not trace.packets and trace.problem is None:
        trace.problem = f"The trace holds {trace.events} events and no packet: it was made without capturing."
    return trace


def _exactly(more: c.Callable[[int], bytes], count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = more(count - len(data))
        if not part:
            break
        data += part
    return data


def _events(
    body: bytes,
    trace: Trace,
    clock: _Clock,
    parts: dict[tuple[int, int], bytearray],
    seen: set[tuple[int, int]],
) -> c.Iterator[tuple[int, int, bytes, int]]:
    at = 0
    while at + 8 <= len(body):
        (word,) = struct.unpack_from("<I", body, at)
        if word == 0xFFFFFFFF:
            return
        kind = body[at + 2]
        (size,) = struct.unpack_from("<H", body, at + (4 if kind in (1, 2, 3, 4, 0x10, 0x11) else 0))
        if size < 8 or at + size > len(body):
            trace.problem = trace.problem or "The trace is damaged: an event of impossible size."
            return
        if kind in (1, 2) and clock.first is None:
            _set_clock(body[at : at + size], clock)
        elif kind in (0x12, 0x13) and size >= 80:
            trace.events += 1
            yield from _event(body[at : at + size], trace, parts, seen)
        at += size + (-size) % 8


def _set_clock(record: bytes, clock: _Clock) -> None:
    """The log file header in the first system record."""
    payload = record[32:]
    if len(record) < 24 or len(payload) < 0x114:
        return
    clock.first = struct.unpack_from("<Q", record, 16)[0]
    clock.frequency, clock.start, clock.kind = struct.unpack_from("<QQI", payload, 0x100)
    if clock.kind == 3:  # processor cycles
        clock.frequency, clock.kind = struct.unpack_from("<I", payload, 52)[0] * 1_000_000, 1
    if clock.kind not in (1, 2):
        clock.kind = 2 if not clock.start else 1


def _event(
    record: bytes, trace: Trace, parts: dict[tuple[int, int], bytearray], seen: set[tuple[int, int]]
) -> c.Iterator[tuple[int, int, bytes, int]]:
    flags, stamp = struct.unpack_from("<H", record, 4)[0], struct.unpack_from("<Q", record, 16)[0]
    provider, number = record[24:40], struct.unpack_from("<H", record, 40)[0]
    keyword = struct.unpack_from("<Q", record, 48)[0]
    at = 80
    while flags & 1 and at + 8 <= len(record):
        _reserved, _type, linkage, length = struct.unpack_from("<HHHH", record, at)
        at += 8 + length + (-(8 + length)) % 8
        if not linkage & 1:
            break
    payload = record[at:]
    if provider == NDISCAP and number == 1001 and len(payload) >= 12:
        mini, lower, length = struct.unpack_from("<III", payload)
        if length > len(payload) - 12:
            trace.problem = trace.problem or "The trace is damaged: a packet longer than its event."
            return
        whole = parts.setdefault((mini, lower), bytearray())
        whole += payload[12 : 12 + length]
        trace.truncated += bool(keyword & _TRUNCATED)
        if not keyword & _END and len(whole) < 1 << 18:
            return
        data = bytes(whole)
        whole.clear()
        link = WIFI if keyword & _NATIVE_WIFI else RAW_IP if keyword & _WWAN else ETHERNET
        yield stamp, link, data, len(data)
    elif provider == PKTMON and number == 160 and len(payload) >= 34:
        group, one = struct.unpack_from("<QH", payload)
        (packet_type,) = struct.unpack_from("<H", payload, 14)
        original, logged = struct.unpack_from("<HH", payload, 30)
        link = {1: ETHERNET, 2: WIFI, 3: RAW_IP}.get(packet_type, -1)
        if link < 0 or (group, one) in seen:  # the same packet is told once a component
            return
        seen.add((group, one))
        trace.truncated += original > logged
        data = payload[34 : 34 + logged]
        yield stamp, link, data, max(original, len(data))
