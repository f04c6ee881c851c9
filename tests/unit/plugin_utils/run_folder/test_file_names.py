# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File names for inventory names: unique, legal and stable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name

LEGAL = re.compile(r"[a-z0-9_~.-]{1,80}")


def test_a_simple_name_stays_readable() -> None:
    assert encode_name("web01.example.com") == "web01.example.com"


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", ".", "CON", "con", "nul.example.com", "A", "x" * 300, "", "ein host", "호스트", "a\x00b"],
)
def test_an_odd_name_becomes_a_legal_file_name(name: str) -> None:
    encoded = encode_name(name)
    assert LEGAL.fullmatch(encoded)
    assert not encoded.startswith(".")
    assert "~" in encoded


def test_names_that_differ_in_case_only_get_files_that_do_not() -> None:
    assert encode_name("a").lower() != encode_name("A").lower()


@given(st.text(), st.text())
def test_two_names_never_share_a_file_on_a_system_that_ignores_case(one: str, other: str) -> None:
    if one != other:
        assert encode_name(one).lower() != encode_name(other).lower()


@given(st.text())
def test_every_name_gives_a_legal_file_name(name: str) -> None:
    assert LEGAL.fullmatch(encode_name(name))
