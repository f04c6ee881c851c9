# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Registry hives (regf), read-only, cell by cell: only the keys that are asked for are read.

Format: msuhanov's "Windows registry file format specification". Cells carry no checksum, so every structure is checked
for its signature, its bounds and its type before it is believed, and a contradiction is an error, never a guess.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import RegistryType
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import REGISTRY_TYPE_NAMES
from ansible_collections.fleetops.tetra.plugins.module_utils.image.hive_log import recover
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    CachedSource,
    DamagedError,
    ImageError,
    Source,
)

BASE_BLOCK = 4096
HIVE_LIMIT = 512 * 1024 * 1024
"""Bytes. The largest hives of real systems have about 200 MiB."""
VALUE_LIMIT = 1024 * 1024
"""Bytes of one value. Windows allows 1 MiB in the standard format."""
ENTRIES_LIMIT = 1_000_000

BIG_DATA_SEGMENT = 16344


class HiveDamagedError(DamagedError):
    """A structure inside a hive is not what it must be."""


@dataclass(frozen=True)
class Value:
    """A registry value as stored: its type number and its bytes."""

    name: str
    type: int
    raw: bytes

    @property
    def type_name(self) -> RegistryType | None:
        """REG_… or None for a type that the facts document does not know."""
        return REGISTRY_TYPE_NAMES.get(self.type)

    @property
    def data(self) -> str | list[str] | int | None:
        """The value as the facts document writes it; None when the bytes do not fit the type."""
        if self.type in (1, 2):
            return _text(self.raw).rstrip("\0")
        if self.type == 7:
            return _text(self.raw).rstrip("\0").split("\0") if self.raw.strip(b"\0") else []
        if self.type == 4:
            return int.from_bytes(self.raw, "little") if len(self.raw) == 4 else None
        if self.type == 11:
            return int.from_bytes(self.raw, "little") if len(self.raw) == 8 else None
        return self.raw.hex()


def _text(raw: bytes) -> str:
    return raw[: len(raw) & ~1].decode("utf-16-le", errors="replace")


class Hive:
    """An opened hive.

    :param source: the primary file.
    :param name: how messages call it, e.g. ``SYSTEM``.
    :param logs: its transaction logs (LOG1, LOG2, or LOG), used only when the hive is dirty.
    :raises ImageError: not a hive, damaged, or dirty without a log that brings it up to date.
    """

    def __init__(self, source: Source, name: str, logs: t.Sequence[tuple[str, Source]] = ()) -> None:
        self.name = name
        if source.size > HIVE_LIMIT:
            raise ImageError(f"The hive {name} has {source.size} bytes, more than the {HIVE_LIMIT} that are accepted.")
        if source.size < 4:
            raise HiveDamagedError(f"The hive {name} is empty or cut off ({source.size} bytes).")
        if source.read_at(0, 4) != b"regf":
            raise HiveDamagedError(
                f"The hive {name} has no registry hive's mark at its start: it is damaged, encrypted or compressed."
            )
        if source.size < 2 * BASE_BLOCK:
            raise HiveDamagedError(f"The hive {name} is cut off after {source.size} bytes.")
        recovered = recover(source, name, logs)
        self.recovered_from: list[str] = recovered.logs
        """Names of the logs that were applied; empty for a clean hive."""
        self._source = CachedSource(recovered.source)
        self._bins_size = recovered.bins_size
        self._big_data = recovered.minor_version > 3
        if BASE_BLOCK + self._bins_size > self._source.size:
            raise HiveDamagedError(
                f"The hive {name} is cut off: it should have {BASE_BLOCK + self._bins_size} bytes "
                f"and has {self._source.size}."
            )
        if self._source.read_at(BASE_BLOCK, 4) != b"hbin":
            raise HiveDamagedError(f"The hive {name} is damaged: its first bin has no mark.")
        self.root = Key(self, recovered.root_cell)

    def key(self, path: str) -> Key | None:
        r"""The key at a path below the root, parts separated by ``\``; None when it is not there."""
        key = self.root
        for part in path.split("\\"):
            found = key.subkey(part)
            if found is None:
                return None
            key = found
        return key

    def cell(self, offset: int) -> bytes:
        """Content of the allocated cell at an offset from the first bin."""
        if offset & 7 or offset + 4 > self._bins_size:
            raise self.damaged(f"a cell at {offset:#x} lies outside of it")
        (size,) = struct.unpack("<i", self._source.read_at(BASE_BLOCK + offset, 4))
        if size >= 0:
            raise self.damaged(f"the cell at {offset:#x} is used although it is free")
        if -size < 8 or offset - size > self._bins_size:
            raise self.damaged(f"the cell at {offset:#x} has the impossible size {-size}")
        if -size > VALUE_LIMIT * 16:
            raise self.damaged(f"the cell at {offset:#x} has {-size} bytes")
        return self._source.read_at(BASE_BLOCK + offset + 4, -size - 4)

    def value_data(self, size: int, offset: int, resident: bytes) -> bytes:
        """Data of a value: inside its record, in a cell, or in the segments of a big-data record."""
        if size & 0x80000000:
            size &= 0x7FFFFFFF
            if size > 4:
                raise self.damaged(f"a value claims {size} bytes inside its own record")
            return resident[:size]
        if size == 0:
            return b""
        if size > VALUE_LIMIT:
            raise self.damaged(f"a value claims {size} bytes")
        cell = self.cell(offset)
        if self._big_data and size > BIG_DATA_SEGMENT and cell[:2] == b"db":
            return self._big_data_segments(cell, size)
        if len(cell) < size:
            raise self.damaged(f"a value of {size} bytes lies in a cell of {len(cell)}")
        return cell[:size]

    def _big_data_segments(self, cell: bytes, size: int) -> bytes:
        if len(cell) < 8:
            raise self.damaged("a big-data record is cut off")
        count, list_offset = struct.unpack_from("<HI", cell, 2)
        offsets = self.cell(list_offset)
        if count * BIG_DATA_SEGMENT < size or count * 4 > len(offsets) or count > size // BIG_DATA_SEGMENT + 1:
            raise self.damaged("a big-data record has the wrong number of segments")
        parts = []
        left = size
        for (offset,) in struct.iter_unpack("<I", offsets[: count * 4]):
            length = min(left, BIG_DATA_SEGMENT)
            segment = self.cell(offset)
            if len(segment) < length:
                raise self.damaged("a segment of a big-data record is cut off")
            parts.append(segment[:length])
            left -= length
        return b"".join(parts)

    def damaged(self, what: str) -> HiveDamagedError:
        """The error for a contradiction inside this hive."""
        return HiveDamagedError(f"The hive {self.name} is damaged: {what}.")


