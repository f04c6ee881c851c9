# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a domain join would undo: the worse of both answers, with the value that makes it worse."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol as pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicy
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.domain_join import evaluate_joined
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_options import OptionsError
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_steps import policy_steps
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e
from ansible_collections.fleetops.tetra.tests.unit.module_utils.verdict.test_pending_policy import (
    STRONG,
    WEAK,
    image,
    setting,
)

RULE = "TETRA-DOMAIN-JOIN"
SSL = local_gpo.SSL_KEY
SCHANNEL = f.SCHANNEL_KEY.removeprefix("HKEY_LOCAL_MACHINE\\")
RANK = {"non_compliant": 0, "unknown": 1, "compliant": 2, "not_applicable": 3}


def dword(key: str, name: str, number: int) -> pol.Entry:
    return pol.Entry(key, name, pol.REG_DWORD, number.to_bytes(4, "little"))


def suites(text: str, kind: int = pol.REG_SZ) -> pol.Entry:
    return pol.Entry(SSL, "Functions", kind, pol.sz(text))


def domain(*entries: pol.Entry, gpos: dict[str, str] | None = None) -> DomainPolicy:
    return DomainPolicy("domain.pol", pol.RegistryPol(entries), gpos or {})


def told(verdict: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """The evidence of the finding about the join, or None."""
    rows = [row["evidence"] for row in verdict["findings"] if row["rule"] == RULE]
    assert len(rows) < 2
    return rows[0] if rows else None


MACHINES = {"image": image, "live": e.endpoint}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_weak_list_of_the_domain_makes_a_good_machine_fail(machine: str) -> None:
    facts = MACHINES[machine]()
    before = copy.deepcopy(facts)
    assert evaluate(facts)["state"] == "compliant"
    verdict = evaluate_joined(facts, None, domain(suites(WEAK), gpos={"functions": "Old baseline"}))
    assert (verdict["state"], verdict["reachability"]["answer"]) == ("non_compliant", "no")
    assert told(verdict) == {
        "source": "domain_policy",
        "path": f"{f.POLICY_KEY}\\Functions",
        "value": WEAK,
        "note": "domain.pol sets this value; the machine holds none.",
    }
    assert "Functions in the GPO Old baseline (domain.pol)" in verdict["next_step"]
    assert verdict["policy_origin"] == evaluate(facts)["policy_origin"]
    assert facts == before


@pytest.mark.parametrize("machine", MACHINES)
def test_a_good_list_of_the_domain_changes_nothing(machine: str) -> None:
    verdict = evaluate_joined(MACHINES[machine](), None, domain(suites(STRONG)))
    assert verdict["state"] == "compliant"
    assert told(verdict) is None
    assert any("domain.pol" in note for note in verdict["notes"])


def test_without_a_policy_or_with_one_about_other_things_the_verdict_is_that_of_evaluate() -> None:
    facts = image()
    others = domain(dword("SOFTWARE\\Policies\\Other", "Functions", 0), pol.Entry(SSL, "Other", 1, pol.sz("x")))
    assert evaluate_joined(facts, None, None) == evaluate(facts)
    assert evaluate_joined(facts, None, others) == evaluate(facts)
    assert evaluate_joined("rubbish", None, None)["state"] == "unknown"
    assert evaluate_joined("rubbish", None, domain(suites(STRONG)))["state"] == "unknown"
    with pytest.raises(OptionsError):
        evaluate_joined(facts, {"allow_list": []}, others)
    bare = {**facts, "policy_order": {"status": "absent", "path": f.POLICY_KEY, "name": "Functions"}}
    assert told(evaluate_joined(bare, None, domain(suites(WEAK)))) is not None


def test_what_the_machine_has_already_is_no_change() -> None:
    facts = e.set_switch(e.endpoint(policy=STRONG), "Ciphers\\AES 128/128", "Enabled", 0xFFFFFFFF)
    policy = domain(suites(STRONG), dword(f"{SCHANNEL}\\Ciphers\\AES 128/128", "enabled", 0xFFFFFFFF))
    assert policy_steps(facts, policy.pol) == []
    open_type = e.set_policy(copy.deepcopy(facts), STRONG, "REG_SZ_OR_EXPAND_SZ")
    assert policy_steps(open_type, policy.pol) == []
    assert evaluate_joined(facts, None, policy) == evaluate(facts)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        (dword(f"{SCHANNEL}\\Protocols\\TLS 1.2\\Client", "Enabled", 0), "Protocols\\TLS 1.2\\Client\\Enabled"),
        (
            dword(f"{SCHANNEL.upper()}\\KEYEXCHANGEALGORITHMS\\ECDH", "enabled", 0),
            "KeyExchangeAlgorithms\\ECDH\\enabled",
        ),
    ],
)
def test_a_schannel_switch_of_the_domain_counts(entry: pol.Entry, value: str) -> None:
    # A suite with ECDHE and TLS 1.2 is all that this endpoint offers.
    verdict = evaluate_joined(e.endpoint(policy=STRONG), None, domain(suites(STRONG), entry))
    evidence = told(verdict)
    assert verdict["state"] == "non_compliant"
    assert evidence is not None and evidence["path"] == f"{f.SCHANNEL_KEY}\\{value}"
    assert evidence["value"] == 0


