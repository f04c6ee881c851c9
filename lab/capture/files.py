# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture files as other tools write them: pcap, pcapng, and Windows traces (ETL) as netsh and pktmon leave them.

The ETL writer follows what is public of the format; Windows itself never read its files.
"""

from __future__ import annotations

import struct
import typing as t
from uuid import UUID

from ansible_collections.fleetops.tetra.lab.capture.wire import Frame

NDISCAP = UUID("2ed6006e-4729-4609-b423-3ee7bcd678ef").bytes_le
PKTMON = UUID("4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac").bytes_le
_EPOCH = 116_444_736_000_000_000


def pcap(rows: t.Iterable[Frame], link: int, *, big_endian: bool = False, nanoseconds: bool = False) -> bytes:
    """A pcap file. ``link``: LINKTYPE number."""
    order = ">" if big_endian else "<"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for row in rows:
        unit = 1_000_000_000 if nanoseconds else 1_000_000
        ticks = round(row.at * unit)
        parts.append(struct.pack(order + "IIII", ticks // unit, ticks % unit, len(row.kept), row.wire))
        parts.append(row.kept)
    return b"".join(parts)


def pcapng(rows: t.Iterable[Frame], link: int, *, big_endian: bool = False, resolution: int = 6) -> bytes:
    """A pcapng file with one interface, a block of an unknown kind, and interface statistics."""
    order = ">" if big_endian else "<"

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", kind) + size + body + size

    options = struct.pack(order + "HHB3xHH", 9, 1, resolution, 0, 0)
    parts = [
        block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack(order + "HHI", link, 0, 0) + options),
        block(9, b"MESSAGE=a journal entry\n"),
    ]
    for row in rows:
        ticks = round(row.at * 10**resolution)
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(row.kept), row.wire)
        parts.append(block(6, head + row.kept))
    parts.append(block(5, struct.pack(order + "III", 0, 0, 0)))
    return b"".join(parts)


def etl(
    rows: t.Sequence[Frame], tool: t.Literal["netsh", "pktmon"], *, wifi: bool = False, packets: bool = True
) -> bytes:
    """A trace with the packets, its buffers of 64 KiB, the records of two processors interleaved."""
    start = 133_000_000_000_000_000 if not rows else round(rows[0].at * 10_000_000) + _EPOCH
    frequency, first = 10_000_000, 5_000_000_000
    size = 65536
    header = bytearray(0x118 + 4)  # and two empty names
    struct.pack_into("<I", header, 0, size)
    struct.pack_into("<I", header, 12, 2)
    struct.pack_into("<Q", header, 16, start)
    struct.pack_into("<III", header, 44, 8, 0, 2400)
    struct.pack_into("<QQI", header, 0x100, frequency, start, 1)
    system = struct.pack("<HBBHHIIQII", 1, 2, 0xC0, 32 + len(header), 0, 0, 0, first, 0, 0)[:32].ljust(32, b"\x00")
    records = [system + bytes(header)]
    for number, row in enumerate(rows):
        stamp = first + round(row.at * 10_000_000) + _EPOCH - start
        if not packets:
            records.append(_event(stamp, UUID(int=7).bytes_le, 1, 0, b"nothing"))
        elif tool == "netsh":
            keyword = (0x10000 if wifi else 1) | 0x40000000 | 0x80000000
            payload = struct.pack("<III", 7, 7, len(row.kept)) + row.kept + bytes(16)
            records.append(_event(stamp, NDISCAP, 1001, keyword, payload))
        else:
            for appearance in (1, 2):  # the same packet at two components
                payload = struct.pack(
                    "<QHHHHHHHIIHH", number + 1, 1, appearance, 2, 2 if wifi else 1, 9 + appearance, 1, 0, 0, 0,
                    row.wire & 0xFFFF, len(row.kept),
                )  # fmt: skip
                records.append(_event(stamp + appearance - 1, PKTMON, 160, 0x10, payload + row.kept))
    made = _buffers([records[:1], records[1::2], records[2::2]], size)
    # BuffersWritten, in the first record behind the first buffer's header.
    struct.pack_into("<I", made, 72 + 32 + 36, len(made) // size)
    return bytes(made)


def _event(stamp: int, provider: bytes, number: int, keyword: int, payload: bytes) -> bytes:
    head = struct.pack("<HBBHHIIQ", 80 + len(payload), 0x13, 0xC0, 0, 0, 4, 8, stamp) + provider
    head += struct.pack("<HBBBBHQQ16s", number, 0, 16, 4, 0, 0, keyword, 0, b"")
    return head + payload


def _buffers(lists: t.Sequence[t.Sequence[bytes]], size: int) -> bytearray:
    found: list[bytes] = []
    for processor, records in enumerate(lists):
        body = b""
        for record in [*records, None]:
            padded = b"" if record is None else record + bytes(-len(record) % 8)
            if record is None or len(body) + len(padded) > size - 72:
                if body:
                    kind = 4 if not found else 0
                    head = struct.pack("<IIIxxxxQQQHHIIHH", size, 72 + len(body), 72 + len(body), 0, len(found), 0,
                                       processor, 1, 0, 72 + len(body), 0, kind)  # fmt: skip
                    found.append((head.ljust(72, b"\x00") + body).ljust(size, b"\xff"))
                body = b""
            body += padded
    return bytearray(b"".join(found))
