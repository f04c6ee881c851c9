# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""LZNT1, the compression of NTFS files that carry the "compressed" attribute (MS-XCA section 2.5)."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import DamagedError

CHUNK = 4096


def decompress(data: bytes, limit: int) -> bytes:
    """One compression unit, at most ``limit`` bytes when unpacked.

    :raises DamagedError: a reference before the beginning, or more data than fits.
    """
    out = bytearray()
    position = 0
    while position + 2 <= len(data):
        header = data[position] | data[position + 1] << 8
        if header == 0:
            break
        size = (header & 0xFFF) + 1
        position += 2
        chunk = data[position : position + size]
        if len(chunk) < size:
            raise DamagedError("A compressed file is cut off inside a chunk.")
        position += size
        if header & 0x8000:
            out += _chunk(chunk)
        else:
            out += chunk
        if len(out) > limit:
            raise DamagedError("A compressed file holds more data than it says.")
        if len(out) % CHUNK and position + 2 <= len(data) and data[position] | data[position + 1]:
            out += bytes(CHUNK - len(out) % CHUNK)
    return bytes(out)


def _chunk(data: bytes) -> bytearray:
    out = bytearray()
    position = 0
    while position < len(data):
        flags = data[position]
        position += 1
        for bit in range(8):
            if position >= len(data):
                break
            if not flags >> bit & 1:
                out.append(data[position])
                position += 1
                continue
            if position + 2 > len(data) or not out:
                raise DamagedError("A compressed file holds a reference to nothing.")
            token = data[position] | data[position + 1] << 8
            position += 2
            # The further the chunk has come, the more bits of a token are distance and the fewer are length.
            shift = 12
            reach = len(out) - 1
            while reach >= 0x10:
                reach >>= 1
                shift -= 1
            distance = (token >> shift) + 1
            length = (token & (1 << shift) - 1) + 3
            if distance > len(out) or len(out) + length > CHUNK:
                raise DamagedError("A compressed file holds a reference outside of its chunk.")
            start = len(out) - distance
            if distance >= length:
                out += out[start : start + length]
            else:
                pattern = out[start:]
                out += (pattern * (length // distance + 1))[:length]
    return out
