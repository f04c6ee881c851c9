# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wanted Schannel switches: single registry values, and a refusal of what locks out or takes Tetra away."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import (
    Refused,
    WantedChange,
    WantedError,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switch_options import (
    WantedValue,
    parse_switch_options,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switches import (
    beyond_the_facts,
    wanted_switches,
    with_values,
)
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

TLS12, TLS13 = "Protocols\\TLS 1.2\\Client", "Protocols\\TLS 1.3\\Client"
DH, AES_128, AES_256 = "KeyExchangeAlgorithms\\Diffie-Hellman", "Ciphers\\AES 128/128", "Ciphers\\AES 256/256"
ON = 0xFFFFFFFF
Values = dict[tuple[str, str], int | None]


def wanted(facts: e.Facts, over_https: bool = False, **options: t.Any) -> WantedChange:
    switches = parse_switch_options(options)
    nothing: dict[str, t.Any] = {"status": "absent", "type": None, "data": None}
    known = with_values(facts, [(value, nothing) for value in beyond_the_facts(switches)])
    return wanted_switches(known, switches, over_https)


def refused(facts: e.Facts, over_https: bool = False, **options: t.Any) -> Refused:
    with pytest.raises(Refused) as caught:
        wanted(facts, over_https, **options)
    return caught.value


def values(change: WantedChange) -> Values:
    """(key below SCHANNEL, value) → the number that will stand there, or None where the value goes."""
    return {
        (step["path"].removeprefix(f"{f.SCHANNEL_KEY}\\"), step["name"]): step["after"]["data"] for step in change.steps
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"protocols": {"TLS 1.2": "enabled"}}, {(TLS12, "Enabled"): 1, (TLS12, "DisabledByDefault"): 0}),
        ({"ciphers": {"AES 128/128": "enabled"}}, {(AES_128, "Enabled"): ON}),
        ({"ciphers": {"aes 128/128": "enabled"}}, {(AES_128, "Enabled"): ON}),
        ({"hashes": {"SHA": "disabled"}}, {("Hashes\\SHA", "Enabled"): 0}),
        ({"key_exchanges": {"ECDH": "enabled"}}, {("KeyExchangeAlgorithms\\ECDH", "Enabled"): ON}),
        ({"key_lengths": {"Diffie-Hellman": {"min": 2048}}}, {(DH, "ClientMinKeyBitLength"): 2048}),
        ({"key_lengths": {"Diffie-Hellman": {"min": "1024", "max": 4096}}},
         {(DH, "ClientMinKeyBitLength"): 1024, (DH, "ClientMaxKeyBitLength"): 4096}),
        ({"ciphers": {"AES 256/256": "default"}, "protocols": {"TLS 1.2": "default"}}, {}),
    ],
)  # fmt: skip
def test_what_is_written_on_an_untouched_endpoint(options: dict[str, t.Any], expected: Values) -> None:
    change = wanted(e.endpoint(), **options)
    assert values(change) == expected
    assert {step["target"] for step in change.steps} <= {"schannel"}
    assert change.needs_reboot is bool(expected)


def test_what_stands_there_is_set_right_or_taken_away() -> None:
    facts = e.endpoint()
    for key in (AES_128, AES_256):
        e.set_switch(facts, key, "Enabled", 0)
    change = wanted(facts, ciphers={"AES 128/128": "enabled", "AES 256/256": "default"})
    assert values(change) == {(AES_128, "Enabled"): ON, (AES_256, "Enabled"): None}
    assert [step["action"] for step in change.steps] == ["set_value", "remove_value"]
    assert [step["before"]["data"] for step in change.steps] == [0, 0]
    assert change.reachability == {"before": "no", "after": "yes"}
    assert change.warnings == []


def test_a_number_that_is_not_documented_counts_for_protocols_only() -> None:
    facts = e.endpoint()
    e.set_switch(facts, TLS12, "Enabled", ON)
    e.set_switch(facts, TLS12, "DisabledByDefault", 0)
    e.set_switch(facts, AES_128, "Enabled", 1)
    change = wanted(facts, protocols={"TLS 1.2": "enabled"}, ciphers={"AES 128/128": "enabled"})
    assert values(change) == {(AES_128, "Enabled"): ON}


@pytest.mark.parametrize(("type_", "data"), [("REG_SZ", "1"), ("REG_QWORD", ON)])
def test_a_value_of_another_type_is_written_anew(type_: str, data: t.Any) -> None:
    facts = e.set_switch(e.endpoint(), AES_128, "Enabled", data, type_)
    step = wanted(facts, ciphers={"AES 128/128": "enabled"}).steps[0]
    assert (step["before"]["type"], step["after"]["type"]) == (type_, "REG_DWORD")


def test_names_of_values_compare_as_windows_compares_them() -> None:
    facts = e.set_switch(e.endpoint(), AES_128, "enabled", ON)
    assert wanted(facts, ciphers={"AES 128/128": "enabled"}).steps == []


# Refusals ------------------------------------------------------------------------------------------------------------


