# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of a fleet file: every complaint names the place, the key and the nearest right word."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.fleetops.tetra.lab.errors import FleetError


def as_mapping(value: t.Any, where: str) -> dict[str, t.Any]:
    """The value as a mapping with text keys."""
    if not isinstance(value, dict):
        raise FleetError(f"{where} must be a mapping, but is {_kind(value)}.")
    for key in value:
        if not isinstance(key, str):
            raise FleetError(f"{where} has the key {key!r}, which YAML reads as {_kind(key)}: put it in quotes.")
    return value


def as_text(value: t.Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise FleetError(f"{where} must be a text that is not empty, but is {_kind(value)}.")
    return value


def as_bool(value: t.Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise FleetError(f"{where} must be true or false, but is {_kind(value)}.")
    return value


def as_seconds(value: t.Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3600:
        raise FleetError(f"{where} must be a number of seconds from 0 to 3600, but is {value!r}.")
    return float(value)


def as_count(value: t.Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FleetError(f"{where} must be a number from 1, but is {value!r}.")
    return value


def as_list(value: t.Any, where: str) -> list[t.Any]:
    if not isinstance(value, list):
        raise FleetError(f"{where} must be a list, but is {_kind(value)}.")
    return value


def one_of(value: t.Any, choices: t.Collection[str], where: str) -> str:
    """The value, which must be one of the choices."""
    if isinstance(value, str) and value in choices:
        return value
    raise FleetError(f"{where} is {value!r}, which is none of {_listed(choices)}.{_hint(value, choices)}")


def known_keys(mapping: t.Mapping[str, t.Any], allowed: t.Collection[str], where: str) -> None:
    """Refuses a mapping with a key that nobody reads: it is a typo more often than not."""
    for key in mapping:
        if key not in allowed:
            raise FleetError(
                f"{where} has the unknown key {key!r}.{_hint(key, allowed) or f' Known: {_listed(allowed)}.'}"
            )


def _hint(word: t.Any, choices: t.Collection[str]) -> str:
    near = difflib.get_close_matches(str(word), list(choices), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def _listed(words: t.Collection[str]) -> str:
    return ", ".join(sorted(words))


def _kind(value: t.Any) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "empty" if value is None or value == "" else names.get(type(value), type(value).__name__)
