# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whether a document that comes from a file has the shape that its type says.

``fault(Record, document)`` is ``None``, or one phrase that names the first member that does not fit. The types are held
equal to ``docs/schemas``, so what passes here passes there but for patterns and ranges.
"""

from __future__ import annotations

import types
import typing as t
from functools import cache

Check = t.Callable[[t.Any, str], t.Optional[str]]  # noqa: UP045 - pylint of ansible-test knows no |
"""Takes a value and its place; the phrase that says what is wrong, or None."""

_PLAIN: dict[t.Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    type(None): ((type(None),), "null"),
}


def fault(shape: t.Any, document: t.Any) -> str | None:
    """What does not fit the type ``shape`` (a TypedDict of this room), or None. Never raises."""
    return _check_of(shape)(document, "")


@cache
def _check_of(shape: t.Any) -> Check:
    if isinstance(shape, type) and t.is_typeddict(shape):
        return _of_object(shape)
    origin, inner = t.get_origin(shape), t.get_args(shape)
    if origin is t.Literal:
        return _of_literal(inner)
    if origin in (t.Union, types.UnionType):
        return _of_alternatives([_check_of(part) for part in inner])
    if origin is list:
        return _of_list(_check_of(inner[0]))
    if origin is dict:
        return _of_mapping(_check_of(inner[1]))
    if shape is t.Any:
        return lambda _value, _place: None
    return _of_plain(*_PLAIN[shape])


def _of_plain(kinds: tuple[type, ...], name: str) -> Check:
    def check(value: t.Any, place: str) -> str | None:
        if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
            return None
        return f"{place or 'it'} is not {name}"

    return check


def _of_literal(allowed: tuple[t.Any, ...]) -> Check:
    def check(value: t.Any, place: str) -> str | None:
        if any(value == one and type(value) is type(one) for one in allowed):
            return None
        return f"{place or 'it'} is none of {', '.join(map(str, allowed))}"

    return check


def _of_alternatives(checks: list[Check]) -> Check:
    def check(value: t.Any, place: str) -> str | None:
        found = None
        for one in checks:
            told = one(value, place)
            if told is None:
                return None
            # The alternative that got furthest into the document says most.
            if found is None or (value is not None and len(told.partition(" ")[0]) > len(found.partition(" ")[0])):
                found = told
        return found

    return check


def _of_list(member: Check) -> Check:
    def check(value: t.Any, place: str) -> str | None:
        if not isinstance(value, list):
            return f"{place or 'it'} is not a list"
        for number, item in enumerate(value):
            told = member(item, f"{place}[{number}]")
            if told is not None:
                return told
        return None

    return check


def _of_mapping(member: Check) -> Check:
    def check(value: t.Any, place: str) -> str | None:
        if not isinstance(value, dict):
            return f"{place or 'it'} is not a mapping"
        for name, item in value.items():
            told = member(item, f"{place}.{name}" if place else str(name))
            if told is not None:
                return told
        return None

    return check


def _of_object(shape: t.Any) -> Check:
    members: dict[str, Check] = {}
    required: set[str] = set()
    for name, hint in t.get_type_hints(shape, include_extras=True).items():
        optional = t.get_origin(hint) is t.NotRequired
        members[name] = _check_of(t.get_args(hint)[0] if optional else hint)
        if not optional:
            required.add(name)

    def check(value: t.Any, place: str) -> str | None:
        if not isinstance(value, dict):
            return f"{place or 'it'} is not a mapping"
        for name in members:
            if name in value:
                told = members[name](value[name], f"{place}.{name}" if place else name)
                if told is not None:
                    return told
            elif name in required:
                return f"{place}.{name} is missing" if place else f"{name} is missing"
        strange = next((name for name in value if name not in members), None)
        return None if strange is None else f"{place or 'it'} has a member {str(strange)[:60]!r}, which nobody wrote"

    return check
