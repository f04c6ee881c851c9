# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whether something read from a file is an item of a before-image, so that nothing damaged is ever written back."""

from __future__ import annotations

import base64
import binascii
import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import ARRANGE_SUITES, ENABLE_SUITE

REGISTRY_VALUE: t.Final = "registry_value"
FILE: t.Final = "file"
GPO_VALUE: t.Final = "gpo_value"

_SIDES = ("before", "after")
_TEXTS = ("REG_SZ", "REG_EXPAND_SZ", "REG_SZ_OR_EXPAND_SZ", "REG_BINARY")
_NUMBERS = {"REG_DWORD": 1 << 32, "REG_QWORD": 1 << 64}


def is_item(item: t.Any) -> bool:
    """Whether it has all parts of an item of its kind, each with the right type."""
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        return False
    kind = item.get("kind")
    if kind == FILE:
        return all(_is_file_state(item.get(side)) for side in _SIDES)
    if kind not in (REGISTRY_VALUE, GPO_VALUE) or not isinstance(item.get("name"), str):
        return False
    if not all(_is_state(item.get(side)) for side in _SIDES):
        return False
    return _names_a_gpo(item) if kind == GPO_VALUE else _is_written_in_a_known_way(item)


def _is_state(state: t.Any) -> bool:
    if not isinstance(state, dict) or state.get("status") not in ("ok", "absent"):
        return False
    if state["status"] == "absent":
        return True
    kind, data = state.get("type"), state.get("data")
    if kind == "REG_MULTI_SZ":
        return _are_texts(data)
    if kind in _NUMBERS:
        return isinstance(data, int) and not isinstance(data, bool) and 0 <= data < _NUMBERS[kind]
    if kind in _TEXTS:
        return isinstance(data, str)
    return isinstance(kind, str) and (isinstance(data, (str, int)) or _are_texts(data))


def _is_file_state(state: t.Any) -> bool:
    if not isinstance(state, dict) or state.get("status") not in ("ok", "absent"):
        return False
    if state["status"] == "absent":
        return True
    try:
        base64.b64decode(state.get("content") or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        return False
    return isinstance(state.get("content"), str)


def _is_written_in_a_known_way(item: c.Mapping[str, t.Any]) -> bool:
    by, made = item.get("by"), item.get("made_keys", 0)
    if not isinstance(made, int) or isinstance(made, bool) or made < 0:
        return False
    if by is None:
        return True
    lists = all(item[side]["status"] == "ok" and _are_texts(item[side].get("data")) for side in _SIDES)
    return lists and (by == ENABLE_SUITE or (by == ARRANGE_SUITES and _are_calls(item.get("calls"))))


def _are_calls(calls: t.Any) -> bool:
    return isinstance(calls, list) and all(
        isinstance(call, dict)
        and isinstance(call.get("enable"), bool)
        and isinstance(call.get("name"), str)
        and isinstance(call.get("position"), int)
        for call in calls
    )


def _names_a_gpo(item: c.Mapping[str, t.Any]) -> bool:
    domain = item.get("domain")
    return isinstance(item.get("guid"), str) and (domain is None or isinstance(domain, str))


def _are_texts(data: t.Any) -> bool:
    return isinstance(data, list) and all(isinstance(one, str) for one in data)
