# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts that invite a wrong verdict, one by one, with the right answer. Most of them look green at first sight."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import effective_suites
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

Facts = dict[str, t.Any]
GROUPS = "KeyExchangeAlgorithms\\Diffie-Hellman"
DHE_FIRST = f"{e.DHE_128},{e.ECDHE_256}"
ALL_FOUR = ",".join((e.ECDHE_256, e.ECDHE_128, e.DHE_128, e.TLS13_128))


def alone(data: t.Any, type_: str = "REG_SZ", release: str = "10_21h2") -> Facts:
    """A policy list that no cmdlet confirms: an image's."""
    return e.set_policy({**e.endpoint(release), "source": "image"}, data, type_)


def local_alone(names: list[str]) -> Facts:
    return e.set_local({**e.endpoint(), "source": "image"}, names)


def with_switches(facts: Facts, *switches: tuple[str, str, t.Any]) -> Facts:
    for key, name, data in switches:
        e.set_switch(facts, key, name, data)
    return facts


def with_key_unread(facts: Facts, key: str) -> Facts:
    facts["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key), f.DENIED, "Access is denied.")
    return facts


def with_build(build: int | None, kind: str | None, policy: str) -> Facts:
    facts = e.endpoint("11_23h2", policy=policy)
    facts["os"].update(build=build, kind=kind)
    return facts


def with_rows(release: str, rows: list[tuple[str, int, list[int]]], policy: str) -> Facts:
    facts = e.endpoint(release, policy=policy)
    suites = [{"name": name, "id": number, "protocols": protocols} for name, number, protocols in rows]
    facts["cipher_suites"] = f.section(f.OK, None, suites=suites)
    return facts


def with_minimum(data: t.Any, type_: str = "REG_SZ", key: str = f.MDM_KEY) -> Facts:
    """A lowest TLS version for clients, as an MDM may have left it."""
    facts = e.endpoint("11_24h2_2025")
    values = facts["policy_origin"]["mdm"]["values"]
    values.append(f.registry_value(key, f.MINIMUM_TLS_VALUE, type=type_, data=data))
    return facts


def with_server(server: str) -> Facts:
    """A failing endpoint with this update server in its connector's policy."""
    facts = e.endpoint(policy=e.CBC)
    facts["connector"]["tetra"]["update_server"] = server
    return facts


def with_curves(names: list[str]) -> Facts:
    facts = e.set_curves(e.endpoint("10_22h2"), names, shown=False)
    facts["curves"]["cmdlet"] = f.section(f.DENIED, "Access is denied.", names=[])
    return facts


TREACHEROUS: dict[str, tuple[t.Callable[[], Facts], str]] = {
    # The Diffie-Hellman group: the limits do not take the suite out of the hello, so the server may choose it.
    "a group below the limit, and a cipher switch of unclear value": (
        lambda: with_switches(
            e.endpoint(policy=DHE_FIRST), (GROUPS, "ClientMaxKeyBitLength", 512), ("Ciphers\\AES 128/128", "Enabled", 1)
        ),
        "unknown",
    ),
    "a group below the limit, and a key exchange switch of unclear value": (
        lambda: with_switches(
            e.endpoint(policy=DHE_FIRST), (GROUPS, "ClientMinKeyBitLength", 4096), (GROUPS, "Enabled", 1)
        ),
        "unknown",
    ),
    "limits of the group that nobody could read": (
        lambda: with_key_unread(e.endpoint(policy=DHE_FIRST), GROUPS),
        "unknown",
    ),
    "limits of the group, but the suite is switched off": (
        lambda: with_switches(
            e.endpoint(policy=DHE_FIRST), (GROUPS, "ClientMinKeyBitLength", 4096), (GROUPS, "Enabled", 0)
        ),
        "compliant",
    ),
    "limits of the group, but the suite comes last": (
        lambda: with_switches(e.endpoint(policy=ALL_FOUR), (GROUPS, "ClientMaxKeyBitLength", 512)),
        "compliant",
    ),
    "the smallest group is 3072 bits": (
        lambda: with_switches(e.endpoint(policy=e.DHE_128), (GROUPS, "ClientMinKeyBitLength", 3072)),
        "unknown",
    ),
    "a limit of zero bits": (
        lambda: with_switches(e.endpoint(policy=e.DHE_128), (GROUPS, "ClientMaxKeyBitLength", 0)),
        "unknown",
    ),
    # Spelling. Whatever is not strictly one name between two commas is not known to be recognised.
    "a space before the name": (lambda: alone(f" {e.ECDHE_256}"), "unknown"),
    "a no-break space before the name": (lambda: alone(f"\u00a0{e.ECDHE_256}"), "unknown"),
    "a tab between the names": (lambda: alone(f"{e.CBC}\t{e.ECDHE_256}"), "unknown"),
    "lines in place of commas": (lambda: alone(f"{e.CBC}\r\n{e.ECDHE_256}"), "unknown"),
    "semicolons in place of commas": (lambda: alone(f"{e.CBC};{e.ECDHE_256}"), "unknown"),
    "a space of no width behind the name": (lambda: alone(f"{e.ECDHE_256}\u200b"), "unknown"),
    "small letters on 2012 R2": (lambda: alone(e.DHE_128.lower(), release="8.1_2012r2"), "unknown"),
    "quotation marks around the list": (lambda: alone(f'"{e.CBC},{e.ECDHE_256}"'), "non_compliant"),
    "a bar in place of commas": (lambda: alone(f"{e.CBC}|{e.ECDHE_256}"), "non_compliant"),
    "an accepted name with something behind it": (lambda: alone(f"{e.ECDHE_256}_P999"), "non_compliant"),
    # A zero ends a text for programs that read up to the first one; an empty string ends a REG_MULTI_SZ.
    "an accepted name behind a zero": (lambda: alone(f"{e.CBC}\0,{e.ECDHE_256}"), "unknown"),
    "an accepted name before a zero": (lambda: alone(f"{e.ECDHE_256}\0,{e.CBC}"), "unknown"),
    "a second terminator": (lambda: alone(f"{e.ECDHE_256}\0"), "compliant"),
    "a local list that begins with an empty string": (lambda: local_alone(["", e.ECDHE_256]), "unknown"),
    "a local list with an empty string in the middle": (lambda: local_alone([e.CBC, "", e.ECDHE_256]), "unknown"),
    "a local list with an empty string at the end": (lambda: local_alone([e.ECDHE_256, ""]), "compliant"),
    "a policy of type REG_MULTI_SZ that begins with an empty string": (
        lambda: alone(["", e.ECDHE_256], "REG_MULTI_SZ"),
        "unknown",
    ),
    "curves behind an empty string": (lambda: with_curves(["curve25519", "", "NistP256"]), "unknown"),
    # Types and forms of the policy value.
    "a policy that is a number": (lambda: alone(1, "REG_DWORD"), "unknown"),
    "a policy that is binary": (lambda: alone("00", "REG_BINARY"), "unknown"),
    "a policy without type": (lambda: alone(None, "REG_NONE"), "unknown"),
    "a policy of a type that no document knows": (lambda: alone(e.ECDHE_256, "REG_LINK"), "unknown"),
    "a policy of commas alone": (lambda: e.set_policy(e.endpoint(), ",,"), "unknown"),
    "a comma at the end, and a bad local list": (
        lambda: e.set_local(alone(f"{e.ECDHE_256},"), [e.CBC]),
        "unknown",
    ),
    "a type that could not be told, and a bad local list": (
        lambda: e.set_local(alone(e.ECDHE_256, "REG_SZ_OR_EXPAND_SZ"), [e.CBC]),
        "unknown",
    ),
    "a type that could not be told, and a good local list": (
        lambda: alone(e.ECDHE_256, "REG_SZ_OR_EXPAND_SZ"),
        "compliant",
    ),
    "a type that could not be told, and a cmdlet that shows the policy": (
        lambda: e.set_policy(e.set_local(e.endpoint(policy=e.ECDHE_256), [e.CBC]), e.ECDHE_256, "REG_SZ_OR_EXPAND_SZ"),
        "compliant",
    ),
    "a type that could not be told, and a bad policy": (
        lambda: alone(e.CBC, "REG_SZ_OR_EXPAND_SZ"),
        "unknown",
    ),
    "a type that could not be told, a bad policy, and a cmdlet that shows it": (
        lambda: e.set_policy(e.endpoint(policy=e.CBC), e.CBC, "REG_SZ_OR_EXPAND_SZ"),
        "non_compliant",
    ),
    "REG_EXPAND_SZ, and a bad local list": (
        lambda: e.set_local(alone(e.ECDHE_256, "REG_EXPAND_SZ"), [e.CBC]),
        "unknown",
    ),
    # The lowest TLS version that an MDM may set; neither its place nor its form is documented.
    "a lowest version of TLS 1.3": (lambda: with_minimum("1.3"), "unknown"),
    "a lowest version of TLS 1.3 beside the policy list": (
        lambda: with_minimum("TLS 1.3", key=f.POLICY_KEY),
        "unknown",
    ),
    "a lowest version as a number": (lambda: with_minimum(0x304, "REG_DWORD"), "unknown"),
    "a lowest version in a form that nobody knows": (lambda: with_minimum("<enabled/>"), "unknown"),
    "a lowest version of TLS 1.3, and a handshake of curl": (
        lambda: e.set_probe(with_minimum("1.3"), "tls_ok"),
        "unknown",
    ),
    "a lowest version of TLS 1.2": (lambda: with_minimum("TLS 1.2"), "compliant"),
    "an empty lowest version": (lambda: with_minimum(""), "compliant"),
    # The update server: an own one is not judged, Cisco's is, however it is written; a blank is no server.
    "a blank for the update server": (lambda: with_server("  "), "non_compliant"),
    "a scheme without a host for the update server": (lambda: with_server("https://"), "non_compliant"),
    "a sentence for the update server": (lambda: with_server("no server is set"), "non_compliant"),
    "control characters for the update server": (lambda: with_server("\x1b[2Jhost"), "non_compliant"),
    "a very long update server": (lambda: with_server("a" * 64 + ".example.com"), "non_compliant"),
    "an own server by its address": (lambda: with_server("https://[2001:db8::7]:8443/"), "not_applicable"),
    "Cisco's server in capitals, with port and dot": (
        lambda: with_server("HTTPS://Tetra-Defs.EU.amp.cisco.com.:443/"),
        "non_compliant",
    ),
    "a server whose name only begins like Cisco's": (
        lambda: with_server("tetra-defs.amp.cisco.com.example.net"),
        "not_applicable",
    ),
    # Curve suffixes.
    "a suffix on Windows 10, not confirmed by the cmdlet": (lambda: alone(f"{e.ECDHE_256}_P384"), "unknown"),
    "a suffix on Windows 10 that the cmdlet could not resolve": (
        lambda: with_rows("10_21h2", [(f"{e.ECDHE_128}_P256", 0, [])], f"{e.ECDHE_128}_P256"),
        "unknown",
    ),
    "suffixed GCM names on 2012 R2": (
        lambda: e.endpoint("8.1_2012r2", policy=f"{e.ECDHE_128}_P256,{e.ECDHE_256}_P384"),
        "non_compliant",
    ),
    # Releases.
    "a cmdlet on 2012 R2 that claims an ECDHE suite": (
        lambda: with_rows("8.1_2012r2", [(e.ECDHE_128, 0xC02F, [771])], e.ECDHE_128),
        "non_compliant",
    ),
    "Server 2003": (lambda: with_build(3790, None, ALL_FOUR), "unknown"),
    "Server 2008": (lambda: with_build(6002, "server", ALL_FOUR), "unknown"),
    "Windows 7 without TLS 1.2 switched on": (lambda: e.endpoint("7_2008r2", policy=ALL_FOUR), "unknown"),
    "build 0": (lambda: with_build(0, "client", ALL_FOUR), "unknown"),
    "no build": (lambda: with_build(None, "client", ALL_FOUR), "unknown"),
    "a negative build": (lambda: with_build(-19045, "client", ALL_FOUR), "unknown"),
    "a build of the future with the TLS 1.3 suite alone": (lambda: with_build(99999, "client", e.TLS13_128), "unknown"),
    # What the cmdlet says about a name.
    "the right name with the id of another suite": (
        lambda: with_rows("10_21h2", [(e.ECDHE_256, 0xC02C, [771])], e.ECDHE_256),
        "unknown",
    ),
    "another name with the id of an accepted suite": (
        lambda: with_rows("10_21h2", [(e.CBC, 0xC030, [771])], e.CBC),
        "unknown",
    ),
    "the same, and the release is not known": (
        lambda: e.unread(with_rows("10_21h2", [(e.CBC, 0xC030, [771])], e.CBC), "os"),
        "unknown",
    ),
    "an accepted suite for DTLS alone": (
        lambda: with_rows("10_21h2", [(e.ECDHE_256, 0xC030, [65277])], e.ECDHE_256),
        "non_compliant",
    ),
    "pre-shared key names with the same cipher": (
        lambda: e.endpoint(policy="TLS_PSK_WITH_AES_128_GCM_SHA256,TLS_PSK_WITH_AES_256_GCM_SHA384"),
        "non_compliant",
    ),
    "ECDSA, and the same cipher": (
        lambda: e.endpoint("2022", policy="TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        "non_compliant",
    ),
    "TLS 1.3 with the other suite": (
        lambda: e.endpoint("2022", policy="TLS_AES_256_GCM_SHA384"),
        "non_compliant",
    ),
    "the TLS 1.3 suite alone, twice": (
        lambda: e.endpoint("2022", policy=f"{e.TLS13_128},{e.TLS13_128}"),
        "unknown",
    ),
}


@pytest.mark.parametrize("label", TREACHEROUS)
def test_the_right_answer(label: str) -> None:
    make, state = TREACHEROUS[label]
    verdict = evaluate(make())
    assert verdict["state"] == state
    assert all(item["source"] and item["evidence"]["source"] for item in verdict["findings"])
    assert all(suite["reasons"] for suite in verdict["suites"].values() if suite["usable"] != "yes")


def test_a_lowest_version_carries_its_source_and_says_what_is_not_known() -> None:
    verdict = evaluate(with_minimum("1.3"))
    (told,) = [item for item in verdict["findings"] if item["rule"] == "TETRA-MDM-MINIMUM-TLS"]
    assert told["source"].startswith(
        "https://learn.microsoft.com/windows/client-management/mdm/policy-csp-cryptography"
    )
    assert told["evidence"]["path"] == f"{f.MDM_KEY}\\{f.MINIMUM_TLS_VALUE}"
    assert told["evidence"]["value"] == "1.3"
    assert any("not documented" in note for note in verdict["notes"])
    assert [item["code"] for item in verdict["suites"][e.ECDHE_256]["reasons"]] == ["protocol_disabled"]
    assert verdict["suites"][e.TLS13_128]["usable"] == "yes"
    assert any("not documented" in note for note in evaluate(with_minimum("1.2"))["notes"])


def test_a_type_that_could_not_be_told_leaves_strictness_open() -> None:
    """If Windows ignores the policy list, the local one is offered, with suites outside of the accepted ones."""
    facts = alone(e.ECDHE_256, "REG_SZ_OR_EXPAND_SZ")
    assert evaluate(facts, {"strict": True})["state"] == "unknown"
    assert evaluate(alone(e.ECDHE_256), {"strict": True})["state"] == "compliant"


# Causes ---------------------------------------------------------------------------------------------------------------


def test_not_every_suite_is_no_reason_for_a_failing_update() -> None:
    """One suite is enough for a connection; what ``require: all`` asks for beyond it explains no failure."""
    verdict = evaluate(e.endpoint(policy=e.ECDHE_128), {"require": "all"})
    assert (verdict["state"], verdict["cause"]) == ("non_compliant", None)
    failing = e.set_local_gpo(e.endpoint(policy=e.ECDHE_128), e.ECDHE_128, e.BEFORE_BOOT)
    e.set_last_update(failing, "failed", -3000)
    assert evaluate(failing, {"require": "all"})["cause"]["code"] == "other"
    nothing = evaluate(e.endpoint(policy=e.CBC), {"require": "all"})
    assert nothing["cause"]["code"] == "cipher_mismatch"


def test_a_mismatch_to_come_is_no_cause_yet() -> None:
    """The registry holds a bad list, the cmdlet still shows a good one, and no update failed."""
    facts = e.set_policy(e.endpoint("11_23h2", policy=ALL_FOUR), e.CBC)
    verdict = evaluate(facts)
    assert (verdict["state"], verdict["cause"]) == ("unknown", None)
    assert verdict["next_step"].startswith("Correct the list before the next reboot")
    assert evaluate(e.set_last_update(facts, "failed", -3000))["cause"]["code"] == "cipher_mismatch"


# Suites that older protocols can carry ------------------------------------------------------------------------------


def test_with_tls_1_2_off_older_suites_are_open_and_newer_ones_are_not_offered() -> None:
    facts = e.set_switch(e.endpoint(), "Protocols\\TLS 1.2\\Client", "Enabled", 0)
    rows = {row["name"]: row for row in effective_suites(facts)}
    older, newer = rows["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"], rows[e.ECDHE_256]
    assert (older["offered"], newer["offered"]) == ("unknown", "no")
    assert [item["code"] for item in older["reasons"]] == ["protocol_disabled"]
    assert "Older protocols" in older["reasons"][0]["evidence"]["note"]
