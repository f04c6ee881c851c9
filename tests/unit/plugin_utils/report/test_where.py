# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option where."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.where import Where
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

RESULTS = list(factories.fleet_results(20))


def selected(expression: str) -> list[str]:
    where = Where(expression)
    hosts = [result["host"] for result in RESULTS if where.selects(result)]
    assert where.problem() is None
    return hosts


def test_a_state() -> None:
    assert selected("verdict.state == 'non_compliant'") == [f"pc-{n:05d}.example.com" for n in (13, 14, 15, 16)]


def test_facts_and_verdict_together() -> None:
    expression = "verdict.state == 'non_compliant' && facts.os.kind == 'server' && verdict.policy_origin.gpo.name"
    assert selected(expression) == ["pc-00013.example.com", "pc-00014.example.com"]


@pytest.mark.parametrize(("expression", "count"), [("facts.os.ubr", 18), ("`0`", 20), ("`[]`", 0), ("nothing", 0)])
def test_truth_is_that_of_jmespath(expression: str, count: int) -> None:
    assert len(selected(expression)) == count


@pytest.mark.parametrize("expression", ["verdict.state = 'x'", "", "[?", "no_such_function(host)("])
def test_an_invalid_expression_is_one_sentence(expression: str) -> None:
    with pytest.raises(ReportError) as caught:
        Where(expression)
    assert str(caught.value).startswith("The option where is not a JMESPath expression: ")
    assert "\n" not in str(caught.value)


def test_results_that_cannot_be_asked_are_left_out_and_named() -> None:
    where = Where("contains(facts.os.product, 'Server')")
    hosts = [result["host"] for result in RESULTS if where.selects(result)]
    assert len(hosts) == 10
    sentence = where.problem()
    assert sentence is not None
    assert sentence.startswith(
        "The option where could not be evaluated on 2 of 20 endpoints, which are left out (first: "
    )


def test_an_expression_that_fails_everywhere_is_an_error() -> None:
    where = Where("no_such_function(host)")
    assert not any(where.selects(result) for result in RESULTS)
    with pytest.raises(ReportError, match="failed on every endpoint"):
        where.problem()
