# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints that other tools are known to judge wrongly, read from their code or issues, with our right answer."""

from __future__ import annotations

import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import effective_suites
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate, unknown_verdict
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

RECORDED = Path(__file__).resolve().parents[5] / "shared" / "data" / "recorded"
NAMESPACE = {"p": "http://schemas.microsoft.com/powershell/2004/04"}
recorded = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded Windows output is not beside this checkout")


def rules(verdict: dict[str, t.Any]) -> set[str]:
    return {item["rule"] for item in verdict["findings"]}


def test_audittap_a_policy_list_full_of_other_suites_is_not_compliant() -> None:
    """AuditTAP (6906cdc) splits the property object, falls into catch and ends in "Compliant" whatever is listed."""
    verdict = evaluate(e.endpoint(policy="TLS_RSA_WITH_RC4_128_MD5,TLS_RSA_WITH_NULL_SHA,TLS_RSA_WITH_DES_CBC_SHA"))
    assert verdict["state"] == "non_compliant"
    assert verdict["suites"][e.ECDHE_256]["reasons"][0]["code"] == "not_in_policy_list"


def test_hardeningkitty_an_absent_policy_is_no_empty_list() -> None:
    """HardeningKitty (7c623cc) asks that the value lacks TLS_RSA_; a missing value becomes empty, so it passes."""
    facts = e.endpoint("10_1809_2019")
    verdict = evaluate(facts, {"strict": True})
    assert verdict["state"] == "non_compliant"
    assert any(name.startswith("TLS_RSA_") for name in verdict["strictness"]["outside"])
    assert evaluate(facts)["state"] == "compliant"


def test_ansible_lockdown_a_domain_gpo_is_named_on_a_member_server() -> None:
    """Its audit wrapper assigns where it should compare, so the domain branch never runs and the GPO's name is lost."""
    facts = e.set_domain_gpo(e.endpoint("10_1607_2016", "server", policy=e.CBC), e.CBC, "Baseline 2019")
    origin = evaluate(facts)["policy_origin"]
    assert origin["origin"] == "domain_gpo"
    assert origin["gpo"]["name"] == "Baseline 2019"


def test_schanneldsc_another_order_is_as_good() -> None:
    """SChannelDsc compares the ordered list for equality: a harmless reorder turns red there."""
    names = [e.CBC, e.ECDHE_128, e.ECDHE_256]
    states = {evaluate(e.endpoint(policy=",".join(order)))["state"] for order in (names, names[::-1])}
    assert states == {"compliant"}


def test_schanneldsc_absent_is_answered_from_the_local_list() -> None:
    """Issue 33: with no policy value the resource looks at nothing at all."""
    bare = e.show_configured(e.set_local(e.endpoint(), [e.CBC]))
    assert evaluate(bare)["state"] == "non_compliant"
    assert evaluate(bare)["suites"][e.ECDHE_256]["reasons"][0]["code"] == "not_in_local_list"


def test_sslyze_a_host_that_nobody_reached_is_not_success() -> None:
    """sslyze 5.2.0 exits 0 when no server could be reached."""
    verdict = unknown_verdict("host", "unreachable", "Connection refused.")
    assert verdict["state"] == "unknown"
    assert verdict["reachability"]["answer"] == "unknown"
    assert evaluate(f.empty_facts("host"))["state"] == "unknown"