class Key:
    """A registry key (an nk record)."""

    def __init__(self, hive: Hive, offset: int) -> None:
        cell = hive.cell(offset)
        if len(cell) < 76 or cell[:2] != b"nk":
            raise hive.damaged(f"the cell at {offset:#x} is no key")
        self._hive = hive
        flags, self.last_written = struct.unpack_from("<HQ", cell, 2)
        self._subkeys, _volatile, self._subkey_list = struct.unpack_from("<III", cell, 20)
        self._value_count, self._value_list = struct.unpack_from("<II", cell, 36)
        (length,) = struct.unpack_from("<H", cell, 72)
        if 76 + length > len(cell):
            raise hive.damaged(f"the name of the key at {offset:#x} is cut off")
        self.name = _name(cell[76 : 76 + length], bool(flags & 0x20))

    def subkey(self, name: str) -> Key | None:
        """The direct subkey of that name, in any spelling."""
        wanted = name.upper()
        for key in self.subkeys():
            if key.name.upper() == wanted:
                return key
        return None

    def subkeys(self) -> t.Iterator[Key]:
        """Direct subkeys in the order of the hive."""
        if self._subkeys == 0:
            return
        count = 0
        for offset in self._subkey_offsets(self._subkey_list, top=True):
            count += 1
            if count > self._subkeys:
                raise self._hive.damaged(f"the key {self.name} has more subkeys than it says")
            yield Key(self._hive, offset)
        if count != self._subkeys:
            raise self._hive.damaged(f"the key {self.name} says {self._subkeys} subkeys and lists {count}")

    def _subkey_offsets(self, list_offset: int, top: bool) -> t.Iterator[int]:
        cell = self._hive.cell(list_offset)
        mark, count = cell[:2], int.from_bytes(cell[2:4], "little")
        width = 8 if mark in (b"lf", b"lh") else 4
        if mark not in (b"lf", b"lh", b"li", b"ri") or (mark == b"ri" and not top):
            raise self._hive.damaged(f"the list of subkeys of {self.name} has the unknown mark {mark.hex()}")
        if 4 + count * width > len(cell):
            raise self._hive.damaged(f"the list of subkeys of {self.name} is cut off")
        for position in range(4, 4 + count * width, width):
            (offset,) = struct.unpack_from("<I", cell, position)
            if mark == b"ri":
                yield from self._subkey_offsets(offset, top=False)
            else:
                yield offset

    def value(self, name: str) -> Value | None:
        """The value of that name, in any spelling; None when it is not there."""
        wanted = name.upper()
        for found, read in self._values():
            if found.upper() == wanted:
                return read()
        return None

    def values(self) -> list[Value]:
        """All values in the order of the hive."""
        return [read() for _name, read in self._values()]

    def _values(self) -> t.Iterator[tuple[str, t.Callable[[], Value]]]:
        if self._value_count == 0:
            return
        if self._value_count > ENTRIES_LIMIT:
            raise self._hive.damaged(f"the key {self.name} claims {self._value_count} values")
        offsets = self._hive.cell(self._value_list)
        if len(offsets) < 4 * self._value_count:
            raise self._hive.damaged(f"the list of values of {self.name} is cut off")
        for (offset,) in struct.iter_unpack("<I", offsets[: 4 * self._value_count]):
            yield self._value_record(offset)

    def _value_record(self, offset: int) -> tuple[str, t.Callable[[], Value]]:
        hive = self._hive
        cell = hive.cell(offset)
        if len(cell) < 20 or cell[:2] != b"vk":
            raise hive.damaged(f"the cell at {offset:#x} is no value")
        length, size, data_offset, kind, flags = struct.unpack_from("<HIIIH", cell, 2)
        if 20 + length > len(cell):
            raise hive.damaged(f"the name of the value at {offset:#x} is cut off")
        name = _name(cell[20 : 20 + length], bool(flags & 1))
        return name, lambda: Value(name, kind, hive.value_data(size, data_offset, cell[8:12]))


def _name(raw: bytes, compressed: bool) -> str:
    return raw.decode("latin-1") if compressed else _text(raw)
