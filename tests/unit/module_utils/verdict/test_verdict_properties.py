# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for every endpoint: more suites never harm; less knowledge and rubbish never turn one green."""

from __future__ import annotations

import copy
import json
import time
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.client_hello import predict
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import effective_suites
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import BY_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e
from ansible_collections.fleetops.tetra.tests.unit.made_up_states import parts_of

Facts = dict[str, t.Any]
RANK = {"non_compliant": 0, "unknown": 1, "compliant": 2}
RELEASES = ("8.1_2012r2", "10_1607_2016", "10_21h2", "10_22h2", "2022", "11_24h2_2025")
GROUPS = "KeyExchangeAlgorithms\\Diffie-Hellman"
SWITCHES = [key for key in f.SCHANNEL_KEYS if not key.startswith("Protocols")]
bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def endpoints(draw: st.DrawFn) -> Facts:
    """Sound endpoints without contradictions: the cmdlet shows what is configured, nothing waits for a reboot."""
    release = draw(st.sampled_from(RELEASES))
    names = [*BY_KEY[release].local_list, *ALLOW_LIST, "TLS_MADE_UP_NAME"]
    lists = st.lists(st.sampled_from(names), min_size=1, max_size=10, unique=True)
    facts = e.endpoint(release)
    if draw(st.booleans()):
        e.set_local(facts, draw(lists))
    if draw(st.booleans()):
        e.set_policy(facts, ",".join(draw(lists)))
    e.show_configured(facts)
    for key in draw(st.lists(st.sampled_from(SWITCHES), max_size=3, unique=True)):
        e.set_switch(facts, key, "Enabled", draw(st.sampled_from([0, 1, 0xFFFFFFFF])))
    if draw(st.booleans()):
        version = draw(st.sampled_from(["1.2", "1.3"]))
        name = draw(st.sampled_from(["Enabled", "DisabledByDefault"]))
        e.set_switch(facts, f"Protocols\\TLS {version}\\Client", name, draw(st.sampled_from([0, 1])))
    if draw(st.booleans()):
        name = draw(st.sampled_from(["ClientMinKeyBitLength", "ClientMaxKeyBitLength"]))
        e.set_switch(facts, GROUPS, name, draw(st.sampled_from([512, 1024, 2048, 4096])))
    if draw(st.booleans()):
        e.set_curves(facts, draw(st.lists(st.sampled_from(["curve25519", "NistP256", "NistP384"]), unique=True)))
    return e.set_fips(facts) if draw(st.booleans()) else facts


@st.composite
def doubtful_endpoints(draw: st.DrawFn) -> Facts:
    """Endpoints whose sources contradict each other, or whose policy is of another form than Windows documents."""
    facts = draw(endpoints())
    policy = facts["policy_order"]
    if policy["status"] == f.OK:
        forms = [policy["data"], policy["data"].replace(",", ", "), f"{policy['data']},", policy["data"].lower(), ""]
        policy["data"] = draw(st.sampled_from(forms))
        if draw(st.booleans()):
            e.set_policy(facts, policy["data"].split(","), "REG_MULTI_SZ")
    if draw(st.booleans()):
        names = st.sampled_from([*BY_KEY["10_21h2"].local_list, *ALLOW_LIST])
        e.show(facts, draw(st.lists(names, min_size=1, max_size=6, unique=True)))
    if draw(st.booleans()):
        e.set_curves(facts, draw(st.lists(st.sampled_from(["curve25519", "NistP256"]), unique=True)), shown=False)
    return facts


def without(facts: Facts, path: tuple[t.Any, ...]) -> Facts:
    """The same, but this part was not read: whatever it holds is gone."""
    less = copy.deepcopy(facts)
    part: t.Any = less
    for key in path:
        part = part[key]
    for key, value in part.items():
        part[key] = [] if isinstance(value, list) and key != "data" else {} if isinstance(value, dict) else None
    part.update(status=f.NOT_READ, reason="It was not read.")
    for kept in ("path", "name"):
        if kept in part:
            part[kept] = facts_at(facts, path)[kept]
    return less


def facts_at(facts: Facts, path: tuple[t.Any, ...]) -> Facts:
    part: t.Any = facts
    for key in path:
        part = part[key]
    return t.cast(Facts, part)


def rank(facts: Facts) -> int:
    return RANK[evaluate(facts)["state"]]


