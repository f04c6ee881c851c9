# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failure budget: what it allows, when it is spent, what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import BudgetError, parse_budget


@pytest.mark.parametrize(
    ("value", "fleet", "allowed"),
    [(0, 10, 0), ("3", 10, 3), ("5%", 200, 10), ("5%", 19, 0), ("100%", 7, 7), (" 10 % ", 50, 5)],
)
def test_a_budget_is_hosts_or_a_share_rounded_down(value: object, fleet: int, allowed: int) -> None:
    assert parse_budget(value, fleet).allowed == allowed


@pytest.mark.parametrize("value", ["", "-1", "101%", "some", True, None, 1.5, "1e3", "5 hosts"])
def test_what_is_no_budget_is_refused_in_one_sentence(value: object) -> None:
    with pytest.raises(BudgetError, match="neither a number of hosts"):
        parse_budget(value, 10)


def test_with_a_budget_of_zero_the_first_failure_stops_the_run() -> None:
    budget = parse_budget(0, 100)
    assert not budget.is_spent(0)
    assert budget.is_spent(1)


@given(st.integers(0, 100), st.integers(0, 20_000))
def test_a_share_never_allows_more_than_the_share(percent: int, fleet: int) -> None:
    allowed = parse_budget(f"{percent}%", fleet).allowed
    assert allowed * 100 <= percent * fleet < (allowed + 1) * 100
