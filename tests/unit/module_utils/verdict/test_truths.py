# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The truths about Windows and the connector that a verdict must respect, one named test each."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import RELEASES
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

OLD = ["7_2008r2", "8_2012", "8.1_2012r2"]
WITHOUT_TLS13 = [release.key for release in RELEASES if release.tls13_client == "unsupported"]
WITH_TLS13 = [release.key for release in RELEASES if release.tls13_client != "unsupported"]


def rules(verdict: dict[str, object]) -> set[str]:
    found = verdict["findings"]
    assert isinstance(found, list)
    return {item["rule"] for item in found}


def test_1_whole_suites_are_matched_never_parts_of_names() -> None:
    verdict = evaluate(e.endpoint("10_1809_2019", policy=",".join(e.FAILING_HELLO)))
    assert any("ECDHE_RSA" in name for name in e.FAILING_HELLO)
    assert any("GCM" in name for name in e.FAILING_HELLO)
    assert verdict["state"] == "non_compliant"
    assert verdict["reachability"] == {"answer": "no", "usable": []}
    assert verdict["cause"]["code"] == "cipher_mismatch"


def test_2_a_name_that_the_release_cannot_resolve_is_not_usable() -> None:
    facts = e.endpoint(policy=f"{e.ECDHE_128},{e.CBC}")
    facts["cipher_suites"]["suites"][0].update(id=0, protocols=[])
    verdict = evaluate(facts)
    assert verdict["state"] == "non_compliant"
    assert [item["code"] for item in verdict["suites"][e.ECDHE_128]["reasons"]] == ["unresolved_name"]


def test_2_a_resolved_name_without_tls_1_2_among_its_protocols_is_not_usable() -> None:
    facts = e.endpoint(policy=e.ECDHE_128)
    facts["cipher_suites"]["suites"][0].update(protocols=[65277])
    assert evaluate(facts)["state"] == "non_compliant"


def test_3_a_policy_list_replaces_the_local_list() -> None:
    facts = e.endpoint(policy=e.CBC)
    assert e.ECDHE_256 in facts["local_order"]["data"]
    assert evaluate(facts)["state"] == "non_compliant"
    facts = e.show_configured(e.set_policy(e.set_local(e.endpoint(), [e.CBC]), e.ECDHE_256))
    assert evaluate(facts)["state"] == "compliant"


def test_3_reg_multi_sz_in_the_policy_place_is_a_finding_and_no_sure_answer() -> None:
    verdict = evaluate(e.set_policy(e.endpoint(), [e.CBC], "REG_MULTI_SZ"))
    assert verdict["state"] == "unknown"
    assert "TETRA-POLICY-TYPE" in rules(verdict)
    assert "wrong_policy_type" in {item["code"] for item in verdict["suites"][e.ECDHE_256]["reasons"]}
    both = evaluate(e.set_policy(e.endpoint(), [e.ECDHE_128], "REG_MULTI_SZ"))
    assert both["state"] == "compliant"
    assert "TETRA-POLICY-TYPE" in rules(both)


def test_3_a_policy_list_over_1023_characters_counts_only_up_to_there_for_sure() -> None:
    filler = ",".join(f"TLS_FILLER_{number:03d}" for number in range(80))
    assert len(filler) > 1023
    behind = evaluate(e.endpoint(policy=f"{filler},{e.ECDHE_256}"))
    assert "TETRA-POLICY-LENGTH" in rules(behind)
    facts = e.endpoint(policy=f"{filler},{e.ECDHE_256}")
    assert evaluate({**facts, "source": "image"})["state"] == "unknown"
    front = {**e.endpoint(policy=f"{e.ECDHE_256},{filler}"), "source": "image"}
    assert evaluate(front)["state"] == "compliant"


@pytest.mark.parametrize("release", OLD)
def test_4_only_the_dhe_suite_can_work_before_windows_10(release: str) -> None:
    names = [e.ECDHE_256, e.ECDHE_128, f"{e.ECDHE_256}_P384", f"{e.ECDHE_128}_P256", e.TLS13_128]
    facts = e.endpoint(release, policy=",".join(names))
    e.set_switch(facts, "Protocols\\TLS 1.2\\Client", "DisabledByDefault", 0)
    e.set_winhttp(facts, 0xA00)
    verdict = evaluate(facts)
    assert verdict["state"] == "non_compliant"
    assert "TETRA-LIST-UNSUPPORTED" in rules(verdict)
    for name in (e.ECDHE_256, e.ECDHE_128, e.TLS13_128):
        assert verdict["suites"][name]["reasons"][0]["code"] == "unsupported_by_release"
    e.set_policy(facts, f"{e.CBC},{e.DHE_128}")
    assert evaluate(facts)["reachability"] == {"answer": "yes", "usable": [e.DHE_128]}


