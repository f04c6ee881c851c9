# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry Policy files (MS-GPREG), read and written by the lab itself."""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

HEAD = b"PReg" + struct.pack("<I", 1)
_OPEN, _CLOSE, _NEXT = ("[".encode("utf-16-le"), "]".encode("utf-16-le"), ";".encode("utf-16-le"))


class PolicyFileError(ValueError):
    """The file is no policy file, or is damaged; Windows would skip it."""


@dataclass(frozen=True)
class Entry:
    """One entry; ``key`` without hive."""

    key: str
    value_name: str
    type: int
    data: bytes


def write_registry_pol(entries: t.Sequence[Entry]) -> bytes:
    """``PReg``, version 1, then the entries in UTF-16."""
    data = HEAD
    for entry in entries:
        data += _OPEN + _NEXT.join(
            (
                f"{entry.key}\0".encode("utf-16-le"),
                f"{entry.value_name}\0".encode("utf-16-le"),
                struct.pack("<I", entry.type),
                struct.pack("<I", len(entry.data)),
                entry.data,
            )
        )
        data += _CLOSE
    return data


def read_registry_pol(data: bytes) -> list[Entry]:
    """The entries in order. Raises PolicyFileError."""
    if not data.startswith(HEAD):
        raise PolicyFileError("no PReg file of version 1")
    entries: list[Entry] = []
    position = len(HEAD)
    while position < len(data):
        position = _expect(data, position, _OPEN)
        key, position = _text(data, position)
        position = _expect(data, position, _NEXT)
        name, position = _text(data, position)
        position = _expect(data, position, _NEXT)
        kind, position = _number(data, position)
        position = _expect(data, position, _NEXT)
        size, position = _number(data, position)
        position = _expect(data, position, _NEXT)
        content = data[position : position + size]
        if len(content) != size:
            raise PolicyFileError("an entry is longer than the file")
        position = _expect(data, position + size, _CLOSE)
        entries.append(Entry(key, name, kind, content))
    return entries


def _expect(data: bytes, position: int, mark: bytes) -> int:
    if data[position : position + 2] != mark:
        raise PolicyFileError(f"byte {position} should be {mark.decode('utf-16-le')!r}")
    return position + 2


def _text(data: bytes, position: int) -> tuple[str, int]:
    end = position
    while data[end : end + 2] != b"\0\0":
        if end >= len(data):
            raise PolicyFileError("a name does not end")
        end += 2
    return data[position:end].decode("utf-16-le", "replace"), end + 2


def _number(data: bytes, position: int) -> tuple[int, int]:
    if position + 4 > len(data):
        raise PolicyFileError("a number does not end")
    return int(struct.unpack_from("<I", data, position)[0]), position + 4
