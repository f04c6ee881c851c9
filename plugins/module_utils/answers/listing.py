# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Parts of a sentence: names, the first ones only where there are many; what another library's error says."""

from __future__ import annotations

import collections.abc as c


def some(names: c.Sequence[str], most: int = 10, total: int | None = None) -> str:
    """``a, b and 3 more``. ``total``: how many there are, where ``names`` holds only some of them already."""
    shown = names[:most]
    more = (len(names) if total is None else total) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one line without its full stop; its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
