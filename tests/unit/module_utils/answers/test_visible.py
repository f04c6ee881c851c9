# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No character of an endpoint acts on a terminal, a cell or a page."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible, visible_all


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = visible(text)
    assert all(unicodedata.category(mark) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for mark in shown)
    shown.encode("utf-8")


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("TLS_\u202eGCM", "TLS_\\u202eGCM"),
        ("a\r\nb", "a\\x0d\\x0ab"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("한국어 é", "한국어 é"),
    ],
)
def test_what_acts_is_written_out(given: str, shown: str) -> None:
    assert visible(given) == shown


def test_plain_data_is_gone_through_as_a_whole() -> None:
    assert visible_all({"a\x07": ["\x1b", {"b": "\u200f"}], "n": [1, None, True]}) == {
        "a\\x07": ["\\x1b", {"b": "\\u200f"}],
        "n": [1, None, True],
    }
