# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was observed on a release settles what a verdict would leave open, there and nowhere else."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit.endpoint_facts import (
    CBC,
    ECDHE_256,
    Facts,
    endpoint,
    set_local,
    set_policy,
    set_switch,
    show,
)

DIGEST = "ab" * 32


def observed(facts: Facts, behaviour: str, variant: str, **other: t.Any) -> dict[str, t.Any]:
    windows = {"product": "Windows 10 21H2", "build": facts["os"]["build"], "ubr": 1, "kind": "client", **other}
    seen = {"file": "o.json", "sha256": DIGEST, "observed_at": "2026-11-24T20:00:00Z", **windows}
    return {"observations": [{**seen, "behaviours": {behaviour: variant}}]}


def list_in(kind: str, suite: str) -> Facts:
    """A policy list of an odd type whose suite is this one, beside a local list with the other; no cmdlet to tell."""
    local = CBC if suite == ECDHE_256 else ECDHE_256
    facts = set_policy(set_local(endpoint(), [local]), [suite] if kind == "REG_MULTI_SZ" else suite, kind)
    facts["cipher_suites"] = f.section(f.ABSENT, None, suites=[])
    facts["source"] = "image"
    return facts


CASES: list[tuple[Facts, str, dict[str, str]]] = [
    (list_in("REG_MULTI_SZ", CBC), "policy_multi_sz", {"ignored": "compliant", "used": "non_compliant"}),
    (list_in("REG_MULTI_SZ", ECDHE_256), "policy_multi_sz", {"ignored": "non_compliant", "used": "compliant"}),
    (list_in("REG_EXPAND_SZ", ECDHE_256), "policy_expand_sz", {"used": "compliant", "ignored": "non_compliant"}),
    (list_in("REG_SZ", "") | {}, "policy_empty", {"fallback_local": "compliant", "no_suites": "non_compliant"}),
    (
        list_in("REG_SZ", f"{CBC},"),
        "policy_trailing_comma",
        {"list_ignored": "compliant", "ignored": "non_compliant"},
    ),
    (
        list_in("REG_SZ", ",".join([CBC] * 31) + f",{ECDHE_256}"),
        "policy_over_1023",
        {"used": "compliant"},
    ),
    (
        set_switch(show(set_local(endpoint(), [ECDHE_256]), [ECDHE_256]), "Ciphers\\AES 256/256", "Enabled", 1),
        "enabled_one_for_algorithms",
        {"enabled": "compliant", "disabled": "non_compliant"},
    ),
    (
        set_switch(show(set_local(endpoint(), [ECDHE_256]), [ECDHE_256]), "KeyExchangeAlgorithms\\PKCS", "Enabled", 0),
        "pkcs_off_kills_ecdhe_rsa",
        {"no": "compliant", "yes": "non_compliant"},
    ),
]


@pytest.mark.parametrize(
    "facts,behaviour,states", CASES, ids=[f"{row[1]}-{number}" for number, row in enumerate(CASES)]
)
def test_a_world_that_was_observed_not_to_exist_is_not_counted(
    facts: Facts, behaviour: str, states: dict[str, str]
) -> None:
    assert evaluate(facts)["state"] == "unknown"
    for variant, state in states.items():
        verdict = evaluate(facts, observed(facts, behaviour, variant))
        assert verdict["state"] == state, variant
        assert any(DIGEST in note and f"{behaviour} is {variant}" in note for note in verdict["notes"]), variant
        for elsewhere in ({"build": 22631}, {"kind": "server"}):
            other = evaluate(facts, observed(facts, behaviour, variant, **elsewhere))
            assert other["state"] == "unknown"
            assert not any(DIGEST in note for note in other["notes"])


def test_observations_change_nothing_where_nothing_is_open() -> None:
    facts = endpoint(policy=ECDHE_256)
    for behaviour, variant in (("policy_multi_sz", "used"), ("policy_empty", "no_suites")):
        assert evaluate(facts, observed(facts, behaviour, variant)) == evaluate(facts)