@pytest.mark.parametrize("release", WITHOUT_TLS13)
def test_4_the_tls_1_3_suite_never_counts_before_windows_11_and_server_2022(release: str) -> None:
    facts = e.endpoint(release, policy=f"{e.TLS13_128},{e.CBC}")
    e.set_switch(facts, "Protocols\\TLS 1.3\\Client", "Enabled", 1)
    verdict = evaluate(facts)
    assert verdict["suites"][e.TLS13_128]["usable"] == "no"
    assert verdict["state"] == "non_compliant"


def test_4_windows_10_that_shows_tls_1_3_with_id_and_protocol_still_cannot() -> None:
    facts = e.endpoint("10_22h2", policy=e.TLS13_128)
    assert facts["cipher_suites"]["suites"] == [{"name": e.TLS13_128, "id": 0x1301, "protocols": [772]}]
    verdict = evaluate(facts)
    assert verdict["state"] == "non_compliant"
    assert "TETRA-TLS13-CLAIM" in rules(verdict)


@pytest.mark.parametrize("release", WITH_TLS13)
def test_4_the_tls_1_3_suite_counts_with_its_protocol_on(release: str) -> None:
    facts = e.endpoint(release)
    assert evaluate(facts)["suites"][e.TLS13_128]["usable"] == "yes"
    e.set_switch(facts, "Protocols\\TLS 1.3\\Client", "Enabled", 0)
    assert evaluate(facts)["suites"][e.TLS13_128]["usable"] == "no"


def test_4_the_healthy_windows_10_of_the_note_lists_31_names_and_offers_fewer() -> None:
    facts = e.endpoint("10_1809_2019")
    assert len(facts["local_order"]["data"]) == 31
    verdict = evaluate(facts)
    assert verdict["state"] == "compliant"
    assert verdict["reachability"]["usable"] == [e.ECDHE_256, e.ECDHE_128, e.DHE_128]
    assert not any("PSK" in name or "NULL" in name for name in verdict["strictness"]["outside"])


SWITCHES = [
    ("Protocols\\TLS 1.2\\Client", {e.ECDHE_256, e.ECDHE_128, e.DHE_128}, "protocol_disabled"),
    ("Ciphers\\AES 128/128", {e.ECDHE_128, e.DHE_128}, "cipher_disabled"),
    ("Ciphers\\AES 256/256", {e.ECDHE_256}, "cipher_disabled"),
    ("Hashes\\SHA256", {e.ECDHE_128, e.DHE_128}, "hash_disabled"),
    ("Hashes\\SHA384", {e.ECDHE_256}, "hash_disabled"),
    ("KeyExchangeAlgorithms\\ECDH", {e.ECDHE_256, e.ECDHE_128}, "key_exchange_disabled"),
    ("KeyExchangeAlgorithms\\Diffie-Hellman", {e.DHE_128}, "key_exchange_disabled"),
]


@pytest.mark.parametrize(("key", "suites", "code"), SWITCHES)
def test_5_each_switch_takes_away_the_suites_that_need_it(key: str, suites: set[str], code: str) -> None:
    verdict = evaluate(e.set_switch(e.endpoint(), key, "Enabled", 0))
    off = {name for name in (e.ECDHE_256, e.ECDHE_128, e.DHE_128) if verdict["suites"][name]["usable"] == "no"}
    assert off == suites
    for name in suites:
        reasons = verdict["suites"][name]["reasons"]
        assert [item["code"] for item in reasons] == [code]
        assert reasons[0]["evidence"]["path"] == f"{f.schannel_path(key)}\\Enabled"
        assert reasons[0]["evidence"]["value"] == 0


