# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""NTFS, read-only, file by file: only the records, index blocks and clusters on the way to a file are read.

Layout: the documentation of the Linux-NTFS project and MS-FSCC. The journal is not replayed; hives and policy files of
a volume that was not closed cleanly are whole as far as their own checks tell.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import iso_from_filetime
from ansible_collections.fleetops.tetra.plugins.module_utils.image import ntfs_index
from ansible_collections.fleetops.tetra.plugins.module_utils.image.ntfs_data import (
    NonResident,
    fixed_up,
    open_data,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    BytesSource,
    CachedSource,
    DamagedError,
    Source,
    UnreadableFileError,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import File

ROOT = 5
ATTRIBUTES_LIMIT = 4096
LIST_BYTES_LIMIT = 1024 * 1024

STANDARD_INFORMATION = 0x10
ATTRIBUTE_LIST = 0x20
VOLUME_INFORMATION = 0x70
DATA = 0x80
INDEX_ROOT = 0x90
INDEX_ALLOCATION = 0xA0
REPARSE_POINT = 0xC0

TAG_WOF = 0x80000017
_VOLUME_DIRTY = 1


@dataclass(frozen=True)
class Attribute:
    """One attribute of a file record, as it stands there."""

    type: int
    name: str
    raw: bytes

    @property
    def resident(self) -> bool:
        """The value stands in the record itself."""
        return self.raw[8] == 0

    def value(self) -> bytes:
        """The value of a resident attribute."""
        if not self.resident or len(self.raw) < 24:
            raise DamagedError("The NTFS volume is damaged: an attribute that must stand in its record does not.")
        length, offset = struct.unpack_from("<IH", self.raw, 16)
        if offset + length > len(self.raw):
            raise DamagedError("The NTFS volume is damaged: an attribute is cut off.")
        return self.raw[offset : offset + length]


class Record:
    """A file record with all its attributes, those in other records included."""

    def __init__(self, number: int, is_folder: bool, attributes: list[Attribute]) -> None:
        self.number = number
        self.is_folder = is_folder
        self.attributes = attributes

    def named(self, kind: int, name: str = "") -> list[Attribute]:
        """The attributes of a type and name, in their order."""
        return [found for found in self.attributes if found.type == kind and found.name == name]


class NtfsVolume:
    """An NTFS volume as a FileTree."""

    def __init__(self, source: Source, label: str) -> None:
        """:raises ImageError: no NTFS, or damaged where it must be whole."""
        self.label = label
        boot = source.read_at(0, 512)
        if boot[3:11] != b"NTFS    ":
            raise DamagedError(f"{label} is no NTFS volume.")
        sector_size = int.from_bytes(boot[11:13], "little")
        per_cluster = boot[13] if boot[13] <= 0x80 else 1 << (256 - boot[13])
        self.cluster_size = sector_size * per_cluster
        if sector_size not in (256, 512, 1024, 2048, 4096) or not 0 < self.cluster_size <= 2 * 1024 * 1024:
            raise DamagedError(f"{label} is damaged: its boot sector gives an impossible cluster size.")
        (mft_cluster,) = struct.unpack_from("<Q", boot, 0x30)
        self._record_size = self._size_from(boot[0x40])
        self._index_size = self._size_from(boot[0x44])
        if not 512 <= self._record_size <= 65536 or not 512 <= self._index_size <= 1024 * 1024:
            raise DamagedError(f"{label} is damaged: its boot sector gives an impossible record size.")
        self._source = CachedSource(source, 4096, 1024)
        mft = self._parse(0, self._source.read_at(mft_cluster * self.cluster_size, self._record_size))
        self._mft: Source = self._mft_source(mft)
        self._folders: dict[int, ntfs_index.Folder] = {}

    def _size_from(self, code: int) -> int:
        return code * self.cluster_size if code < 0x80 else 1 << (256 - code)

    def _mft_source(self, record: Record) -> Source:
        """The master file table, which describes itself: its first part must tell where the rest lies."""
        first = record.named(DATA)
        if not first or first[0].resident:
            raise DamagedError(f"{self.label} is damaged: it has no master file table.")
        self._mft = open_data([NonResident.parse(first[0].raw)], self._source, self.cluster_size, "The file table")
        if record.named(ATTRIBUTE_LIST):
            whole = self._collect(record)
            parts = [NonResident.parse(part.raw) for part in whole.named(DATA)]
            return open_data(parts, self._source, self.cluster_size, "The file table")
        return self._mft

    @property
    def dirty(self) -> bool:
        """The volume was not closed cleanly."""
        for attribute in self._record(3).named(VOLUME_INFORMATION):
            value = attribute.value()
            return len(value) >= 12 and bool(int.from_bytes(value[10:12], "little") & _VOLUME_DIRTY)
        return False

    # FileTree

    def find(self, path: str) -> File | None:
        number, spelled = ROOT, ""
        parts = [part for part in path.split("/") if part]
        record = self._record(ROOT)
        for index, part in enumerate(parts):
            entry = self._folder(record).find(part)
            if entry is None:
                return None
            number = entry.record
            spelled = f"{spelled}/{entry.name}" if spelled else entry.name
            record = self._record(number)
            if index < len(parts) - 1:
                if not record.is_folder:
                    return None
                if record.named(REPARSE_POINT):
                    raise UnreadableFileError(f"{spelled} is a link; links in an image are not followed.")
        return self._file(record, spelled)

    def fetch(self, patterns: t.Sequence[str]) -> None:
        """Nothing to do: every file can be read at once."""

    def entries(self, path: str) -> list[File]:
        folder = self.find(path)
        if folder is None or not folder.is_folder:
            return []
        found: dict[int, File] = {}
        for entry in self._folder(self._record(folder.handle)).entries():
            if entry.record < 24 or entry.record in found:
                continue
            spelled = f"{folder.path}/{entry.name}" if folder.path else entry.name
            found[entry.record] = self._file(self._record(entry.record), spelled)
        return sorted(found.values(), key=lambda file: file.name)

    def open(self, file: File) -> Source:
        record = self._record(file.handle)
        self._refuse_links(record, file.path)
        attributes = record.named(DATA)
        if record.is_folder or not attributes:
            raise UnreadableFileError(f"{file.path} is no file with data.")
        if attributes[0].resident:
            return BytesSource(attributes[0].value(), file.path)
        parts = [NonResident.parse(part.raw) for part in attributes]
        if parts[0].encrypted:
            raise UnreadableFileError(f"{file.path} is encrypted (EFS) and cannot be read.")
        return open_data(parts, self._source, self.cluster_size, file.path)

    def _refuse_links(self, record: Record, path: str) -> None:
        for attribute in record.named(REPARSE_POINT):
            value = attribute.value() if attribute.resident else b""
            if int.from_bytes(value[:4], "little") == TAG_WOF:
                raise UnreadableFileError(
                    f"{path} is compressed by Windows (CompactOS), which is not read here: "
                    "run 'compact.exe /u' on that file before the image is taken."
                )
            raise UnreadableFileError(f"{path} is a link; links in an image are not followed.")

    def _file(self, record: Record, path: str) -> File:
        modified = None
        for attribute in record.named(STANDARD_INFORMATION):
            value = attribute.value()
            if len(value) >= 16:
                modified = iso_from_filetime(int.from_bytes(value[8:16], "little"))
        size = 0
        data = record.named(DATA)
        if data and not record.is_folder:
            size = len(data[0].value()) if data[0].resident else NonResident.parse(data[0].raw).size
        return File(path.rpartition("/")[2], path, record.is_folder, size, modified, record.number)

    # Records

    def _folder(self, record: Record) -> ntfs_index.Folder:
        folder = self._folders.get(record.number)
        if folder is None:
            roots = record.named(INDEX_ROOT, "$I30")
            if not roots:
                raise DamagedError(f"{self.label} is damaged: a folder has no index.")
            allocation: Source | None = None
            blocks = record.named(INDEX_ALLOCATION, "$I30")
            if blocks:
                parts = [NonResident.parse(part.raw) for part in blocks]
                allocation = open_data(parts, self._source, self.cluster_size, "A folder")
            folder = ntfs_index.Folder(roots[0].value(), allocation, self.cluster_size)
            self._folders[record.number] = folder
        return folder

    def _record(self, number: int) -> Record:
        return self._collect(self._base(number))

    def _base(self, number: int) -> Record:
        offset = number * self._record_size
        if offset + self._record_size > self._mft.size:
            raise DamagedError(f"{self.label} is damaged: it names the file record {number}, which does not exist.")
        return self._parse(number, self._mft.read_at(offset, self._record_size))

    def _parse(self, number: int, data: bytes) -> Record:
        record = fixed_up(data, b"FILE", f"the file record {number}")
        attributes_at, flags = struct.unpack_from("<HH", record, 20)
        if not flags & 1:
            raise DamagedError(f"{self.label} is damaged: the file record {number} is used although it is free.")
        attributes: list[Attribute] = []
        position = attributes_at
        while position + 8 <= len(record):
            kind, length = struct.unpack_from("<II", record, position)
            if kind == 0xFFFFFFFF:
                break
            if length < 24 or length & 7 or position + length > len(record) or len(attributes) > ATTRIBUTES_LIMIT:
                raise DamagedError(f"{self.label} is damaged: the file record {number} is cut off.")
            raw = record[position : position + length]
            name_length, name_offset = raw[9], int.from_bytes(raw[10:12], "little")
            name = raw[name_offset : name_offset + 2 * name_length].decode("utf-16-le", errors="replace")
            attributes.append(Attribute(kind, name, raw))
            position += length
        return Record(number, bool(flags & 2), attributes)

    def _collect(self, base: Record) -> Record:
        """The record with the attributes that its attribute list places elsewhere."""
        lists = base.named(ATTRIBUTE_LIST)
        if not lists:
            return base
        if lists[0].resident:
            content = lists[0].value()
        else:
            parts = [NonResident.parse(lists[0].raw)]
            if parts[0].size > LIST_BYTES_LIMIT:
                raise DamagedError(f"{self.label} is damaged: an attribute list has {parts[0].size} bytes.")
            source = open_data(parts, self._source, self.cluster_size, "An attribute list")
            content = source.read_at(0, source.size)
        attributes: list[Attribute] = []
        others: dict[int, Record] = {}
        position = 0
        while position + 26 <= len(content):
            kind, length = struct.unpack_from("<IH", content, position)
            if length < 26:
                break
            (reference,) = struct.unpack_from("<Q", content, position + 16)
            (identity,) = struct.unpack_from("<H", content, position + 24)
            holder = reference & 0xFFFFFFFFFFFF
            if holder == base.number:
                record = base
            else:
                if len(others) > ATTRIBUTES_LIMIT:
                    raise DamagedError(f"{self.label} is damaged: a file has too many records.")
                record = others.get(holder) or others.setdefault(holder, self._base(holder))
            for attribute in record.attributes:
                if attribute.type == kind and int.from_bytes(attribute.raw[14:16], "little") == identity:
                    attributes.append(attribute)
            position += length
        return Record(base.number, base.is_folder, attributes)