@bounded
@given(endpoints(), st.sampled_from(ALLOW_LIST))
def test_an_accepted_suite_more_in_the_list_that_counts_never_harms(facts: Facts, name: str) -> None:
    """At the end of the list. At its head a DHE suite whose group the endpoint limits may be chosen and refused."""
    better = copy.deepcopy(facts)
    policy = better["policy_order"]
    if policy["status"] == f.OK:
        policy["data"] = f"{policy['data']},{name}"
    else:
        better["local_order"]["data"] = [*better["local_order"]["data"], name]
    e.show_configured(better)
    assert rank(better) >= rank(facts)
    assert evaluate(better)["suites"][name]["usable"] != "no" or evaluate(facts)["suites"][name]["usable"] == "no"


@bounded
@given(endpoints(), st.sampled_from(f.SECTIONS), st.sampled_from([f.DENIED, f.ERROR, f.NOT_READ]))
def test_less_knowledge_never_turns_greener(facts: Facts, section: str, status: str) -> None:
    before = rank(facts)
    assert rank(e.unread(copy.deepcopy(facts), section, status)) <= max(before, RANK["unknown"])


@bounded
@given(doubtful_endpoints(), st.randoms(use_true_random=False))
def test_no_part_that_was_not_read_turns_a_doubtful_endpoint_green(facts: Facts, random: t.Any) -> None:
    """But for the lists that the cmdlets show: where one differs it is a sign of a pending change, which is seen only
    where it was read (docs/decisions/0011)."""
    before = rank(facts)
    for path in random.sample(parts_of(facts, left_out=()), 6):
        if path not in (("cipher_suites",), ("curves", "cmdlet")):
            assert rank(without(facts, path)) <= max(before, RANK["unknown"]), path


@bounded
@given(endpoints(), st.sampled_from(f.SCHANNEL_KEYS))
def test_a_switch_that_was_not_read_never_turns_greener(facts: Facts, key: str) -> None:
    before = rank(facts)
    facts["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key), f.DENIED, "Access is denied.")
    assert rank(facts) <= max(before, RANK["unknown"])


@bounded
@given(endpoints(), st.randoms(use_true_random=False))
def test_the_order_of_unrelated_names_and_of_the_keys_changes_nothing(facts: Facts, random: t.Any) -> None:
    """The accepted suites keep their order: at the head a DHE suite with a limited group may be chosen and refused."""
    shuffled = copy.deepcopy(facts)
    policy = shuffled["policy_order"]
    names = policy["data"].split(",") if policy["status"] == f.OK else shuffled["local_order"]["data"]
    accepted = [name for name in names if name.strip() in ALLOW_LIST]
    random.shuffle(names)
    in_order = iter(accepted)
    names[:] = [next(in_order) if name.strip() in ALLOW_LIST else name for name in names]
    if policy["status"] == f.OK:
        policy["data"] = ",".join(names)
    e.show_configured(shuffled)
    keys = list(shuffled["schannel"]["keys"].items())
    random.shuffle(keys)
    shuffled["schannel"]["keys"] = dict(keys)
    one, other = evaluate(facts), evaluate(shuffled)
    assert (one["state"], one["reachability"]["answer"]) == (other["state"], other["reachability"]["answer"])
    assert set(one["reachability"]["usable"]) == set(other["reachability"]["usable"])
    assert one["strictness"]["answer"] == other["strictness"]["answer"]


def put_right(facts: Facts, reason: Facts, name: str) -> None:
    """Corrects the one fact that the reason rests on."""
    path = str(reason["evidence"]["path"])
    if path == f"{f.POLICY_KEY}\\{f.SUITES_VALUE}":
        e.set_policy(facts, f"{facts['policy_order']['data']},{name}")
    elif path == f"{f.LOCAL_KEY}\\{f.SUITES_VALUE}":
        e.set_local(facts, [*facts["local_order"]["data"], name])
    elif path == f"{f.POLICY_KEY}\\{f.CURVES_VALUE}":
        e.set_curves(facts, [*facts["curves"]["policy"]["data"], "NistP256"])
    elif path.startswith(f.SCHANNEL_KEY):
        key, _separator, value = path[len(f.SCHANNEL_KEY) + 1 :].rpartition("\\")
        good = {"DisabledByDefault": 0, "ClientMinKeyBitLength": 1024, "ClientMaxKeyBitLength": 4096}
        e.set_switch(facts, key, value, good.get(value, 0xFFFFFFFF))
    elif path == "Get-TlsEccCurve":
        facts["curves"]["cmdlet"]["names"] = [*facts["curves"]["cmdlet"]["names"], "NistP256"]
    else:
        raise AssertionError(reason)
    e.show_configured(facts)


@bounded
@given(endpoints())
def test_a_fact_named_as_evidence_put_right_takes_its_reason_away(facts: Facts) -> None:
    for name, suite in evaluate(facts)["suites"].items():
        if "unsupported_by_release" in {reason["code"] for reason in suite["reasons"]}:
            continue  # nothing on this endpoint could put that right
        for reason in suite["reasons"]:
            better = copy.deepcopy(facts)
            put_right(better, reason, name)
            left = evaluate(better)["suites"][name]["reasons"]
            assert reason not in left
            assert (reason["code"], reason["evidence"]["path"]) not in [
                (item["code"], item["evidence"]["path"]) for item in left
            ]


@bounded
@given(endpoints())
def test_judging_is_repeatable_plain_and_leaves_the_facts_alone(facts: Facts) -> None:
    before = json.dumps(facts, sort_keys=True)
    one = evaluate(facts)
    assert json.loads(json.dumps(one)) == one
    assert json.dumps(facts, sort_keys=True) == before
    assert evaluate(facts) == one
    assert one["state"] != "compliant" or one["reachability"]["usable"]


# Bad input -----------------------------------------------------------------------------------------------------------

rubbish = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def places(document: t.Any, prefix: tuple[t.Any, ...] = ()) -> list[tuple[t.Any, ...]]:
    """Every place in a document, as a path of keys and positions."""
    found = [prefix] if prefix else []
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        found += places(value, (*prefix, key))
    return found


PLACES = places(e.endpoint(policy=e.CBC))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PLACES), rubbish, st.sampled_from(["replace", "remove"]))
def test_rubbish_in_any_place_of_a_bad_endpoint_never_turns_it_green(
    place: tuple[t.Any, ...], value: t.Any, way: str
) -> None:
    facts = e.endpoint(policy=e.CBC)
    inner: t.Any = facts
    for key in place[:-1]:
        inner = inner[key]
    if way == "remove":
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    assert evaluate(facts)["state"] in ("non_compliant", "unknown", "not_applicable")
    effective_suites(facts, ALLOW_LIST)
    predict(facts)


