# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for a sentence."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some


@pytest.mark.parametrize(
    ("names", "most", "total", "text"),
    [
        ([], 3, None, ""),
        (["a", "b", "c"], 3, None, "a, b, c"),
        (["a", "b", "c", "d", "e"], 3, None, "a, b, c and 2 more"),
        (["a", "b"], 3, 7, "a, b and 5 more"),
        (["a", "b", "c", "d"], 3, 7, "a, b, c and 4 more"),
    ],
)
def test_the_first_names_and_how_many_more(names: list[str], most: int, total: int | None, text: str) -> None:
    assert some(names, most, total) == text
