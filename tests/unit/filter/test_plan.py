# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter plan: documents that hold their schema, and one sentence for what makes no sense."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.filter.plan import FilterModule, plan
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit.module_utils.plan.test_make_plan import FAILING, windows
from ansible_collections.fleetops.tetra.tests.unit.test_schemas import complaints

ORIGINS = ("direct", "local_gpo", "domain_gpo", "mdm", "unknown", "none")


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("policy", [None, FAILING])
@pytest.mark.parametrize("options", [{}, {"cure": "not_configured"}, {"change_domain_gpo": True}])
def test_plans_hold_their_schema(origin: str, policy: str | None, options: dict[str, t.Any]) -> None:
    document = plan(windows(policy=policy, origin=origin), **options)
    assert complaints("plan-1", document) == []


def test_a_restart_that_is_all_that_is_missing_holds_the_schema() -> None:
    facts = windows()
    verdict = evaluate(facts)
    verdict.update(in_force="after_reboot", either_way={"in_force": "yes", "if_not_in_force": "no"}, state="unknown")
    document = plan(facts, verdict)
    assert document["todo"] == "reboot"
    assert complaints("plan-1", document) == []


@pytest.mark.parametrize(
    ("facts", "options", "sentence"),
    [
        ({"schema": "other"}, {}, "takes the facts of an endpoint"),
        ("text", {}, "takes the facts of an endpoint"),
        (windows(), {"verdict": {"state": "compliant"}}, "give whole documents"),
        (windows(), {"cure": "prayer"}, "'prayer' is unknown"),
        (windows(), {"allow_list": ["TLS_NO_SUCH"]}, "TLS_NO_SUCH"),
        (windows(), {"colour": "red"}, "no option 'colour'"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(facts: t.Any, options: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        plan(facts, **options)
    assert sentence in str(error.value)


def test_the_file_offers_the_filter() -> None:
    assert FilterModule().filters() == {"plan": plan}
