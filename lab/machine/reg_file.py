# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``reg.exe import`` does with a .reg file (Microsoft support article 310516).

``[KEY]`` makes a key that is missing, ``[-KEY]`` takes one away with all below it; ``"name"=-`` takes a value away.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.registry import (
    BINARY,
    DWORD,
    EXPAND_SZ,
    MULTI_SZ,
    QWORD,
    SZ,
    KeyMissingError,
    Registry,
    Value,
)

_HEADER = "Windows Registry Editor Version 5.00"
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"=(.*)', re.DOTALL)
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_HEX = re.compile(r"hex(?:\(([0-9a-f]+)\))?:([0-9a-f,\s]*)", re.IGNORECASE)


class RegFileError(Exception):
    """The file is none; nothing of it was taken over."""


def apply(registry: Registry, data: bytes) -> None:
    """Carries the file out. Raises RegFileError before the first change."""
    for change in _changes(data):
        change(registry)


def _changes(data: bytes) -> list[t.Callable[[Registry], object]]:
    if not data.startswith(b"\xff\xfe"):
        raise RegFileError("The specified file is not a registry script.")
    text = data[2:].decode("utf-16-le").replace("\r\n", "\n")
    lines = re.sub(r"\\\n\s*", "", text).split("\n")
    if lines[0].strip() != _HEADER:
        raise RegFileError("The specified file is not a registry script.")
    found: list[t.Callable[[Registry], object]] = []
    key = ""
    for line in lines[1:]:
        if line.startswith("[-") and line.endswith("]"):
            found.append(lambda registry, key=line[2:-1]: _delete(registry, key))  # type: ignore[misc]
        elif line.startswith("[") and line.endswith("]"):
            key = line[1:-1]
            found.append(lambda registry, key=key: registry.create(key))  # type: ignore[misc]
        elif line.strip() and not line.startswith(";"):
            found.append(_value(key, line))
    return found


def _value(key: str, line: str) -> t.Callable[[Registry], object]:
    match = _VALUE.fullmatch(line)
    if match is None or not key:
        raise RegFileError(f"The line {line!r} is not understood.")
    name, given = _plain(match[1]), match[2].strip()
    if given == "-":
        return lambda registry: registry.remove_value(key, name)
    value = _parsed(given)
    return lambda registry: registry.set(key, name, value)


def _parsed(given: str) -> Value:
    text = _TEXT.fullmatch(given)
    if text is not None:
        return Value(SZ, _plain(text[1]))
    if given.startswith("dword:"):
        return Value(DWORD, int(given[6:], 16))
    found = _HEX.fullmatch(given)
    if found is None:
        raise RegFileError(f"The data {given!r} is not understood.")
    raw = bytes(int(part, 16) for part in found[2].replace(" ", "").split(",") if part)
    kind = int(found[1], 16) if found[1] else BINARY
    if kind in (SZ, EXPAND_SZ):
        return Value(kind, raw.decode("utf-16-le").removesuffix("\0"))
    if kind == MULTI_SZ:
        return Value(kind, tuple(raw.decode("utf-16-le").removesuffix("\0").split("\0")[:-1]))
    if kind in (DWORD, QWORD):
        return Value(kind, int.from_bytes(raw, "little"))
    return Value(kind, raw)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _delete(registry: Registry, key: str) -> None:
    try:
        registry.delete(key)
    except KeyMissingError:
        pass