def test_what_tetra_needs_is_not_switched_off_unless_forced() -> None:
    facts = e.endpoint()
    for options in (
        {"protocols": {"TLS 1.2": "disabled"}},
        {"protocols": {"TLS 1.2": "disabled_by_default"}},
        {"key_exchanges": {"ECDH": "disabled", "Diffie-Hellman": "disabled"}},
        {"key_exchanges": {"PKCS": "disabled"}},
    ):
        found = refused(facts, **options)
        assert found.code == "loses_tetra", options
        change = wanted(facts, **options, force=True)
        assert change.steps
        assert change.reachability["after"] != "yes"
        assert len(change.warnings) == 1


def test_what_tetra_does_not_need_may_go() -> None:
    for options in (
        {"protocols": {"TLS 1.0": "disabled", "TLS 1.1": "disabled"}},
        {"ciphers": {"AES 128/128": "disabled"}},
        {"hashes": {"SHA": "disabled", "MD5": "disabled"}},
        {"key_exchanges": {"Diffie-Hellman": "disabled"}},
        {"key_lengths": {"Diffie-Hellman": {"min": 3072}}},
    ):
        assert wanted(e.endpoint("10_22h2"), **options).steps, options


def test_an_endpoint_that_does_not_reach_tetra_anyway_is_only_warned_about() -> None:
    facts = e.endpoint(policy=e.CBC)
    change = wanted(facts, hashes={"SHA": "disabled"})
    assert change.reachability == {"before": "no", "after": "no"}
    assert len(change.warnings) == 1


def test_nobody_is_locked_out_even_when_forced() -> None:
    everything = {"AES 128/128": "disabled", "AES 256/256": "disabled", "Triple DES 168": "disabled"}
    found = refused(e.endpoint("10_22h2"), ciphers=everything, force=True)
    assert found.code == "lock_out"


def test_the_listener_keeps_a_suite_for_certain_unless_that_doubt_is_accepted() -> None:
    """Whether ECDHE_RSA goes on working without PKCS is not verified."""
    facts = e.endpoint(policy=f"{e.ECDHE_256},{e.CBC}")
    options: dict[str, t.Any] = {"key_exchanges": {"PKCS": "disabled"}}
    assert refused(facts, over_https=True, **options).code == "lock_out"
    assert refused(facts, over_https=False, **options).code == "lock_out"
    assert refused(facts, **options).what_to_do.endswith("Or set force: true.")
    assert wanted(facts, over_https=True, **options, force=True).steps
    assert refused(e.endpoint(), hashes={"SHA256": "disabled"}).code == "lock_out"


def test_the_protocols_of_the_client_do_not_bind_the_listener() -> None:
    change = wanted(e.endpoint(), over_https=True, protocols={"TLS 1.2": "disabled"}, force=True)
    assert change.reachability["after"] == "no"


def test_tls13_is_not_switched_on_where_there_is_none() -> None:
    assert refused(e.endpoint("10_22h2"), protocols={"TLS 1.3": "enabled"}).code == "not_of_this_release"
    assert wanted(e.endpoint("10_22h2"), protocols={"TLS 1.3": "disabled"}).steps
    assert wanted(e.endpoint("11_23h2"), protocols={"TLS 1.3": "enabled"}).steps


def test_lengths_that_contradict_each_other_are_refused() -> None:
    facts = e.set_switch(e.endpoint(), DH, "ClientMaxKeyBitLength", 1024)
    assert refused(facts, key_lengths={"Diffie-Hellman": {"min": 2048}}).code == "contradicting_lengths"
    assert wanted(facts, key_lengths={"Diffie-Hellman": {"min": 2048, "max": "default"}}).steps


