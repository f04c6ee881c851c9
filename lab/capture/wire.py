# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations as packets: TCP segments, IPv4 or IPv6 (with fragments), and the link layers of captures.

Also what nets do to packets: other sizes, other order, duplicates, overlaps, loss.
"""

from __future__ import annotations

import ipaddress
import random
import struct
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MSS = 1460
Link = t.Literal["ethernet", "vlan", "qinq", "sll", "sll2", "raw", "null", "wifi", "pppoe"]
LINK_TYPES: dict[Link, int] = {
    "ethernet": 1, "vlan": 1, "qinq": 1, "sll": 113, "sll2": 276, "raw": 101, "null": 0, "wifi": 105, "pppoe": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """One TCP segment. ``at``: seconds since 1970."""

    at: float
    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    acknowledged: int
    flags: int
    data: bytes = b""
    ttl: int = 64
    number: int = 0


@dataclass(frozen=True)
class Frame:
    """A captured frame. ``kept``: what the capture holds; ``wire``: bytes that there were."""

    at: float
    kept: bytes
    wire: int


def segments(one: Conversation, mss: int = MSS, seed: int = 1) -> list[Segment]:
    """The segments of a conversation in the order in which they were sent, acknowledgements among them."""
    chance = random.Random(seed)
    found: list[Segment] = []
    sent = {"client": chance.getrandbits(32), "server": chance.getrandbits(32)}
    ends = {"client": one.client, "server": one.server}
    other: dict[str, str] = {"client": "server", "server": "client"}

    def send(at: float, side: str, flags: int, data: bytes = b"", ttl: int | None = None) -> None:
        found.append(
            Segment(
                one.began + at, ends[side], ends[other[side]], sent[side] & 0xFFFFFFFF,
                sent[other[side]] & 0xFFFFFFFF if flags & ACK else 0, flags, data,
                ttl or (128 if side == "client" else one.server_ttl), len(found),
            )
        )  # fmt: skip
        sent[side] += len(data) + bool(flags & (SYN | FIN))

    send(0.0, "client", SYN)
    if not one.answered:
        if one.refused:
            send(0.001, "server", RST | ACK)
        else:
            for again in (1.0, 3.0):
                found.append(replace(found[0], at=one.began + again))
        return found
    send(0.01, "server", SYN | ACK)
    send(0.011, "client", ACK)
    for event in one.events:
        if event.kind == "reset":
            send(event.at, event.side, RST | ACK, ttl=one.reset_ttl)
        elif event.kind == "fin":
            send(event.at, event.side, FIN | ACK)
        else:
            for start in range(0, len(event.data), mss):
                send(event.at, event.side, PSH | ACK, event.data[start : start + mss])
            send(event.at + 0.0001, other[event.side], ACK)
    return found


def reordered(parts: t.Sequence[Segment], share: float, seed: int) -> list[Segment]:
    """A share of the segments comes up to six places later."""
    chance = random.Random(seed)
    keys = [(number + (chance.uniform(1, 6) if chance.random() < share else 0), number) for number in range(len(parts))]
    order = [number for _key, number in sorted(keys)]
    return [replace(parts[number], at=parts[place].at) for place, number in enumerate(order)]


def duplicated(parts: t.Sequence[Segment], share: float, seed: int) -> list[Segment]:
    """A share of the segments comes a second time, later."""
    chance = random.Random(seed)
    rows = list(enumerate(parts))
    rows += [(number + chance.randint(1, 8), part) for number, part in rows if chance.random() < share]
    rows.sort(key=lambda row: row[0])
    return [replace(part, at=parts[min(number, len(parts) - 1)].at) for number, part in rows]


def overlapping(parts: t.Sequence[Segment], seed: int) -> list[Segment]:
    """Segments that are sent again together with what came before."""
    chance = random.Random(seed)
    found: list[Segment] = []
    last: dict[tuple[str, int], Segment] = {}
    for part in parts:
        found.append(part)
        if part.data:
            before = last.get(part.source)
            if before is not None and chance.random() < 0.5 and before.sequence + len(before.data) == part.sequence:
                found.append(replace(part, sequence=before.sequence, data=before.data + part.data))
            last[part.source] = part
    return found


def without(parts: t.Sequence[Segment], share: float, seed: int) -> list[Segment]:
    """Without a share of the segments that carry data."""
    chance = random.Random(seed)
    return [part for part in parts if not part.data or chance.random() >= share]


def packet(part: Segment, identification: int = 0) -> bytes:
    """The IP packet, checksums right."""
    source, target = ipaddress.ip_address(part.source[0]), ipaddress.ip_address(part.target[0])
    tcp = struct.pack(
        "!HHIIBBHHH", part.source[1], part.target[1], part.sequence, part.acknowledged, 5 << 4, part.flags, 64240, 0, 0
    )
    length = len(tcp) + len(part.data)
    if source.version == 4:
        pseudo = source.packed + target.packed + struct.pack("!BBH", 0, 6, length)
        head = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + length, identification or part.number & 0xFFFF, 0x4000, part.ttl, 6, 0,
            source.packed, target.packed,
        )  # fmt: skip
        head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    else:
        pseudo = source.packed + target.packed + struct.pack("!IHBB", length, 0, 0, 6)
        head = struct.pack("!IHBB16s16s", 6 << 28, length, 6, part.ttl, source.packed, target.packed)
    total = _checksum(pseudo + tcp + part.data)
    return head + tcp[:16] + struct.pack("!H", total) + tcp[18:] + part.data


def fragments(whole: bytes, size: int, identification: int) -> list[bytes]:
    """An IP packet cut into fragments of at most ``size`` bytes of payload (rounded down to eights)."""
    size -= size % 8
    found = []
    if whole[0] >> 4 == 4:
        payload = whole[20:]
        for start in range(0, len(payload), size):
            piece = payload[start : start + size]
            more = 0x2000 if start + size < len(payload) else 0
            head = whole[:2] + struct.pack("!HHH", 20 + len(piece), identification, more | start // 8) + whole[8:10]
            head += b"\x00\x00" + whole[12:20]
            head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
            found.append(head + piece)
        return found
    payload = whole[40:]
    for start in range(0, len(payload), size):
        piece = payload[start : start + size]
        more = 1 if start + size < len(payload) else 0
        extension = struct.pack("!BBHI", whole[6], 0, start | more, identification)
        head = whole[:4] + struct.pack("!HB", 8 + len(piece), 44) + whole[7:40]
        found.append(head + extension + piece)
    return found


def frame(whole: bytes, link: Link) -> bytes:
    """An IP packet below a link layer."""
    six = whole[0] >> 4 == 6
    kind = b"\x86\xdd" if six else b"\x08\x00"
    macs = bytes.fromhex("020000000001020000000002")
    if link == "ethernet":
        return macs + kind + whole
    if link == "vlan":
        return macs + b"\x81\x00\x00\x2a" + kind + whole
    if link == "qinq":
        return macs + b"\x88\xa8\x00\x07\x81\x00\x00\x2a" + kind + whole
    if link == "sll":
        return b"\x00\x00\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00" + kind + whole
    if link == "sll2":
        return kind + b"\x00\x00\x00\x00\x00\x02\x00\x01\x00\x06\x02\x00\x00\x00\x00\x01\x00\x00" + whole
    if link == "null":
        return (b"\x18\x00\x00\x00" if six else b"\x02\x00\x00\x00") + whole
    if link == "wifi":
        return b"\x08\x01\x00\x00" + macs + macs[:6] + b"\x10\x00" + b"\xaa\xaa\x03\x00\x00\x00" + kind + whole
    if link == "pppoe":
        inner = (b"\x00\x57" if six else b"\x00\x21") + whole
        return macs + b"\x88\x64\x11\x00\x00\x01" + struct.pack("!H", len(inner)) + inner
    return whole


def frames(
    parts: t.Iterable[Segment], link: Link = "ethernet", *, snaplen: int = 0, fragment: int = 0
) -> t.Iterator[Frame]:
    """Captured frames. ``snaplen``: bytes kept of each, 0 for all. ``fragment``: payload of an IP fragment at most."""
    for number, part in enumerate(parts, 1):
        whole = packet(part, number & 0xFFFF)
        pieces = fragments(whole, fragment, number & 0xFFFF) if fragment and len(whole) > fragment + 40 else [whole]
        for piece in pieces:
            data = frame(piece, link)
            yield Frame(part.at, data[:snaplen] if snaplen else data, len(data))


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\x00"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
