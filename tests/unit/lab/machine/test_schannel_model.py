# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated Schannel offers, case by case."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab.machine.behaviours import SWITCHABLE
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.lab.machine.tetra_servers import ACCEPTED
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import RELEASES

E256, E128, DHE, T13 = (
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_AES_128_GCM_SHA256",
)
MDM = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\Cryptography"
MINIMUM = "OverrideMinimumEnabledTLSVersionClient"


def usable(**mapping: t.Any) -> list[str]:
    offer = build("pc", {"release": "2022", "connector": "absent", **mapping}).offer()
    return [name for name in offer.suites if name in ACCEPTED]


def off(key: str) -> dict[str, t.Any]:
    return {"schannel": {key: {"Enabled": 0}}}


def test_all_four_on_server_2022() -> None:
    assert usable() == [T13, E256, E128, DHE]


@pytest.mark.parametrize(
    "mapping,left",
    [
        (off("Protocols\\TLS 1.2\\Client"), [T13]),
        (off("Protocols\\TLS 1.3\\Client"), [E256, E128, DHE]),
        (off("Ciphers\\AES 128/128"), [E256]),
        (off("Ciphers\\AES 256/256"), [T13, E128, DHE]),
        (off("Hashes\\SHA256"), [E256]),
        (off("Hashes\\SHA384"), [T13, E128, DHE]),
        (off("KeyExchangeAlgorithms\\ECDH"), [DHE]),
        (off("KeyExchangeAlgorithms\\Diffie-Hellman"), [T13, E256, E128]),
        (off("KeyExchangeAlgorithms\\PKCS"), [T13, E256, E128, DHE]),
        ({"curves": {"policy": []}}, [DHE]),
        ({"fips": True, "curves": {"policy": ["curve25519"]}}, [DHE]),
        ({"fips": True}, [T13, E256, E128, DHE]),
        ({"schannel": {"Protocols\\TLS 1.2\\Client": {"DisabledByDefault": 1}}}, [T13]),
        ({"schannel": {"Protocols\\TLS 1.2\\Client": {"Enabled": 0xFFFFFFFF}}}, [T13, E256, E128, DHE]),
    ],
)
def test_what_each_switch_leaves(mapping: dict[str, t.Any], left: list[str]) -> None:
    assert usable(**mapping) == left


