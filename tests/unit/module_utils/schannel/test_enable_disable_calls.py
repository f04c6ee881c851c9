# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Enable- and Disable-TlsCipherSuite that turn one list into another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.enable_disable_calls import (
    Call,
    arrangement,
    states,
)

NAMES = st.lists(st.sampled_from("ABCDEFGHIJ"), unique=True, max_size=10)


@pytest.mark.parametrize(
    ("before", "after", "calls"),
    [
        ("AB", "AB", []),
        ("AB", "XAB", [Call(True, "X", 0)]),
        ("AB", "ABX", [Call(True, "X", 2)]),
        ("ABC", "AC", [Call(False, "B")]),
        ("ABCD", "DABC", [Call(False, "D"), Call(True, "D", 0)]),
        ("ABCD", "BCDA", [Call(False, "A"), Call(True, "A", 3)]),
        ("", "AB", [Call(True, "A", 0), Call(True, "B", 1)]),
        ("AB", "", [Call(False, "A"), Call(False, "B")]),
    ],
)
def test_as_few_calls_as_it_takes(before: str, after: str, calls: list[Call]) -> None:
    assert arrangement(before, after, before + after) == calls


@given(before=NAMES, after=NAMES, movable=NAMES)
def test_the_calls_lead_from_one_list_to_the_other(before: list[str], after: list[str], movable: list[str]) -> None:
    found = states(before, arrangement(before, after, movable))
    assert found[0] == before
    assert found[-1] == after
    for one in found:
        assert len(set(one)) == len(one), "no name stands in the list twice on the way"


@given(names=NAMES, movable=NAMES)
def test_what_is_in_order_needs_no_call(names: list[str], movable: list[str]) -> None:
    assert arrangement(names, names, movable) == []


@given(before=NAMES, after=NAMES)
def test_a_name_that_cannot_be_enabled_stays_where_that_is_possible(before: list[str], after: list[str]) -> None:
    fixed = next((name for name in before if name in after), None)
    if fixed is not None:
        movable = [name for name in (*before, *after) if name != fixed]
        assert all(call.name != fixed for call in arrangement(before, after, movable))


@given(before=NAMES, after=NAMES)
def test_an_arrangement_that_was_cut_off_can_be_finished_from_where_it_stands(
    before: list[str], after: list[str]
) -> None:
    calls = arrangement(before, after, "ABCDEFGHIJ")
    for there in states(before, calls):
        number = states(before, calls).index(there)
        assert states(there, calls[number:])[-1] == after
