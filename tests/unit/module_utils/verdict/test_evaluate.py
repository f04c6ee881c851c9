# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes, handshakes of the endpoint itself, signs of a pending change, options: state by state."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.cause import CONFIRM
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate, unknown_verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_options import OptionsError
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

Facts = dict[str, t.Any]
GOOD = f"{e.ECDHE_256},{e.CBC}"
TLS12 = "Protocols\\TLS 1.2\\Client"


def settled(policy: str = GOOD) -> Facts:
    """A policy list of the local GPO that is older than the last boot."""
    return e.set_local_gpo(e.endpoint(policy=policy), policy, e.BEFORE_BOOT)


def stopped() -> Facts:
    facts = e.endpoint()
    facts["connector"]["service"]["state"] = "Stopped"
    return facts


def stale() -> Facts:
    """We changed the list, the endpoint was rebooted, and the log still holds the failure from before."""
    facts = e.set_last_update(settled(), "failed", -3000, "2026-11-18T12:00:00Z")
    facts["reboot"]["changed_by_us"] = e.BEFORE_BOOT
    return facts


CAUSES: list[tuple[str, t.Callable[[], Facts], str]] = [
    ("cipher_mismatch", lambda: e.endpoint(policy=e.CBC), "non_compliant"),
    ("cipher_mismatch", lambda: e.endpoint("8.1_2012r2", policy=GOOD), "non_compliant"),
    ("tls12_disabled", lambda: e.set_switch(e.endpoint(), TLS12, "Enabled", 0), "non_compliant"),
    (
        "tls12_disabled",
        lambda: e.set_last_update(e.set_switch(e.endpoint(), TLS12, "DisabledByDefault", 1), "failed", -3000),
        "unknown",
    ),
    (
        "algorithm_disabled",
        lambda: e.set_switch(e.endpoint(policy=e.ECDHE_128), "Ciphers\\AES 128/128", "Enabled", 0),
        "non_compliant",
    ),
    ("curve_mismatch", lambda: e.set_fips(e.set_curves(e.endpoint("10_22h2"), ["curve25519"])), "non_compliant"),
    ("signature_mismatch", lambda: e.set_signatures(e.endpoint("8.1_2012r2"), ["RSA/SHA1"]), "non_compliant"),
    (
        "key_length",
        lambda: e.set_switch(
            e.endpoint("8.1_2012r2"), "KeyExchangeAlgorithms\\Diffie-Hellman", "ClientMaxKeyBitLength", 512
        ),
        "non_compliant",
    ),
    ("not_rebooted", lambda: e.set_last_update(e.endpoint(policy=GOOD), "failed", -3000), "unknown"),
    ("not_rebooted", lambda: e.set_probe(e.endpoint(policy=e.CBC), "tls_ok"), "unknown"),
    ("handshake_other", lambda: e.set_probe(settled(), "tls_failed", "0x80090326"), "non_compliant"),
    ("certificate", lambda: e.set_probe(settled(), "tls_failed", "schannel: 0x80092013"), "non_compliant"),
    ("certificate", lambda: e.set_probe(settled(), "other"), "compliant"),
    ("clock", lambda: e.set_probe(settled(), "tls_failed", "SEC_E_CERT_EXPIRED (0x80090328)"), "non_compliant"),
    ("connector_stopped", stopped, "compliant"),
    ("dns", lambda: e.set_probe(e.endpoint(), "dns"), "compliant"),
    ("connect", lambda: e.set_probe(e.endpoint(), "connect"), "compliant"),
    ("proxy", lambda: e.set_probe(e.endpoint(), "proxy"), "compliant"),
    ("network_timeout", lambda: e.set_probe(e.endpoint(), "timeout"), "compliant"),
    ("stale_log", stale, "compliant"),
    ("other", lambda: e.set_last_update(settled(), "failed", -3000), "compliant"),
    ("other", lambda: e.set_last_update(e.endpoint(), "failed", -2108), "compliant"),
]


@pytest.mark.parametrize(("code", "make", "state"), CAUSES)
def test_the_most_likely_cause(code: str, make: t.Callable[[], Facts], state: str) -> None:
    verdict = evaluate(make())
    assert (verdict["cause"]["code"], verdict["state"]) == (code, state)
    assert verdict["cause"]["confirm"] == CONFIRM[code]
    assert verdict["next_step"].endswith(".")


def test_every_cause_is_met() -> None:
    assert {code for code, _make, _state in CAUSES} | {"not_asked"} == set(CONFIRM)


def test_nothing_fails_so_there_is_no_cause() -> None:
    verdict = evaluate(e.endpoint())
    assert verdict["cause"] is None
    assert verdict["next_step"] == "Nothing to do."


def test_a_mismatch_is_never_claimed_without_evidence() -> None:
    facts = e.unread(e.unread(e.endpoint(), "policy_order"), "cipher_suites")
    verdict = evaluate(e.set_last_update(facts, "failed", -3000))
    assert verdict["state"] == "unknown"
    assert verdict["cause"]["code"] != "cipher_mismatch"


# The endpoint's own handshake ----------------------------------------------------------------------------------------


