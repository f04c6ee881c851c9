# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The data of NTFS attributes that do not stand in their record: cluster runs, holes, compression units, fix-ups."""

from __future__ import annotations

import struct
import typing as t
from bisect import bisect_right
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.image import lznt1
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import DamagedError, Source, in_blocks

RUNS_LIMIT = 100_000
SIZE_LIMIT = 1 << 44
_COMPRESSED, _ENCRYPTED = 0x00FF, 0x4000


class Run(t.NamedTuple):
    """Clusters that lie together."""

    first: int
    """Number of the first one inside the file."""
    clusters: int
    cluster: int | None
    """Where they lie on the volume; None for a hole."""


@dataclass(frozen=True)
class NonResident:
    """The header of a non-resident attribute and its runs."""

    first: int
    size: int
    initialised: int
    unit: int
    """Clusters of a compression unit; 0 when the data is not compressed."""
    encrypted: bool
    runs: list[Run]

    @classmethod
    def parse(cls, raw: bytes) -> NonResident:
        """Read an attribute; only the first part of a file tells its sizes."""
        if len(raw) < 64 or raw[8] != 1:
            raise DamagedError("The NTFS volume is damaged: an attribute has the wrong form.")
        first, _last, runs_at, unit_bits = struct.unpack_from("<QQHH", raw, 16)
        (flags,) = struct.unpack_from("<H", raw, 12)
        size, initialised = struct.unpack_from("<QQ", raw, 48)
        if first == 0 and (size > SIZE_LIMIT or initialised > size):
            raise DamagedError("The NTFS volume is damaged: a file has impossible sizes.")
        if unit_bits > 8:
            raise DamagedError("The NTFS volume is damaged: a file has impossible compression units.")
        unit = 1 << unit_bits if flags & _COMPRESSED and unit_bits else 0
        return cls(first, size, initialised, unit, bool(flags & _ENCRYPTED), decode_runs(raw[runs_at:], first))


def decode_runs(data: bytes, first: int) -> list[Run]:
    """The runs of a mapping-pairs array that begins with the cluster number ``first`` of the file."""
    runs: list[Run] = []
    position = 0
    cluster = 0
    while position < len(data) and data[position]:
        header = data[position]
        length_size, offset_size = header & 15, header >> 4
        end = position + 1 + length_size + offset_size
        if not 0 < length_size <= 8 or offset_size > 8 or end > len(data) or len(runs) >= RUNS_LIMIT:
            raise DamagedError("The NTFS volume is damaged: a list of clusters is cut off.")
        count = int.from_bytes(data[position + 1 : position + 1 + length_size], "little")
        if not 0 < count < 1 << 48:
            raise DamagedError("The NTFS volume is damaged: a list of clusters has a run of no length.")
        if offset_size:
            cluster += int.from_bytes(data[position + 1 + length_size : end], "little", signed=True)
            if not 0 <= cluster < 1 << 48:
                raise DamagedError("The NTFS volume is damaged: a file lies outside of it.")
        runs.append(Run(first, count, cluster if offset_size else None))
        first += count
        position = end
    return runs


def fixed_up(data: bytes, mark: bytes, what: str) -> bytes:
    """A record with the last two bytes of each sector put back, and its check that it was written whole."""
    if data[:4] != mark:
        raise DamagedError(f"The NTFS volume is damaged: {what} has no mark.")
    offset, count = struct.unpack_from("<HH", data, 4)
    if count < 2 or len(data) % (count - 1) or offset + 2 * count > len(data):
        raise DamagedError(f"The NTFS volume is damaged: {what} has a wrong fix-up list.")
    stride = len(data) // (count - 1)
    if stride < 256:
        raise DamagedError(f"The NTFS volume is damaged: {what} has a wrong fix-up list.")
    fixed = bytearray(data)
    check = data[offset : offset + 2]
    for index in range(1, count):
        end = index * stride
        if data[end - 2 : end] != check:
            raise DamagedError(f"The NTFS volume is damaged: {what} was not written whole.")
        fixed[end - 2 : end] = data[offset + 2 * index : offset + 2 * index + 2]
    return bytes(fixed)


