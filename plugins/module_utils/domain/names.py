# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Distinguished names, as far as the order of containers needs them (RFC 4514)."""

from __future__ import annotations

import re
import typing as t

_PART: t.Final = re.compile(r"(?:[^\\,]|\\.)*", re.DOTALL)
_ESCAPED: t.Final = re.compile(r"\\([0-9a-fA-F]{2}|.)", re.DOTALL)
MOST_PARTS: t.Final = 200
"""Deeper names are no names of a directory that exists; they are cut to end nowhere."""


def parts_of(name: str) -> tuple[str, ...]:
    """The relative names from the leaf up: ``OU=a\\,b,DC=x`` → ``("OU=a\\,b", "DC=x")``; no escape is resolved."""
    found: list[str] = []
    position = 0
    while position <= len(name) and len(found) < MOST_PARTS:
        matched = _PART.match(name, position)
        if matched is None:
            break
        found.append(matched[0].strip())
        position = matched.end() + 1
    return tuple(part for part in found if part)


def key_of(name: str) -> str:
    """The name as it is compared: case, blanks around commas and the way of escaping do not count."""
    return ",".join(_plain(part).lower() for part in parts_of(name))


def ancestors_of(name: str) -> tuple[str, ...]:
    """Keys of the containers of an object, nearest first, up to the root of the domain (``DC=x,DC=y``)."""
    parts = parts_of(name)
    found = []
    for index in range(1, len(parts)):
        found.append(",".join(_plain(part).lower() for part in parts[index:]))
        if all(part[:3].lower() == "dc=" for part in parts[index:]):
            break
    return tuple(found)


def domain_of(name: str) -> str:
    """``CN=a,OU=b,DC=lab,DC=test`` → ``lab.test``."""
    return ".".join(part[3:].lower() for part in parts_of(name) if part[:3].lower() == "dc=")


def _plain(part: str) -> str:
    """One way of escaping: a comma keeps its backslash, anything else stands as it is."""
    return _ESCAPED.sub(lambda found: _character(found[1]), part)


def _character(escaped: str) -> str:
    meant = chr(int(escaped, 16)) if len(escaped) == 2 else escaped
    return f"\\{meant}" if meant in ",\\" else meant