def test_a_switch_that_could_not_be_read_is_left_alone() -> None:
    facts = e.endpoint()
    facts["schannel"]["keys"][AES_128] = f.registry_key(f.schannel_path(AES_128), f.DENIED, "No right.")
    assert refused(facts, ciphers={"AES 128/128": "enabled"}).code == "not_read"
    assert wanted(facts, ciphers={"AES 256/256": "enabled"}, force=True).steps
    unread = e.unread(e.endpoint(), "schannel", f.ERROR)
    assert refused(unread, ciphers={"AES 128/128": "enabled"}).code == "not_read"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Nothing is wanted"),
        ({"ciphers": {}}, "Nothing is wanted"),
        ({"ciphers": {"AES 512/512": "enabled"}}, "may name AES 128/128"),
        ({"ciphers": {"AES 128": "enabled"}}, "may name"),
        ({"ciphers": {"AES 128/128": "on"}}, "is one of enabled, disabled, default"),
        ({"ciphers": {"AES 128/128": True}}, "is one of"),
        ({"protocols": {"TLS 1.2": {"client": "enabled"}}}, "is one of"),
        ({"ciphers": {"AES 128/128": "disabled_by_default"}}, "is one of"),
        ({"ciphers": ["AES 128/128"]}, "is a mapping"),
        ({"ciphers": {"AES 128/128": "enabled", "aes 128/128": "default"}}, "twice"),
        ({"key_lengths": {"ECDH": {"min": 1}}}, "may name Diffie-Hellman, PKCS"),
        ({"key_lengths": {"PKCS": 2048}}, "mapping with min, max or both"),
        ({"key_lengths": {"PKCS": {}}}, "mapping with min, max or both"),
        ({"key_lengths": {"PKCS": {"least": 2048}}}, "mapping with min, max or both"),
        ({"key_lengths": {"PKCS": {"min": 100}}}, "from 512 to 16384"),
        ({"key_lengths": {"PKCS": {"min": True}}}, "from 512 to 16384"),
        ({"key_lengths": {"PKCS": {"max": "many"}}}, "from 512 to 16384"),
        ({"key_lengths": {"PKCS": {"min": 4096, "max": 2048}}}, "above its max"),
        ({"force": "yes", "hashes": {"SHA": "default"}}, "true or false"),
        ({"colour": "blue"}, "no group of switches"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_sentence(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(WantedError) as caught:
        parse_switch_options(options)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_null_without_quotes_is_the_cipher_null() -> None:
    (value,) = parse_switch_options({"ciphers": {None: "disabled"}}).values
    assert value == WantedValue("Ciphers\\NULL", "Enabled", {"status": "ok", "type": "REG_DWORD", "data": 0})


# Keys that no facts document holds -----------------------------------------------------------------------------------


def test_keys_beyond_the_facts_are_read_first() -> None:
    options = parse_switch_options({"protocols": {"TLS 1.0": "disabled", "TLS 1.2": "enabled"}})
    more = beyond_the_facts(options)
    assert [(value.key, value.name) for value in more] == [
        ("Protocols\\TLS 1.0\\Client", "Enabled"),
        ("Protocols\\TLS 1.0\\Client", "DisabledByDefault"),
    ]
    facts = e.endpoint()
    states = [{"status": "ok", "type": "REG_DWORD", "data": 0}, {"status": "absent", "type": None, "data": None}]
    known = with_values(facts, zip(more, states, strict=True))
    assert "Protocols\\TLS 1.0\\Client" not in facts["schannel"]["keys"]
    assert values(wanted_switches(known, options)) == {
        ("Protocols\\TLS 1.0\\Client", "DisabledByDefault"): 1,
        (TLS12, "Enabled"): 1,
        (TLS12, "DisabledByDefault"): 0,
    }


# What holds for every endpoint ---------------------------------------------------------------------------------------

ALGORITHM = st.sampled_from(["enabled", "disabled", "default"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "protocols": st.dictionaries(
            st.sampled_from(["TLS 1.2", "TLS 1.3"]),
            st.sampled_from(["enabled", "disabled", "disabled_by_default", "default"]),
        ),
        "ciphers": st.dictionaries(st.sampled_from(["AES 128/128", "AES 256/256", "Triple DES 168"]), ALGORITHM),
        "hashes": st.dictionaries(st.sampled_from(["SHA", "SHA256", "SHA384"]), ALGORITHM),
        "key_exchanges": st.dictionaries(st.sampled_from(["Diffie-Hellman", "ECDH", "PKCS"]), ALGORITHM),
        "key_lengths": st.dictionaries(
            st.sampled_from(["Diffie-Hellman", "PKCS"]),
            st.fixed_dictionaries({"min": st.sampled_from([1024, 2048, "default"])}),
        ),
        "force": st.booleans(),
    },
).filter(lambda options: any(group for name, group in options.items() if name != "force"))
SET = st.dictionaries(
    st.tuples(st.sampled_from(f.SCHANNEL_KEYS), st.sampled_from(["Enabled", "DisabledByDefault", "Other"])),
    st.sampled_from([0, 1, ON]),
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(
    release=st.sampled_from(["7_2008r2", "8.1_2012r2", "10_21h2", "11_23h2", "2022"]),
    present=SET,
    options=OPTIONS,
    over_https=st.booleans(),
)
def test_after_the_steps_nothing_is_left_to_do_and_nothing_else_has_moved(
    release: str, present: dict[tuple[str, str], int], options: dict[str, t.Any], over_https: bool
) -> None:
    facts = e.endpoint(release, "server" if release == "2022" else "client")
    for (key, name), data in present.items():
        e.set_switch(facts, key, name, data)
    given_facts = copy.deepcopy(facts)
    try:
        change = wanted(facts, over_https, **options)
    except Refused:
        assert facts == given_facts
        return
    assert facts == given_facts, "working it out changes nothing"
    after = apply_steps(facts, change.steps)
    for key in f.SCHANNEL_KEYS:
        for name in ("Enabled", "DisabledByDefault", "Other", "ClientMinKeyBitLength"):
            if (key, name) not in values(change):
                old, new = (one["schannel"]["keys"][key]["values"].get(name) for one in (facts, after))
                assert old == new
    assert wanted(after, over_https, **{**options, "force": True}).steps == []
    if change.reachability["before"] == "yes" and not options.get("force"):
        assert change.reachability["after"] == "yes"
