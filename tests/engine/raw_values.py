# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry values between their bytes and the lab's form."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, EXPAND_SZ, MULTI_SZ, QWORD, SZ, Value


def to_value(kind: int, data: bytes) -> Value:
    """A raw value as the lab holds it."""
    if kind in (SZ, EXPAND_SZ):
        even = data + b"\0" * (len(data) % 2)
        return Value(kind, even.decode("utf-16-le", "surrogatepass").removesuffix("\0"))
    if kind == MULTI_SZ:
        texts = data.decode("utf-16-le", "surrogatepass").split("\0")
        # Each text has an end, and the list one more.
        for _end in range(2):
            if texts and not texts[-1]:
                texts.pop()
        return Value(kind, tuple(texts))
    if (kind, len(data)) in ((DWORD, 4), (QWORD, 8)):
        return Value(kind, int.from_bytes(data, "little"))
    return Value(kind, data)


def to_raw(value: Value) -> bytes:
    if isinstance(value.data, bytes):
        return value.data
    if isinstance(value.data, int):
        return value.data.to_bytes(8 if value.type == QWORD else 4, "little")
    texts = [value.data] if isinstance(value.data, str) else [*value.data, ""]
    return "".join(f"{text}\0" for text in texts).encode("utf-16-le", "surrogatepass")
