# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was observed on a release settles what a verdict would leave open, there and nowhere else."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import OPEN
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit.endpoint_facts import (
    CBC,
    DHE_128,
    ECDHE_256,
    TLS13_128,
    Facts,
    endpoint,
    set_curves,
    set_last_update,
    set_local,
    set_policy,
    set_signatures,
    set_switch,
    set_winhttp,
    show,
    show_configured,
)

DIGEST = "ab" * 32
TLS13 = {"answers": {"updater_offers_tls13": True, "server_has_tls13": True}}
"""Else what only TLS 1.3 carries would hang on what updater and servers speak."""


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


def with_a_local_curve_list(*names: str) -> Facts:
    facts = set_local(endpoint(), [ECDHE_256])
    facts["curves"]["local"] = f.registry_value(f.LOCAL_KEY, f.CURVES_VALUE, type="REG_MULTI_SZ", data=list(names))
    facts["source"] = "image"
    return facts


def without_curves() -> Facts:
    facts = set_curves(set_local(endpoint(), [ECDHE_256]), [], shown=False)
    facts["source"] = "image"
    return facts


def with_a_lowest_version(text: str) -> Facts:
    facts = endpoint("11_24h2_2025")
    for value in facts["policy_origin"]["mdm"]["values"]:
        if value["name"] == f.MINIMUM_TLS_VALUE:
            value.update(status="ok", type="REG_SZ", data=text, reason=None)
    return facts


def only_tls13(*keys: str) -> Facts:
    """A list of TLS 1.3 alone, with switches off. Updater and server are known to speak TLS 1.3."""
    facts = show_configured(set_local(endpoint("11_24h2_2025"), [TLS13_128]))
    for key in keys:
        set_switch(facts, key, "Enabled", 0)
    return facts


def that_waits() -> Facts:
    """A policy list whose age nobody could read; the cmdlet shows it."""
    facts = endpoint(policy=ECDHE_256)
    facts["policy_origin"]["local_gpo"] = f.section(
        f.DENIED, "No.", path=None, modified=None, size=None, entries=[], entry_count=0
    )
    return facts


def that_failed() -> Facts:
    """An edited local list that would do, and an update that failed since the boot."""
    facts = show_configured(set_local(endpoint(), [ECDHE_256, CBC]))
    return set_last_update(facts, "failed", -3000)


def twice(first: str, between: str) -> Facts:
    """A DHE suite between two mentions of another, on an endpoint that may refuse the server's group."""
    facts = list_in("REG_SZ", f"{first},{between},{first}")
    return set_switch(facts, "KeyExchangeAlgorithms\\Diffie-Hellman", "ClientMinKeyBitLength", 3072)


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
    (list_in("REG_SZ", f" {ECDHE_256}"), "policy_spaces", {"trimmed": "compliant", "unresolved": "non_compliant"}),
    (list_in("REG_SZ", ECDHE_256.lower()), "policy_name_case", {"ignored": "compliant", "exact": "non_compliant"}),
    (
        list_in("REG_SZ", f"{ECDHE_256}_P256"),
        "suffixed_names_on_10",
        {"offered": "compliant", "not_offered": "non_compliant"},
    ),
    (twice(ECDHE_256, DHE_128), "policy_duplicates", {"first_counts": "compliant", "last_counts": "unknown"}),
    (
        set_switch(endpoint(), "Protocols\\TLS 1.2\\Client", "DisabledByDefault", 1),
        "disabled_by_default_client",
        {"on": "compliant", "off": "non_compliant"},
    ),
    (set_winhttp(endpoint(), 0x80), "winhttp_defaults", {"not_taken": "compliant", "taken": "non_compliant"}),
    (with_a_lowest_version("TLS 1.3"), "mdm_minimum_tls", {"ignored": "compliant", "counts": "unknown"}),
    (
        set_switch(show_configured(set_local(endpoint(), [ECDHE_256])), "Hashes\\SHA256", "Enabled", 0),
        "hash_off_and_signatures",
        {"accepted": "compliant", "refused": "unknown"},
    ),
    (without_curves(), "curves_empty", {"defaults": "compliant", "none": "non_compliant"}),
    (
        with_a_local_curve_list("NoSuchCurve"),
        "curves_local_value",
        {"ignored": "compliant", "used": "non_compliant"},
    ),
    (set_signatures(endpoint(), ["RSA/SHA1"]), "signature_list", {"ignored": "compliant", "obeyed": "non_compliant"}),
    (
        only_tls13("KeyExchangeAlgorithms\\ECDH"),
        "tls13_needs_ecdh",
        {"no": "compliant", "yes": "non_compliant"},
    ),
    (
        only_tls13("Ciphers\\AES 128/128"),
        "hash_switch_for_tls13",
        {"no": "compliant", "yes": "non_compliant"},
    ),
    (that_waits(), "cmdlet_shows_policy", {"after_reboot": "compliant"}),
    (that_failed(), "local_list_in_force", {"at_once": "compliant"}),
]


