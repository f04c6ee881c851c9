# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mixed fleet: nothing of the requirements is missing, and no expected verdict contradicts a real handshake."""

from __future__ import annotations

import collections
import functools
import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab import fleet
from ansible_collections.fleetops.tetra.lab.comparison import check_expectation
from ansible_collections.fleetops.tetra.lab.fleet import EndpointDefinition
from ansible_collections.fleetops.tetra.lab.machine.behaviours import SWITCHABLE
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.lab.machine.handshake import shake
from ansible_collections.fleetops.tetra.lab.machine.releases import find
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import Offer, number_of
from ansible_collections.fleetops.tetra.lab.machine.state import TetraRoute
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import RELEASES

_FLEETS = pathlib.Path(fleet.__file__).parent / "fleets"
MIXED = list(fleet.load(_FLEETS / "mixed.yml"))
BY_NAME = {definition.name: definition for definition in MIXED}

# Every item of the requirements' list, as a tag.
ITEMS = [
    "note_failing",
    "note_healthy",
    "release_default",
    "policy_empty",
    "policy_without_four",
    "policy_one_of_four",
    "policy_multi_sz",
    "policy_spaces",
    "policy_curve_suffixes",
    "policy_over_1023",
    "policy_unknown_names",
    "policy_duplicates",
    "policy_expand_sz",
    "policy_denied",
    "tls13_name_without_tls13",
    "cmdlet_claims_tls13",
    "ecdhe_on_2012r2",
    "tls12_off",
    "aes128_off_with_aes256",
    "aes128_off_without_aes256",
    "sha256_off",
    "ecdh_off",
    "dh_off",
    "no_nist_curve",
    "fips_on",
    "dh_max_under_2048",
    "not_rebooted",
    "origin_domain_gpo",
    "origin_local_gpo",
    "origin_mdm",
    "origin_direct",
    "origin_none",
    "connector_absent",
    "tetra_off",
    "own_update_server",
    "non_admin",
    "uac_filtered",
    "wmi_broken",
    "powershell_2",
    "powershell_7",
    "session_32_bit",
    "jea",
    "missing_cmdlet",
    "errors_in_korean",
    "batch_cut_short",
    "same_computer_name",
    "fault_refused",
    "fault_wrong_password",
    "fault_hangs",
    "fault_http_500",
    "fault_reset",
]


def tags(definition: EndpointDefinition) -> list[str]:
    found: list[str] = definition.machine.get("tags", [])
    return found


def test_every_item_of_the_requirements_is_there() -> None:
    present = {tag for definition in MIXED for tag in tags(definition)}
    assert [item for item in ITEMS if item not in present] == []
    assert len(MIXED) >= 60


def test_every_release_of_the_tables_has_its_default_state() -> None:
    plain = [
        d for d in MIXED if "release_default" in tags(d) and "policy" not in d.machine and "local" not in d.machine
    ]
    kinds = collections.defaultdict(set)
    for definition in plain:
        state = build(definition.name, definition.machine)
        kinds[state.release.key].add("server" if state.identity.server else "client")
    for release in RELEASES:
        assert kinds[release.key], f"no default endpoint of {release.key}"


def test_one_of_each_of_the_four_stands_alone() -> None:
    alone = {
        tuple(definition.expect["usable"])
        for definition in MIXED
        if "policy_one_of_four" in tags(definition) and "usable" in definition.expect
    }
    assert len(alone) == 3
    assert "policy-one-tls13" in BY_NAME


@pytest.mark.parametrize("definition", MIXED, ids=lambda definition: definition.name)
def test_every_endpoint_can_be_read_and_checked(definition: EndpointDefinition) -> None:
    assert definition.describe.endswith(".")
    assert tags(definition)
    assert "state" in definition.expect
    check_expectation(definition.name, definition.expect)
    build(definition.name, definition.machine)


