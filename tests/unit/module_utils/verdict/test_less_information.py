# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule of the verdict itself: taking information away may turn yes or no into unknown, and nothing else.

``make prove-less-information`` runs it over 100,000 pairs and prints what it counted.
"""

from __future__ import annotations

import collections
import os
import random

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import made_up_states as m

PAIRS = int(os.environ.get("TETRA_PAIRS", "6000"))
POLICIES = (None, {"require": "all"}, {"strict": True})


@pytest.mark.parametrize("number", range(3))
def test_less_information_turns_yes_or_no_into_unknown_and_nothing_else(number: int) -> None:
    rng = random.Random(f"less-{number}")
    policy = POLICIES[number]
    counted: collections.Counter[str] = collections.Counter()
    while counted["pairs"] < PAIRS // 3:
        facts = m.some_facts(rng)
        before = evaluate(facts, policy)
        with_probe = facts["probe"].get("outcome") == "tls_ok"
        for what, less in m.less_information(facts, rng):
            after = evaluate(less, policy)
            broken = m.broken_rule(before, after)
            assert broken is None, (what, broken, facts)
            counted["pairs"] += 1
            counted["with a successful handshake"] += with_probe
            counted[f"{before['reachability']['answer']} became {after['reachability']['answer']}"] += 1
    print(f"\npolicy {policy}: {dict(counted)}")
    assert counted["yes became unknown"] > 0
    assert counted["no became unknown"] > 0
    assert counted["with a successful handshake"] > counted["pairs"] / 8
