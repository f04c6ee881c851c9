# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of a class of endpoints gives, for each of them, the verdict that judging it anew gives."""

from __future__ import annotations

import copy
import json
import os
import random
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import remembering
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate_anew
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e
from ansible_collections.fleetops.tetra.tests.unit import made_up_states as m

STATES = int(os.environ.get("TETRA_REMEMBERED", "150"))
POLICIES: tuple[t.Any, ...] = (
    None, {"require": "all"}, {"strict": True}, {"answers": {"updater_offers_tls13": "no"}},
    {"allow_list": [e.DHE_128]},
)  # fmt: skip
LINES = (
    "compliant",
    "unknown",
    "yes",
    "",
    None,
    "x",
    "한국어 \x1b[31m",
    "y" * 2000,
    "TETRA-REBOOT",
    "Code -3000.",
    "no",
)
Facts = dict[str, t.Any]
FINDINGS_NOT_STATED_HERE = True


def some_time(rng: random.Random) -> str | None:
    if rng.random() < 0.1:
        return rng.choice((None, "yes", "compliant", "", "2026-11-24", "2026-11-24T03:43:00"))
    day, hour = rng.randint(18, 26), rng.randint(0, 23)
    return f"2026-11-{day:02d}T{hour:02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}Z"


def sibling(rng: random.Random, facts: Facts, number: int) -> Facts:
    """The same endpoint with other words of its own."""
    other = copy.deepcopy(facts)
    other["host"] = rng.choice((f"host-{number}", "unknown", "yes", ""))
    other["collected_at"] = some_time(rng)
    other["os"].update(computer_name=f"PC{number}", domain=rng.choice((None, "example.com")))
    if rng.random() < 0.8:
        other["reboot"]["last_boot"] = some_time(rng)
    if facts["reboot"]["changed_by_us"] is not None and rng.random() < 0.8:
        other["reboot"]["changed_by_us"] = some_time(rng)
    for part in (other["policy_origin"]["local_gpo"], other["policy_origin"]["archive"]):
        if part["status"] == "ok" and rng.random() < 0.8:
            part["modified"] = some_time(rng)
    last = other["connector"]["last_update"]
    if last["status"] == "ok":
        last["time"] = some_time(rng)
        last["line"] = rng.choice((f"({number}) PerformTetraUpdate: bUpdated = FALSE, status: {number}", *LINES))
    return other


def test_it_is_the_verdict_that_judging_anew_gives() -> None:
    rng = random.Random("remembering")
    judged: list[t.Any] = []

    def judge(facts: t.Any, policy: t.Any, marks: t.Any) -> t.Any:
        judged.append(facts)
        return evaluate_anew(facts, policy, marks)

    memory = remembering.Memory(judge, most=8)
    number = 0
    for _state in range(STATES):
        facts, policy = m.some_facts(rng), rng.choice(POLICIES)
        if rng.random() < 0.5:
            e.set_last_update(facts, "failed", -3000)
        for _sibling in range(8):
            number += 1
            one = sibling(rng, facts, number)
            before = json.dumps(one)
            found = memory.judge(one, policy)
            assert found == evaluate_anew(copy.deepcopy(one), policy)
            assert list(found) == list(evaluate_anew(one, policy))
            assert json.dumps(one) == before
    assert 0 < len(judged) < number, "some were judged, and some remembered"
    print(f"\n{number} endpoints, {len(judged)} of them judged")


def many(number: int, **changed: t.Any) -> list[Facts]:
    found = []
    for at in range(number):
        facts = e.set_last_update(
            e.endpoint("10_22h2", policy=e.ECDHE_256), "failed", -3000, f"2026-11-23T08:{at:02d}:00Z"
        )
        facts["connector"]["last_update"]["line"] = f"line {at:05d} of the log"
        facts["host"] = f"host-{at}"
        found.append({**json.loads(json.dumps(facts)), **changed})
    return found


def test_a_class_is_judged_once_and_each_endpoint_is_quoted_word_for_word() -> None:
    judged: list[t.Any] = []

    def judge(facts: t.Any, policy: t.Any, marks: t.Any) -> t.Any:
        judged.append(facts)
        return evaluate_anew(facts, policy, marks)

    memory = remembering.Memory(judge)
    endpoints = many(50)
    verdicts = [memory.judge(facts, None) for facts in endpoints]
    assert len(judged) == 1
    assert [one["host"] for one in verdicts] == [f"host-{at}" for at in range(50)]
    for at, one in enumerate(verdicts):
        (told,) = [row for row in one["findings"] if row["rule"] == "TETRA-UPDATE-FAILED"]
        assert told["evidence"]["value"] == f"line {at:05d} of the log"


def test_what_a_caller_adds_to_a_verdict_stays_there() -> None:
    memory = remembering.Memory(evaluate_anew)
    first, second, third = (memory.judge(facts, None) for facts in many(3))
    expected = copy.deepcopy(third)
    for verdict in (first, second):
        verdict["findings"].clear()
        verdict["notes"].append("Mine.")
        verdict["suites"].clear()
        verdict["reachability"]["answer"] = "no"
        verdict["cause"] = None
    assert third == expected
    assert memory.judge(many(3)[2], None) == expected


@pytest.mark.parametrize(
    "place", [("host",), ("os",), ("reboot", "last_boot"), ("connector", "last_update"), ("schema",)]
)
@pytest.mark.parametrize("value", [None, 7, True, [], {}, "x", {"status": "ok"}])
def test_what_is_not_as_it_should_be_is_judged_by_itself(place: tuple[str, ...], value: t.Any) -> None:
    memory = remembering.Memory(evaluate_anew)
    for facts in many(3):
        part = facts
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = value
        assert memory.judge(facts, None) == evaluate_anew(facts)


def test_a_flag_is_no_number_and_one_class_no_other() -> None:
    memory = remembering.Memory(evaluate_anew)
    for value in (1, True, 1.0, "1", 0, False):
        facts = many(1)[0]
        e.set_switch(facts, "Ciphers\\AES 128/128", "Enabled", value)
        for _time in range(3):
            assert memory.judge(facts, None) == evaluate_anew(facts)


def test_no_more_classes_are_remembered_than_it_may() -> None:
    memory = remembering.Memory(evaluate_anew, most=5)
    for number in range(20):
        memory.judge(e.endpoint(policy=f"{e.ECDHE_256},TLS_MADE_UP_{number}"), None)
    assert len(memory._classes) == 5


def test_where_hundreds_in_a_row_are_all_different_none_is_looked_up_for_a_while() -> None:
    memory = remembering.Memory(evaluate_anew)
    met = []
    for number in range(remembering._TRIED + remembering._LEFT_ALONE + 2):
        facts = e.endpoint(policy=f"{e.ECDHE_256},TLS_MADE_UP_{number}") if number < 305 else many(1)[0]
        assert memory.judge(facts, None)["state"] in ("compliant", "unknown")
        met.append(len(memory._classes))
    assert met[299] == met[304] == met[-3] == 300
    assert met[-1] == 301, "then it is tried again"
