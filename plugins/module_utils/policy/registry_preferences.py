# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Registry items of Group Policy Preferences: which values a GPO writes again at each policy refresh.

Windows keeps a copy of what it has processed (``%ProgramData%\\Microsoft\\Group Policy\\History\\{GUID of the GPO}\\
Machine\\Preferences\\Registry\\Registry.xml``). An item is an element ``Properties`` with the attributes ``action``
(``C`` create, ``R`` replace, ``U`` update, ``D`` delete), ``hive``, ``key`` and ``name`` (MS-GPPREF, Registry).
"""

from __future__ import annotations

import html
import re
import typing as t

HISTORY = r"Microsoft\Group Policy\History\*\Machine\Preferences\Registry\Registry.xml"
"""Below ``%ProgramData%``, with a wildcard for the GPO."""

_GUID = re.compile(r"\\History\\(\{[0-9A-Fa-f-]{36}\})\\", re.IGNORECASE)
_PROPERTIES = re.compile(r"<Properties\b([^<>]*)>")
_ATTRIBUTE = re.compile(r'([A-Za-z]+)\s*=\s*"([^"]*)"')


class Item(t.NamedTuple):
    """A value that a preference writes (or, with action ``D``, takes away); ``key`` has its hive in full."""

    action: str
    key: str
    name: str


def items(content: bytes) -> list[Item]:
    """The items of a Registry.xml; what is damaged tells nothing."""
    found = []
    for match in _PROPERTIES.finditer(_text(content)):
        given = {name.lower(): html.unescape(value) for name, value in _ATTRIBUTE.findall(match[1])}
        if given.get("hive") and given.get("key"):
            key = "\\".join((given["hive"], given["key"].strip("\\")))
            found.append(Item(given.get("action", "U").upper(), key, given.get("name", "")))
    return found


def writes(item: Item, key: str, name: str) -> bool:
    """Whether the item sets or removes this value, by itself or with the whole key."""
    if item.key.lower() != key.lower():
        return item.action in ("D", "R") and not item.name and key.lower().startswith(f"{item.key.lower()}\\")
    return item.name.lower() == name.lower() or (item.action in ("D", "R") and not item.name)


def gpo_of_path(path: str) -> str | None:
    """The GUID of the GPO in the path of a copy, in upper case with braces."""
    match = _GUID.search(path)
    return match[1].upper() if match else None


def _text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")
