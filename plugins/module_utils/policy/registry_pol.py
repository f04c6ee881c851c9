# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Registry.pol (PReg): read and write without losing a byte.

Layout (MS-GPREG, "Registry Policy File Format"): ``PReg``, version 1 as a 32-bit number, then entries without anything
between them, all text in UTF-16LE: ``[ key NUL ; value name NUL ; type ; size ; data ]`` with type and size as 32-bit
little-endian numbers. Data is taken by its size, since it may hold ``;`` and ``]``. Keys lack the hive.
An entry may stop after the key or the value name; then only the key is created. Such an entry is kept as it is.
A file of no bytes is a file without policy.
"""

from __future__ import annotations

import dataclasses
import re
import struct
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import REGISTRY_TYPE_NAMES

HEADER = b"PReg\x01\x00\x00\x00"
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Larger input is refused. Real files have a few megabytes at most."""
MAX_ENTRIES = 500_000
"""More entries are refused: the smallest entry has six bytes, and a hostile file could hold millions."""
MAX_NAME_BYTES = 2 * 32_768
"""Longest key path or value name, in bytes; the registry allows 16,383 characters for a value name."""

REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD = 0, 1, 2, 3, 4
REG_MULTI_SZ, REG_QWORD = 7, 11

_OPEN, _CLOSE, _SEPARATOR = b"[\x00", b"]\x00", b";\x00"
_NUL = b"\x00\x00"
_NUMBER = struct.Struct("<I")
_DELETED_DATA = " \x00".encode("utf-16-le")
_DEL = "**del."
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_DEL_VALUES = ("**delvals", "**delvals.")


class PolError(ValueError):
    """The bytes are no Registry.pol, or a name cannot be written into one.

    ``offset`` is where reading stopped, in bytes from the start; ``None`` when writing.
    """

    def __init__(self, sentence: str, offset: int | None = None) -> None:
        super().__init__(sentence if offset is None else f"{sentence} (at byte {offset})")
        self.offset = offset


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``type`` is the number in the file (0 … 2^32-1), ``data`` the bytes with their terminators."""

    key: str
    value: str
    type: int = REG_NONE
    data: bytes = b""
    raw: bytes | None = None
    """The bytes of an entry that stops early, brackets included; ``None`` for a complete entry."""

    @property
    def is_command(self) -> bool:
        """Whether the value name is an instruction (``**del.NAME``, ``**DelVals.``, …) and not a value."""
        return self.value.startswith("**")

    def serialise(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"".join(
            (
                _OPEN,
                _text(self.key),
                _SEPARATOR,
                _text(self.value),
                _SEPARATOR,
                _NUMBER.pack(self.type),
                _SEPARATOR,
                _NUMBER.pack(len(self.data)),
                _SEPARATOR,
                self.data,
                _CLOSE,
            )
        )


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryPol:
    """The whole file, in its order. Unchanged, it serialises to the bytes it was read from."""

    entries: tuple[Entry, ...] = ()
    header: bool = True
    """False for a file of no bytes."""

    def serialise(self) -> bytes:
        if not self.entries and not self.header:
            return b""
        return HEADER + b"".join(entry.serialise() for entry in self.entries)


def parse(data: bytes) -> RegistryPol:
    """Reads a Registry.pol. Time and memory grow with the length of the input only. Errors: ``PolError``."""
    if len(data) > MAX_FILE_BYTES:
        raise PolError(f"the file has {len(data)} bytes, more than the {MAX_FILE_BYTES} that are read", 0)
    if not data:
        return RegistryPol((), header=False)
    if data[:4] != HEADER[:4]:
        raise PolError("the file does not begin with PReg, so it is no Registry.pol", 0)
    if data[:8] != HEADER:
        raise PolError("the version of the file is not 1", 4)
    entries: list[Entry] = []
    position = len(HEADER)
    while position < len(data):
        if len(entries) >= MAX_ENTRIES:
            raise PolError(f"the file has more than {MAX_ENTRIES} entries", position)
        entry, position = _parse_entry(data, position)
        entries.append(entry)
    return RegistryPol(tuple(entries))


def _parse_entry(data: bytes, start: int) -> tuple[Entry, int]:
    if data[start : start + 2] != _OPEN:
        raise PolError("an entry does not begin with [", start)
    key, after_key = _read_name(data, start + 2, "key")
    short = _short_end(data, after_key, 4)
    if short is not None:
        return Entry(key, "", raw=data[start:short]), short
    _expect(data, after_key, _SEPARATOR, "; after the key")
    value, after_value = _read_name(data, after_key + 2, "value name")
    short = _short_end(data, after_value, 3)
    if short is not None:
        return Entry(key, value, raw=data[start:short]), short
    _expect(data, after_value, _SEPARATOR, "; after the value name")
    kind = _read_number(data, after_value + 2, "type")
    _expect(data, after_value + 6, _SEPARATOR, "; after the type")
    size = _read_number(data, after_value + 8, "size")
    _expect(data, after_value + 12, _SEPARATOR, "; after the size")
    begin = after_value + 14
    end = begin + size
    if end + 2 > len(data):
        raise PolError(f"an entry claims {size} bytes of data, but {max(len(data) - begin, 0)} are left", begin)
    _expect(data, end, _CLOSE, "] after the data")
    return Entry(key, value, kind, data[begin:end]), end + 2


def _short_end(data: bytes, position: int, separators: int) -> int | None:
    """Where an entry ends that has nothing more to say: ``]`` at once, or only separators before it."""
    if data[position : position + 2] == _CLOSE:
        return position + 2
    tail = _SEPARATOR * separators + _CLOSE
    end = position + len(tail)
    if data[position:end] == tail and (end == len(data) or data[end : end + 2] == _OPEN):
        return end
    return None


def _read_name(data: bytes, start: int, what: str) -> tuple[str, int]:
    limit = min(len(data), start + MAX_NAME_BYTES)
    position = start
    while True:
        position = data.find(_NUL, position, limit)
        if position < 0:
            raise PolError(f"a {what} has no end", start)
        if (position - start) % 2 == 0:
            return data[start:position].decode("utf-16-le", "surrogatepass"), position + 2
        position += 1


def _read_number(data: bytes, position: int, what: str) -> int:
    if position + 4 > len(data):
        raise PolError(f"the file ends inside the {what} of an entry", position)
    return int(_NUMBER.unpack_from(data, position)[0])


def _expect(data: bytes, position: int, token: bytes, what: str) -> None:
    if data[position : position + 2] != token:
        raise PolError(f"there is no {what} of an entry", position)


def _text(text: str) -> bytes:
    if "\x00" in text:
        raise PolError("a key or value name holds a NUL character")
    encoded = text.encode("utf-16-le", "surrogatepass") + _NUL
    if len(encoded) > MAX_NAME_BYTES:
        raise PolError("a key or value name is longer than the registry allows")
    return encoded


# What the policy does to one value ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What processing the file does to one value: ``set`` (by ``entry``), ``deleted`` (by ``entry``) or ``none``."""

    action: t.Literal["set", "deleted", "none"]
    entry: Entry | None = None


