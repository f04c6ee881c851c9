# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Texts of an endpoint as a reader may be shown them: on a terminal, in a cell, on a page."""

from __future__ import annotations

import typing as t
import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Control, format (all of the bidirectional ones, zero width), lone surrogates, line and paragraph separators."""


def visible(text: str) -> str:
    """The text with every character that acts instead of being seen written as ``\\xNN`` or ``\\uNNNN``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(mark) if unicodedata.category(mark) in _HIDDEN else mark for mark in text)


def visible_all(value: t.Any) -> t.Any:
    """The same for every text in plain data, the names of dictionaries too."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible_all(name): visible_all(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible_all(item) for item in value]
    return value


def _written(mark: str) -> str:
    number = ord(mark)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
