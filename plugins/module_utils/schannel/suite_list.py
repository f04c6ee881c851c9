# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A list of cipher suites as it is stored, read name by name with its oddities named.

Microsoft demands a strict comma delimited list of at most 1023 characters (manage-tls, "Configuring TLS Cipher Suite
Order by using Group Policy"). What Windows does with spaces, other spelling, doubles or a longer list is documented
nowhere: such entries are kept as *doubtful*, neither counted in nor left out.
"""

from __future__ import annotations

import collections.abc as c
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import split_curve_suffix

MAXIMUM_LENGTH = 1023
"""Characters of the policy value that Microsoft documents as the limit."""

SPACES = "spaces"
EMPTY_ITEMS = "empty_items"
DUPLICATES = "duplicates"
CASE = "case"
SEPARATOR = "separator"
CONTROL = "control"
TOO_LONG = "too_long"
EMPTY = "empty"


@dataclass(frozen=True, eq=False)
class SuiteList:
    """One stored list. Equal texts share one object, so that work on it can be remembered.

    ``names``: the entries in order, as stored, empty ones left out. ``oddities``: what is wrong with the spelling, from
    the constants of this module. ``exact``: plain names that are spelled exactly, with their position.
    ``doubtful``: plain names that the list holds in a doubtful spelling only, with the oddity.
    ``suffixed``: plain names → the entries that carry a curve suffix.
    """

    names: tuple[str, ...]
    oddities: frozenset[str]
    exact: dict[str, int]
    doubtful: dict[str, str]
    suffixed: dict[str, tuple[str, ...]]
    length: int
    """Characters of the list written as one comma separated text."""
    key: frozenset[str]
    """What two lists are compared by: the names without regard to order, spaces and case."""
    plain: tuple[str, ...]
    """The names without spaces, curve suffix and doubles, in upper case, in order."""
    text: str
    """The names in one text, for evidence."""


@lru_cache(maxsize=4096)
def from_text(text: str) -> SuiteList:
    """The policy value of type REG_SZ. Zeros at its end are terminators, not part of the text."""
    text = text.rstrip("\0")
    oddities = {TOO_LONG} if len(text) > MAXIMUM_LENGTH else set()
    items = text.split(",")
    clean = _read_clean(tuple(items), text, oddities, len(text))
    if clean is not None:
        return clean
    if any(not item.strip() for item in items):
        oddities.add(EMPTY_ITEMS if text.strip(" ,") else EMPTY)
    return _read(items, oddities, len(text))


def ends_with_a_comma_only(text: str) -> bool:
    """Whether the only empty item of a policy value is an empty text behind its last comma."""
    *items, last = text.rstrip("\0").split(",")
    return last == "" and all(item.strip() for item in items)


def from_names(names: c.Iterable[str]) -> SuiteList:
    """A REG_MULTI_SZ value or the names of a cmdlet: one name an item."""
    return _from_names(tuple(names))


@lru_cache(maxsize=1024)
def _from_names(names: tuple[str, ...]) -> SuiteList:
    text = ",".join(names)
    clean = None if "," in "".join(names) else _read_clean(names, text, set(), len(text))
    if clean is not None and names:
        return clean
    oddities = set() if any(name.strip() for name in names) else {EMPTY}
    return _read(names, oddities, len(text))


def truncated(text: str) -> SuiteList:
    """The list that is left when only the documented maximum of characters counts."""
    return from_text(text[:MAXIMUM_LENGTH])


def _read_clean(names: tuple[str, ...], text: str, oddities: set[str], length: int) -> SuiteList | None:
    """A list in which every name is spelled exactly, as nearly all are; ``None`` for any other. Without a step for each
    name, so that ten thousand of them cost little."""
    if not text.isascii() or not text.isprintable() or " " in text or ";" in text or text != text.upper():
        return None
    exact = dict(zip(names, range(len(names)), strict=True))
    if "" in exact:
        return None
    if len(exact) != len(names):
        oddities = {*oddities, DUPLICATES}
        exact = {}
        for position, name in enumerate(names):
            exact.setdefault(name, position)
    suffixed: dict[str, list[str]] = {}
    for name in [name for name in names if name[-5:-3] == "_P"]:
        plain, curve = split_curve_suffix(name)
        if curve is not None:
            suffixed.setdefault(plain, []).append(name)
    return SuiteList(
        names,
        frozenset(oddities),
        exact,
        {},
        {plain: tuple(found) for plain, found in suffixed.items()},
        length,
        frozenset(names),
        tuple(dict.fromkeys(split_curve_suffix(name)[0] for name in names)) if suffixed else tuple(exact),
        text,
    )


def _read(items: c.Sequence[str], oddities: set[str], length: int) -> SuiteList:
    exact: dict[str, int] = {}
    doubtful: dict[str, str] = {}
    suffixed: dict[str, list[str]] = {}
    names: list[str] = []
    for item in items:
        name = item.strip()
        if not name:
            continue
        names.append(item)
        doubt = _doubt(item, name)
        if doubt is None:
            if name in exact:
                oddities.add(DUPLICATES)
                continue
            exact[name] = len(names) - 1
            plain, curve = split_curve_suffix(name)
            if curve is not None:
                suffixed.setdefault(plain, []).append(name)
            continue
        oddities.add(doubt)
        for part in _spaced(name.upper()).replace(";", " ").split():
            doubtful.setdefault(part, doubt)
            plain, curve = split_curve_suffix(part)
            if curve is not None:
                doubtful.setdefault(plain, doubt)
    return SuiteList(
        tuple(names),
        frozenset(oddities),
        exact,
        {name: doubt for name, doubt in doubtful.items() if name not in exact},
        {plain: tuple(found) for plain, found in suffixed.items()},
        length,
        frozenset(name.strip().upper() for name in names),
        tuple(dict.fromkeys(split_curve_suffix(name.strip().upper())[0] for name in names)),
        ",".join(names),
    )


def _spaced(name: str) -> str:
    """The name with spaces in place of control characters."""
    return name if name.isprintable() else "".join(char if char.isprintable() else " " for char in name)


def _doubt(item: str, name: str) -> str | None:
    if not name.isprintable():
        return CONTROL
    if ";" in name:
        return SEPARATOR
    if item != name or " " in name:
        return SPACES
    if name != name.upper():
        return CASE
    return None
