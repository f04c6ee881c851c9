# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From a captured frame to a TCP segment: link layers, IPv4, IPv6 and fragments.

Link types as listed on tcpdump.org/linktypes.html. Checksums are not looked at: sent packets often carry wrong ones.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

ETHERNET, RAW, RAW_BSD, RAW_OPENBSD, SLL, SLL2, NULL, LOOP, IPV4, IPV6, WIFI, RADIOTAP, PPP = (
    1, 101, 12, 14, 113, 276, 0, 108, 228, 229, 105, 127, 9,
)  # fmt: skip
SUPPORTED: t.Final = (ETHERNET, RAW, RAW_BSD, RAW_OPENBSD, SLL, SLL2, NULL, LOOP, IPV4, IPV6, WIFI, RADIOTAP, PPP)
_VLAN = (0x8100, 0x88A8, 0x9100)
_EXTENSIONS = (0, 43, 60, 135, 51)


class Segment(t.NamedTuple):
    """One TCP segment. ``key`` is source, destination and both ports as bytes: 12 (IPv4) or 36 (IPv6)."""

    key: bytes
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    lost: int
    """Bytes of the payload that the capture did not keep."""
    ttl: int


FIN, SYN, RST, ACK = 1, 2, 4, 16


def ip_offset(link: int, data: bytes, at: int, end: int) -> int:
    """Where the IP header starts, -1 where there is none."""
    if link == ETHERNET:
        return _by_type(data, at + 12, end)
    if link in (RAW, RAW_BSD, RAW_OPENBSD, IPV4, IPV6):
        return at
    if link == SLL:
        return _by_type(data, at + 14, end)
    if link == SLL2:
        return _sll2(data, at, end)
    if link in (NULL, LOOP):
        return at + 4
    if link == PPP:
        return _ppp(data, at, end)
    if link == RADIOTAP:
        if end - at < 4:
            return -1
        return _wifi(data, at + int.from_bytes(data[at + 2 : at + 4], "little"), end)
    if link == WIFI:
        return _wifi(data, at, end)
    return -1


def _by_type(data: bytes, at: int, end: int) -> int:
    """After an EtherType field at ``at``; VLAN tags and PPPoE are stepped over."""
    for _depth in range(8):
        if at + 2 > end:
            return -1
        kind = data[at] << 8 | data[at + 1]
        if kind in (0x0800, 0x86DD):
            return at + 2
        if kind in _VLAN:
            at += 4
            continue
        if kind == 0x8864:  # PPPoE session
            return _ppp(data, at + 8, end)
        if kind <= 1500 and data[at + 2 : at + 8] == b"\xaa\xaa\x03\x00\x00\x00":
            at += 8
            continue
        return -1
    return -1


def _sll2(data: bytes, at: int, end: int) -> int:
    if end - at < 20:
        return -1
    kind = data[at] << 8 | data[at + 1]
    if kind in (0x0800, 0x86DD):
        return at + 20
    return _by_type(data, at + 22, end) if kind in _VLAN else -1


def _ppp(data: bytes, at: int, end: int) -> int:
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    return at + 2 if data[at : at + 2] in (b"\x00\x21", b"\x00\x57") and at + 2 < end else -1


def _wifi(data: bytes, at: int, end: int) -> int:
    """An 802.11 data frame. The protected bit is not looked at: what Windows captures is decrypted already."""
    if end - at < 32 or data[at] & 0x0C != 0x08 or data[at] & 0x40:
        return -1
    start = at + (30 if data[at + 1] & 3 == 3 else 24)
    if data[at] & 0x80:
        start += 2 + (4 if data[at + 1] & 0x80 else 0)
    if data[start : start + 6] != b"\xaa\xaa\x03\x00\x00\x00":
        return -1
    return _by_type(data, start + 6, end)


@dataclass(slots=True)
class _Datagram:
    pieces: dict[int, bytes]
    total: int | None
    ttl: int


class Fragments:
    """IP fragments put together again; the first of two that overlap counts. Bounded in number and bytes."""

    MOST = 512
    MOST_BYTES = 8 << 20

    def __init__(self) -> None:
        self._waiting: dict[tuple[bytes, int], _Datagram] = {}
        self._held = 0
        self.given_up = 0

    def add(self, key: tuple[bytes, int], offset: int, last: bool, data: bytes, ttl: int) -> tuple[bytes, int] | None:
        """The whole payload and its TTL when the last missing piece has come."""
        one = self._waiting.get(key)
        if one is None:
            self._make_room()
            one = self._waiting[key] = _Datagram({}, None, ttl)
        if offset not in one.pieces or len(one.pieces[offset]) < len(data):
            self._held += len(data) - len(one.pieces.get(offset, b""))
            one.pieces[offset] = data
        if last:
            one.total = offset + len(data)
        if one.total is None or one.total > 65_535:
            return None
        whole = bytearray()
        for start in sorted(one.pieces):
            piece = one.pieces[start]
            if start > len(whole):
                return None
            whole += piece[len(whole) - start :]
        if len(whole) < one.total:
            return None
        self._drop(key)
        return bytes(whole[: one.total]), one.ttl

    def _make_room(self) -> None:
        while self._waiting and (len(self._waiting) >= self.MOST or self._held > self.MOST_BYTES):
            self.given_up += 1
            self._drop(next(iter(self._waiting)))

    def _drop(self, key: tuple[bytes, int]) -> None:
        self._held -= sum(map(len, self._waiting.pop(key).pieces.values()))