@pytest.mark.parametrize("key", [key for key, _suites, _code in SWITCHES[1:]])
def test_5_enabled_ffffffff_missing_one_and_zero_are_four_different_things(key: str) -> None:
    healthy = evaluate(e.endpoint())
    all_ones = evaluate(e.set_switch(e.endpoint(), key, "Enabled", 0xFFFFFFFF))
    missing = evaluate(e.set_switch(e.endpoint(), key, "Other", 1))
    for verdict in (all_ones, missing):
        assert verdict["suites"] == healthy["suites"]
    one = evaluate(e.set_switch(e.endpoint(), key, "Enabled", 1))
    assert {found["usable"] for found in one["suites"].values()} >= {"unknown"}
    assert "TETRA-SWITCH-VALUE" in rules(one)
    zero = evaluate(e.set_switch(e.endpoint(), key, "Enabled", 0))
    assert "no" in {zero["suites"][name]["usable"] for name in (e.ECDHE_256, e.ECDHE_128, e.DHE_128)}


@pytest.mark.parametrize("value", [1, 0xFFFFFFFF, 2])
def test_5_a_protocol_is_on_with_any_other_value_than_zero(value: int) -> None:
    facts = e.set_switch(e.endpoint(), "Protocols\\TLS 1.2\\Client", "Enabled", value)
    assert evaluate(facts)["state"] == "compliant"


def test_5_disabled_by_default_leaves_tls_1_2_to_the_program() -> None:
    verdict = evaluate(e.set_switch(e.endpoint(), "Protocols\\TLS 1.2\\Client", "DisabledByDefault", 1))
    assert verdict["state"] == "unknown"
    assert "TETRA-PROTOCOL-DEFAULT" in rules(verdict)
    assert verdict["notes"]


def test_5_no_curve_is_left_for_ecdhe() -> None:
    facts = e.set_fips(e.set_curves(e.endpoint(), ["curve25519"]))
    verdict = evaluate(facts)
    assert verdict["reachability"]["usable"] == [e.DHE_128]
    assert verdict["suites"][e.ECDHE_256]["reasons"][0]["code"] == "no_usable_curve"


def test_5_curve25519_alone_depends_on_the_server() -> None:
    verdict = evaluate(e.set_curves(e.endpoint("10_22h2"), ["curve25519"]))
    assert verdict["state"] == "unknown"
    assert "TETRA-CURVES" in rules(verdict)


def test_5_fips_mode_leaves_the_nist_curves() -> None:
    verdict = evaluate(e.set_fips(e.endpoint()))
    assert verdict["state"] == "compliant"
    assert "TETRA-FIPS" in rules(verdict)


def test_6_a_corrected_policy_that_waits_for_a_reboot_is_not_green() -> None:
    good = f"{e.ECDHE_256},{e.CBC}"
    facts = e.set_policy(e.endpoint(policy=e.CBC), good)  # the cmdlet still shows the old list
    verdict = evaluate(facts)
    assert verdict["state"] == "unknown"
    assert verdict["in_force"] == "after_reboot"
    assert verdict["either_way"] == {"in_force": "yes", "if_not_in_force": "no"}
    assert "eboot" in verdict["next_step"]


def test_6_a_corrected_policy_shown_at_once_is_told_by_file_time_or_log() -> None:
    good = f"{e.ECDHE_256},{e.CBC}"
    by_file = evaluate(e.set_local_gpo(e.endpoint(policy=good), good, e.AFTER_BOOT))
    assert (by_file["state"], by_file["in_force"]) == ("unknown", "after_reboot")
    by_log = evaluate(e.set_last_update(e.endpoint(policy=good), "failed", -3000))
    assert by_log["state"] == "unknown"
    assert by_log["cause"]["code"] == "not_rebooted"
    changed = e.endpoint(policy=good)
    changed["reboot"]["changed_by_us"] = e.AFTER_BOOT
    assert (evaluate(changed)["state"], evaluate(changed)["in_force"]) == ("unknown", "after_reboot")


def test_6_a_good_list_of_which_nobody_read_whether_it_waits_is_not_green() -> None:
    facts = e.endpoint(policy=e.ECDHE_256)
    for section in ("reboot", "policy_origin"):
        verdict = evaluate(e.unread(copy.deepcopy(facts), section, f.DENIED))
        assert (verdict["state"], verdict["in_force"]) == ("unknown", "unknown")
        assert verdict["either_way"]["in_force"] == "yes"
        (reason,) = verdict["suites"][e.ECDHE_256]["reasons"]
        assert (reason["code"], reason["evidence"]["note"]) == ("not_read", "It could not be read.")


def test_6_a_fleet_does_not_turn_grey_for_files_that_have_no_say() -> None:
    """Without a policy list no policy file can tell of one that waits."""
    facts = e.unread(e.endpoint(), "policy_origin", f.DENIED)
    assert (evaluate(facts)["state"], evaluate(facts)["in_force"]) == ("compliant", "unknown")


