# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States that an attack with thousands of random endpoints found to be judged wrong, one by one."""

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

Facts = dict[str, t.Any]
ALL_FOUR = ",".join((e.ECDHE_256, e.ECDHE_128, e.DHE_128, e.TLS13_128))
TLS12, TLS13 = "Protocols\\TLS 1.2\\Client", "Protocols\\TLS 1.3\\Client"
OLD = ("7_2008r2", "8_2012", "8.1_2012r2")


def rules(verdict: Facts) -> set[str]:
    return {item["rule"] for item in verdict["findings"]}


def with_tls12(release: str, policy: str | None = None) -> Facts:
    """An older Windows on which TLS 1.2 is on in every respect."""
    facts = e.set_switch(e.endpoint(release, policy=policy), TLS12, "DisabledByDefault", 0)
    return e.set_winhttp(facts, 0xA00)


# (a) A name in no table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", OLD)
def test_the_dhe_suite_with_a_curve_suffix_is_no_suite(release: str) -> None:
    verdict = evaluate(with_tls12(release, f"{e.DHE_128}_P256"))
    assert verdict["state"] == "non_compliant"
    (reason,) = verdict["suites"][e.DHE_128]["reasons"]
    assert reason["code"] == "not_in_policy_list"
    assert "carries no curve" in reason["evidence"]["note"]
    assert evaluate(with_tls12(release, e.DHE_128))["state"] == "compliant"


# (b) A dead end that the group makes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2022", "11_23h2", "11_24h2_2025"])
def test_tls_1_3_with_a_group_that_the_server_may_lack_is_a_dead_end(release: str) -> None:
    facts = e.set_curves(e.endpoint(release, policy=ALL_FOUR), ["NistP384"])
    verdict = evaluate(facts)
    assert verdict["state"] == "unknown"
    assert "TETRA-TLS13-DEAD-END" in rules(verdict)
    off = e.set_switch(copy.deepcopy(facts), TLS13, "Enabled", 0)
    assert evaluate(off)["state"] == "compliant", "DHE needs no group"
    assert evaluate(e.set_curves(facts, ["NistP384", "NistP256"]))["state"] == "compliant"


# (c) What a handshake proves ------------------------------------------------------------------------------------------


