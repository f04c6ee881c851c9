# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""wine's registry file ``system.reg`` (HKEY_LOCAL_MACHINE), read and written while nothing runs in its prefix.

Written values are raw, (type number, bytes), so that also types and lengths can be had that no API would write.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

Raw = tuple[int, bytes]
Keys = dict[str, dict[str, Raw]]
"""Key path below the hive → value name ("" for the default) → (type, bytes)."""

TYPES = {
    "REG_NONE": 0,
    "REG_SZ": 1,
    "REG_EXPAND_SZ": 2,
    "REG_BINARY": 3,
    "REG_DWORD": 4,
    "REG_MULTI_SZ": 7,
    "REG_QWORD": 11,
}
HIVE = "HKEY_LOCAL_MACHINE\\"
_KEY = re.compile(r"^\[((?:[^\\\]]|\\.)*)\]")
_VALUE = re.compile(r'^(?:@|"((?:[^"\\]|\\.)*)")=(.*)$', re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,4}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}


def raw(kind: str | int, data: t.Any) -> Raw:
    """A value from plain data: text, a list of texts, an unsigned number; bytes are taken as they are."""
    number = TYPES[kind] if isinstance(kind, str) else kind
    if isinstance(data, bytes):
        return number, data
    if isinstance(data, bool) or not isinstance(data, (int, str, list, tuple)):
        raise ValueError(f"no registry data: {data!r}")
    if isinstance(data, int):
        size = 8 if number == TYPES["REG_QWORD"] else 4
        return number, (data & (1 << 8 * size) - 1).to_bytes(size, "little")
    text = data + "\0" if isinstance(data, str) else "".join(f"{item}\0" for item in data) + "\0"
    return number, text.encode("utf-16-le", "surrogatepass")


def append(file: pathlib.Path, keys: t.Mapping[str, t.Mapping[str, Raw]]) -> None:
    """Adds keys and values; a value that is there already is replaced."""
    lines = []
    for key, values in keys.items():
        lines.append(f"\n[{_escaped(key, '[]')}] 1795545129")
        for name, (kind, data) in values.items():
            label = f'"{_escaped(name, chr(34))}"' if name else "@"
            lines.append(f"{label}=hex({kind:x}):{','.join(f'{byte:02x}' for byte in data)}")
    with file.open("a", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")


def remove(file: pathlib.Path, key: str) -> None:
    """Takes a key away with all below it."""
    wanted = key.lower()
    kept, dropping = [], False
    for line in file.read_text(encoding="ascii").splitlines(keepends=True):
        found = _KEY.match(line)
        if found is not None:
            path = _plain(found[1]).lower()
            dropping = path == wanted or path.startswith(f"{wanted}\\")
        if not dropping:
            kept.append(line)
    file.write_text("".join(kept), encoding="ascii")


def change(file: pathlib.Path, changes: t.Iterable[tuple[str, ...]]) -> None:
    """Carries out the bridge's words (stand_ins/bridge.c) while nothing runs."""
    added: Keys = {}
    for verb, key, *words in changes:
        path = _from_hex(key)
        if verb == "DELK":
            remove(file, path)
        elif verb == "DELV":
            _remove_value(file, path, _from_hex(words[0]))
        else:
            values = added.setdefault(path, {})
            if verb == "SET":
                values[_from_hex(words[0])] = (int(words[1]), b"" if words[2] == "-" else bytes.fromhex(words[2]))
    append(file, added)


def _from_hex(word: str) -> str:
    return "" if word == "-" else bytes.fromhex(word).decode("utf-16-le", "surrogatepass")


def _remove_value(file: pathlib.Path, key: str, name: str) -> None:
    kept = {path: values for path, values in read(file, key).items() if path.lower() == key.lower()}
    for path, values in kept.items():
        values = {known: value for known, value in values.items() if known.lower() != name.lower()}
        below = {other: found for other, found in read(file, path).items() if other.lower() != key.lower()}
        remove(file, path)
        append(file, {path: values, **below})


def read(file: pathlib.Path, below: str = "") -> Keys:
    """All keys at and below one, with their values. Keys keep wine's order."""
    found: Keys = {}
    current: dict[str, Raw] | None = None
    wanted = below.lower()
    text = re.sub(r"\\\n\s*", "", file.read_text(encoding="ascii"))
    for line in text.split("\n"):
        key = _KEY.match(line)
        if key is not None:
            path = _plain(key[1])
            inside = not wanted or path.lower() == wanted or path.lower().startswith(f"{wanted}\\")
            current = found.setdefault(path, {}) if inside else None
        elif current is not None and (value := _VALUE.match(line)) is not None:
            current[_plain(value[1] or "")] = _data(value[2])
    return found


def _data(text: str) -> Raw:
    if text.startswith('"'):
        return 1, (_plain(text[1:-1]) + "\0").encode("utf-16-le", "surrogatepass")
    if text.startswith("dword:"):
        return 4, int(text[6:], 16).to_bytes(4, "little")
    if (typed := re.fullmatch(r'str\(([0-9a-f]+)\):"(.*)"', text, re.DOTALL)) is not None:
        return int(typed[1], 16), (_plain(typed[2]) + "\0").encode("utf-16-le", "surrogatepass")
    hexed = re.fullmatch(r"hex(?:\(([0-9a-f]+)\))?:(.*)", text)
    if hexed is None:
        raise ValueError(f"wine's registry file holds {text[:80]!r}")
    return int(hexed[1], 16) if hexed[1] else 3, bytes(int(part, 16) for part in hexed[2].split(",") if part)


def _escaped(text: str, also: str) -> str:
    parts = []
    for unit in _units(text):
        letter = chr(unit)
        if unit < 32 or unit > 126:
            parts.append(f"\\x{unit:04x}")
        else:
            parts.append(f"\\{letter}" if letter == "\\" or letter in also else letter)
    return "".join(parts)


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "little") for at in range(0, len(data), 2)]


def _plain(text: str) -> str:
    def letter(found: re.Match[str]) -> str:
        what = found[1]
        if what[0] == "x" and len(what) > 1:
            return chr(int(what[1:], 16))
        return chr(int(what, 8)) if what[0] in "01234567" else _LETTERS.get(what, what)

    joined = _ESCAPE.sub(letter, text)
    return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