def test_a_handshake_settles_what_the_configuration_leaves_open() -> None:
    facts = e.set_policy(e.endpoint(), [e.CBC], "REG_MULTI_SZ")
    assert evaluate(facts)["state"] == "unknown"
    verdict = evaluate(e.set_probe(facts, "tls_ok"))
    assert verdict["state"] == "compliant"
    assert any("handshake" in note for note in verdict["notes"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: e.set_switch(e.endpoint(), TLS12, "DisabledByDefault", 1),
        lambda: e.endpoint("11_23h2", policy=e.TLS13_128),
        lambda: e.endpoint("11_23h2", policy=f"TLS_AES_256_GCM_SHA384,{e.ECDHE_128}"),
    ],
)
def test_a_handshake_of_another_program_does_not_settle_what_the_updater_asks_for(make: t.Callable[[], Facts]) -> None:
    assert evaluate(e.set_probe(make(), "tls_ok"))["state"] == "unknown"


def test_a_handshake_with_another_host_proves_nothing() -> None:
    facts = e.set_policy(e.endpoint(), [e.CBC], "REG_MULTI_SZ")
    assert evaluate(e.set_probe(facts, "tls_ok", host="www.example.com"))["state"] == "unknown"
    assert evaluate(e.set_probe(e.endpoint(), "tls_failed", host="www.example.com"))["state"] == "compliant"


def test_a_handshake_against_the_configuration_warns_of_the_next_boot() -> None:
    verdict = evaluate(e.set_probe(e.endpoint(policy=e.CBC), "tls_ok"))
    assert verdict["state"] == "unknown"
    assert "before the next reboot" in verdict["next_step"]


# In force ------------------------------------------------------------------------------------------------------------


def test_a_bad_list_is_bad_before_and_after_the_reboot() -> None:
    verdict = evaluate(e.set_local_gpo(e.endpoint(policy=e.CBC), e.CBC, e.AFTER_BOOT))
    assert (verdict["state"], verdict["in_force"]) == ("non_compliant", "after_reboot")


def test_a_list_that_the_next_boot_breaks_is_neither_green_nor_red() -> None:
    verdict = evaluate(e.set_policy(e.endpoint(policy=GOOD), e.CBC))
    assert verdict["either_way"] == {"in_force": "no", "if_not_in_force": "yes"}
    assert verdict["state"] == "unknown"


def test_two_lists_that_both_do_are_green() -> None:
    verdict = evaluate(e.set_policy(e.endpoint(policy=GOOD), e.ECDHE_128))
    assert verdict["either_way"] == {"in_force": "yes", "if_not_in_force": "yes"}
    assert (verdict["state"], verdict["in_force"]) == ("compliant", "after_reboot")


def test_flags_of_a_pending_reboot_are_told_and_change_nothing() -> None:
    facts = settled()
    facts["reboot"]["pending"].update(component_based_servicing=True, file_rename=True)
    verdict = evaluate(facts)
    assert (verdict["state"], verdict["in_force"]) == ("compliant", "yes")
    (told,) = [item for item in verdict["findings"] if item["rule"] == "TETRA-REBOOT-PENDING"]
    assert told["evidence"]["value"] == ["component_based_servicing"]
    facts["reboot"]["pending"].update(component_based_servicing=False)
    assert "TETRA-REBOOT-PENDING" not in {item["rule"] for item in evaluate(facts)["findings"]}


def test_an_old_failure_in_the_log_is_no_sign() -> None:
    facts = e.set_last_update(e.endpoint(policy=GOOD), "failed", -3000, e.BEFORE_BOOT)
    assert evaluate(facts)["state"] == "compliant"


# Options -------------------------------------------------------------------------------------------------------------


def test_require_all_asks_for_what_the_release_can_have() -> None:
    everything = {"require": "all"}
    assert evaluate(e.endpoint("10_21h2"), everything)["state"] == "compliant"
    assert evaluate(e.endpoint("2022"), everything)["state"] == "compliant"
    assert evaluate(e.endpoint("8.1_2012r2"), everything)["state"] == "compliant"
    assert evaluate(e.endpoint("10_22h2"), everything)["state"] == "non_compliant"


def test_strict_judges_what_is_only_reported_otherwise() -> None:
    only = e.endpoint(policy=f"{e.ECDHE_256},{e.ECDHE_128},TLS_PSK_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_NULL_SHA")
    assert evaluate(only, {"strict": True})["state"] == "compliant"
    verdict = evaluate(e.endpoint(policy=GOOD), {"strict": True})
    assert verdict["state"] == "non_compliant"
    assert verdict["strictness"] == {"answer": "no", "outside": [e.CBC]}
    assert evaluate(e.endpoint(policy=GOOD))["state"] == "compliant"


@pytest.mark.parametrize(
    "policy", ["any", {"requires": "all"}, {"allow_list": ["tls_x"]}, {"strict": 1}, {"require": []}]
)
def test_options_that_cannot_be_meant_are_refused(policy: t.Any) -> None:
    with pytest.raises(OptionsError) as caught:
        evaluate(e.endpoint(), policy)
    assert "\n" not in str(caught.value)


def test_an_image_without_a_connector_is_judged_on_tls() -> None:
    facts = e.unread(e.endpoint(policy=e.CBC), "connector", f.ABSENT)
    facts["source"] = "image"
    assert evaluate(facts)["state"] == "non_compliant"


def test_an_endpoint_that_could_not_be_asked_is_unknown_in_every_answer() -> None:
    verdict = unknown_verdict("host", "timeout", "No answer within\x1b 30 s.", {"allow_list": [e.CBC]})
    assert verdict["state"] == "unknown"
    assert list(verdict["suites"]) == [e.CBC]
    assert verdict["cause"]["code"] == "not_asked"
    assert "\x1b" not in str(verdict["findings"])