def denied_key(key: str) -> t.Callable[[Facts], None]:
    def deny(facts: Facts) -> None:
        facts["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key), f.DENIED, "Access is denied.")

    return deny


def denied_winhttp(facts: Facts) -> None:
    facts["schannel"]["winhttp_default_secure_protocols"].update(status=f.DENIED, reason="Access is denied.")


def denied(section: str) -> t.Callable[[Facts], None]:
    return lambda facts: t.cast(None, e.unread(facts, section, f.DENIED))


@pytest.mark.parametrize(
    "deny", [denied_key(TLS12), denied_winhttp, denied("os"), denied("policy_order"), denied("cipher_suites")]
)
def test_a_handshake_does_not_read_what_nobody_read(deny: t.Callable[[Facts], None]) -> None:
    facts = e.set_probe(e.endpoint(policy=ALL_FOUR), "tls_ok")
    assert evaluate(facts)["state"] == "compliant"
    deny(facts)
    assert evaluate(facts)["state"] == "unknown"


def test_a_handshake_does_not_let_a_configured_no_be_forgotten() -> None:
    facts = e.set_probe(e.endpoint(policy=e.CBC), "tls_ok")
    verdict = evaluate(facts)
    assert verdict["state"] == "unknown"
    assert "TETRA-PROBE-CONTRADICTS" in rules(verdict)
    for section in ("policy_order", "cipher_suites", "os"):
        assert evaluate(e.unread(copy.deepcopy(facts), section))["state"] == "unknown"


def test_where_curl_may_have_spoken_tls_1_3_it_says_nothing_about_tls_1_2() -> None:
    facts = e.set_probe(e.set_policy(e.endpoint("11_23h2"), [e.CBC], "REG_MULTI_SZ"), "tls_ok")
    assert evaluate(facts)["state"] == "unknown"
    assert evaluate(e.set_switch(facts, TLS13, "Enabled", 0))["state"] == "compliant"


# (d) An empty answer --------------------------------------------------------------------------------------------------


def test_an_empty_answer_of_the_cmdlet_is_an_answer() -> None:
    verdict = evaluate(e.show(e.endpoint(policy=ALL_FOUR), []))
    assert verdict["state"] == "unknown"
    assert "TETRA-SOURCES-DIFFER" in rules(verdict)
    assert evaluate(e.show(e.endpoint(policy=e.CBC), []))["state"] == "non_compliant"


# (e) DefaultSecureProtocols -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["7_2008r2", "8_2012"])
@pytest.mark.parametrize(("data", "state"), [(None, "unknown"), (0xA0, "unknown"), (0xA80, "compliant")])
def test_winhttp_without_tls_1_2_is_one_rule(release: str, data: int | None, state: str) -> None:
    """KB3140245: on these releases a missing value leaves TLS 1.2 out, as one without its bit does."""
    facts = e.set_switch(e.endpoint(release), TLS12, "DisabledByDefault", 0)
    if data is not None:
        e.set_winhttp(facts, data)
    verdict = evaluate(facts)
    assert verdict["state"] == state
    assert ("TETRA-WINHTTP-PROTOCOLS" in rules(verdict)) == (state == "unknown")


def test_on_later_releases_a_missing_value_leaves_tls_1_2_in() -> None:
    assert evaluate(e.endpoint("8.1_2012r2"))["state"] == "compliant"
    assert evaluate(e.set_winhttp(e.endpoint("8.1_2012r2"), 0xA0))["state"] == "unknown"


# (f) A world is named -------------------------------------------------------------------------------------------------

FAILING = "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_RSA_WITH_AES_256_CBC_SHA"


@pytest.mark.parametrize(
    ("policy", "local", "state", "words"),
    [
        (f"{FAILING},", None, "unknown", "passes over a list that has an empty item"),
        (f"{FAILING},", [e.CBC], "non_compliant", None),
        (f"{ALL_FOUR},", None, "compliant", None),
        (f"{e.CBC}, {e.ECDHE_256}", None, "unknown", "with a space"),
        (f"{e.CBC}, {FAILING}", None, "non_compliant", None),
        (e.ECDHE_256.lower(), None, "unknown", "in another case"),
    ],
)
def test_an_unknown_names_the_world_that_makes_the_difference(
    policy: str, local: list[str] | None, state: str, words: str | None
) -> None:
    facts = e.endpoint()
    if local is not None:
        e.set_local(facts, local)
    e.set_policy(facts, policy)
    e.show(facts, [name for name in policy.split(",") if name])
    verdict = evaluate(facts)
    assert verdict["state"] == state
    notes = " ".join(str(item["evidence"]["note"]) for item in verdict["suites"][e.ECDHE_256]["reasons"])
    if words is not None:
        assert words in notes


# (g) strict -----------------------------------------------------------------------------------------------------------


def test_strict_says_nothing_about_a_list_that_was_not_read() -> None:
    facts = e.unread(e.endpoint(policy=ALL_FOUR), "policy_order", f.DENIED)
    e.show(facts, [e.ECDHE_256, e.CBC])
    verdict = evaluate(facts, {"strict": True})
    assert (verdict["state"], verdict["strictness"]) == ("unknown", {"answer": "unknown", "outside": []})


# (h) Spelling of curves -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [" NistP256", "NistP256 ", "NISTP256", "nistp256"])
def test_a_curve_that_is_not_spelled_exactly_is_as_doubtful_as_a_suite(name: str) -> None:
    verdict = evaluate(e.set_curves(e.endpoint("10_22h2"), [name]))
    assert verdict["state"] == "unknown"
    assert any("not spelled exactly" in note for note in verdict["notes"])


@pytest.mark.parametrize("name", ["NistP256", "nistP256"])
def test_both_spellings_of_microsofts_pages_are_exact(name: str) -> None:
    assert evaluate(e.set_curves(e.endpoint("11_24h2_2025"), [name]))["state"] == "compliant"


# (i) What was seen and not told ---------------------------------------------------------------------------------------


def test_a_switch_that_was_denied_is_a_finding_with_its_place() -> None:
    facts = e.endpoint(policy=e.ECDHE_128)
    denied_key("Ciphers\\AES 128/128")(facts)
    (told,) = [item for item in evaluate(facts)["findings"] if item["rule"] == "TETRA-SWITCH-UNREAD"]
    assert told["evidence"]["path"] == f.schannel_path("Ciphers\\AES 128/128")
    assert told["evidence"]["note"] == "Access is denied."


@pytest.mark.parametrize("release", ["8.1_2012r2", "10_22h2"])
def test_tls_1_3_forced_on_before_windows_11_is_a_finding(release: str) -> None:
    facts = e.set_switch(e.endpoint(release), TLS13, "Enabled", 1)
    assert "TETRA-TLS13-FORCED" in rules(evaluate(facts))
    assert "TETRA-TLS13-FORCED" not in rules(evaluate(e.endpoint(release)))
    assert "TETRA-TLS13-FORCED" not in rules(evaluate(e.set_switch(e.endpoint("2022"), TLS13, "Enabled", 1)))


# (j) Keys with a slash ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [f.ERROR, f.DENIED, f.UNSUPPORTED, f.NOT_READ])
def test_a_slashed_key_whose_two_witnesses_differ_is_unknown(status: str) -> None:
    """The readings call a key ``error`` where the provider and StdRegProv differ; that is no key that is absent."""
    facts = e.endpoint("8.1_2012r2")
    path = f.schannel_path("Ciphers\\AES 128/128")
    reason = "Get-ChildItem and StdRegProv differ about it."
    facts["schannel"]["keys"]["Ciphers\\AES 128/128"] = f.registry_key(path, status, reason)
    verdict = evaluate(facts)
    assert verdict["state"] == "unknown"
    assert any(item["evidence"]["note"] == reason for item in verdict["suites"][e.DHE_128]["reasons"])


# Signature algorithms -------------------------------------------------------------------------------------------------

SHA1 = ["RSA/SHA1", "ECDSA/SHA1", "DSA/SHA1"]


@pytest.mark.parametrize(
    ("release", "names", "state"),
    [
        ("8.1_2012r2", SHA1, "non_compliant"),
        ("8.1_2012r2", ["RSA/SHA512"], "unknown"),
        ("8.1_2012r2", ["RSA/SHA256"], "compliant"),
        ("8.1_2012r2", ["rsa/sha256"], "unknown"),
        ("8.1_2012r2", ["ECDSA/SHA256"], "non_compliant"),
        ("10_22h2", SHA1, "unknown"),
        ("10_22h2", ["RSA/SHA256"], "compliant"),
        ("2022", SHA1, "unknown"),
        ("2022", ["RSA/SHA256"], "unknown"),
        ("2022", ["RSA/SHA256", "RSAE-PSS/SHA256"], "compliant"),
    ],
)
def test_signature_algorithms_that_fit_no_rsa_certificate(release: str, names: list[str], state: str) -> None:
    """Server 2022 with RSA/SHA256 alone offers TLS 1.3, which forbids it: a dead end of its own."""
    verdict = evaluate(e.set_signatures(e.endpoint(release), names))
    assert verdict["state"] == state
    assert ("TETRA-SIGNATURES" in rules(verdict)) == (state != "compliant")


def test_a_missing_list_of_signature_algorithms_means_the_default() -> None:
    facts = e.endpoint()
    facts["signature_algorithms"]["local"] = f.registry_value(f.SIGNATURE_LOCAL_KEY, f.SUITES_VALUE, f.ABSENT, "None.")
    assert evaluate(facts)["state"] == "compliant"
    assert evaluate(e.unread(facts, "signature_algorithms", f.DENIED))["state"] == "unknown"


def test_facts_of_1_0_0_hold_no_signature_algorithms_and_say_so() -> None:
    facts = e.endpoint()
    del facts["signature_algorithms"]
    verdict = evaluate(facts)
    assert verdict["state"] == "unknown"
    assert {item["code"] for item in verdict["suites"][e.ECDHE_256]["reasons"]} == {"not_read"}
