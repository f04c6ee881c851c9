# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""VMDK (VMware): sparse and stream-optimised extents, and descriptors with flat or sparse extents.

Layout: VMware's "Virtual Disk Format 5.0".
"""

from __future__ import annotations

import re
import struct
import typing as t
import zlib
from bisect import bisect_right
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.blocks import BlockDisk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    CachedSource,
    DamagedError,
    FileSource,
    ImageError,
    Source,
)

SECTOR = 512
DESCRIPTOR_LIMIT = 1024 * 1024
EXTENTS_LIMIT = 1024
_AT_END = 0xFFFF_FFFF_FFFF_FFFF
_COMPRESSED = 1 << 16
_NO_PARENT = "ffffffff"
_EXTENT = re.compile(r'^(RW|RDONLY|NOACCESS)\s+(\d+)\s+([A-Z]+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?\s*$')


class SparseExtent(BlockDisk):
    """A file of grains with a directory of tables."""

    _KEPT = 64

    def __init__(self, file: Source, name: str) -> None:
        self._name = name
        self._raw = file
        self._file = CachedSource(file)
        header = file.read_at(0, SECTOR)
        directory = self._parse(header)
        if directory == _AT_END:
            footer = file.read_at(file.size - 1024, SECTOR) if file.size >= 2048 else b""
            if footer[:4] != b"KDMV":
                raise self._damaged("its footer is missing; the file is cut off")
            directory = self._parse(footer)
        if directory == _AT_END:
            raise self._damaged("it does not say where its directory lies")
        self._directory = directory * SECTOR
        self._unpacked: dict[int, bytes] = {}

    def _parse(self, header: bytes) -> int:
        fields = struct.unpack_from("<IIQQQQIQQQ", header, 4)
        (version, flags, capacity, grain, descriptor, descriptor_size, per_table, _redundant, directory, _over) = fields
        (algorithm,) = struct.unpack_from("<H", header, 77)
        if version not in (1, 2, 3):
            raise ImageError(f"{self._name} is a VMDK of version {version}, which is not read here.")
        if not 8 <= grain <= 1 << 15 or grain & grain - 1 or not 1 <= per_table <= 1 << 16:
            raise self._damaged("its header gives impossible sizes")
        if not 0 < capacity <= 1 << 41:
            raise self._damaged(f"it gives a size of {capacity} sectors")
        self._compressed = bool(flags & _COMPRESSED)
        if self._compressed and algorithm != 1:
            raise ImageError(f"{self._name} is compressed in an unknown way.")
        self._block_size = grain * SECTOR
        self._per_table = per_table
        self.size = capacity * SECTOR
        if descriptor and 0 < descriptor_size * SECTOR <= DESCRIPTOR_LIMIT:
            text = self._raw.read_at(descriptor * SECTOR, descriptor_size * SECTOR)
            _refuse_parent(text.rstrip(b"\0").decode("utf-8", errors="replace"), self._name)
        return int(directory)

    def _read_block(self, number: int, inside: int, take: int) -> bytes:
        first, second = divmod(number, self._per_table)
        table = int.from_bytes(self._file.read_at(self._directory + 4 * first, 4), "little")
        if not table:
            return bytes(take)
        place = int.from_bytes(self._file.read_at(table * SECTOR + 4 * second, 4), "little")
        if place in (0, 1):
            return bytes(take)
        if not self._compressed:
            return self._file.read_at(place * SECTOR + inside, take)
        return self._unpack(number, place)[inside : inside + take]

    def _unpack(self, number: int, place: int) -> bytes:
        found = self._unpacked.get(number)
        if found is not None:
            return found
        start, size = struct.unpack("<QI", self._file.read_at(place * SECTOR, 12))
        if start * SECTOR != number * self._block_size or not 0 < size <= 2 * self._block_size + 1024:
            raise self._damaged(f"grain {number} is not where its table says")
        try:
            data = zlib.decompressobj().decompress(self._file.read_at(place * SECTOR + 12, size), self._block_size)
        except zlib.error:
            raise self._damaged(f"grain {number} cannot be unpacked") from None
        if len(data) < min(self._block_size, self.size - number * self._block_size):
            raise self._damaged(f"grain {number} is cut off")
        if len(self._unpacked) >= self._KEPT:
            self._unpacked.clear()
        self._unpacked[number] = data
        return data


class ZeroExtent:
    """An extent without a file; it reads as zeros."""

    def __init__(self, size: int) -> None:
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(length)


class Extents:
    """Several extents, one behind the other."""

    def __init__(self, parts: t.Sequence[tuple[Source, int]], name: str) -> None:
        """:param parts: (extent, offset inside of it); the size of a part is that of the extent behind the offset."""
        self._parts = parts
        self._name = name
        self._starts = [0]
        for part, skipped in parts:
            self._starts.append(self._starts[-1] + part.size - skipped)
        self.size = self._starts[-1]

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"The disk in {self._name} ends at {self.size}, but byte {offset + length} is needed.")
        data = []
        while length > 0:
            index = bisect_right(self._starts, offset) - 1
            part, skipped = self._parts[index]
            inside = offset - self._starts[index]
            take = min(length, self._starts[index + 1] - offset)
            data.append(part.read_at(skipped + inside, take))
            offset += take
            length -= take
        return b"".join(data)


def is_descriptor(head: bytes) -> bool:
    """Whether a file begins like a VMDK descriptor."""
    return head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"# Disk DescriptorFile")


def _refuse_parent(text: str, name: str) -> None:
    match = re.search(r"^\s*parentCID\s*=\s*([0-9a-fA-F]+)", text, re.MULTILINE)
    if match is not None and match.group(1).lower() != _NO_PARENT:
        hint = re.search(r'^\s*parentFileNameHint\s*=\s*"([^"]*)"', text, re.MULTILINE)
        parent = f" {hint.group(1)!r}" if hint is not None else ""
        raise ImageError(f"{name} is a delta disk and needs its parent{parent}: consolidate the snapshots first.")


def open_descriptor(file: FileSource) -> Source:
    """The disk that a descriptor file describes; its extents must lie in the same folder."""
    name = file.path
    if file.size > DESCRIPTOR_LIMIT:
        raise DamagedError(f"{name} is damaged: a VMDK descriptor has no {file.size} bytes.")
    text = file.read_at(0, file.size).decode("utf-8", errors="replace")
    _refuse_parent(text, name)
    parts: list[tuple[Source, int]] = []
    for line in text.splitlines():
        match = _EXTENT.match(line.strip())
        if match is None:
            continue
        if len(parts) >= EXTENTS_LIMIT:
            raise DamagedError(f"{name} is damaged: it names more than {EXTENTS_LIMIT} extents.")
        parts.append(_extent(file, match))
    if not parts:
        raise DamagedError(f"{name} is a VMDK descriptor that names no extents.")
    return Extents(parts, name)


def _extent(file: FileSource, match: re.Match[str]) -> tuple[Source, int]:
    size = int(match.group(2)) * SECTOR
    kind, wanted = match.group(3), match.group(4) or ""
    if not 0 < size <= 1 << 50:
        raise DamagedError(f"{file.path} is damaged: an extent has {size} bytes.")
    if kind == "ZERO":
        return ZeroExtent(size), 0
    if kind not in ("FLAT", "SPARSE", "VMFS"):
        raise ImageError(f"{file.path} has an extent of the kind {kind}, which is not read here.")
    if not wanted or wanted != Path(wanted).name or "\\" in wanted:
        raise ImageError(f"{file.path} names an extent outside of its folder ({wanted!r}), which is not followed.")
    extent_file = file.beside(wanted)
    if kind == "SPARSE":
        sparse = SparseExtent(extent_file, extent_file.path)
        if sparse.size < size:
            raise DamagedError(f"{extent_file.path} is smaller than {file.path} says.")
        return _Limited(sparse, size), 0
    skipped = int(match.group(5) or 0) * SECTOR
    if extent_file.size < skipped + size:
        raise DamagedError(f"{extent_file.path} is cut off: {skipped + size} bytes are needed.")
    return _Limited(extent_file, skipped + size), skipped


class _Limited:
    """The beginning of another source."""

    def __init__(self, parent: Source, size: int) -> None:
        self._parent = parent
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        return self._parent.read_at(offset, length)
