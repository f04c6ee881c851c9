# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict against the simulated Schannel, which shares no logic with it, and against facts that somebody damaged.

``make prove-verdict`` runs 20,000 states and a million damaged documents; the counts are printed.
"""

from __future__ import annotations

import collections
import copy
import os
import random
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import schannel_model
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import lab_facts
from ansible_collections.fleetops.tetra.tests.unit.module_utils.verdict import test_handshake_oracle as oracle

STATES = int(os.environ.get("TETRA_MODEL_STATES", "800"))
DAMAGED = int(os.environ.get("TETRA_DAMAGED", "4000"))
RUBBISH: tuple[t.Any, ...] = (
    None, True, False, 0, -1, 2**70, 1.5, "", " ", "denied", "한국어", "\x00", "TLS_" * 300, [], [None],
    ["NistP256"], [[]], {}, {"status": 7}, ["x"] * 50,
)  # fmt: skip


def get_through(state: t.Any) -> bool:
    configuration = state.configuration
    offer = schannel_model.offer(configuration, schannel_model.configured_lists(configuration))
    return lab_facts.gets_through(offer)


def test_no_state_is_judged_against_the_independent_model() -> None:
    rng = random.Random("model")
    counted: collections.Counter[tuple[str, bool]] = collections.Counter()
    for _number in range(STATES):
        mapping = oracle.some_mapping(rng)
        state = lab_facts.state_of(mapping)
        answer = evaluate(lab_facts.read(state))["reachability"]["answer"]
        through = get_through(state)
        assert (answer, through) not in (("yes", False), ("no", True)), mapping
        counted[answer, through] += 1
    print(f"\n{sum(counted.values())} states: {dict(counted)}")
    assert counted["yes", True] > STATES / 10
    assert counted["no", False] > STATES / 10


def test_no_damaged_document_is_green_or_breaks_anything() -> None:
    """Documents of endpoints that do not get through by the model, each with one to three places damaged. Damage is
    never another sound document: no list loses a member, no key a value, and no status becomes a good one."""
    rng = random.Random("damaged")
    counted: collections.Counter[str] = collections.Counter()
    while counted["documents"] < DAMAGED:
        mapping = oracle.some_mapping(rng)
        state = lab_facts.state_of(mapping)
        if get_through(state):
            continue
        facts = lab_facts.read(state)
        places = list(_places(facts))
        if evaluate(facts)["state"] == "compliant":
            raise AssertionError(mapping)
        for _number in range(50):
            damaged = copy.deepcopy(facts)
            for place in rng.sample(places, rng.randint(1, 3)):
                _damage(damaged, place, rng)
            verdict = evaluate(damaged)
            assert verdict["state"] != "compliant", (mapping, damaged)
            counted["documents"] += 1
            counted[verdict["state"]] += 1
    print(f"\n{dict(counted)}")


def _places(document: t.Any, prefix: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    if prefix:
        yield prefix
    if isinstance(document, dict):
        for key, value in document.items():
            if key != "values":
                yield from _places(value, (*prefix, key))


def _damage(document: t.Any, place: tuple[t.Any, ...], rng: random.Random) -> None:
    try:
        for key in place[:-1]:
            document = document[key]
        if rng.random() < 0.3:
            del document[place[-1]]
        else:
            document[place[-1]] = copy.deepcopy(rng.choice(RUBBISH))
    except (KeyError, IndexError, TypeError):
        return  # an earlier damage took the place away
