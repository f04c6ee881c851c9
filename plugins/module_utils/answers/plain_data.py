# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Any mappings and sequences as plain JSON types: what a template hands over may be lazy, tagged or of a subclass."""

from __future__ import annotations

import collections.abc as c
import typing as t

_DEEPEST = 40


def plain(value: t.Any, depth: int = 0) -> t.Any:
    """Exact ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``; other values become their text.

    Raises ValueError for what is nested deeper than any document.
    """
    if depth > _DEEPEST:
        raise ValueError("the input is nested too deeply for a document.")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, c.Mapping):
        return {str(plain(key, depth + 1)): plain(value[key], depth + 1) for key in value}
    if isinstance(value, (c.Sequence, c.Set)) and not isinstance(value, (bytes, bytearray)):
        return [plain(item, depth + 1) for item in value]
    return str(value)