@pytest.mark.parametrize(
    "name,variant,mapping,left",
    [
        ("policy_multi_sz", "ignored", {"policy": {"type": "REG_MULTI_SZ", "data": [DHE]}}, [T13, E256, E128, DHE]),
        ("policy_multi_sz", "used", {"policy": {"type": "REG_MULTI_SZ", "data": [DHE]}}, [DHE]),
        ("policy_expand_sz", "used", {"policy": {"type": "REG_EXPAND_SZ", "data": DHE}}, [DHE]),
        ("policy_expand_sz", "ignored", {"policy": {"type": "REG_EXPAND_SZ", "data": DHE}}, [T13, E256, E128, DHE]),
        ("policy_empty", "no_suites", {"policy": ""}, []),
        ("policy_empty", "fallback_local", {"policy": ""}, [T13, E256, E128, DHE]),
        ("policy_spaces", "trimmed", {"policy": f"A, {E128}"}, [E128]),
        ("policy_spaces", "unresolved", {"policy": f"A, {E128}"}, []),
        ("policy_trailing_comma", "ignored", {"policy": f"{E128},"}, [E128]),
        ("policy_trailing_comma", "list_ignored", {"policy": f"{E128},"}, [T13, E256, E128, DHE]),
        ("policy_over_1023", "used", {"policy": "x" * 1023 + f",{E128}"}, [E128]),
        ("policy_over_1023", "truncated", {"policy": "x" * 1023 + f",{E128}"}, []),
        ("policy_duplicates", "first_counts", {"policy": f"{E128},{E256},{E128}"}, [E128, E256]),
        ("policy_duplicates", "last_counts", {"policy": f"{E128},{E256},{E128}"}, [E256, E128]),
        ("policy_name_case", "exact", {"policy": E128.lower()}, []),
        ("policy_name_case", "ignored", {"policy": E128.lower()}, [E128]),
        ("suffixed_names_on_10", "not_offered", {"policy": f"{E128}_P256"}, []),
        ("suffixed_names_on_10", "offered", {"policy": f"{E128}_P256"}, [E128]),
        (
            "enabled_one_for_algorithms",
            "enabled",
            {"schannel": {"Hashes\\SHA256": {"Enabled": 1}}},
            [T13, E256, E128, DHE],
        ),
        ("enabled_one_for_algorithms", "disabled", {"schannel": {"Hashes\\SHA256": {"Enabled": 1}}}, [E256]),
        ("pkcs_off_kills_ecdhe_rsa", "yes", off("KeyExchangeAlgorithms\\PKCS"), [T13]),
        ("tls13_needs_ecdh", "no", off("KeyExchangeAlgorithms\\ECDH"), [T13, DHE]),
        ("hash_switch_for_tls13", "no", off("Hashes\\SHA256"), [T13, E256]),
        ("curves_empty", "defaults", {"curves": {"policy": []}}, [T13, E256, E128, DHE]),
        ("curves_local_value", "ignored", {"curves": {"local": []}}, [T13, E256, E128, DHE]),
        ("disabled_by_default_client", "on", {"release": "7_2008r2"}, [DHE]),
        ("mdm_minimum_tls", "ignored", {"registry": {MDM: {MINIMUM: "1.3"}}}, [T13, E256, E128, DHE]),
        ("mdm_minimum_tls", "counts", {"registry": {MDM: {MINIMUM: "1.3"}}}, [T13]),
        ("mdm_minimum_tls", "counts", {"registry": {MDM: {MINIMUM: "1.2"}}}, [T13, E256, E128, DHE]),
    ],
)
def test_what_each_behaviour_changes(name: str, variant: str, mapping: dict[str, t.Any], left: list[str]) -> None:
    assert usable(**mapping, behaviours={name: variant}) == left


def test_old_releases_have_dhe_alone_and_curves_in_the_names() -> None:
    offer = build("pc", {"release": "8.1_2012r2", "kind": "server"}).offer()
    assert [name for name in offer.suites if name in ACCEPTED] == [DHE]
    assert "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" in offer.suites
    assert usable(release="8.1_2012r2", kind="server", policy=f"{E128},{E128}_P256,TLS_RSA_WITH_AES_128_CBC_SHA") == []


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.key)
def test_names_in_a_list_are_not_yet_an_offer(release: t.Any) -> None:
    offer = build("pc", {"release": release.key, "policy": ",".join(ACCEPTED)}).offer()
    assert (T13 in offer.suites) == (release.tls13_client == "enabled")
    assert not any("NULL" in name or "PSK" in name or name.startswith("SSL_") for name in offer.suites)


def test_orders_change_at_boot_switches_at_once() -> None:
    state = build("pc", {"release": "10_22h2", "policy": E128, "in_force": {"policy": "TLS_RSA_WITH_AES_128_CBC_SHA"}})
    assert state.offer().suites == ("TLS_RSA_WITH_AES_128_CBC_SHA",)
    state.boot(state.now())
    assert state.offer().suites == (E128,)


@settings(max_examples=150, deadline=None)
@given(
    release=st.sampled_from([release.key for release in RELEASES]),
    policy=st.one_of(st.none(), st.text(max_size=60), st.lists(st.sampled_from(ACCEPTED), max_size=5).map(",".join)),
    world=st.dictionaries(st.sampled_from(sorted(SWITCHABLE)), st.integers(0, 1), max_size=4),
)
def test_any_list_gives_an_offer(release: str, policy: str | None, world: dict[str, int]) -> None:
    behaviours = {name: SWITCHABLE[name][index % len(SWITCHABLE[name])] for name, index in world.items()}
    state = build("pc", {"release": release, "policy": policy, "behaviours": behaviours, "connector": "absent"})
    offer = state.offer()
    assert len(set(offer.suites)) == len(offer.suites)
    assert set(offer.versions) <= {771, 772}
    assert bool(offer.suites) == bool(offer.versions)