def open_data(parts: list[NonResident], volume: Source, cluster_size: int, name: str) -> Source:
    """The content that the parts of one attribute describe; holes and what was never written read as zeros."""
    parts = sorted(parts, key=lambda part: part.first)
    runs = [run for part in parts for run in part.runs]
    expected = 0
    for run in runs:
        if run.first != expected:
            raise DamagedError(f"The NTFS volume is damaged: {name} has a gap in its list of clusters.")
        expected += run.clusters
    head = parts[0]
    if head.size > expected * cluster_size:
        raise DamagedError(f"The NTFS volume is damaged: {name} has {head.size} bytes, but too few clusters.")
    if head.unit:
        return CompressedData(runs, volume, cluster_size, head.size, head.unit, name)
    return PlainData(runs, volume, cluster_size, head.size, head.initialised, name)


class PlainData:
    """Data in clusters."""

    def __init__(
        self, runs: list[Run], volume: Source, cluster_size: int, size: int, initialised: int, name: str
    ) -> None:
        self._runs = runs
        self._starts = [run.first for run in runs]
        self._volume = volume
        self._cluster_size = cluster_size
        self._initialised = initialised
        self._name = name
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"{self._name} ends at byte {self.size}, but byte {offset + length} is needed.")
        written = max(0, min(length, self._initialised - offset))
        return self.clusters(offset, written) + bytes(length - written)

    def clusters(self, offset: int, length: int) -> bytes:
        """Bytes as they lie in the clusters."""
        parts = []
        index = bisect_right(self._starts, offset // self._cluster_size) - 1
        while length > 0:
            run = self._runs[index]
            inside = offset - run.first * self._cluster_size
            take = min(length, run.clusters * self._cluster_size - inside)
            if run.cluster is None:
                parts.append(bytes(take))
            else:
                parts.append(self._volume.read_at(run.cluster * self._cluster_size + inside, take))
            offset += take
            length -= take
            index += 1
        return b"".join(parts)


class CompressedData:
    """Data in compression units (LZNT1). Keeps the last units that were unpacked."""

    _KEPT = 64

    def __init__(self, runs: list[Run], volume: Source, cluster_size: int, size: int, unit: int, name: str) -> None:
        self._plain = PlainData(runs, volume, cluster_size, size, size, name)
        self._runs = runs
        self._starts = [run.first for run in runs]
        self._unit = unit
        self._cluster_size = cluster_size
        self._unit_bytes = unit * cluster_size
        self._name = name
        self._units: dict[int, bytes] = {}
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamagedError(f"{self._name} ends at byte {self.size}, but byte {offset + length} is needed.")
        return in_blocks(
            offset,
            length,
            self._unit_bytes,
            lambda number, inside, take: self._unpacked(number)[inside : inside + take],
        )

    def _unpacked(self, number: int) -> bytes:
        found = self._units.get(number)
        if found is None:
            if len(self._units) >= self._KEPT:
                self._units.clear()
            found = self._units[number] = self._unpack(number)
        return found

    def _unpack(self, number: int) -> bytes:
        first = number * self._unit
        stored = self._stored_clusters(first)
        data = self._plain.clusters(number * self._unit_bytes, stored * self._cluster_size)
        if stored not in (0, self._unit):
            data = lznt1.decompress(data, self._unit_bytes)
        return data.ljust(self._unit_bytes, b"\0")

    def _stored_clusters(self, first: int) -> int:
        """How many clusters of a unit lie on the volume; the rest of it is the hole that compression gained."""
        count = 0
        cluster = first
        while cluster < first + self._unit:
            index = bisect_right(self._starts, cluster) - 1
            run = self._runs[index]
            if cluster >= run.first + run.clusters or run.cluster is None:
                break
            take = min(run.first + run.clusters, first + self._unit) - cluster
            count += take
            cluster += take
        return count
