# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""``gpt.ini`` of the local GPO: count its version up, and name the extension that processes ``Registry.pol``.

``Version`` is one decimal number of 32 bits: the user half above, the computer half in the low 16 bits.
``gPCMachineExtensionNames`` holds groups ``[{extension}{tool}…]``, sorted. Windows skips a policy file whose version
did not change, and an extension that is not named. Only the lines concerned are changed; all others keep their bytes.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

REGISTRY_EXTENSION = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
"""The client-side extension that applies Registry.pol."""
MACHINE_TOOL = "{D02B1F72-3407-48AE-BA88-E8213C6761F1}"
"""The editor's administrative templates, computer half."""
OTHER_MACHINE_TOOL = "{0F6B957D-509E-11D1-A7CC-0000F87571E3}"
"""An older tool id for computer settings; accepted when reading (not verified on a host)."""
MAX_FILE_BYTES = 1024 * 1024

_UTF16_MARK = b"\xff\xfe"
_SECTION = re.compile(r"\s*(?:\ufeff|\xef\xbb\xbf)?\s*\[([^\]]*)\]\s*")
_GROUPS = re.compile(r"(?:\[(?:\{[^{}\[\]]*\})+\])*")
_GROUP = re.compile(r"\[((?:\{[^{}\[\]]*\})+)\]")
_GUID = re.compile(r"\{[^{}]*\}")


class GptIniError(ValueError):
    """The text is no gpt.ini that can be changed safely."""


@dataclasses.dataclass(frozen=True, slots=True)
class GptIni:
    """The file as lines with their ends; unchanged, it serialises to the bytes it was read from."""

    lines: tuple[str, ...] = ()
    utf16: bool = False

    def serialise(self) -> bytes:
        text = "".join(self.lines)
        return _UTF16_MARK + text.encode("utf-16-le", "surrogatepass") if self.utf16 else text.encode("latin-1")

    @property
    def version(self) -> int | None:
        """The whole 32-bit number, or ``None`` where the file has none."""
        found = _find(self, "Version")
        if found is None:
            return None
        text = found[1].strip()
        if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > 0xFFFFFFFF:
            raise GptIniError(f"Version in gpt.ini is not a 32-bit number: {text[:40]!r}")
        return int(text)

    @property
    def machine_version(self) -> int | None:
        version = self.version
        return None if version is None else version & 0xFFFF

    @property
    def user_version(self) -> int | None:
        version = self.version
        return None if version is None else version >> 16

    @property
    def machine_extensions(self) -> tuple[tuple[str, ...], ...]:
        """The groups of gPCMachineExtensionNames; first of each is the extension, the others are its tools."""
        found = _find(self, "gPCMachineExtensionNames")
        text = found[1].strip() if found else ""
        if not _GROUPS.fullmatch(text):
            raise GptIniError("gPCMachineExtensionNames in gpt.ini is not a row of [{…}{…}] groups")
        return tuple(tuple(_GUID.findall(group)) for group in _GROUP.findall(text))


def parse(data: bytes) -> GptIni:
    """Reads a gpt.ini; no bytes give an empty one. ASCII by custom; other bytes and UTF-16 with mark are kept."""
    if len(data) > MAX_FILE_BYTES:
        raise GptIniError(f"gpt.ini has {len(data)} bytes, more than any real one")
    utf16 = data.startswith(_UTF16_MARK)
    if utf16 and len(data) % 2:
        raise GptIniError("gpt.ini is UTF-16 and ends inside a character")
    text = data[2:].decode("utf-16-le", "surrogatepass") if utf16 else data.decode("latin-1")
    return GptIni(tuple(re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)), utf16)


def next_version(version: int | None) -> int:
    """The number after a change of the computer half: low 16 bits plus one, 65535 back to 1, user half kept."""
    version = version or 0
    low = version & 0xFFFF
    return (version & 0xFFFF0000) | (1 if low == 0xFFFF else low + 1)


def bump_machine_version(ini: GptIni) -> GptIni:
    return _set(ini, "Version", str(next_version(ini.version)))


def add_registry_extension(ini: GptIni) -> GptIni:
    """Names the registry extension with its tool, keeping the other groups; unchanged where it is already named."""
    groups = list(ini.machine_extensions)
    for index, group in enumerate(groups):
        if group[0].upper() == REGISTRY_EXTENSION:
            if {guid.upper() for guid in group[1:]} & {MACHINE_TOOL, OTHER_MACHINE_TOOL}:
                return ini
            groups[index] = (group[0], *_inserted(group[1:], MACHINE_TOOL, str.upper))
            break
    else:
        groups = _inserted(groups, (REGISTRY_EXTENSION, MACHINE_TOOL), lambda group: group[0].upper())
    return _set(ini, "gPCMachineExtensionNames", "".join("[" + "".join(group) + "]" for group in groups))


def after_machine_change(data: bytes) -> bytes:
    """The bytes that gpt.ini must have after a change of the local Registry.pol; ``data`` is the file as it is now."""
    return bump_machine_version(add_registry_extension(parse(data))).serialise()


_Item = t.TypeVar("_Item")


def _inserted(items: t.Sequence[_Item], item: _Item, order: t.Callable[[_Item], str]) -> list[_Item]:
    """The item put before the first greater one; the others keep their order."""
    place = next((index for index, other in enumerate(items) if order(other) > order(item)), len(items))
    return [*items[:place], item, *items[place:]]


def _find(ini: GptIni, name: str) -> tuple[int, str] | None:
    """Line number and value of a setting in [General]; names compare without case, the first one counts."""
    general = False
    for index, line in enumerate(ini.lines):
        section = _SECTION.fullmatch(line)
        if section:
            general = section.group(1).strip().lower() == "general"
            continue
        setting = _setting(line) if general else None
        if setting and setting.name.lower() == name.lower():
            return index, setting.value
    return None


class _Setting(t.NamedTuple):
    name: str
    before: str
    """All of the line up to the value."""
    value: str
    after: str
    """All of the line behind the value, its end included."""


def _setting(line: str) -> _Setting | None:
    left, equals, right = line.partition("=")
    name = left.strip()
    if not equals or not name or name[0] in ";[":
        return None
    value = right.strip()
    start = len(right) - len(right.lstrip()) if value else len(right.rstrip("\r\n"))
    return _Setting(name, left + equals + right[:start], value, right[start + len(value) :])


def _set(ini: GptIni, name: str, value: str) -> GptIni:
    lines = list(ini.lines)
    found = _find(ini, name)
    if found is not None:
        setting = _setting(lines[found[0]])
        if setting is not None:
            lines[found[0]] = setting.before + value + setting.after
        return dataclasses.replace(ini, lines=tuple(lines))
    end = next((line[len(line.rstrip("\r\n")) :] for line in lines if line.rstrip("\r\n") != line), "\r\n")
    place = _end_of_general(lines)
    if place is None:
        if lines and not lines[-1].endswith(("\r", "\n")):
            lines[-1] += end
        lines.append(f"[General]{end}")
        place = len(lines)
    elif not lines[place - 1].endswith(("\r", "\n")):
        lines[place - 1] += end
    lines.insert(place, f"{name}={value}{end}")
    return dataclasses.replace(ini, lines=tuple(lines))


def _end_of_general(lines: t.Sequence[str]) -> int | None:
    """Where a new setting goes: behind the last line of [General] that is not blank."""
    place, general = None, False
    for index, line in enumerate(lines):
        section = _SECTION.fullmatch(line)
        if section:
            if general:
                break
            general = section.group(1).strip().lower() == "general"
        if general and line.strip():
            place = index + 1
    return place
