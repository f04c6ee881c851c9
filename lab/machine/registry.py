# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of a simulated endpoint: keys, typed values, keys that refuse access.

Key names keep their spelling and compare without regard to case; a name may hold a slash (``AES 128/128``).
"""

from __future__ import annotations

import copy
import datetime
import typing as t
from dataclasses import dataclass, field

SZ, EXPAND_SZ, BINARY, DWORD, MULTI_SZ, QWORD, NONE = 1, 2, 3, 4, 7, 11, 0
TYPES = {
    "REG_SZ": SZ,
    "REG_EXPAND_SZ": EXPAND_SZ,
    "REG_BINARY": BINARY,
    "REG_DWORD": DWORD,
    "REG_MULTI_SZ": MULTI_SZ,
    "REG_QWORD": QWORD,
    "REG_NONE": NONE,
}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
_HIVES = {
    "hklm": "HKEY_LOCAL_MACHINE",
    "hkey_local_machine": "HKEY_LOCAL_MACHINE",
    "hku": "HKEY_USERS",
    "hkey_users": "HKEY_USERS",
    "hkcu": "HKEY_CURRENT_USER",
    "hkey_current_user": "HKEY_CURRENT_USER",
    "hkcr": "HKEY_CLASSES_ROOT",
    "hkey_classes_root": "HKEY_CLASSES_ROOT",
}
HIVE_NUMBERS = {
    0x80000000: "HKEY_CLASSES_ROOT",
    0x80000001: "HKEY_CURRENT_USER",
    0x80000002: "HKEY_LOCAL_MACHINE",
    0x80000003: "HKEY_USERS",
}
"""``hDefKey`` of StdRegProv."""


class RegistryError(Exception):
    """Base of what can go wrong with a key."""


class KeyMissingError(RegistryError):
    """The key does not exist."""


class AccessDeniedError(RegistryError):
    """The key refuses the access."""


@dataclass(frozen=True)
class Value:
    """``data``: str (SZ, EXPAND_SZ), tuple of str (MULTI_SZ), unsigned int (DWORD, QWORD), bytes (BINARY, NONE)."""

    type: int
    data: t.Any


@dataclass
class Key:
    """One key. ``denied`` holds ``read`` and/or ``write``."""

    name: str
    values: dict[str, tuple[str, Value]] = field(default_factory=dict)
    children: dict[str, Key] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()
    volatile: bool = False
    """In no hive file: gone with the next restart, and not part of a dump."""
    last_write: datetime.datetime | None = None

    def value(self, name: str) -> Value | None:
        found = self.values.get(name.lower())
        return found[1] if found else None

    def value_names(self) -> list[str]:
        return [name for name, _value in self.values.values()]


def canonical(path: str) -> str:
    """The path with its hive in full and without doubled or trailing separators."""
    parts = [part for part in path.split("\\") if part]
    hive = parts[0].lower().removesuffix(":") if parts else ""
    if hive not in _HIVES:
        raise KeyMissingError(path)
    return "\\".join([_HIVES[hive], *parts[1:]])


def make_value(type_name: str, data: t.Any) -> Value:
    """A value from the plain data of a fleet file: binary as hex, numbers unsigned."""
    kind = TYPES[type_name]
    if kind in (SZ, EXPAND_SZ):
        return Value(kind, str(data))
    if kind == MULTI_SZ:
        return Value(kind, tuple(str(item) for item in data))
    if kind in (DWORD, QWORD):
        return Value(kind, int(data) & (0xFFFFFFFF if kind == DWORD else 0xFFFFFFFFFFFFFFFF))
    return Value(kind, data if isinstance(data, bytes) else bytes.fromhex(str(data or "")))


class Registry:
    """A tree of keys. Paths are full (``HKEY_LOCAL_MACHINE\\...``) or carry a short hive name (``HKLM``)."""

    def __init__(self) -> None:
        self._root = Key("")

    def find(self, path: str) -> Key | None:
        """The key, whatever it denies; ``None`` where it does not exist."""
        node: Key | None = self._root
        try:
            parts = canonical(path).split("\\")
        except KeyMissingError:
            return None
        for part in parts:
            node = node.children.get(part.lower()) if node else None
        return node

    def open(self, path: str, access: str = "read") -> Key:
        """The key for reading or writing. Raises KeyMissingError, AccessDeniedError (of this key; those above it do not
        count, since everybody has the right to traverse them)."""
        node = self._root
        for part in canonical(path).split("\\"):
            found = node.children.get(part.lower())
            if found is None:
                raise KeyMissingError(path)
            node = found
        if access in node.denied:
            raise AccessDeniedError(path)
        return node

    def slashed(self, path: str) -> str:
        """The key that a drive's path means where a name with a slash was taken apart on the way: what is not there as
        it stands is looked for under names joined by a slash. The path itself where nothing is found."""
        node, spelled, parts = self._root, [], canonical(path).split("\\")
        while parts:
            for size in range(1, len(parts) + 1):
                name = "/".join(parts[:size])
                if (found := node.children.get(name.lower())) is not None:
                    break
            else:
                return path
            node, parts = found, parts[size:]
            spelled.append(found.name)
        return "\\".join(spelled)

    def create(self, path: str) -> Key:
        """The key, made where it is missing."""
        node = self._root
        for part in canonical(path).split("\\"):
            node = node.children.setdefault(part.lower(), Key(part))
        return node

    def create_volatile(self, path: str) -> None:
        """A key that lives until the next restart; one that is there stays as it is."""
        if self.find(path) is None:
            self.create(path).volatile = True

    def drop_volatile(self) -> None:
        """What a restart does to such keys."""

        def walk(node: Key) -> None:
            node.children = {name: child for name, child in node.children.items() if not child.volatile}
            for child in node.children.values():
                walk(child)

        walk(self._root)

    def delete(self, path: str) -> None:
        head, _separator, tail = canonical(path).rpartition("\\")
        parent = self.find(head)
        if parent is None or parent.children.pop(tail.lower(), None) is None:
            raise KeyMissingError(path)

    def set(self, path: str, name: str, value: Value) -> None:
        """Writes a value, creating its key. The spelling of an existing name stays."""
        key = self.create(path)
        old = key.values.get(name.lower())
        key.values[name.lower()] = (old[0] if old else name, value)

    def get(self, path: str, name: str) -> Value | None:
        """The value or ``None``, whatever the key denies."""
        key = self.find(path)
        return key.value(name) if key else None

    def remove_value(self, path: str, name: str) -> bool:
        """Whether there was such a value."""
        key = self.find(path)
        return key is not None and key.values.pop(name.lower(), None) is not None

    def copy(self) -> Registry:
        return copy.deepcopy(self)

    def dump(self) -> dict[str, dict[str, list[t.Any]]]:
        """Everything, for comparing whole states: ``{key path: {value name: [type name, data]}}``."""
        found: dict[str, dict[str, list[t.Any]]] = {}

        def walk(prefix: str, node: Key) -> None:
            for child in node.children.values():
                if child.volatile:
                    continue
                path = f"{prefix}\\{child.name}" if prefix else child.name
                found[path] = {
                    name: [TYPE_NAMES[value.type], value.data.hex() if isinstance(value.data, bytes) else value.data]
                    for name, value in child.values.values()
                }
                walk(path, child)

        walk("", self._root)
        return found
