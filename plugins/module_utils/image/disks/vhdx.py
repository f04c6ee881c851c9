# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""VHDX (Hyper-V): fixed and dynamic disks. Layout: MS-VHDX."""

from __future__ import annotations

import struct
from uuid import UUID

from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.blocks import BlockDisk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    CachedSource,
    ImageError,
    Source,
)

KIB, MIB = 1024, 1024 * 1024
_HEADERS = (64 * KIB, 128 * KIB)
_REGION_TABLES = (192 * KIB, 256 * KIB)
_BAT = UUID("2DC27766-F623-4200-9D64-115E9BFD4A08").bytes_le
_METADATA = UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E").bytes_le
_FILE_PARAMETERS = UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B").bytes_le
_DISK_SIZE = UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8").bytes_le
_LOGICAL_SECTOR = UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F").bytes_le
_SIZE_LIMIT = 64 * (1 << 40)
_PRESENT = 6
_ZEROS = (0, 1, 2, 3)


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _bit in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_CRC_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C, the checksum of every structure of a VHDX."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class VhdxDisk(BlockDisk):
    """The virtual disk of a VHDX file."""

    def __init__(self, file: Source, name: str) -> None:
        self._name = name
        self._file = CachedSource(file)
        log = self._current_log(file)
        if log != bytes(16):
            raise ImageError(
                f"{name} was not closed cleanly: its log holds changes that are not in the disk yet; "
                "attach it once in Hyper-V, or shut the machine down, before it is judged."
            )
        regions = self._regions(file)
        self._metadata(file, *regions[_METADATA])
        self._bat, bat_length = regions[_BAT]
        self._chunk_ratio = (1 << 23) * self._sector // self._block_size
        blocks = -(-self.size // self._block_size)
        entries = blocks + (blocks - 1) // self._chunk_ratio
        if entries * 8 > bat_length:
            raise self._damaged("its block table is too short")

    def _current_log(self, file: Source) -> bytes:
        """The log id of the newer valid header."""
        best: tuple[int, bytes] | None = None
        for offset in _HEADERS:
            header = file.read_at(offset, 4096)
            (checksum, sequence) = struct.unpack_from("<IQ", header, 4)
            if header[:4] != b"head" or crc32c(header[:4] + bytes(4) + header[8:]) != checksum:
                continue
            if best is None or sequence > best[0]:
                best = (sequence, header[48:64])
        if best is None:
            raise self._damaged("neither of its two headers can be used")
        return best[1]

    def _regions(self, file: Source) -> dict[bytes, tuple[int, int]]:
        for offset in _REGION_TABLES:
            table = file.read_at(offset, 64 * KIB)
            (checksum, count) = struct.unpack_from("<II", table, 4)
            if table[:4] != b"regi" or crc32c(table[:4] + bytes(4) + table[8:]) != checksum or count > 2047:
                continue
            regions: dict[bytes, tuple[int, int]] = {}
            for index in range(count):
                identity = table[16 + 32 * index : 32 + 32 * index]
                start, length, required = struct.unpack_from("<QII", table, 32 + 32 * index)
                if required & 1 and identity not in (_BAT, _METADATA):
                    raise ImageError(f"{self._name} uses a feature of VHDX that is not known here.")
                regions[identity] = (start, length)
            if _BAT not in regions or _METADATA not in regions:
                raise self._damaged("it has no block table or no metadata")
            return regions
        raise self._damaged("neither of its two region tables can be used")

    def _metadata(self, file: Source, offset: int, length: int) -> None:
        table = file.read_at(offset, 64 * KIB)
        (count,) = struct.unpack_from("<H", table, 10)
        if table[:8] != b"metadata" or count > 2047:
            raise self._damaged("its metadata has no mark")
        items: dict[bytes, bytes] = {}
        for index in range(count):
            at = 32 + 32 * index
            item_offset, item_length = struct.unpack_from("<II", table, at + 16)
            if item_length <= 64 and item_offset + item_length <= length:
                items[table[at : at + 16]] = file.read_at(offset + item_offset, item_length)
        try:
            self._block_size, flags = struct.unpack("<II", items[_FILE_PARAMETERS])
            (self.size,) = struct.unpack("<Q", items[_DISK_SIZE])
            (self._sector,) = struct.unpack("<I", items[_LOGICAL_SECTOR])
        except (KeyError, struct.error):
            raise self._damaged("its metadata is incomplete") from None
        if flags & 2:
            raise ImageError(f"{self._name} is a differencing VHDX and needs its parent disk: merge the two first.")
        size = self._block_size
        if not MIB <= size <= 256 * MIB or size & size - 1 or self._sector not in (512, 4096):
            raise self._damaged("its blocks have an impossible size")
        if not 0 < self.size <= _SIZE_LIMIT:
            raise self._damaged(f"it gives a size of {self.size} bytes")

    def _read_block(self, number: int, inside: int, take: int) -> bytes:
        # One entry for a bitmap follows the entries of every chunk of blocks.
        place = self._bat + 8 * (number + number // self._chunk_ratio)
        entry = int.from_bytes(self._file.read_at(place, 8), "little")
        if entry & 7 == _PRESENT:
            return self._file.read_at((entry >> 20) * MIB + inside, take)
        if entry & 7 in _ZEROS:
            return bytes(take)
        raise ImageError(f"{self._name} needs its parent disk: merge the two first.")
