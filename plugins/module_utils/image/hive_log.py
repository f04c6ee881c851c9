# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Bring a dirty hive up to date with its transaction logs, in memory.

A hive that was not flushed before the disk was copied says so in its base block (two sequence numbers that differ);
what is missing stands in LOG1 and LOG2. The rules are those of Windows as documented in msuhanov's "Windows registry
file format specification": logs in the order of their sequence numbers, entries without a gap, every hash right.
A dirty hive that no log brings up to date is refused: its values would be yesterday's.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    DamagedError,
    ImageError,
    Source,
    read_all,
)

BASE_BLOCK = 4096
SECTOR = 512
LOG_LIMIT = 64 * 1024 * 1024
"""Bytes of one transaction log that are accepted."""
BINS_LIMIT = 512 * 1024 * 1024

TYPE_PRIMARY = 0
TYPES_OLD_LOG = (1, 2)
TYPE_NEW_LOG = 6


@dataclass(frozen=True)
class BaseBlock:
    """The first 512 bytes of a hive or of a log."""

    sequence: tuple[int, int]
    last_written: int
    major: int
    minor: int
    type: int
    root_cell: int
    bins_size: int
    checksum_ok: bool

    @property
    def dirty(self) -> bool:
        """Changes are missing that only the logs have."""
        return self.sequence[0] != self.sequence[1]


@dataclass
class Recovered:
    """A hive that can be read: its bytes with the logs laid over them."""

    source: Source
    root_cell: int
    bins_size: int
    minor_version: int
    logs: list[str] = field(default_factory=list)


