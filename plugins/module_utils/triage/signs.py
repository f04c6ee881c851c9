# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A sign: what one piece of evidence says for or against one cause."""

from __future__ import annotations

import typing as t


class Sign(t.NamedTuple):
    """``points``: above 0 for the cause, below 0 against it; 5 and more for what is nearly a proof."""

    code: str
    points: int
    source: str
    sentence: str
