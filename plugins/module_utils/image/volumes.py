# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Partitions of a disk (GPT, MBR, or a file system without a partition table), and what each of them holds."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from uuid import UUID

from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    DamagedError,
    ImageError,
    SliceSource,
    Source,
)

PARTITIONS_LIMIT = 128
_EXTENDED = (0x05, 0x0F, 0x85)
_DYNAMIC_MBR = 0x42
_PROTECTIVE = 0xEE
_DYNAMIC_GPT = {
    UUID("5808C8AA-7E8F-42E0-85D2-E1E90434CFB3").bytes_le: "dynamic disk",
    UUID("AF9B60A0-1431-4F62-BC68-3311714A69AD").bytes_le: "dynamic disk",
    UUID("E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D").bytes_le: "storage space",
}


@dataclass(frozen=True)
class Partition:
    """A range of the disk."""

    number: int
    """As Windows and sgdisk count, from 1; 0 for a disk without a partition table."""
    source: Source
    holds: str
    """ntfs, bitlocker, refs, fat, dynamic disk, storage space, swap, or unknown."""

    @property
    def label(self) -> str:
        """How messages call it."""
        return f"partition {self.number}" if self.number else "the whole disk"


def partitions(disk: Source) -> list[Partition]:
    """The partitions of a disk in the order of its table.

    :raises ImageError: neither a partition table nor a file system of Windows.
    """
    if disk.size < 1024:
        raise ImageError(f"The disk has only {disk.size} bytes; this is no disk image.")
    first = disk.read_at(0, 512)
    whole = _holds(first)
    if whole != "unknown":
        return [Partition(0, disk, whole)]
    if first[510:512] != b"\x55\xaa":
        raise ImageError("The disk has neither a partition table nor a Windows file system; this is no Windows image.")
    kinds = [first[446 + 16 * index + 4] for index in range(4)]
    ranges = _gpt(disk) if _PROTECTIVE in kinds else _mbr(disk, first)
    found = []
    for number, offset, size, kind in ranges[:PARTITIONS_LIMIT]:
        label = f"Partition {number}"
        if offset >= disk.size:
            raise DamagedError(f"{label} begins at byte {offset}, but the disk ends at {disk.size}: it is cut off.")
        source = SliceSource(disk, offset, size, label)
        holds = kind
        if kind == "unknown" and offset + 512 <= disk.size:
            holds = _holds(disk.read_at(offset, 512))
        found.append(Partition(number, source, holds))
    return found


def _holds(boot: bytes) -> str:
    mark = boot[3:11]
    if mark == b"NTFS    ":
        return "ntfs"
    if mark == b"-FVE-FS-":
        return "bitlocker"
    if mark[:4] == b"ReFS":
        return "refs"
    if boot[510:512] == b"\x55\xaa" and (boot[82:87] == b"FAT32" or boot[54:57] == b"FAT"):
        return "fat"
    return "unknown"


_Range = tuple[int, int, int, str]


def _mbr(disk: Source, first: bytes) -> list[_Range]:
    ranges: list[_Range] = []
    extended: list[int] = []
    for index in range(4):
        kind, start, length = _mbr_entry(first, index)
        if kind in _EXTENDED:
            extended.append(start)
        elif kind and length:
            holds = "dynamic disk" if kind == _DYNAMIC_MBR else "unknown"
            ranges.append((index + 1, start * 512, length * 512, holds))
    if extended:
        ranges += _logical(disk, extended[0])
    return ranges


def _logical(disk: Source, base: int) -> list[_Range]:
    ranges: list[_Range] = []
    here = base
    number = 5
    seen: set[int] = set()
    while here not in seen and len(seen) < PARTITIONS_LIMIT and (here + 1) * 512 <= disk.size:
        seen.add(here)
        table = disk.read_at(here * 512, 512)
        if table[510:512] != b"\x55\xaa":
            break
        kind, start, length = _mbr_entry(table, 0)
        if kind and length:
            ranges.append((number, (here + start) * 512, length * 512, "unknown"))
            number += 1
        kind, start, _length = _mbr_entry(table, 1)
        if kind not in _EXTENDED:
            break
        here = base + start
    return ranges


def _mbr_entry(table: bytes, index: int) -> tuple[int, int, int]:
    offset = 446 + 16 * index
    start, length = struct.unpack_from("<II", table, offset + 8)
    return table[offset + 4], start, length


def _gpt(disk: Source) -> list[_Range]:
    for sector in (512, 4096):
        for at in (sector, disk.size - sector):
            ranges = _gpt_at(disk, at, sector)
            if ranges is not None:
                return ranges
    raise DamagedError("The partition table (GPT) of the disk is damaged; neither of its two copies can be used.")


def _gpt_at(disk: Source, at: int, sector: int) -> list[_Range] | None:
    if at < sector or at + 512 > disk.size:
        return None
    header = disk.read_at(at, 512)
    size, checksum = struct.unpack_from("<II", header, 12)
    if header[:8] != b"EFI PART" or not 92 <= size <= 512:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:size]) != checksum:
        return None
    table, count, entry_size, table_checksum = struct.unpack_from("<QIII", header, 72)
    if not 128 <= entry_size <= 4096 or not 0 < count <= 1024 or entry_size * count > 1024 * 1024:
        return None
    if (table * sector) + entry_size * count > disk.size:
        return None
    entries = disk.read_at(table * sector, entry_size * count)
    if zlib.crc32(entries) != table_checksum:
        return None
    ranges: list[_Range] = []
    for index in range(count):
        entry = entries[index * entry_size : (index + 1) * entry_size]
        kind = entry[:16]
        first, last = struct.unpack_from("<QQ", entry, 32)
        if kind == bytes(16) or last < first:
            continue
        holds = _DYNAMIC_GPT.get(kind, "unknown")
        ranges.append((index + 1, first * sector, (last - first + 1) * sector, holds))
    return ranges
