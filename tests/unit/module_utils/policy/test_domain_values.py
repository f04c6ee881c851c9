# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of a domain from a Registry.pol and from a member's facts, and one sentence for every other file."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol as pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import (
    DomainPolicyError,
    read_domain_policy,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import SSL_KEY
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

bounded = settings(max_examples=200, deadline=None)


def member(facts: dict[str, t.Any]) -> bytes:
    return json.dumps(facts).encode()


def suites_in(data: bytes) -> tuple[str, t.Any]:
    """What the policy does to the list of suites."""
    done = pol.outcome(read_domain_policy(data, "file").pol, SSL_KEY, "Functions")
    return done.action, None if done.entry is None else pol.plain(done.entry)


def test_a_registry_pol_is_taken_as_it_is() -> None:
    file = pol.replace(pol.RegistryPol(), SSL_KEY, "Functions", pol.REG_SZ, pol.sz(e.CBC))
    found = read_domain_policy(file.serialise(), "Registry.pol")
    assert found.pol == file
    assert found.owner("Functions") == "the GPO of Registry.pol"
    assert suites_in(pol.RegistryPol().serialise()) == ("none", None)


def test_a_member_tells_what_rsop_gives_to_a_domain_gpo() -> None:
    facts = e.set_domain_gpo(e.endpoint(policy=e.CBC), e.CBC, "Old baseline")
    assert suites_in(member(facts)) == ("set", ("REG_SZ", e.CBC))
    record = {"schema": "fleetops.tetra/result/1", "host": "pc", "facts": facts, "verdict": {}}
    assert suites_in(member(record)) == ("set", ("REG_SZ", e.CBC))
    assert suites_in(b"\xef\xbb\xbf" + member(record)) == ("set", ("REG_SZ", e.CBC))
    assert read_domain_policy(member(facts), "pc.json").owner("functions") == "the GPO Old baseline (pc.json)"


def test_a_member_s_own_settings_are_not_the_domain_s() -> None:
    assert suites_in(member(e.endpoint())) == ("none", None)
    assert suites_in(member(e.endpoint(policy=e.CBC))) == ("none", None)
    facts = e.endpoint(policy=e.CBC)
    row = {"registry_key": SSL_KEY, "value_name": "Functions", "value_type": 1, "value": e.CBC, "precedence": 1}
    facts["policy_origin"]["rsop"]["rows"] = [{**row, "gpo_id": "LocalGPO", "som_id": "Local", "deleted": False}]
    assert suites_in(member(facts)) == ("none", None)


def test_a_disabled_policy_and_curves_of_a_member() -> None:
    facts = e.set_domain_gpo(e.endpoint(), e.CBC)
    (row,) = facts["policy_origin"]["rsop"]["rows"]
    row.update(deleted=True)
    curves = {**row, "deleted": False, "value_name": "EccCurves", "value_type": 7, "value": ["curve25519"]}
    facts["policy_origin"]["rsop"]["rows"].append(curves)
    found = read_domain_policy(member(facts), "pc.json")
    assert pol.outcome(found.pol, SSL_KEY, "Functions").action == "deleted"
    entry = pol.find(found.pol, SSL_KEY, "EccCurves")
    assert entry is not None and pol.plain(entry) == ("REG_MULTI_SZ", ["curve25519"])


def without_rsop(policy: str | None) -> dict[str, t.Any]:
    facts = e.endpoint(policy=policy)
    facts["policy_origin"]["rsop"] = f.section(f.DENIED, "Access is denied.", rows=[], gpos=[])
    return facts


def two_winners() -> dict[str, t.Any]:
    facts = e.set_domain_gpo(e.endpoint(policy=e.CBC), e.CBC)
    rows = facts["policy_origin"]["rsop"]["rows"]
    rows.append({**rows[0], "gpo_id": "cn={11111111-2222-3333-4444-555555555555}"})
    return facts


def odd_value() -> dict[str, t.Any]:
    facts = e.set_domain_gpo(e.endpoint(policy=e.CBC), e.CBC)
    facts["policy_origin"]["rsop"]["rows"][0]["value_type"] = 3
    return facts


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hello", "does not begin with PReg"),
        (pol.HEADER + b"[\0x", "cannot be read as the policy of a domain"),
        (b"{nonsense", "is no JSON document"),
        (b'{"a": 1}', "holds no facts"),
        (b'{"schema": "fleetops.tetra/result/1", "facts": null}', "holds no facts"),
        (b'{"schema": "fleetops.tetra/facts/2"}', "holds no facts"),
        (member(without_rsop(e.CBC)), "RSoP could not be read there"),
        (member({"schema": f.SCHEMA}), "RSoP could not be read there"),
        (member(two_winners()), "does not say which GPO sets Functions"),
        (member(odd_value()), "in a form that is not understood"),
    ],
)
def test_every_other_file_is_one_sentence_with_a_remedy(data: bytes, words: str) -> None:
    with pytest.raises(DomainPolicyError, match=words) as refused:
        read_domain_policy(data, "policy.pol")
    message = str(refused.value)
    assert "policy.pol" in message and message.endswith(".") and "\n" not in message
    assert "Registry.pol" in message


def test_a_member_without_any_policy_needs_no_rsop() -> None:
    assert suites_in(member(without_rsop(None))) == ("none", None)


ENTRIES = st.builds(
    pol.Entry,
    st.sampled_from([SSL_KEY, SSL_KEY.upper(), "SOFTWARE\\Policies"]),
    st.sampled_from(["Functions", "**del.Functions", "**DelVals.", "EccCurves"]),
    st.integers(0, 12),
    st.binary(max_size=40),
)


@bounded
@given(st.one_of(st.binary(max_size=300), st.lists(ENTRIES).map(lambda rows: pol.RegistryPol(tuple(rows)).serialise())))
def test_any_bytes_are_a_policy_or_a_sentence(data: bytes) -> None:
    try:
        read_domain_policy(data, "file")
    except DomainPolicyError as error:
        assert "\n" not in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@bounded
@given(
    st.sampled_from(["value", "value_type", "precedence", "gpo_id", "deleted", "value_name", "registry_key"]),
    JSON,
    st.sampled_from(["rows", "gpos", "status"]),
    st.booleans(),
    JSON,
)
def test_a_damaged_member_is_a_policy_or_a_sentence(
    field: str, value: t.Any, part: str, whole: bool, other: t.Any
) -> None:
    facts = e.set_domain_gpo(e.endpoint(policy=e.CBC), e.CBC)
    facts["policy_origin"]["rsop"]["rows"][0][field] = value
    if whole:
        facts["policy_origin"]["rsop"][part] = other
    try:
        read_domain_policy(member(facts), "file")
    except DomainPolicyError as error:
        assert str(error).endswith(".")
