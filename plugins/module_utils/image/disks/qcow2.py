# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""QCOW2 (QEMU), versions 2 and 3, compressed clusters included. Layout: QEMU's docs/interop/qcow2.txt."""

from __future__ import annotations

import struct
import zlib

from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.blocks import BlockDisk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    CachedSource,
    DamagedError,
    ImageError,
    Source,
)

_OFFSET_MASK = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED = 1 << 62
_ZERO = 1
_SIZE_LIMIT = 1 << 50
_DIRTY, _CORRUPT, _EXTERNAL, _COMPRESSION = 1, 2, 4, 8
_ZSTD = 1


class Qcow2Disk(BlockDisk):
    """The virtual disk of a QCOW2 file, its active state (not a snapshot)."""

    _KEPT = 64

    def __init__(self, file: Source, name: str) -> None:
        self._name = name
        self._file = CachedSource(file)
        header = file.read_at(0, min(112, file.size)).ljust(112, b"\0")
        (version, backing, backing_length, bits, size, crypt, l1_size, l1) = struct.unpack_from(">IQIIQIIQ", header, 4)
        if version not in (2, 3):
            raise ImageError(f"{name} is a QCOW image of version {version}; convert it with qemu-img convert -O qcow2.")
        if backing:
            parent = file.read_at(backing, backing_length) if 0 < backing_length <= 1023 else b""
            shown = parent.decode("utf-8", errors="replace")
            raise ImageError(
                f"{name} is an overlay and needs its parent {shown!r}: "
                "make one image of the two with qemu-img convert -O qcow2."
            )
        if crypt:
            raise ImageError(f"{name} is encrypted by QEMU and cannot be read.")
        features = compression = 0
        if version == 3:
            (features,) = struct.unpack_from(">Q", header, 72)
            (header_length,) = struct.unpack_from(">I", header, 100)
            compression = header[104] if features & _COMPRESSION and header_length > 104 else 0
        self._refuse(features, compression)
        self._compression = compression
        if not 9 <= bits <= 21 or not 0 < size <= _SIZE_LIMIT:
            raise self._damaged("its header gives an impossible cluster or disk size")
        self._bits = bits
        self._block_size = 1 << bits
        self._l2_bits = bits - 3
        self.size = size
        self._l1 = l1
        if l1_size < -(-size >> bits + self._l2_bits) or l1_size > 1 << 25:
            raise self._damaged("its first table is too short")
        self._unpacked: dict[int, bytes] = {}

    def _refuse(self, features: int, compression: int) -> None:
        if features & _CORRUPT:
            raise self._damaged("QEMU marked it as corrupt")
        if features & _EXTERNAL:
            raise ImageError(f"{self._name} keeps its data in another file; convert it with qemu-img convert -O qcow2.")
        if features & ~(_DIRTY | _CORRUPT | _EXTERNAL | _COMPRESSION) or compression > _ZSTD:
            raise ImageError(
                f"{self._name} uses a feature of QCOW2 that is not read: convert it with qemu-img convert -O qcow2."
            )

    def _read_block(self, number: int, inside: int, take: int) -> bytes:
        first, second = number >> self._l2_bits, number & (1 << self._l2_bits) - 1
        table = int.from_bytes(self._file.read_at(self._l1 + 8 * first, 8), "big") & _OFFSET_MASK
        if not table:
            return bytes(take)
        entry = int.from_bytes(self._file.read_at(table + 8 * second, 8), "big")
        if entry & _COMPRESSED:
            return self._cluster_from(entry)[inside : inside + take]
        place = entry & _OFFSET_MASK
        if entry & _ZERO or not place:
            return bytes(take)
        return self._file.read_at(place + inside, take)

    def _cluster_from(self, entry: int) -> bytes:
        found = self._unpacked.get(entry)
        if found is None:
            if len(self._unpacked) >= self._KEPT:
                self._unpacked.clear()
            found = self._unpacked[entry] = self._unpack(entry)
        return found

    def _unpack(self, entry: int) -> bytes:
        split = 62 - (self._bits - 8)
        place = entry & (1 << split) - 1
        sectors = (entry >> split & (1 << self._bits - 8) - 1) + 1
        length = min(sectors * 512 - (place & 511), self._file.size - place)
        if length <= 0:
            raise self._damaged("a compressed cluster lies behind its end")
        data = self._file.read_at(place, length)
        if self._compression == _ZSTD:
            unpacked = _zstd(data, self._block_size, self._name)
        else:
            try:
                unpacked = zlib.decompressobj(-12).decompress(data, self._block_size)
            except zlib.error:
                raise self._damaged("a compressed cluster cannot be unpacked") from None
        if len(unpacked) != self._block_size:
            raise self._damaged("a compressed cluster is cut off")
        return unpacked


def _zstd(data: bytes, size: int, name: str) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise ImageError(
            f"{name} is compressed with zstd: install the Python package zstandard, or convert it with "
            "qemu-img convert -O qcow2."
        ) from None
    try:
        unpacked: bytes = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except zstandard.ZstdError:
        raise DamagedError(f"{name} is damaged: a compressed cluster cannot be unpacked.") from None
    return unpacked[:size]