def segment(data: bytes, at: int, end: int, missing: int, fragments: Fragments) -> Segment | None:
    """The TCP segment in an IP packet at ``at``; ``missing`` bytes of the frame were not kept. ``None`` for others."""
    if at < 0 or end - at < 20:
        return None
    version = data[at] >> 4
    if version == 4:
        return _ipv4(data, at, end, missing, fragments)
    if version == 6 and end - at >= 40:
        return _ipv6(data, at, end, missing, fragments)
    return None


def _ipv4(data: bytes, at: int, end: int, missing: int, fragments: Fragments) -> Segment | None:
    header = (data[at] & 15) * 4
    total, _id, place = struct.unpack_from("!HHH", data, at + 2)
    if header < 20 or end - at < header:
        return None
    if total == 0:
        total = end - at + missing  # segmentation offload: the length was not filled in yet
    if total < header:
        return None
    stop = min(end, at + total)
    lost = max(0, at + total - end)
    protocol, ttl, addresses = data[at + 9], data[at + 8], data[at + 12 : at + 20]
    if protocol in (4, 41):  # IP in IP
        return segment(data, at + header, stop, lost, fragments) if place & 0x3FFF == 0 else None
    if protocol != 6:
        return None
    if place & 0x3FFF:
        if lost:
            return None
        key = (addresses + bytes((protocol,)), _id)
        whole = fragments.add(key, (place & 0x1FFF) * 8, not place & 0x2000, data[at + header : stop], ttl)
        return None if whole is None else _tcp(whole[0], 0, len(whole[0]), 0, addresses, whole[1])
    return _tcp(data, at + header, stop, lost, addresses, ttl)


def _ipv6(data: bytes, at: int, end: int, missing: int, fragments: Fragments) -> Segment | None:
    length = data[at + 4] << 8 | data[at + 5]
    total = length + 40 if length else end - at + missing
    stop = min(end, at + total)
    lost = max(0, at + total - end)
    ttl, addresses = data[at + 7], data[at + 8 : at + 40]
    kind, here = data[at + 6], at + 40
    for _depth in range(16):
        if kind == 6:
            return _tcp(data, here, stop, lost, addresses, ttl)
        if kind in (4, 41):
            return segment(data, here, stop, lost, fragments)
        if here + 8 > stop:
            return None
        if kind == 44:
            place, number = struct.unpack_from("!HI", data, here + 2)
            if lost:
                return None
            next_kind = data[here]
            if place & 0xFFF9 == 0:  # a whole packet in one fragment
                kind, here = next_kind, here + 8
                continue
            whole = fragments.add(
                (addresses + bytes((next_kind,)), number), place & 0xFFF8, not place & 1, data[here + 8 : stop], ttl
            )
            if whole is None:
                return None
            return _after_extensions(whole[0], next_kind, addresses, whole[1])
        if kind not in _EXTENSIONS:
            return None
        step = (data[here + 1] + 2) * 4 if kind == 51 else (data[here + 1] + 1) * 8
        kind, here = data[here], here + step
    return None


def _after_extensions(payload: bytes, kind: int, addresses: bytes, ttl: int) -> Segment | None:
    here = 0
    for _depth in range(16):
        if kind == 6:
            return _tcp(payload, here, len(payload), 0, addresses, ttl)
        if kind not in _EXTENSIONS or here + 8 > len(payload):
            return None
        step = (payload[here + 1] + 2) * 4 if kind == 51 else (payload[here + 1] + 1) * 8
        kind, here = payload[here], here + step
    return None


def _tcp(data: bytes, at: int, end: int, lost: int, addresses: bytes, ttl: int) -> Segment | None:
    if end - at < 20:
        return None
    ports = data[at : at + 4]
    sequence, acknowledged = struct.unpack_from("!II", data, at + 4)
    header = (data[at + 12] >> 4) * 4
    if header < 20:
        return None
    payload = data[at + header : end] if at + header < end else b""
    lost = max(0, end + lost - at - header - len(payload))
    return Segment(addresses + ports, sequence, acknowledged, data[at + 13], payload, lost, ttl)
