# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Folders of NTFS: the index $I30, looked up by name along its tree, or listed as a whole."""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.image.ntfs_data import fixed_up
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import DamagedError, Source
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import LIST_LIMIT

DEPTH_LIMIT = 16
_HAS_CHILD, _LAST = 1, 2


@dataclass(frozen=True)
class Entry:
    """A name in a folder and the file record it stands for."""

    name: str
    record: int
    child: int | None
    """Number of the index block with the names before this one."""


class Folder:
    """One folder's index."""

    def __init__(self, root: bytes, allocation: Source | None, cluster_size: int) -> None:
        if len(root) < 32:
            raise DamagedError("The NTFS volume is damaged: the index of a folder is cut off.")
        (self._block_size,) = struct.unpack_from("<I", root, 8)
        if not 512 <= self._block_size <= 1024 * 1024 or self._block_size & self._block_size - 1:
            raise DamagedError("The NTFS volume is damaged: the index of a folder has an impossible block size.")
        self._unit = cluster_size if self._block_size >= cluster_size else 512
        self._allocation = allocation
        self._root = _parse(root, 16)

    def find(self, name: str) -> Entry | None:
        """The entry of a name in any spelling."""
        if not name.isascii():
            # The order of other characters follows the volume's own table; a list needs no order.
            wanted = name.upper()
            return next((entry for entry in self.entries() if entry.name.upper() == wanted), None)
        wanted_key = _key(name)
        entries = self._root
        for _level in range(DEPTH_LIMIT):
            child: int | None = None
            for entry in entries:
                key = _key(entry.name) if entry.record >= 0 else None
                if key == wanted_key:
                    return entry
                if key is None or key > wanted_key:
                    child = entry.child
                    break
            if child is None:
                return None
            entries = self._block(child)
        raise DamagedError("The NTFS volume is damaged: the index of a folder is too deep.")

    def entries(self) -> t.Iterator[Entry]:
        """All entries, in no particular order."""
        pending = [self._root]
        seen: set[int] = set()
        count = 0
        while pending:
            for entry in pending.pop():
                if entry.child is not None:
                    if entry.child in seen:
                        raise DamagedError("The NTFS volume is damaged: the index of a folder leads in a circle.")
                    seen.add(entry.child)
                    pending.append(self._block(entry.child))
                if entry.record >= 0:
                    count += 1
                    if count > LIST_LIMIT:
                        raise DamagedError(f"A folder has more than {LIST_LIMIT} entries.")
                    yield entry

    def _block(self, number: int) -> list[Entry]:
        if self._allocation is None:
            raise DamagedError("The NTFS volume is damaged: a folder names an index block that it does not have.")
        data = self._allocation.read_at(number * self._unit, self._block_size)
        return _parse(fixed_up(data, b"INDX", f"the index block {number}"), 24)


def _key(name: str) -> list[int]:
    """How names compare, for a search of an ASCII name: by UTF-16 unit, ASCII letters as capitals."""
    raw = name.encode("utf-16-le", errors="surrogatepass")
    return [unit - 32 if 97 <= unit <= 122 else unit for (unit,) in struct.iter_unpack("<H", raw)]


def _parse(data: bytes, header: int) -> list[Entry]:
    """Entries behind an index header; the last one carries no name and has the record number -1."""
    first, used = struct.unpack_from("<II", data, header)
    position, end = header + first, header + used
    if end > len(data):
        raise DamagedError("The NTFS volume is damaged: the index of a folder is cut off.")
    entries = []
    while position + 16 <= end:
        reference, length, name_size, flags = struct.unpack_from("<QHHH", data, position)
        if length < 16 or length & 7 or position + length > end:
            raise DamagedError("The NTFS volume is damaged: the index of a folder is cut off.")
        child = None
        if flags & _HAS_CHILD:
            (child,) = struct.unpack_from("<Q", data, position + length - 8)
        if flags & _LAST:
            entries.append(Entry("", -1, child))
            return entries
        count = data[position + 16 + 64] if name_size >= 66 and length >= 16 + 66 else 0
        name_at = position + 16 + 66
        if count == 0 or 66 + 2 * count > name_size or name_at + 2 * count > position + length:
            raise DamagedError("The NTFS volume is damaged: a name in a folder is cut off.")
        name = data[name_at : name_at + 2 * count].decode("utf-16-le", errors="replace")
        entries.append(Entry(name, reference & 0xFFFFFFFFFFFF, child))
        position += length
    raise DamagedError("The NTFS volume is damaged: the index of a folder has no end.")