class PatchedSource:
    """A source with some pages replaced and, where needed, grown."""

    def __init__(self, parent: Source, pages: dict[int, bytes], size: int) -> None:
        """:param pages: 512-byte pages by their offset, which is a multiple of 512."""
        self._parent = parent
        self._pages = pages
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"The recovered hive ends at {self.size}, but byte {offset + length} is needed.")
        start = offset - offset % SECTOR
        end = -(-(offset + length) // SECTOR) * SECTOR
        available = max(0, min(end, self._parent.size) - start)
        data = bytearray(self._parent.read_at(start, available) if available else b"")
        data.extend(bytes(end - start - len(data)))
        for position in range(start, end, SECTOR):
            page = self._pages.get(position)
            if page is not None:
                data[position - start : position - start + SECTOR] = page
        return bytes(data[offset - start : offset - start + length])


def base_block(data: bytes) -> BaseBlock | None:
    """Read a base block of at least 512 bytes; None when it does not carry the mark of one."""
    if len(data) < SECTOR or data[:4] != b"regf":
        return None
    first, second, written, major, minor, kind, _format, root, size = struct.unpack_from("<IIQIIIIII", data, 4)
    total = 0
    for (word,) in struct.iter_unpack("<I", data[:508]):
        total ^= word
    total = 1 if total == 0 else 0xFFFFFFFE if total == 0xFFFFFFFF else total
    (stored,) = struct.unpack_from("<I", data, 508)
    return BaseBlock((first, second), written, major, minor, kind, root, size, total == stored)


def marvin32(data: bytes) -> int:
    """The 64-bit Marvin hash of a log entry, with the seed that Windows uses for it."""
    low, high = 0x7A4E55C5, 0x82EF4D88
    whole = len(data) & ~3
    tail = 0x80
    for byte in reversed(data[whole:]):
        tail = tail << 8 | byte
    words = (*struct.unpack(f"<{whole // 4}I", data[:whole]), tail, 0)
    mask = 0xFFFFFFFF
    for word in words:
        low = (low + word) & mask
        high ^= low
        low = (((low << 20 | low >> 12) & mask) + high) & mask
        high = (high << 9 | high >> 23) & mask ^ low
        low = (((low << 27 | low >> 5) & mask) + high) & mask
        high = (high << 19 | high >> 13) & mask
    return high << 32 | low


def recover(source: Source, name: str, logs: t.Sequence[tuple[str, Source]]) -> Recovered:
    """Make a hive readable: as it is when it is clean, with its logs applied when it is dirty.

    :param logs: (name, source) of every log that lies beside the hive.
    :raises ImageError: base block damaged, unknown version, or dirty without a usable log.
    """
    block = base_block(source.read_at(0, SECTOR))
    if block is None or not block.checksum_ok:
        raise DamagedError(f"The hive {name} is damaged: the checksum of its base block is wrong.")
    if block.major != 1 or not 3 <= block.minor <= 6 or block.type != TYPE_PRIMARY:
        raise DamagedError(
            f"The hive {name} has the format {block.major}.{block.minor} (type {block.type}), which is not known."
        )
    if not block.dirty:
        _check_bins(block.bins_size, name)
        return Recovered(source, block.root_cell, block.bins_size, block.minor)
    candidates = [(label, log) for label, log in logs if log.size > SECTOR]
    recovered = _apply_new(source, block, candidates) or _apply_old(source, block, candidates)
    if recovered is None:
        seen = ", ".join(label for label, _log in logs) or "no log file lies beside it"
        raise ImageError(
            f"The hive {name} was not closed cleanly and no transaction log brings it up to date ({seen}): "
            "shut Windows down before the image is taken."
        )
    _check_bins(recovered.bins_size, name)
    return recovered


def _check_bins(size: int, name: str) -> None:
    if size < BASE_BLOCK or size % BASE_BLOCK or size > BINS_LIMIT:
        raise DamagedError(f"The hive {name} is damaged: its data has the impossible size {size}.")


def _later(this: int, other: int) -> bool:
    """Whether a sequence number comes after another one, across the overflow at 2^32."""
    return 0 < (this - other) & 0xFFFFFFFF < 0x80000000


def _apply_new(source: Source, block: BaseBlock, logs: t.Sequence[tuple[str, Source]]) -> Recovered | None:
    """Logs of Windows 8.1 and later (HvLE entries)."""
    usable = []
    for label, log in logs:
        header = base_block(log.read_at(0, SECTOR))
        if header is None or not header.checksum_ok or header.type != TYPE_NEW_LOG:
            continue
        if not _later(block.sequence[1], header.sequence[0]):
            usable.append((header, label, log))
    if len(usable) == 2 and _later(usable[0][0].sequence[0], usable[1][0].sequence[0]):
        usable.reverse()
    pages: dict[int, bytes] = {}
    applied: list[str] = []
    following: int | None = None
    bins_size = block.bins_size
    root_cell = block.root_cell
    for header, label, log in usable:
        if following is not None and header.sequence[0] != following:
            break
        sequence = header.sequence[0]
        data = read_all(log, LOG_LIMIT, f"The transaction log {label}")
        position = SECTOR
        while (entry := _new_entry(data, position, sequence)) is not None:
            bins_size = entry.bins_size
            pages.update(entry.pages)
            position += entry.size
            sequence = (sequence + 1) & 0xFFFFFFFF
        if position > SECTOR:
            applied.append(label)
            root_cell = header.root_cell
            following = sequence
    if not applied:
        return None
    patched = PatchedSource(source, pages, max(source.size, BASE_BLOCK + bins_size))
    return Recovered(patched, root_cell, bins_size, block.minor, applied)


@dataclass(frozen=True)
class _Entry:
    size: int
    bins_size: int
    pages: dict[int, bytes]


def _new_entry(data: bytes, position: int, sequence: int) -> _Entry | None:
    """The entry at a position when it is the expected one and whole; None ends the log, which is normal."""
    if position + 40 > len(data) or data[position : position + 4] != b"HvLE":
        return None
    size, _flags, number, bins_size, count, hash1, hash2 = struct.unpack_from("<IIIIIQQ", data, position + 4)
    if number != sequence or size < SECTOR or size % SECTOR or position + size > len(data):
        return None
    if bins_size % BASE_BLOCK or not BASE_BLOCK <= bins_size <= BINS_LIMIT or 40 + 8 * count > size:
        return None
    if marvin32(data[position : position + 32]) != hash2 or marvin32(data[position + 40 : position + size]) != hash1:
        return None
    pages: dict[int, bytes] = {}
    content = position + 40 + 8 * count
    for index in range(count):
        offset, length = struct.unpack_from("<II", data, position + 40 + 8 * index)
        if offset % SECTOR or length % SECTOR or offset + length > bins_size or content + length > position + size:
            return None
        for step in range(0, length, SECTOR):
            pages[BASE_BLOCK + offset + step] = data[content + step : content + step + SECTOR]
        content += length
    return _Entry(size, bins_size, pages)


def _apply_old(source: Source, block: BaseBlock, logs: t.Sequence[tuple[str, Source]]) -> Recovered | None:
    """Logs of Windows up to 8 (a DIRT bitmap, then the dirty sectors)."""
    best: tuple[BaseBlock, str, Source] | None = None
    for label, log in logs:
        header = base_block(log.read_at(0, SECTOR))
        if header is None or not header.checksum_ok or header.type not in TYPES_OLD_LOG or header.dirty:
            continue
        if header.last_written >= block.last_written and (best is None or header.last_written > best[0].last_written):
            best = (header, label, log)
    if best is None:
        return None
    header, label, log = best
    if header.bins_size % BASE_BLOCK or not BASE_BLOCK <= header.bins_size <= BINS_LIMIT:
        return None
    data = read_all(log, LOG_LIMIT, f"The transaction log {label}")
    bitmap_size = header.bins_size // SECTOR // 8
    if data[SECTOR : SECTOR + 4] != b"DIRT" or SECTOR + 4 + bitmap_size > len(data):
        return None
    bitmap = data[SECTOR + 4 : SECTOR + 4 + bitmap_size]
    position = -(-(SECTOR + 4 + bitmap_size) // SECTOR) * SECTOR
    pages: dict[int, bytes] = {}
    for index in range(bitmap_size * 8):
        if bitmap[index >> 3] >> (index & 7) & 1:
            if position + SECTOR > len(data):
                return None
            pages[BASE_BLOCK + index * SECTOR] = data[position : position + SECTOR]
            position += SECTOR
    if not pages:
        return None
    patched = PatchedSource(source, pages, max(source.size, BASE_BLOCK + header.bins_size))
    return Recovered(patched, header.root_cell, header.bins_size, header.minor, [label])
