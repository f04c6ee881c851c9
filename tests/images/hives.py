# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hives for tests: an empty one laid out here, everything in it written by hivex."""

from __future__ import annotations

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
        return (data + "\0").encode("utf-16-le")
    if kind == "REG_MULTI_SZ":
        return "".join(text + "\0" for text in [*data, ""]).encode("utf-16-le")
    if kind == "REG_BINARY":
        return bytes(data)
    return int(data).to_bytes(8 if kind == "REG_QWORD" else 4, "little")


def checksum(block: bytes) -> int:
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
