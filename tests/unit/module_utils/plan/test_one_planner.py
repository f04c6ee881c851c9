# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cure and the wanted states give the same answer about the same endpoint: one planner, one lock-out guard."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.make_plan import BLOCKED, plan
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import Refused
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order import wanted_order
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import parse_order_options
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

ACCEPTED = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
POLICY = "TLS_AES_256_GCM_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"


def facts_of(**mapping: t.Any) -> dict[str, t.Any]:
    return collect(NearWindows(**mapping).session, "pc", now())


def code_of_cure(facts: dict[str, t.Any]) -> str | None:
    made = plan(facts, evaluate(facts), {"cure": "not_configured"})
    return made["blocked"][0]["code"] if made["todo"] == BLOCKED else None


def code_of_state(facts: dict[str, t.Any]) -> str | None:
    try:
        wanted_order(facts, parse_order_options({"state": "not_configured"}), over_https=True)
    except Refused as refused:
        return refused.code
    return None


@pytest.mark.parametrize("release", [{"release": "11_23h2"}, {"release": "2022", "kind": "server"}])
@pytest.mark.parametrize(
    ("local", "expected"),
    [([ACCEPTED], "lock_out"), (["TLS_AES_128_GCM_SHA256", ACCEPTED], None)],
)
def test_neither_takes_a_policy_away_without_which_tls13_has_no_suite(
    release: dict[str, str], local: list[str], expected: str | None
) -> None:
    facts = facts_of(**release, policy=POLICY, origin="direct", local=local)
    assert (code_of_cure(facts), code_of_state(facts)) == (expected, expected)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"origin": {"kind": "domain_gpo", "gpo": "Baseline"}, "domain": "corp.example"}, "owned_by_domain_gpo"),
        ({"origin": "direct"}, None),
        ({"origin": "local_gpo"}, None),
    ],
)
def test_both_say_the_same_of_who_owns_the_list(mapping: dict[str, t.Any], expected: str | None) -> None:
    facts = facts_of(release="10_22h2", policy="TLS_RSA_WITH_AES_128_CBC_SHA", local=[ACCEPTED], **mapping)
    assert (code_of_cure(facts), code_of_state(facts)) == (expected, expected)