@pytest.mark.parametrize("path", sorted(_FLEETS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_fleet_file_can_be_served(path: pathlib.Path) -> None:
    for definition in fleet.load(path):
        check_expectation(definition.name, definition.expect)
        build(definition.name, definition.machine)


def _worlds(definition: EndpointDefinition, free: bool = False) -> t.Iterator[dict[str, str]]:
    """Behaviours that bear on the handshake, one switched at a time; ``free``: also those that the fleet file sets."""
    chosen = dict(definition.machine.get("behaviours") or {})
    yield chosen
    for name, variants in SWITCHABLE.items():
        for variant in variants:
            if free or name not in chosen:
                yield {**chosen, name: variant}


@functools.cache
def _reaches(offer: Offer) -> bool:
    """Whether a real handshake with this offer succeeds."""
    result = shake(offer, TetraRoute())
    assert result.outcome in ("ok", "alert", "nothing_offered", "closed"), result
    return result.outcome == "ok"


JUDGED = [d for d in MIXED if d.expect.get("reachability") in ("yes", "no")]


@pytest.mark.parametrize("definition", JUDGED, ids=lambda definition: definition.name)
def test_a_known_answer_is_what_a_real_handshake_says_under_every_behaviour(definition: EndpointDefinition) -> None:
    """What the suites would be, changed by each behaviour; a real handshake for every offer that is new."""
    for world in _worlds(definition):
        state = build(definition.name, {**definition.machine, "behaviours": world})
        offer = state.offer()
        expected = definition.expect["reachability"] == "yes"
        assert _reaches(offer) == expected, f"behaviours {world}: {offer.suites}"


@pytest.mark.parametrize("name", [d.name for d in MIXED if "usable" in d.expect])
def test_the_usable_suites_are_offered_and_each_shakes_hands(name: str) -> None:
    definition = BY_NAME[name]
    state = build(name, definition.machine)
    offer = state.offer()
    accepted = {"TLS_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"} | {
        f"TLS_ECDHE_RSA_WITH_AES_{size}" for size in ("256_GCM_SHA384", "128_GCM_SHA256")
    }
    assert sorted(accepted & set(offer.suites)) == sorted(definition.expect["usable"])


def test_where_the_expert_says_unknown_behaviours_disagree_or_something_was_not_read() -> None:
    """An unknown that every reading answers alike would be laziness, not caution."""
    for definition in MIXED:
        faults = definition.transport.faults
        if definition.expect["state"] != "unknown" or faults:
            continue
        cannot_know = {"policy_denied", "non_admin", "not_rebooted", "dh_max_under_2048", "no_nist_curve"}
        seen_once = "policy_one_of_four"  # TLS 1.3 alone: nobody saw the updater use it
        if cannot_know & set(tags(definition)) or seen_once in tags(definition):
            continue
        answers = set()
        for world in _worlds(definition, free=True):
            state = build(definition.name, {**definition.machine, "behaviours": world})
            answers.add(_reaches(state.offer()))
        assert answers == {True, False}, definition.name


def test_the_failing_hello_is_the_one_of_the_note() -> None:
    definition = BY_NAME["note-failing"]
    state = build(definition.name, definition.machine)
    result = shake(state.offer(), state.route)
    assert [hex(number) for number in result.offered] == (
        [
            "0x3c",
            "0x2f",
            "0x3d",
            "0x35",
            "0xc013",
            "0xc014",
            "0xc02b",
            "0xc023",
            "0xc02c",
            "0xc024",
            "0xc009",
            "0xc00a",
            "0x40",
            "0x32",
            "0x6a",
            "0x38",
        ]
    )
    assert (result.outcome, result.alert) == ("alert", 40)


def test_the_healthy_list_is_the_one_of_the_note() -> None:
    definition = BY_NAME["note-healthy"]
    state = build(definition.name, definition.machine)
    assert len(state.in_force.suites) == 31
    assert state.in_force.suites[0] == "TLS_AES_256_GCM_SHA384"
    assert state.in_force.suites[-1] == "TLS_PSK_WITH_NULL_SHA256"
    assert "TLS_RSA_WITH_3DES_EDE_CBC_SHA" in state.in_force.suites
    assert all(number_of(name) for name in state.in_force.suites)


def test_unquoted_release_keys_are_what_they_look_like() -> None:
    assert find(101507).key == "10_1507"
    assert find(19045).key == "10_22h2"
    assert find("2022").key == "2022"
