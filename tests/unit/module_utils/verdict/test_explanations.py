# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explanations written by hand as an administrator would want them: state, cause, and every step in order.

A step is ``fault | owner | place | wanted``; the last one of a change is the one restart.
"""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

Facts = dict[str, t.Any]
T12 = "Protocols\\TLS 1.2\\Client"
AES128, AES256 = "Ciphers\\AES 128/128", "Ciphers\\AES 256/256"
SHA256, SHA384 = "Hashes\\SHA256", "Hashes\\SHA384"
ECDH, DH = "KeyExchangeAlgorithms\\ECDH", "KeyExchangeAlgorithms\\Diffie-Hellman"
THREE = ",".join((e.ECDHE_256, e.ECDHE_128, e.DHE_128))
FOUR = f"{THREE},{e.TLS13_128}"
ON = "Enabled = 1, DisabledByDefault = 0"
RESTART = "restart | none |  | None"
LIST_10 = f"list | direct | Functions | {THREE},{e.CBC}"
LIST_11 = f"list | direct | Functions | {FOUR},{e.CBC}"
LIST_OLD = f"list | direct | Functions | {e.DHE_128},{e.CBC}"


def off(facts: Facts, *keys: str, value: int = 0) -> Facts:
    for key in keys:
        e.set_switch(facts, key, "Enabled", value)
    return facts


def old(release: str = "8.1_2012r2", policy: str | None = None) -> Facts:
    facts = e.set_switch(e.endpoint(release, policy=policy), T12, "DisabledByDefault", 0)
    return e.set_winhttp(facts, 0xA80)


def gpo(policy: str, release: str = "10_21h2") -> Facts:
    return e.set_domain_gpo(e.endpoint(release, policy=policy), policy, "TLS baseline")


def denied(facts: Facts, key: str) -> Facts:
    facts["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key), f.DENIED, "Access is denied.")
    return facts


def local(facts: Facts, names: list[str]) -> Facts:
    return e.show_configured(e.set_local(facts, names))


def pending(policy: str) -> Facts:
    return e.set_local_gpo(e.endpoint(policy=policy), policy, e.AFTER_BOOT)


ENABLE_10 = (
    f"list | none | Functions | {[f'Enable-TlsCipherSuite -Name {n} -Position 0' for n in THREE.split(',')[::-1]]}"
)
ENABLE_OLD = f"list | none | Functions | {[e.DHE_128, e.CBC]}"

CASES: list[tuple[str, t.Callable[[], Facts], str, str | None, list[str]]] = [
    # One fault
    ("policy list", lambda: e.endpoint(policy=e.CBC), "non_compliant", "cipher_mismatch", [LIST_10, RESTART]),
    ("policy list, Windows 11", lambda: e.endpoint("11_23h2", policy=e.CBC), "non_compliant", "cipher_mismatch",
     [LIST_11, RESTART]),
    ("policy list, 2012 R2", lambda: old(policy=e.CBC), "non_compliant", "cipher_mismatch", [LIST_OLD, RESTART]),
    ("policy list, 2012", lambda: old("8_2012", e.CBC), "non_compliant", "cipher_mismatch", [LIST_OLD, RESTART]),
    ("policy list, 7", lambda: old("7_2008r2", e.CBC), "non_compliant", "cipher_mismatch", [LIST_OLD, RESTART]),
    ("domain GPO", lambda: gpo(e.CBC), "non_compliant", "cipher_mismatch",
     [f"list | domain_gpo TLS baseline | Functions | {THREE},{e.CBC}", RESTART]),
    ("local GPO", lambda: e.set_local_gpo(e.endpoint(policy=e.CBC), e.CBC, e.BEFORE_BOOT), "non_compliant",
     "cipher_mismatch", [f"list | local_gpo Local Group Policy | Functions | {THREE},{e.CBC}", RESTART]),
    ("local list", lambda: local(e.endpoint(), [e.CBC]), "non_compliant", "cipher_mismatch", [ENABLE_10, RESTART]),
    ("local list, 2012 R2: updates unseen, no cmdlet", lambda: local(old(), [e.CBC]), "non_compliant",
     "cipher_mismatch", ["update | none |  | KB2919355", ENABLE_OLD, RESTART]),
    ("local list, 2012: updates unseen, no cmdlet", lambda: local(old("8_2012"), [e.CBC]), "non_compliant",
     "cipher_mismatch", ["update | none |  | KB3042058", ENABLE_OLD, RESTART]),
    ("TLS 1.2 off", lambda: off(e.endpoint(), T12), "non_compliant", "tls12_disabled",
     [f"protocol | none | {T12} | {ON}", RESTART]),
    ("AES off", lambda: off(e.endpoint(), AES128, AES256), "non_compliant", "algorithm_disabled",
     ["cipher | none | AES 256/256\\Enabled | 4294967295", RESTART]),
    ("AES 128 off, 2012 R2", lambda: off(old(), AES128), "non_compliant", "algorithm_disabled",
     ["cipher | none | AES 128/128\\Enabled | 4294967295", RESTART]),
    ("SHA384 off, and AES 256 alone", lambda: off(e.endpoint(policy=e.ECDHE_256), SHA384), "non_compliant",
     "algorithm_disabled", ["hash | none | SHA384\\Enabled | 4294967295", RESTART]),
    ("ECDH off, 22H2", lambda: off(e.endpoint("10_22h2"), ECDH), "non_compliant", "algorithm_disabled",
     ["key_exchange | none | ECDH\\Enabled | 4294967295", RESTART]),
    ("Diffie-Hellman off, 2012 R2", lambda: off(old(), DH), "non_compliant", "algorithm_disabled",
     ["key_exchange | none | Diffie-Hellman\\Enabled | 4294967295", RESTART]),
    ("no curve", lambda: e.set_fips(e.set_curves(e.endpoint("10_22h2"), ["curve25519"])), "non_compliant",
     "curve_mismatch", ["curves | direct | EccCurves | ['NistP256', 'curve25519']", RESTART]),
    ("group below the limit", lambda: e.set_switch(old(), DH, "ClientMaxKeyBitLength", 512), "non_compliant",
     "key_length", ["key_length | none | ClientMaxKeyBitLength | None", RESTART]),
    ("SHA1 alone", lambda: e.set_signatures(old(), ["RSA/SHA1"]), "non_compliant", "signature_mismatch",
     ["signatures | none | 00010003\\Functions | RSA/SHA256", RESTART]),
    # Several at once: all of them, and one restart
    ("list and TLS 1.2", lambda: off(e.endpoint(policy=e.CBC), T12), "non_compliant", "cipher_mismatch",
     [f"protocol | none | {T12} | {ON}", LIST_10, RESTART]),
    ("list and AES", lambda: off(e.endpoint(policy=e.CBC), AES128, AES256), "non_compliant", "cipher_mismatch",
     ["cipher | none | AES 256/256\\Enabled | 4294967295", LIST_10, RESTART]),
    ("list and AES 128: AES 256 is the easier way", lambda: off(e.endpoint(policy=e.CBC), AES128), "non_compliant",
     "cipher_mismatch", [LIST_10, RESTART]),
    ("list and AES 128, 2012 R2", lambda: off(old(policy=e.CBC), AES128), "non_compliant", "cipher_mismatch",
     ["cipher | none | AES 128/128\\Enabled | 4294967295", LIST_OLD, RESTART]),
    ("list, TLS 1.2, Diffie-Hellman, 2012 R2", lambda: off(old(policy=e.CBC), T12, DH), "non_compliant",
     "cipher_mismatch", [f"protocol | none | {T12} | {ON}",
                         "key_exchange | none | Diffie-Hellman\\Enabled | 4294967295", LIST_OLD, RESTART]),
    ("list and curves: DHE needs none", lambda: e.set_curves(e.endpoint(policy=e.CBC), ["brainpoolP256r1"]),
     "non_compliant", "cipher_mismatch", [LIST_10, RESTART]),
    ("list and signatures, 2012 R2", lambda: e.set_signatures(old(policy=e.CBC), ["RSA/SHA1"]), "non_compliant",
     "cipher_mismatch", ["signatures | none | 00010003\\Functions | RSA/SHA256", LIST_OLD, RESTART]),
    ("domain list and TLS 1.2", lambda: off(gpo(e.CBC), T12), "non_compliant", "cipher_mismatch",
     [f"protocol | none | {T12} | {ON}", f"list | domain_gpo TLS baseline | Functions | {THREE},{e.CBC}", RESTART]),
    # Unknown, with what mends it whichever way it is
    ("TLS 1.2 by default off", lambda: e.set_switch(e.endpoint(), T12, "DisabledByDefault", 1), "unknown", None,
     [f"protocol | none | {T12} | {ON}", RESTART]),
    ("7 as installed", lambda: e.endpoint("7_2008r2"), "unknown", None,
     [f"protocol | none | {T12} | {ON}", "winhttp | none | DefaultSecureProtocols | 2688", RESTART]),
    ("2012 as installed", lambda: e.endpoint("8_2012"), "unknown", None,
     ["winhttp | none | DefaultSecureProtocols | 2688", RESTART]),
    ("WinHTTP without TLS 1.2", lambda: e.set_winhttp(e.endpoint(), 0xA0), "unknown", None,
     ["winhttp | none | DefaultSecureProtocols | 2208", RESTART]),
    ("a switch of 1", lambda: off(old(), AES128, value=1), "unknown", None,
     ["cipher | none | AES 128/128\\Enabled | 4294967295", RESTART]),
    ("curve25519 alone", lambda: e.set_curves(e.endpoint("10_22h2"), ["curve25519"]), "unknown", None,
     ["curves | direct | EccCurves | ['NistP256', 'curve25519']", RESTART]),
    ("a space", lambda: e.endpoint("10_22h2", policy=f"{e.CBC}, {e.ECDHE_256}"), "unknown", None,
     [f"list | direct | Functions | {THREE},{e.CBC}", RESTART]),
    ("REG_MULTI_SZ", lambda: e.set_policy(e.endpoint(), [e.CBC], "REG_MULTI_SZ"), "unknown", None,
     [LIST_10, RESTART]),
    ("TLS 1.3 dead end", lambda: e.endpoint("11_23h2", policy=f"TLS_AES_256_GCM_SHA384,{e.ECDHE_128}"), "unknown",
     None, [f"list | direct | Functions | {FOUR},TLS_AES_256_GCM_SHA384", RESTART]),
    ("a good list that waits", lambda: pending(THREE), "unknown", "not_rebooted", [RESTART]),
    ("a bad list to come", lambda: e.set_policy(e.endpoint(policy=THREE), e.CBC), "unknown", None,
     [LIST_10, RESTART]),
    ("a denied switch", lambda: denied(old(), AES128), "unknown", None, []),
    ("SHA1 alone on Windows 10", lambda: e.set_signatures(e.endpoint(), ["RSA/SHA1"]), "unknown", None,
     ["signatures | none | 00010003\\Functions | RSAE-PSS/SHA256", RESTART]),
]  # fmt: skip


def shown(cure: Facts) -> str:
    owner = " ".join(part for part in (cure["owner"]["kind"], cure["owner"]["name"]) if part)
    return f"{cure['fault']} | {owner} | {cure['place'] or ''} | {cure['wanted']}"


def fits(step: str, cure: Facts) -> bool:
    """Exact but for the place, of which the end is written, and a list of signature algorithms, of which the first."""
    fault, owner, place, wanted = step.split(" | ")
    parts = shown(cure).split(" | ")
    first = cure["wanted"][0] if cure["fault"] == "signatures" else parts[3]
    return [fault, owner, wanted] == [parts[0], parts[1], first] and parts[2].endswith(place)


@pytest.mark.parametrize(("name", "make", "state", "cause", "steps"), CASES, ids=[case[0] for case in CASES])
def test_the_explanation(
    name: str, make: t.Callable[[], Facts], state: str, cause: str | None, steps: list[str]
) -> None:
    verdict = evaluate(make())
    found = [shown(cure) for cure in verdict["cures"]]
    assert (verdict["state"], (verdict["cause"] or {}).get("code")) == (state, cause)
    assert len(found) == len(steps), found
    assert all(fits(step, cure) for step, cure in zip(steps, verdict["cures"], strict=True)), found
    assert [cure["restart"] for cure in verdict["cures"]] == [True] * len(steps)
    faults = [cure for cure in verdict["cures"] if cure["fault"] != "restart"]
    if len(faults) > 1:
        assert verdict["next_step"].startswith(f"Mend {len(faults)} things: (1) ")
        assert f"({len(faults)}) " in verdict["next_step"]
        assert verdict["next_step"].endswith("Then reboot once.")


def test_all_faults_in_one_sentence() -> None:
    facts = off(gpo(e.CBC), T12, AES128, AES256)
    assert evaluate(facts)["next_step"] == (
        f"Mend 3 things: (1) set {ON} in {f.schannel_path(T12)}; "
        f"(2) set {f.schannel_path(AES256)}\\Enabled to 0xffffffff; "
        "(3) change the policy SSL Cipher Suite Order in the GPO TLS baseline. Then reboot once."
    )


def test_a_good_list_with_policy_files_younger_than_the_boot_says_that_the_next_start_brings_it() -> None:
    facts = e.set_last_update(gpo(THREE), "failed", -3000, e.AFTER_BOOT)
    facts["policy_origin"]["archive"] = f.section(f.OK, None, path="ntuser.pol", modified=e.AFTER_BOOT)
    verdict = evaluate(facts)
    assert (verdict["state"], verdict["cause"]["code"]) == ("unknown", "not_rebooted")
    assert [cure["what"] for cure in verdict["cures"]] == ["What is configured would do; a restart brings it."]
    assert verdict["next_step"].startswith("Reboot, then audit again")


def test_there_are_forty() -> None:
    assert len(CASES) == 40
    assert len({case[0] for case in CASES}) == 40


def test_what_is_green_or_not_applicable_has_nothing_to_mend() -> None:
    absent = e.unread(e.endpoint(), "connector", f.ABSENT)
    assert [evaluate(facts)["cures"] for facts in (e.endpoint(), absent)] == [[], []]


@pytest.mark.parametrize(
    ("make", "question", "good", "bad"),
    [
        (lambda: e.endpoint("7_2008r2"), "updater_takes_winhttp_defaults", "compliant", "non_compliant"),
        (lambda: e.set_curves(e.endpoint("10_22h2"), ["curve25519"]), "server_groups", "compliant", "non_compliant"),
        (lambda: e.set_signatures(old(), ["RSA/SHA512"]), "server_signature_algorithms", "compliant", "non_compliant"),
        (lambda: e.endpoint("11_23h2", policy=e.TLS13_128), "updater_offers_tls13", "non_compliant", "unknown"),
        (lambda: denied(old(), AES128), None, "compliant", "non_compliant"),
    ],
)
def test_an_unknown_says_which_single_observation_would_settle_it(
    make: t.Callable[[], Facts], question: str | None, good: str, bad: str
) -> None:
    verdict = evaluate(make())
    settles = verdict["settles"]
    assert (settles["question"], settles["if_good"], settles["if_bad"]) == (question, good, bad)
    assert question is None or question in verdict["open_questions"]
    assert not verdict["next_step"].startswith("Read what is missing")


def test_one_answer_for_the_fleet_rejudges_all_that_hang_on_it() -> None:
    def state(facts: Facts, **answers: t.Any) -> str:
        return str(evaluate(facts, {"answers": answers})["state"])

    windows_7, dead_end = e.endpoint("7_2008r2"), e.endpoint("11_23h2", policy=f"TLS_AES_256_GCM_SHA384,{e.ECDHE_128}")
    assert state(windows_7, updater_takes_winhttp_defaults="no") == "compliant"
    assert state(windows_7, updater_takes_winhttp_defaults="yes") == "non_compliant"
    assert state(dead_end, updater_offers_tls13="no") == "compliant"
    assert state(dead_end, server_has_tls13="no") == "compliant"
    assert state(dead_end, updater_offers_tls13="yes", server_has_tls13="yes") == "non_compliant"
    p384 = e.set_curves(e.endpoint("10_22h2"), ["NistP384"])
    assert state(p384, server_groups={"accepted": ["NistP384"]}) == "compliant"
    assert state(p384, server_groups={"refused": ["NistP384"]}) == "non_compliant"
