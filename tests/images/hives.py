# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hives for tests: an empty one laid out here, everything in it written by hivex."""

from __future__ import annotations

import itertools
import json
import struct
import subprocess
import typing as t
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"
TYPES = {"REG_SZ": 1, "REG_EXPAND_SZ": 2, "REG_BINARY": 3, "REG_DWORD": 4, "REG_MULTI_SZ": 7, "REG_QWORD": 11}

Keys = dict[str, dict[str, tuple[str, t.Any]]]
r"""``{r"Select": {"Current": ("REG_DWORD", 1)}}``"""


def encode(kind: str, data: t.Any) -> bytes:
    """The bytes that Windows stores for a value."""
    if kind in ("REG_SZ", "REG_EXPAND_SZ"):
        return f"{data}\0".encode("utf-16-le")
    if kind == "REG_MULTI_SZ":
        return "".join(text + "\0" for text in [*data, ""]).encode("utf-16-le")
    if kind == "REG_BINARY":
        return bytes(data)
    return int(data).to_bytes(8 if kind == "REG_QWORD" else 4, "little")


def checksum(block: bytes | bytearray) -> int:
    """The checksum of a base block."""
    total = 0
    for (word,) in struct.iter_unpack("<I", block[:508]):
        total ^= word
    return total or 1


def with_checksum(block: bytearray) -> bytearray:
    """The block with its checksum put right."""
    struct.pack_into("<I", block, 508, checksum(block))
    return block


def empty_hive(minor: int = 5) -> bytes:
    """A hive that has a root key and nothing else, as hivex needs one to start from."""
    security = bytes.fromhex(
        "0100048048000000580000000000000014000000020034000200000000001800ff000f00010200000000000520000000"
        "2002000000001400ff000f00010100000000000512000000010200000000000520000000200200000101000000000005"
        "12000000"
    )
    nk = bytearray(76)
    nk[0:2] = b"nk"
    struct.pack_into("<HQ", nk, 2, 0x2C, 132_000_000_000_000_000)
    struct.pack_into("<IIIIII", nk, 16, 0xFFFFFFFF, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    struct.pack_into("<III", nk, 40, 0xFFFFFFFF, 0, 0xFFFFFFFF)
    name = b"CMI-CreateHive"
    struct.pack_into("<HH", nk, 72, len(name), 0)
    nk += name
    nk_size = -(-(len(nk) + 4) // 8) * 8
    sk = b"sk\0\0" + struct.pack("<IIII", 32 + nk_size, 32 + nk_size, 1, len(security)) + security
    sk_size = -(-(len(sk) + 4) // 8) * 8
    struct.pack_into("<I", nk, 44, 32 + nk_size)
    cells = struct.pack("<i", -nk_size) + bytes(nk).ljust(nk_size - 4, b"\0")
    cells += struct.pack("<i", -sk_size) + sk.ljust(sk_size - 4, b"\0")
    free = 4096 - 32 - len(cells)
    cells += struct.pack("<i", free) + bytes(free - 4)
    bin_header = b"hbin" + struct.pack("<IIIIQI", 0, 4096, 0, 0, 132_000_000_000_000_000, 0)
    block = bytearray(4096)
    block[0:4] = b"regf"
    struct.pack_into("<IIQIIIIIII", block, 4, 1, 1, 132_000_000_000_000_000, 1, minor, 0, 1, 32, 4096, 1)
    return bytes(with_checksum(block)) + bin_header + cells


def write_hive(path: Path, keys: Keys, minor: int = 5) -> Path:
    """Make a hive with these keys at ``path``."""
    path.write_bytes(empty_hive(minor))
    document = {
        key: [[name, TYPES[kind], encode(kind, data).hex()] for name, (kind, data) in values.items()]
        for key, values in keys.items()
    }
    writer = Path(__file__).with_name("write_hive.py")
    command = [SYSTEM_PYTHON, str(writer), str(path)]
    subprocess.run(command, input=json.dumps(document), text=True, check=True, env={"PATH": "/usr/bin"})
    return path


def with_sequence(hive: bytes, first: int, second: int) -> bytes:
    """The hive with these sequence numbers; two different ones make it dirty."""
    block = bytearray(hive[:4096])
    struct.pack_into("<II", block, 4, first, second)
    return bytes(with_checksum(block)) + hive[4096:]


def _changed_pages(before: bytes, after: bytes) -> list[tuple[int, bytes]]:
    """(offset from the first bin, data) of every 512 bytes that differ."""
    pages = []
    for offset in range(4096, len(after), 512):
        page = after[offset : offset + 512]
        if before[offset : offset + 512] != page:
            pages.append((offset - 4096, page))
    return pages


def bins_size(hive: bytes) -> int:
    """What the base block says about the size of the bins."""
    return int(struct.unpack_from("<I", hive, 40)[0])


def new_log(steps: t.Sequence[bytes], sequence: int) -> bytes:
    """A log of Windows 8.1 and later that leads from each hive of ``steps`` to the next one, an entry each."""
    header = bytearray(steps[0][:512])
    struct.pack_into("<II", header, 4, sequence, sequence)
    struct.pack_into("<I", header, 28, 6)
    out = bytes(with_checksum(header))
    for number, (before, after) in enumerate(itertools.pairwise(steps)):
        pages = _changed_pages(before, after)
        body = b"".join(struct.pack("<II", offset, 512) for offset, _page in pages)
        body += b"".join(page for _offset, page in pages)
        size = -(-(40 + len(body)) // 512) * 512
        body = body.ljust(size - 40, b"\0")
        head = b"HvLE" + struct.pack("<IIIII", size, 0, sequence + number, bins_size(after), len(pages))
        head += struct.pack("<Q", marvin32(body))
        out += head + struct.pack("<Q", marvin32(head)) + body
    return out


def old_log(before: bytes, after: bytes, kind: int = 1) -> bytes:
    """A log of Windows up to 8."""
    header = bytearray(after[:512])
    struct.pack_into("<I", header, 28, kind)
    size = bins_size(after)
    bitmap = bytearray(size // 512 // 8)
    pages = _changed_pages(before, after)
    for offset, _page in pages:
        bitmap[offset // 512 // 8] |= 1 << offset // 512 % 8
    out = bytes(with_checksum(header)) + b"DIRT" + bytes(bitmap)
    return out.ljust(-(-len(out) // 512) * 512, b"\0") + b"".join(page for _offset, page in pages)


def marvin32(data: bytes) -> int:
    """Marvin's 64-bit hash, straight from its description, for whole 32-bit words."""
    assert len(data) % 4 == 0
    low, high = 0x7A4E55C5, 0x82EF4D88

    def rotated(value: int, bits: int) -> int:
        return (value << bits | value >> 32 - bits) & 0xFFFFFFFF

    for word in (*(int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)), 0x80, 0):
        low = (low + word) & 0xFFFFFFFF
        high ^= low
        low = (rotated(low, 20) + high) & 0xFFFFFFFF
        high = rotated(high, 9) ^ low
        low = (rotated(low, 27) + high) & 0xFFFFFFFF
        high = rotated(high, 19)
    return high << 32 | low