def test_a_removed_list_leaves_the_local_one() -> None:
    removing = pol.Entry(SSL, "**del.Functions", pol.REG_SZ, pol.sz(" "))
    facts = e.set_local(e.endpoint(policy=STRONG), [e.CBC])
    verdict = evaluate_joined(facts, None, domain(removing))
    evidence = told(verdict)
    assert verdict["state"] == "non_compliant"
    assert evidence is not None and (evidence["value"], evidence["note"]) == (
        None,
        f"domain.pol removes this value; the machine holds {STRONG}.",
    )
    assert evaluate_joined(e.endpoint(policy=STRONG), None, domain(removing))["state"] == "compliant"
    assert evaluate_joined(e.endpoint(), None, domain(removing)) == evaluate(e.endpoint())


@pytest.mark.parametrize("name", ["**DelVals.", "**DeleteValues"])
def test_removing_instructions_reach_switches_of_the_machine(name: str) -> None:
    """TLS 1.2 of Windows 7 is on only by a switch, and the domain takes it away."""
    facts = e.set_switch(e.endpoint("7_2008r2"), "Protocols\\TLS 1.2\\Client", "DisabledByDefault", 0)
    entry = pol.Entry(f"{SCHANNEL}\\Protocols\\TLS 1.2\\Client", name, pol.REG_SZ, pol.sz("DisabledByDefault"))
    (step,) = policy_steps(facts, domain(entry).pol)
    assert (step["action"], step["name"]) == ("remove_value", "DisabledByDefault")


def test_the_evidence_names_the_value_that_is_to_blame() -> None:
    entries = (
        suites(STRONG),
        pol.Entry(SSL, "EccCurves", pol.REG_MULTI_SZ, pol.multi_sz(["NistP256"])),
        dword(f"{SCHANNEL}\\Ciphers\\AES 256/256", "Enabled", 0),
    )
    facts = e.endpoint(policy=e.ECDHE_256)
    evidence = told(evaluate_joined(facts, None, domain(*entries)))
    assert evidence is not None and evidence["path"] == f"{f.SCHANNEL_KEY}\\Ciphers\\AES 256/256\\Enabled"
    assert "EccCurves as well" in evidence["note"]


def test_values_that_are_harmless_alone_and_bad_together_are_all_named() -> None:
    entries = (suites(STRONG), dword(f"{SCHANNEL}\\Ciphers\\AES 256/256", "Enabled", 0))
    verdict = evaluate_joined(image(), None, domain(*entries))
    evidence = told(verdict)
    assert verdict["state"] == "non_compliant"
    assert evidence is not None and evidence["path"].endswith("Functions") and "AES 256/256" in evidence["note"]


def test_a_policy_that_makes_it_doubtful_is_unknown_and_named() -> None:
    policy = domain(pol.Entry(SSL, "Functions", pol.REG_MULTI_SZ, pol.multi_sz([e.CBC])))
    verdict = evaluate_joined(image(), None, policy)
    assert verdict["state"] == "unknown"
    assert told(verdict) is not None


def test_a_bad_machine_stays_bad_whatever_the_domain_says() -> None:
    verdict = evaluate_joined(image(WEAK), None, domain(suites(STRONG)))
    assert verdict["state"] == "non_compliant"
    assert told(verdict) is None


def test_the_domain_rules_over_a_local_policy_that_waits() -> None:
    """The local Registry.pol would set a weak list; the domain sets a good one afterwards. Without a domain, or in the
    time before, the image still fails: the worse answer counts."""
    facts = image(STRONG, setting(STRONG))
    assert evaluate_joined(facts, None, domain(suites(WEAK)))["state"] == "non_compliant"
    waiting = image(None, setting(WEAK))
    verdict = evaluate_joined(waiting, None, domain(suites(STRONG)))
    assert verdict["state"] == "non_compliant"
    assert told(verdict) is None
    removed = image(None, setting(STRONG))
    removing = pol.Entry(SSL, "**DelVals.", pol.REG_SZ, pol.sz(" "))
    assert evaluate_joined(removed, None, domain(removing))["state"] == "compliant"


def test_a_handshake_of_today_proves_nothing_about_the_list_of_tomorrow() -> None:
    facts = e.set_probe(e.endpoint(policy=STRONG), "tls_ok")
    assert evaluate_joined(facts, None, domain(suites(WEAK)))["state"] == "non_compliant"


ENTRIES = st.builds(
    pol.Entry,
    st.sampled_from([SSL, SSL.lower(), f"{SCHANNEL}\\Ciphers\\AES 128/128", f"{SCHANNEL}\\Protocols\\TLS 1.2\\Client",
                     SCHANNEL, f.FIPS_KEY.partition("\\")[2], f.LOCAL_KEY.partition("\\")[2]]),
    st.sampled_from(["Functions", "EccCurves", "Enabled", "DisabledByDefault", "**del.Functions", "**DelVals.",
                     "**DeleteKeys", "", "\ud800"]),
    st.sampled_from([0, 1, 2, 3, 4, 7, 11, 99]),
    st.sampled_from([pol.sz(STRONG), pol.sz(WEAK), pol.multi_sz([e.ECDHE_128]), bytes(4), b"\1\0\0\0", b"", b"\xd8" * 3,
                     "\ud800".encode("utf-16-le", "surrogatepass")]),
)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ENTRIES, max_size=5), st.sampled_from(sorted(MACHINES)), st.sampled_from([None, STRONG, WEAK]))
def test_a_join_never_makes_greener_and_never_fails(entries: list[pol.Entry], machine: str, text: str | None) -> None:
    facts = image(text) if machine == "image" else e.endpoint(policy=text)
    before = copy.deepcopy(facts)
    now, joined = evaluate(facts), evaluate_joined(facts, None, domain(*entries))
    assert facts == before
    assert RANK[joined["state"]] <= RANK[now["state"]]
    assert (told(joined) is not None) == (joined["state"] != now["state"])
    str(joined).encode("utf-8")
