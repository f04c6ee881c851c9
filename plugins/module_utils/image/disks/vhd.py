# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""VHD (Virtual PC, Azure): fixed and dynamic disks.

Layout: Microsoft's "Virtual Hard Disk Image Format Specification".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.blocks import BlockDisk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    CachedSource,
    DamagedError,
    ImageError,
    SliceSource,
    Source,
)

FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
UNALLOCATED = 0xFFFFFFFF
_SIZE_LIMIT = 1 << 46


@dataclass(frozen=True)
class Footer:
    """What the footer says."""

    kind: int
    size: int
    """Bytes of the virtual disk."""
    header_offset: int


def footer_of(file: Source) -> Footer | None:
    """The footer in the last sector, or its copy at the start; None when the file is no VHD."""
    for offset, length in ((file.size - 512, 512), (file.size - 511, 511), (0, 512)):
        if offset < 0 or offset + length > file.size:
            continue
        data = file.read_at(offset, length)
        if data[:8] != b"conectix":
            continue
        data = data.ljust(512, b"\0")
        (checksum,) = struct.unpack_from(">I", data, 64)
        if ~(sum(data) - sum(data[64:68])) & 0xFFFFFFFF != checksum:
            continue
        (header,) = struct.unpack_from(">Q", data, 16)
        (size,) = struct.unpack_from(">Q", data, 48)
        (kind,) = struct.unpack_from(">I", data, 60)
        return Footer(kind, size, header)
    return None


def open_vhd(file: Source, name: str, footer: Footer) -> Source:
    """The disk that a footer describes."""
    if footer.kind == DIFFERENCING:
        raise ImageError(f"{name} is a differencing VHD and needs its parent disk: merge the two first.")
    if not 0 < footer.size <= _SIZE_LIMIT:
        raise DamagedError(f"{name} is damaged: its footer gives a size of {footer.size} bytes.")
    if footer.kind == FIXED:
        if footer.size > file.size:
            raise DamagedError(f"{name} is cut off: it should hold {footer.size} bytes and has {file.size}.")
        return SliceSource(file, 0, footer.size, name)
    if footer.kind != DYNAMIC:
        raise ImageError(f"{name} is a VHD of the unknown kind {footer.kind}.")
    return DynamicVhd(file, name, footer)


class DynamicVhd(BlockDisk):
    """A VHD whose blocks are allocated when they are written."""

    def __init__(self, file: Source, name: str, footer: Footer) -> None:
        header = file.read_at(footer.header_offset, 1024)
        if header[:8] != b"cxsparse":
            raise DamagedError(f"{name} is damaged: its header for dynamic disks has no mark.")
        (table, _version, entries, block_size, checksum) = struct.unpack_from(">QIIII", header, 16)
        if ~(sum(header) - sum(header[36:40])) & 0xFFFFFFFF != checksum:
            raise DamagedError(f"{name} is damaged: the checksum of its header for dynamic disks is wrong.")
        if not 512 <= block_size <= 256 * 1024 * 1024 or block_size % 512:
            raise DamagedError(f"{name} is damaged: its blocks have an impossible size.")
        if entries * block_size < footer.size:
            raise DamagedError(f"{name} is damaged: its block table is too short.")
        self._file = CachedSource(file)
        self._name = name
        self._table = table
        self._block_size = block_size
        self._bitmap = -(-(block_size // 512 // 8) // 512) * 512
        self.size = footer.size

    def _read_block(self, number: int, inside: int, take: int) -> bytes:
        sector = int.from_bytes(self._file.read_at(self._table + 4 * number, 4), "big")
        if sector == UNALLOCATED:
            return bytes(take)
        return self._file.read_at(sector * 512 + self._bitmap + inside, take)