@settings(max_examples=150, deadline=None)
@given(rubbish)
def test_rubbish_in_place_of_the_facts_is_unknown(value: t.Any) -> None:
    for document in (value, {"schema": value}, {"schema": f.SCHEMA, "os": value, "policy_order": value, "host": value}):
        verdict = evaluate(document)
        assert verdict["state"] == "unknown"
        assert "TETRA-READ-FAILED" in {item["rule"] for item in verdict["findings"]} or document is not value


def test_an_unknown_version_is_refused_in_one_sentence() -> None:
    facts = e.endpoint()
    facts["schema"] = "fleetops.tetra/facts/2"
    verdict = evaluate(facts)
    assert verdict["state"] == "unknown"
    notes = {str(item["evidence"]["note"]) for item in verdict["findings"] if item["rule"] == "TETRA-READ-FAILED"}
    assert notes == {f"The schema of the facts is fleetops.tetra/facts/2; this release reads {f.SCHEMA}."}


@pytest.mark.parametrize("section", f.SECTIONS)
def test_a_section_that_is_missing_or_of_the_wrong_type_is_told_apart(section: str) -> None:
    missing = e.endpoint()
    del missing[section]
    assert read_facts(missing)[section]["status"] == f.NOT_READ
    assert read_facts({**e.endpoint(), section: [1]})[section]["status"] == f.ERROR
    assert read_facts({**e.endpoint(), section: {"status": "fine"}})[section]["status"] == f.ERROR


def test_sound_facts_pass_through_unchanged() -> None:
    for key in BY_KEY:
        assert read_facts(e.endpoint(key)) == e.endpoint(key)
    assert read_facts(f.empty_facts("host")) == f.empty_facts("host")


@pytest.mark.parametrize("character", ["\x00", "\x1b[31m", "\n", "\u202e", "\ud800", "한"])
def test_control_characters_never_reach_the_output(character: str) -> None:
    facts = e.set_policy(e.endpoint(), f"TLS{character}X,{e.CBC}{character}")
    facts["cipher_suites"]["suites"].append({"name": f"TLS{character}Y", "id": 0, "protocols": []})
    verdict = evaluate(facts)
    assert verdict["state"] != "compliant"
    shown = json.dumps(verdict, ensure_ascii=False)
    assert character.isprintable() or character not in shown.replace("\\u", "\\ u")
    shown.encode("utf-8")


def test_ten_thousand_entries_are_judged_in_bounded_time_and_space() -> None:
    names = [f"TLS_MADE_UP_{number}" for number in range(10_000)]
    facts = e.set_local(e.endpoint(), names)
    e.set_policy(facts, ",".join(names))
    facts["cipher_suites"]["suites"] = [{"name": name, "id": 0, "protocols": []} for name in names]
    started = time.process_time()
    verdict = evaluate(facts)
    assert time.process_time() - started < 2
    assert verdict["state"] == "non_compliant"
    assert len(json.dumps(verdict)) < 60_000