def test_6_the_own_handshake_decides() -> None:
    good = f"{e.ECDHE_256},{e.CBC}"
    pending = e.set_local_gpo(e.endpoint(policy=good), good, e.AFTER_BOOT)
    assert evaluate(e.set_probe(pending, "tls_ok"))["state"] == "compliant"
    failed = evaluate(e.set_probe(pending, "tls_failed"))
    assert (failed["state"], failed["reachability"]["answer"]) == ("non_compliant", "no")
    assert failed["cause"]["code"] == "not_rebooted"


def test_6_a_good_list_older_than_the_boot_is_in_force() -> None:
    facts = e.set_local_gpo(e.endpoint(policy=e.ECDHE_256), e.ECDHE_256, e.BEFORE_BOOT)
    assert evaluate(facts)["in_force"] == "yes"
    assert evaluate(e.endpoint())["in_force"] == "yes"


def test_7_minus_3000_names_no_cause_where_the_suites_fit() -> None:
    facts = e.set_last_update(
        e.set_local_gpo(e.endpoint(policy=e.ECDHE_256), e.ECDHE_256, e.BEFORE_BOOT), "failed", -3000
    )
    verdict = evaluate(facts)
    assert verdict["state"] == "compliant"
    assert verdict["cause"]["code"] == "other"
    assert "TETRA-UPDATE-FAILED" in rules(verdict)


def test_7_up_to_date_is_no_failure() -> None:
    verdict = evaluate(e.set_last_update(e.endpoint(), "up_to_date", 0))
    assert verdict["cause"] is None
    assert "TETRA-UPDATE-FAILED" not in rules(verdict)


def test_8_the_allow_list_is_data_with_a_date() -> None:
    verdict = evaluate(e.endpoint())
    assert verdict["allow_list"]["date"]
    assert verdict["allow_list"]["source"]
    other = evaluate(e.endpoint(policy=e.CBC), {"allow_list": [e.CBC]})
    assert other["state"] == "compliant"
    assert list(other["suites"]) == [e.CBC]
    assert other["allow_list"]["date"] is None


def test_9_an_unreadable_policy_xml_is_judged_on_tls_and_says_so() -> None:
    facts = e.endpoint()
    facts["connector"]["tetra"] = f.section(f.DENIED, "Not readable.", enabled=None, update_server=None)
    verdict = evaluate(facts)
    assert verdict["state"] == "compliant"
    assert "TETRA-CONNECTOR-UNKNOWN" in rules(verdict)
    assert any("Tetra" in note for note in verdict["notes"])


def test_9_tetra_off_an_own_server_or_no_connector_is_not_applicable() -> None:
    off, own, absent = e.endpoint(policy=e.CBC), e.endpoint(), e.endpoint()
    off["connector"]["tetra"]["enabled"] = False
    own["connector"]["tetra"]["update_server"] = "https://tetra.corp.example:8443/"
    e.unread(absent, "connector", f.ABSENT)
    assert [evaluate(facts)["state"] for facts in (off, own, absent)] == ["not_applicable"] * 3
    assert rules(evaluate(off)) & {"TETRA-OFF"}
    assert rules(evaluate(own)) & {"TETRA-OWN-SERVER"}
    assert rules(evaluate(absent)) & {"TETRA-CONNECTOR-ABSENT"}


@pytest.mark.parametrize("status", [f.DENIED, f.ERROR, f.NOT_READ, f.UNSUPPORTED])
def test_9_a_connector_that_nobody_could_look_at_is_no_excuse(status: str) -> None:
    assert evaluate(e.unread(e.endpoint(policy=e.CBC), "connector", status))["state"] == "non_compliant"


def test_10_a_verdict_that_rests_on_an_unverified_point_carries_a_note() -> None:
    for facts in (
        e.set_policy(e.endpoint(), [e.ECDHE_128], "REG_MULTI_SZ"),
        e.endpoint("10_22h2", policy=f"{e.ECDHE_128}_P256"),
        e.set_switch(e.endpoint("10_22h2"), "KeyExchangeAlgorithms\\PKCS", "Enabled", 0),
        e.set_switch(e.endpoint("11_23h2"), "Ciphers\\AES 128/128", "Enabled", 0),
        e.endpoint("8_2012"),
    ):
        assert evaluate(facts)["notes"]
