# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Capture files as a stream of packets, in constant memory: pcap, pcapng, both gzipped, and ETL (``etl.py``).

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng of the IETF. A file that ends or breaks in the middle gives
what came before, and says so in ``Source.problem``.
"""

from __future__ import annotations

import collections.abc as c
import gzip
import struct
import typing as t
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import etl
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError

Packet = tuple[int, int, int, int, bytes, int]
"""(time in ns since 1970, link type as in tcpdump.org's list, bytes on the wire, bytes kept, buffer, offset)."""

CHUNK = 1 << 20
LARGEST_PACKET = 1 << 18
"""Bytes of one packet; tcpdump's own limit is 262,144."""
LARGEST_BLOCK = 16 << 20
DEFAULT_MAX_SIZE = 16 << 30

_PCAP = {
    b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
    b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
    b"\xa1\xb2\xcd\x34": (">", 1000, 24),  # Kuznetzov's format: 8 more bytes a packet
    b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
}
_SECTION = b"\x0a\x0d\x0d\x0a"


@dataclass
class Source:
    """What was learnt of the file while its packets were read."""

    format: str = ""
    """``pcap``, ``pcapng`` or ``etl``."""
    compressed: bool = False
    snaplen: int = 0
    """The smallest limit that the file names, 0 for none."""
    problem: str | None = None
    """Why reading ended early, one sentence."""
    notes: list[str] = field(default_factory=list)


class _Stream:
    """Bytes in order, with a limit on how many are taken in all."""

    def __init__(self, file: t.BinaryIO, max_size: int) -> None:
        self._file = file
        self._left = max_size
        self.over = False
        self.broken: str | None = None

    def read(self, count: int) -> bytes:
        if self._left <= 0:
            self.over = True
            return b""
        try:
            data = self._file.read(min(count, self._left))
        except (OSError, EOFError, zlib.error) as error:
            self.broken = f"it cannot be read further ({error})"
            return b""
        self._left -= len(data)
        return data


def packets(path: Path, source: Source, max_size: int = DEFAULT_MAX_SIZE) -> c.Iterator[Packet]:
    """The packets of a capture in the order of the file (of an ETL file: in order of time).

    ``max_size``: bytes (after decompression) that are read at most. Raises CaptureError where it is none.
    """
    try:
        size = path.stat().st_size
        file: t.BinaryIO = path.open("rb")
    except OSError as error:
        raise CaptureError(f"{path} cannot be opened: {error.strerror or error}.") from error
    with file:
        if size > max_size:
            raise CaptureError(
                f"{path} has {size / 1e9:.1f} GB, more than max_size allows ({max_size / 1e9:.1f} GB): cut it (editcap "
                "-A/-B takes a time range), or raise max_size; memory does not grow with the file."
            )
        start = file.read(2)
        file.seek(0)
        if start == b"\x1f\x8b":
            source.compressed = True
            file = t.cast(t.BinaryIO, gzip.GzipFile(fileobj=file))
        stream = _Stream(file, max_size)
        yield from _opened(path, stream, source)
        if stream.over:
            source.problem = f"Only the first {max_size / 1e9:.1f} GB were read (max_size)."
        elif stream.broken:
            source.problem = f"The file is damaged: {stream.broken}."


def _opened(path: Path, stream: _Stream, source: Source) -> c.Iterable[Packet]:
    """What reads this kind of file. Raises CaptureError."""
    head = stream.read(24)
    if not head:
        raise CaptureError(f"{path} is empty{f': {stream.broken}' if stream.broken else ''}.")
    if head[:4] in _PCAP:
        source.format = "pcap"
        return _pcap(head, stream, source)
    if head[:4] == _SECTION:
        source.format = "pcapng"
        return _pcapng(head, stream, source)
    head += stream.read(etl.HEADER - len(head))
    if etl.looks_like(head):
        source.format = "etl"
        found = etl.read(head, stream.read)
        source.problem = found.problem
        source.notes += found.notes
        return found.packets
    raise CaptureError(f"{path} is no capture: it starts neither like pcap or pcapng nor like a Windows trace (ETL).")


def _pcap(head: bytes, stream: _Stream, source: Source) -> c.Iterator[Packet]:
    order, factor, length = _PCAP[head[:4]]
    if len(head) < 24:
        source.problem = "The file ends within its header."
        return
    source.snaplen, link = struct.unpack(order + "II", head[16:24])
    link &= 0xFFFF
    unpack = struct.Struct(order + "IIII").unpack_from
    buffer, at, size, offset = b"", 0, 0, 24
    while True:
        start = at
        while at + length <= size:
            seconds, fraction, kept, wire = unpack(buffer, at)
            end = at + length + kept
            if end > size:
                break
            yield seconds * 1_000_000_000 + fraction * factor, link, wire, kept, buffer, at + length
            at = end
        offset += at - start
        if at + length <= size and kept > LARGEST_PACKET:
            source.problem = f"The file is damaged at byte {offset}: a packet of {kept} bytes."
            return
        more = stream.read(CHUNK)
        if not more:
            if size > at:
                what = "within the header of a packet" if at + length > size else "within a packet"
                source.problem = f"The file is cut short: it ends {what}, at byte {offset}."
            return
        buffer, at = buffer[at:] + more, 0
        size = len(buffer)


@dataclass
class _Interface:
    link: int
    snaplen: int
    multiply: int = 1000
    divide: int = 1
    offset: int = 0


def _pcapng(head: bytes, stream: _Stream, source: Source) -> c.Iterator[Packet]:
    order = "<"
    interfaces: list[_Interface] = []
    buffer, at, offset = head, 0, 0
    words, enhanced = struct.Struct("<II"), struct.Struct("<IIIII")
    while True:
        left = len(buffer) - at
        if left < 12:
            more = stream.read(CHUNK)
            if not more:
                if left:
                    source.problem = f"The file is cut short: it ends within the head of a block, at byte {offset}."
                return
            buffer, at = buffer[at:] + more, 0
            continue
        if buffer[at : at + 4] == _SECTION:
            mark = buffer[at + 8 : at + 12]
            if mark not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                source.problem = f"The file is damaged at byte {offset}: a section without its byte-order mark."
                return
            order = "<" if mark == b"\x4d\x3c\x2b\x1a" else ">"
            words, enhanced = struct.Struct(order + "II"), struct.Struct(order + "IIIII")
            interfaces = []
        kind, length = words.unpack_from(buffer, at)
        if length < 12 or length % 4 or length > LARGEST_BLOCK:
            source.problem = f"The file is damaged at byte {offset}: a block of {length} bytes."
            return
        if left < length:
            more = stream.read(max(CHUNK, length - left))
            if not more:
                source.problem = f"The file is cut short: it ends within a block, at byte {offset}."
                return
            buffer, at = buffer[at:] + more, 0
            continue
        if kind == 6 and length >= 32:
            number, high, low, kept, wire = enhanced.unpack_from(buffer, at + 8)
            if number < len(interfaces) and kept <= length - 32:
                one = interfaces[number]
                when = one.offset + (high << 32 | low) * one.multiply // one.divide
                yield when, one.link, wire, kept, buffer, at + 28
            else:
                source.problem = f"A packet at byte {offset} contradicts itself and was left out."
        elif kind == 1 and length >= 20:
            interfaces.append(_interface(buffer[at : at + length], order))
            limit = interfaces[-1].snaplen
            source.snaplen = min(limit, source.snaplen) if limit and source.snaplen else limit or source.snaplen
        elif kind == 3 and length >= 16 and interfaces:  # simple packet: no time
            (wire,) = struct.unpack_from(order + "I", buffer, at + 8)
            one = interfaces[0]
            kept = min(wire, length - 16, one.snaplen or wire)
            yield 0, one.link, wire, kept, buffer, at + 12
        elif kind == 2 and length >= 32:  # obsolete packet block
            number, _drops, high, low, kept, wire = struct.unpack_from(order + "HHIIII", buffer, at + 8)
            if number < len(interfaces) and kept <= length - 32:
                one = interfaces[number]
                when = one.offset + (high << 32 | low) * one.multiply // one.divide
                yield when, one.link, wire, kept, buffer, at + 28
        at += length
        offset += length


def _interface(block: bytes, order: str) -> _Interface:
    link, _reserved, snaplen = struct.unpack_from(order + "HHI", block, 8)
    found = _Interface(link, snaplen)
    at, end = 16, len(block) - 4
    while at + 4 <= end:
        code, length = struct.unpack_from(order + "HH", block, at)
        value = block[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == 9 and value:  # if_tsresol
            power, binary = value[0] & 0x7F, value[0] & 0x80
            if binary:
                found.multiply, found.divide = 1_000_000_000, 1 << power
            elif power <= 9:
                found.multiply, found.divide = 10 ** (9 - power), 1
            else:
                found.multiply, found.divide = 1, 10 ** (power - 9)
        elif code == 14 and len(value) == 8:  # if_tsoffset
            found.offset = int(struct.unpack(order + "q", value)[0]) * 1_000_000_000
        at += 4 + length + (-length) % 4
    return found
