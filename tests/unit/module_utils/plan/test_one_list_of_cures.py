# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan takes the way that the verdict tells: its steps are faults of the verdict's list of cures, in that order."""

from __future__ import annotations

import collections
import random
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.make_plan import plan
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import made_up_states as m

STATES = 800
_FOLDERS = {"Protocols": "protocol", "Ciphers": "cipher", "Hashes": "hash", "KeyExchangeAlgorithms": "key_exchange"}


def fault_of(step: t.Mapping[str, t.Any]) -> str:
    """What the list of cures calls what this step mends."""
    if step["name"] == "EccCurves":
        return "curves"
    if step["name"].endswith("KeyBitLength"):
        return "key_length"
    parts = step["path"].split("\\")
    return next((fault for folder, fault in _FOLDERS.items() if folder in parts), "list")


def test_the_steps_of_a_plan_are_cures_of_the_verdict_in_their_order() -> None:
    rng = random.Random("cures")
    counted: collections.Counter[str] = collections.Counter()
    for _number in range(STATES):
        facts = m.some_facts(rng)
        verdict = evaluate(facts)
        document = plan(t.cast(t.Any, facts), verdict)
        counted[document["todo"]] += 1
        if document["todo"] != "change":
            continue
        told = [cure["fault"] for cure in verdict["cures"]]
        if not told:
            # The endpoint's own handshake failed though the settings would do: they have no fault that is known.
            assert facts["probe"]["outcome"] == "tls_failed"
            continue
        done = list(dict.fromkeys(fault_of(step) for step in document["steps"]))
        assert [fault for fault in dict.fromkeys(told) if fault in done] == done, (told, document["steps"])
        counted["steps"] += len(document["steps"])
    assert counted["change"] > STATES / 10