def test_wazuh_a_key_that_does_not_exist_neither_passes_nor_fails_for_ever() -> None:
    """Wazuh's negated rules pass for ever on a wrong path, others fail for ever on one missing sub-key."""
    absent = e.endpoint()
    empty = e.endpoint()
    for key in f.SCHANNEL_KEYS:
        empty["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key))
    assert evaluate(absent)["suites"] == evaluate(empty)["suites"]
    assert evaluate(e.unread(e.endpoint("10_22h2"), "schannel", f.DENIED))["state"] == "unknown"


def test_exchange_852_enabled_ffffffff_is_enabled() -> None:
    """A tool that insists on 1 reports TLS 1.2 as disabled."""
    facts = e.set_switch(e.endpoint(), "Protocols\\TLS 1.2\\Client", "Enabled", 0xFFFFFFFF)
    assert evaluate(facts)["state"] == "compliant"


def test_exchange_1720_null_is_not_zero() -> None:
    """Two servers looked equal because a missing value was printed as 0."""
    key = "Protocols\\TLS 1.2\\Client"
    missing, zero = e.set_switch(e.endpoint(), key, "Other", 1), e.set_switch(e.endpoint(), key, "Enabled", 0)
    assert [evaluate(facts)["state"] for facts in (missing, zero)] == ["compliant", "non_compliant"]


# The head-to-head questions ------------------------------------------------------------------------------------------


def test_head_to_head_policy_of_type_reg_multi_sz() -> None:
    """Registry readers judge a value that Windows may ignore."""
    verdict = evaluate(e.set_policy(e.endpoint(), [e.CBC], "REG_MULTI_SZ"))
    assert verdict["state"] == "unknown"
    assert "TETRA-POLICY-TYPE" in rules(verdict)


def test_head_to_head_no_policy_and_defaults_outside_the_list() -> None:
    verdict = evaluate(e.endpoint())
    assert (verdict["reachability"]["answer"], verdict["strictness"]["answer"]) == ("yes", "no")


def test_head_to_head_policy_fixed_and_not_rebooted() -> None:
    """Registry readers turn green too early."""
    verdict = evaluate(e.set_policy(e.endpoint(policy=e.CBC), e.ECDHE_256))
    assert (verdict["state"], verdict["in_force"]) == ("unknown", "after_reboot")


@pytest.mark.parametrize("key", ["Hashes\\SHA256", "KeyExchangeAlgorithms\\ECDH"])
def test_head_to_head_allowed_suite_with_its_algorithm_off(key: str) -> None:
    """Every reader of configuration alone is green."""
    assert evaluate(e.set_switch(e.endpoint(policy=e.ECDHE_128), key, "Enabled", 0))["state"] == "non_compliant"


def test_head_to_head_allowed_suite_that_this_build_cannot_use() -> None:
    facts = e.endpoint("8.1_2012r2", "server", policy=f"{e.ECDHE_256},{e.ECDHE_128}")
    assert evaluate(facts)["state"] == "non_compliant"


def test_head_to_head_a_local_fix_against_a_domain_gpo_is_told() -> None:
    facts = e.set_domain_gpo(e.endpoint(policy=e.ECDHE_256), e.CBC)
    verdict = evaluate(facts)
    assert verdict["policy_origin"]["matches_registry"] is False
    assert "TETRA-POLICY-OUT-OF-STEP" in rules(verdict)


def test_head_to_head_tls_1_3_on_and_suites_of_tls_1_2_only() -> None:
    """No tool warned."""
    verdict = evaluate(e.endpoint("11_23h2", policy=f"{e.ECDHE_256},{e.ECDHE_128}"))
    assert verdict["state"] == "compliant"
    assert "TETRA-NO-TLS13-SUITE" in rules(verdict)


# Recorded Windows output ---------------------------------------------------------------------------------------------


def recorded_suites() -> list[dict[str, t.Any]]:
    root = ElementTree.parse(RECORDED / "GetTlsCipherSuite.xml").getroot()
    rows = []
    for item in root.iterfind("./p:Obj/p:LST/p:Obj/p:Props", NAMESPACE):
        fields = {node.get("N"): node for node in item}
        protocols = [int(node.text or 0) for node in fields["Protocols"].iterfind(".//p:U32", NAMESPACE)]
        rows.append({"name": fields["Name"].text, "id": int(fields["CipherSuite"].text or 0), "protocols": protocols})
    return rows


def recorded_texts(name: str) -> list[str]:
    root = ElementTree.parse(RECORDED / name).getroot()
    return [node.text or "" for node in root.iterfind("./p:S", NAMESPACE)]


@recorded
def test_recorded_get_tls_cipher_suite_is_judged_right() -> None:
    rows = recorded_suites()
    assert len(rows) == 8
    facts = e.endpoint("10_1607_2016", "server")
    e.set_local(facts, [row["name"] for row in rows])
    facts["cipher_suites"] = f.section(f.OK, None, suites=rows)
    offered = [row["name"] for row in effective_suites(facts) if row["offered"] == "yes"]
    assert offered == [row["name"] for row in rows if row["id"]]
    verdict = evaluate(facts)
    listed = {row["name"] for row in rows} & set(verdict["suites"])
    assert set(verdict["reachability"]["usable"]) == listed
    assert verdict["state"] == ("compliant" if listed else "non_compliant")


@recorded
def test_recorded_policy_list_is_judged_right() -> None:
    """A policy in the spelling of Windows 8.1, without any suite that Tetra accepts."""
    (text,) = recorded_texts("TlsCipherGPOPath.xml")
    verdict = evaluate(e.endpoint("8.1_2012r2", "server", policy=text))
    assert verdict["state"] == "non_compliant"
    assert verdict["cause"]["code"] == "cipher_mismatch"


@recorded
def test_recorded_local_list_is_the_default_of_windows_8_1_and_reaches_tetra_by_dhe() -> None:
    names = recorded_texts("TlsCipherLocalPath.xml")
    facts = e.set_local(e.endpoint("8.1_2012r2", "server"), names)
    assert names == list(e.release_of(facts).default)
    assert evaluate(facts)["reachability"] == {"answer": "yes", "usable": [e.DHE_128]}
