# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failure budget: what it allows, when it is spent, what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import (
    BudgetError,
    FailureBudget,
    Rate,
    parse_budget,
    parse_rate,
)


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


@pytest.mark.parametrize(("value", "rate"), [("3/10", Rate(3, 10)), (" 1 / 1 ", Rate(1, 1)), (None, None), ("", None)])
def test_a_rate_is_so_many_of_the_first_so_many(value: object, rate: Rate | None) -> None:
    assert parse_rate(value) == rate


@pytest.mark.parametrize("value", ["3", "0/10", "11/10", "3/0", "a/b", "30%", True])
def test_what_is_no_rate_is_refused_in_one_sentence(value: object) -> None:
    with pytest.raises(BudgetError, match="is not written as 3/10"):
        parse_budget(0, 10, value)


def test_three_of_the_first_ten_stop_a_run_that_its_budget_would_let_go_on() -> None:
    budget = FailureBudget(50, Rate(3, 10))
    assert budget.stopped(2, [True, False, True]) is None
    assert budget.stopped(3, [True, False, True, True]) == (
        "3 of the first 4 endpoints failed, and 3 of 10 stop the run."
    )
    assert budget.stopped(3, [True, True, *[False] * 8, True]) is None, "what comes after the first ten"
    assert str(budget.stopped(51, [])).startswith("The failure budget is spent: 51")