def find(pol: RegistryPol, key: str, value: str) -> Entry | None:
    """The last entry that sets this value; key and name compare without case. Deletions are not looked at."""
    found = None
    for entry in pol.entries:
        if entry.raw is None and _is(entry, key, value):
            found = entry
    return found


def outcome(pol: RegistryPol, key: str, value: str) -> Outcome:
    """Follows the entries in order, deletions included.

    These are ``**del.NAME``, ``**DelVals.``, ``**DeleteValues`` and ``**DeleteKeys``.
    """
    result = Outcome("none")
    for entry in pol.entries:
        if entry.raw is None and _is(entry, key, value):
            result = Outcome("set", entry)
        elif removes(entry, key, value):
            result = Outcome("deleted", entry)
    return result


def removes(entry: Entry, key: str, value: str) -> bool:
    """Whether this entry is an instruction that removes the value: alone, with its key's values, or with its key."""
    if not entry.is_command or entry.raw is not None:
        return False
    command, here, wanted = entry.value.lower(), entry.key.lower(), key.lower()
    if here == wanted:
        if command == _DEL + value.lower() or command in _DEL_VALUES:
            return True
        return command == "**deletevalues" and value.lower() in _listed(entry)
    if command == "**deletekeys":
        return any(wanted == f"{here}\\{name}" or wanted.startswith(f"{here}\\{name}\\") for name in _listed(entry))
    return False


def replace(pol: RegistryPol, key: str, value: str, kind: int, data: bytes) -> RegistryPol:
    """The file with this value set. Takes the place of the old entry (set or ``**del.``); every other entry is kept.

    A new entry goes behind the last one of its key. Where an instruction that would remove the value comes later, the
    entry goes behind that.
    """
    entry = Entry(_spelling(pol, key), value, kind, data)
    entry.serialise()
    kept, place = _without(pol, key, value)
    for index in range(len(kept) - 1, -1, -1):
        if removes(kept[index], key, value):
            place = max(place or 0, index + 1)
            break
    if place is None:
        place = _behind_key(kept, key)
    kept.insert(place, entry)
    return RegistryPol(tuple(kept))


