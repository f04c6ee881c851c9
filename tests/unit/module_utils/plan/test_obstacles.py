# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Obstacles rest on the data of the reasons: paths and sentences may say anything."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import empty_section
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.obstacles import Obstacle, obstacles_of
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.verdicts_of_1_0 import with_reasons_as_data
from ansible_collections.fleetops.tetra.tests.unit.module_utils.plan.test_make_plan import (
    WINDOWS_10_22H2,
    switched,
    windows,
)

FILES = Path(__file__).resolve().parents[3] / "data" / "1.0.0" / "results"
SUITE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
BAD_LIST = "TLS_RSA_WITH_AES_128_CBC_SHA"


def judged(policy: str | None = None, **switches: dict[str, int]) -> Any:
    facts = windows(WINDOWS_10_22H2, policy) if policy is not None else windows(WINDOWS_10_22H2)
    for key, values in switches.items():
        switched(facts, key, **values)
    return evaluate(facts)


@given(garbage=st.text(max_size=40))
def test_what_a_reason_says_in_words_changes_no_obstacle(garbage: str) -> None:
    verdict = judged(BAD_LIST, **{"Hashes\\SHA256": {"Enabled": 0}, "Ciphers\\AES 256/256": {"Enabled": 0}})
    expected = obstacles_of(verdict, SUITE)
    assert Obstacle("policy_list") in expected
    changed = copy.deepcopy(verdict)
    for row in changed["suites"].values():
        for reason in row["reasons"]:
            reason["evidence"] = {"source": garbage, "path": garbage, "value": garbage, "note": garbage}
    assert obstacles_of(changed, SUITE) == expected


def test_a_hash_that_only_signatures_need_is_named_by_its_own_key() -> None:
    found = obstacles_of(judged(**{"Hashes\\SHA256": {"Enabled": 0}}), SUITE)
    assert Obstacle("hash", "Hashes\\SHA256") in found
    assert Obstacle("hash", "Hashes\\SHA384") not in found


def test_verdicts_of_1_0_0_give_the_same_obstacles_as_the_facts_judged_today() -> None:
    for path in sorted((FILES / "tonight" / "before" / "hosts").glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["facts"] is None:
            continue
        # 1.0.0 did not read the signature algorithms; without them every good answer would be open today.
        signatures = empty_section("signature_algorithms", "absent", "None.")
        facts = {**record["facts"], "signature_algorithms": {**signatures, "status": "ok"}}
        old, new = with_reasons_as_data(record["verdict"]), evaluate(facts)
        assert all("list" not in reason for row in record["verdict"]["suites"].values() for reason in row["reasons"])
        for name in new["suites"]:
            assert obstacles_of(old, name) == obstacles_of(new, name), (path.stem, name)
        assert with_reasons_as_data(new) is new


def test_a_switch_of_a_kind_that_nobody_here_knows_is_not_to_be_cured() -> None:
    """Of a verdict that a newer release made, say."""
    verdict = judged(BAD_LIST)
    verdict["suites"][SUITE]["reasons"] = [
        {"code": "cipher_disabled", "evidence": {"source": None, "path": None, "value": None, "note": None},
         "switch": "padding", "key": "Paddings\\X"},
    ]  # fmt: skip
    assert obstacles_of(verdict, SUITE) == [Obstacle("not_read")]