@pytest.mark.parametrize(
    "facts,behaviour,states", CASES, ids=[f"{row[1]}-{number}" for number, row in enumerate(CASES)]
)
def test_a_world_that_was_observed_not_to_exist_is_not_counted(
    facts: Facts, behaviour: str, states: dict[str, str]
) -> None:
    known = TLS13 if behaviour in ("tls13_needs_ecdh", "hash_switch_for_tls13") else {}
    assert evaluate(facts, known)["state"] == "unknown"
    for variant, state in states.items():
        verdict = evaluate(facts, {**known, **observed(facts, behaviour, variant)})
        assert verdict["state"] == state, variant
        assert any(DIGEST in note and f"{behaviour} is {variant}" in note for note in verdict["notes"]), variant
        for elsewhere in ({"build": 22631}, {"kind": "server"}):
            other = evaluate(facts, {**known, **observed(facts, behaviour, variant, **elsewhere)})
            assert other["state"] == "unknown"
            assert not any(DIGEST in note for note in other["notes"])


def test_observations_change_nothing_where_nothing_is_open() -> None:
    facts = endpoint(policy=ECDHE_256)
    for behaviour, variant in (("policy_multi_sz", "used"), ("policy_empty", "no_suites")):
        assert evaluate(facts, observed(facts, behaviour, variant)) == evaluate(facts)


def test_every_behaviour_that_a_verdict_leaves_open_has_an_effect() -> None:
    assert {behaviour for _facts, behaviour, _states in CASES} | {"cmdlet_tls13_before_windows_11"} == set(OPEN)


def test_a_name_of_tls13_that_is_known_to_be_shown_is_no_claim() -> None:
    facts = endpoint()

    def claims(policy: dict[str, t.Any] | None = None) -> bool:
        return "TETRA-TLS13-CLAIM" in {row["rule"] for row in evaluate(facts, policy)["findings"]}

    assert claims() and claims(observed(facts, "cmdlet_tls13_before_windows_11", "unresolved"))
    assert not claims(observed(facts, "cmdlet_tls13_before_windows_11", "resolved"))


@pytest.mark.parametrize("text", [f"{CBC},,{ECDHE_256}", f",{ECDHE_256}", f"{CBC},,"])
def test_a_comma_at_the_end_says_nothing_about_an_empty_item_elsewhere(text: str) -> None:
    facts = list_in("REG_SZ", text)
    for variant in OPEN["policy_trailing_comma"]:
        assert evaluate(facts, observed(facts, "policy_trailing_comma", variant)) == evaluate(facts)


@pytest.mark.parametrize("text", [f"\t{ECDHE_256}", f"{ECDHE_256} {CBC}", f" {ECDHE_256.lower()}"])
def test_spaces_around_a_name_say_nothing_about_other_spellings(text: str) -> None:
    facts = list_in("REG_SZ", text)
    for behaviour in ("policy_spaces", "policy_name_case"):
        for variant in OPEN[behaviour]:
            assert evaluate(facts, observed(facts, behaviour, variant))["state"] == evaluate(facts)["state"]


def test_what_was_observed_of_one_endpoint_is_not_remembered_for_another() -> None:
    facts = list_in("REG_SZ", f"{ECDHE_256}_P256")
    for _round in range(2):
        for variant, usable in (("offered", [ECDHE_256]), ("not_offered", [])):
            verdict = evaluate(facts, observed(facts, "suffixed_names_on_10", variant))
            assert verdict["reachability"]["usable"] == usable