def disable(pol: RegistryPol, key: str, value: str) -> RegistryPol:
    """The file with the policy *Disabled*: one ``**del.NAME`` (REG_SZ, one space), before the values of its key."""
    kept, place = _without(pol, key, value)
    entry = Entry(_spelling(pol, key), f"{_DEL}{value}", REG_SZ, _DELETED_DATA)
    entry.serialise()
    same = [index for index, other in enumerate(kept) if other.key.lower() == key.lower()]
    plain = [index for index in same if not kept[index].is_command]
    if plain:
        place = plain[0]
    elif same:
        place = same[-1] + 1
    elif place is None:
        place = len(kept)
    kept.insert(place, entry)
    return RegistryPol(tuple(kept))


def delete(pol: RegistryPol, key: str, value: str) -> RegistryPol:
    """The file with the policy *Not configured*: the value's entry and its ``**del.`` are gone, the rest is kept."""
    kept, place = _without(pol, key, value)
    return pol if place is None else RegistryPol(tuple(kept), pol.header)


def _without(pol: RegistryPol, key: str, value: str) -> tuple[list[Entry], int | None]:
    """The entries without those of this value, and where the last of those stood in the shorter list."""
    kept: list[Entry] = []
    place = None
    for entry in pol.entries:
        if entry.raw is None and (_is(entry, key, value) or _is(entry, key, _DEL + value)):
            place = len(kept)
        else:
            kept.append(entry)
    return kept, place


def _is(entry: Entry, key: str, value: str) -> bool:
    return entry.value.lower() == value.lower() and entry.key.lower() == key.lower()


def _behind_key(entries: list[Entry], key: str) -> int:
    for index in range(len(entries) - 1, -1, -1):
        if entries[index].key.lower() == key.lower():
            return index + 1
    return len(entries)


def _spelling(pol: RegistryPol, key: str) -> str:
    """The key as the file already spells it."""
    return next((entry.key for entry in pol.entries if entry.key.lower() == key.lower()), key)


def _listed(entry: Entry) -> set[str]:
    text = text_of(entry.data)
    return {name.strip().lower() for name in text.split(";") if name.strip()}


# Data --------------------------------------------------------------------------------------------------------------


def text_of(data: bytes) -> str:
    """REG_SZ bytes as text: up to the first NUL; half a character at the end is dropped."""
    return data[: len(data) // 2 * 2].decode("utf-16-le", "replace").split("\x00", 1)[0]


def texts_of(data: bytes) -> list[str]:
    """REG_MULTI_SZ bytes as a list: up to the first empty string, as Windows reads it."""
    found = []
    for text in data[: len(data) // 2 * 2].decode("utf-16-le", "replace").split("\x00"):
        if not text:
            break
        found.append(text)
    return found


def sz(text: str) -> bytes:
    """Text as REG_SZ bytes, terminator included."""
    return text.encode("utf-16-le", "surrogatepass") + _NUL


def multi_sz(texts: t.Sequence[str]) -> bytes:
    """A list as REG_MULTI_SZ bytes: every text with its NUL, and one more NUL."""
    return b"".join(text.encode("utf-16-le", "surrogatepass") + _NUL for text in texts) + _NUL


def plain(entry: Entry) -> tuple[str | None, str | list[str] | int | None]:
    """An entry's type name and data as a facts document writes them. Unknown types: ``(None, hex)``.

    A number of the wrong size stays hexadecimal text, so that nobody takes it for a number.
    """
    name = REGISTRY_TYPE_NAMES.get(entry.type)
    if entry.type in (REG_SZ, REG_EXPAND_SZ):
        return name, text_of(entry.data)
    if entry.type == REG_MULTI_SZ:
        return name, texts_of(entry.data)
    if (entry.type, len(entry.data)) in ((REG_DWORD, 4), (REG_QWORD, 8)):
        return name, int.from_bytes(entry.data, "little")
    return name, entry.data.hex()


def from_plain(name: str | None, data: t.Any) -> tuple[int, bytes]:
    """The other way round than ``plain``: type and bytes of an entry; what fits no type is told as REG_NONE."""
    if name in ("REG_SZ", "REG_EXPAND_SZ") and isinstance(data, str):
        return (REG_SZ if name == "REG_SZ" else REG_EXPAND_SZ), sz(data)
    if name == "REG_MULTI_SZ" and isinstance(data, list):
        return REG_MULTI_SZ, multi_sz([str(text) for text in data])
    size = {"REG_DWORD": 4, "REG_QWORD": 8}.get(name or "")
    if size and isinstance(data, int) and 0 <= data < 1 << 8 * size:
        return (REG_DWORD if size == 4 else REG_QWORD), data.to_bytes(size, "little")
    return REG_NONE, bytes.fromhex(data) if isinstance(data, str) and _HEX.fullmatch(data) else b""
