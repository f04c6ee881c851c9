# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated endpoint made of facts is the endpoint that the facts are of; what was not read is not made up."""

from __future__ import annotations

import copy
import datetime
import pathlib
import re
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab import fleet
from ansible_collections.fleetops.tetra.lab.machine import domains, group_policy
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.registry import TYPE_NAMES
from ansible_collections.fleetops.tetra.lab.rehearsal.endpoint import (
    ADMINISTRATOR,
    AS_AUDITED,
    CannotRehearse,
    Rehearsed,
    domains_of,
    rehearsed,
)
from ansible_collections.fleetops.tetra.lab.rehearsal.summary import differences
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions
from ansible_collections.fleetops.tetra.tests.schemas import complaints
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts
from ansible_collections.fleetops.tetra.tests.unit.lab.simulated import facts_of, now

_FLEETS = pathlib.Path(fleet.__file__).parent / "fleets"
ENDPOINTS = {
    f"{name}:{one.name}": {**one.machine, "transport": {"configurations": [one.transport.configuration]}}
    for name in ("mixed", "repair", "remediation")
    for one in fleet.load(_FLEETS / f"{name}.yml")
    if not one.transport.faults and not re.search(r"-0(?!001)\d\d\d$", one.name)
}
REPAIR = {name.partition(":")[2]: one for name, one in ENDPOINTS.items() if name.startswith("repair:")}
MIXED = {name.partition(":")[2]: one for name, one in ENDPOINTS.items() if name.startswith("mixed:")}


@pytest.fixture(autouse=True)
def _no_domains_of_others() -> t.Iterator[None]:
    domains.forget()
    yield
    domains.forget()


def audited(name: str, definition: t.Mapping[str, t.Any], probe: ProbeOptions | None = None) -> dict[str, t.Any]:
    """The record of a run."""
    facts, _endpoint = facts_of(name, definition, probe)
    return {"host": name, "facts": facts, "verdict": evaluate(facts), "error": None}


def again(made: Rehearsed) -> tuple[dict[str, t.Any], Endpoint]:
    facts, endpoint = facts_of(made.name, made.definition)
    return {"host": made.name, "facts": facts, "verdict": evaluate(facts), "error": None}, endpoint


def rehearse(record: t.Mapping[str, t.Any], account: str = AS_AUDITED) -> Rehearsed:
    return rehearsed(record["facts"], record["verdict"], now(), account)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_simulated_endpoint_gets_the_saved_verdict(name: str) -> None:
    record = audited(name, ENDPOINTS[name])
    domains.forget()
    made = rehearse(record)
    second, endpoint = again(made)
    assert complaints("facts-1", record["facts"]) == []
    assert complaints("verdict-1", record["verdict"]) == []
    assert differences(record, second) == []
    assert endpoint.unmatched == []
    for section in ("policy_order", "local_order", "cipher_suites", "schannel", "curves"):
        assert without_reasons(second["facts"][section]) == without_reasons(record["facts"][section]), section


def without_reasons(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: without_reasons(item) for key, item in value.items() if key != "reason"}
    return [without_reasons(item) for item in value] if isinstance(value, list) else value


NAMES = [
    endpoint_facts.ECDHE_256, endpoint_facts.ECDHE_128, endpoint_facts.DHE_128, endpoint_facts.TLS13_128,
    endpoint_facts.CBC,
    f"{endpoint_facts.ECDHE_256}_P256", " TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_NOBODY_KNOWS", "",
]  # fmt: skip
LISTS = st.lists(st.sampled_from(NAMES), max_size=5)
POLICIES = st.one_of(
    st.none(),
    LISTS.map(",".join),
    LISTS.map(lambda names: {"type": "REG_MULTI_SZ", "data": names}),
    LISTS.map(lambda names: {"type": "REG_EXPAND_SZ", "data": ",".join(names)}),
)
SWITCHES = st.dictionaries(
    st.sampled_from(f.SCHANNEL_KEYS),
    st.dictionaries(st.sampled_from(["Enabled", "DisabledByDefault"]), st.sampled_from([0, 1, 0xFFFFFFFF]), max_size=2),
    max_size=3,
)
DEFINITIONS = st.fixed_dictionaries(
    {"release": st.sampled_from(["7_2008r2", "8.1_2012r2", "10_1607_2016", "10_22h2", "11_23h2", "2022"])},
    optional={
        "policy": POLICIES,
        "local": LISTS,
        "schannel": SWITCHES,
        "fips": st.booleans(),
        "curves": st.fixed_dictionaries({"policy": st.lists(st.sampled_from(["NistP256", "curve25519"]), max_size=2)}),
        "origin": st.sampled_from(["domain_gpo", "local_gpo", "mdm", "direct"]),
        "account": st.sampled_from(["administrator", "filtered", "user"]),
        "rsop_logging": st.booleans(),
        "wmi": st.sampled_from(["ok", "broken", "denied"]),
        "connector": st.sampled_from(
            ["absent", {"log": "failed", "log_code": -3001}, {"log": "never"}, {"tetra": False}]
        ),
        "in_force": st.fixed_dictionaries({"policy": LISTS.map(",".join)}),
    },
)


@settings(max_examples=40, deadline=None)
@example(definition={"release": "10_22h2", "policy": "TLS_RSA_WITH_AES_128_CBC_SHA", "rsop_logging": False})
@example(definition={"release": "7_2008r2", "schannel": {"Ciphers\\AES 128/128": {"Enabled": 0}}})
@given(definition=DEFINITIONS)
def test_any_endpoint_gets_its_verdict_again(definition: dict[str, t.Any]) -> None:
    domains.forget()
    record = audited("host", definition)
    domains.forget()
    second, _endpoint = again(rehearse(record))
    assert differences(record, second) == []


@pytest.mark.parametrize("status", [f.DENIED, f.ERROR, f.NOT_READ, f.UNSUPPORTED])
@pytest.mark.parametrize("section", [name for name in f.SECTIONS if name not in ("os", "probe", "psrp")])
def test_what_was_not_read_is_named_and_not_made_up(section: str, status: str) -> None:
    facts = endpoint_facts.endpoint(policy=endpoint_facts.ECDHE_256)
    endpoint_facts.set_domain_gpo(facts, endpoint_facts.ECDHE_256)
    endpoint_facts.unread(facts, section, status)
    record = {"host": "host", "facts": facts, "verdict": evaluate(facts), "error": None}
    made = rehearse(record)
    second, _endpoint = again(made)
    if section != "cipher_suites":  # the cmdlet answers from the lists, which were read
        assert made.unread, section
    if section in ("policy_order", "curves", "schannel", "fips"):
        assert second["facts"][section]["status"] == f.DENIED
        assert record["verdict"]["state"] == second["verdict"]["state"]
    if section not in ("cipher_suites", "reboot"):  # a simulated endpoint can be asked for both
        assert second["verdict"]["state"] in (record["verdict"]["state"], "unknown"), "known better than by the audit"
    assert all(sentence.endswith(".") for sentence in (*made.unread, *made.assumed))


def test_without_a_release_there_is_no_endpoint() -> None:
    facts = endpoint_facts.unread(endpoint_facts.endpoint(), "os", f.DENIED)
    with pytest.raises(CannotRehearse, match="its Windows release is not known"):
        rehearse({"facts": facts, "verdict": evaluate(facts)})
    facts = endpoint_facts.endpoint()
    facts["os"]["build"] = 12345
    with pytest.raises(CannotRehearse, match="release 12345 is not known"):
        rehearse({"facts": facts, "verdict": {}})


RUBBISH = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(section=st.sampled_from(f.SECTIONS), rubbish=RUBBISH, part=st.integers(0, 8))
def test_damaged_facts_are_refused_in_one_sentence_or_do_no_harm(section: str, rubbish: t.Any, part: int) -> None:
    facts = copy.deepcopy(endpoint_facts.endpoint(policy=endpoint_facts.CBC))
    names = sorted(facts[section])
    if part < len(names):
        facts[section][names[part]] = rubbish
    else:
        facts[section] = rubbish
    try:
        made = rehearse({"facts": facts, "verdict": {}})
    except CannotRehearse as problem:
        assert str(problem).endswith((".", ").")) and "\n" not in str(problem)
    else:
        assert made.definition["release"]


def test_a_domain_gpo_is_one_for_all_its_endpoints_and_brings_its_value_back() -> None:
    made = [rehearse(audited(name, REPAIR[name])) for name in ("domain-gpo-0001", "gpo-comes-back")]
    assert {name for one in made for name in domains_of(one.definition)} == {"repair.example"}
    domains.forget()
    states = [again(one)[1].state for one in made]
    assert [gpo.name for state in states for gpo in state.domain_gpos] == ["Old baseline", "Stubborn"]
    twin = again(made[0])[1].state
    assert twin.domain_gpos[0] is states[0].domain_gpos[0]
    states[0].registry.remove_value(group_policy.POLICY_KEY, "Functions")
    group_policy.refresh(states[0], force=True)
    assert states[0].registry.get(group_policy.POLICY_KEY, "Functions") is not None


def test_the_local_policy_keeps_as_many_settings_as_were_counted() -> None:
    record = audited("local-gpo", REPAIR["local-gpo-0001"])
    domains.forget()
    made = rehearse(record)
    second, _endpoint = again(made)
    before, after = (one["facts"]["policy_origin"]["local_gpo"] for one in (record, second))
    assert after["entries"] == before["entries"]
    assert after["entry_count"] == before["entry_count"] > len(before["entries"])
    assert any("placeholders" in sentence for sentence in made.assumed)


def test_an_order_that_waits_for_a_restart_comes_into_force_with_it() -> None:
    for name in ("corrected-not-rebooted", "corrected-not-rebooted-cmdlet-shows-old"):
        state = again(rehearse(audited(name, MIXED[name])))[1].state
        good = {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}
        assert not good & set(state.offer().suites)
        state.boot(state.now())
        assert good <= set(state.offer().suites)


def test_the_account_may_what_it_could_in_the_audit_or_everything() -> None:
    record = audited("filtered", REPAIR["filtered"])
    assert not again(rehearse(record))[1].state.account.may_write
    assert again(rehearse(record, ADMINISTRATOR))[1].state.account.may_write


def test_the_way_to_the_server_is_what_a_probe_found() -> None:
    """The endpoint's own handshake says it; without one the way is taken to be free, and that is said."""
    definition = REPAIR["server-unreachable"]
    silent = rehearse(audited("server-unreachable", definition))
    assert any("way to the update server" in sentence for sentence in silent.assumed)
    probed = rehearse(audited("server-unreachable", definition, ProbeOptions(seconds=1)))
    assert probed.definition["tetra"] == {"outcome": "timeout"}
    assert probed.definition["inventory"] == {"tetra_probe": True}


@pytest.mark.parametrize("proxy", ["ok", "dns", "refused", "407"])
def test_a_proxy_lets_through_what_it_let_through(proxy: str) -> None:
    definition = {"release": "11_23h2", "winhttp_proxy": {"server": "proxy.example:8080", "bypass": "*.local"},
                  "tetra": {"proxy": proxy}}  # fmt: skip
    record = audited("host", definition, ProbeOptions(seconds=5))
    made = rehearse(record)
    assert made.definition["tetra"] == {"proxy": proxy}
    facts, _endpoint = facts_of("host", made.definition, ProbeOptions(seconds=5))
    for section in ("probe", "proxy"):
        assert facts[section] == record["facts"][section]
    assert evaluate(facts)["cause"] == record["verdict"]["cause"]


def test_values_of_every_type_are_laid_down_as_they_were() -> None:
    facts = endpoint_facts.endpoint()
    for number, (kind, data) in enumerate({
        "REG_SZ": "1", "REG_EXPAND_SZ": "%x%", "REG_MULTI_SZ": ["a", "b"], "REG_DWORD": 0xFFFFFFFF,
        "REG_QWORD": 2**40, "REG_BINARY": "00ff",
    }.items()):  # fmt: skip
        endpoint_facts.set_switch(facts, "Ciphers\\AES 128/128", f"Value{number}", data, kind)
    state = again(rehearse({"facts": facts, "verdict": evaluate(facts)}))[1].state
    key = state.registry.find(f.schannel_path("Ciphers\\AES 128/128"))
    assert key is not None
    assert [TYPE_NAMES[value.type] for _name, value in key.values.values()] == [
        "REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY",
    ]  # fmt: skip


def test_times_keep_their_distance_from_the_audit() -> None:
    facts = endpoint_facts.endpoint()
    facts["reboot"]["changed_by_us"] = endpoint_facts.AFTER_BOOT
    second, _endpoint = again(rehearse({"facts": facts, "verdict": evaluate(facts)}))
    for section, name in (("reboot", "last_boot"), ("reboot", "changed_by_us")):
        distance = _distance(second["facts"], second["facts"][section][name])
        assert abs(distance - _distance(facts, facts[section][name])) < datetime.timedelta(seconds=5)


def _distance(facts: t.Mapping[str, t.Any], time: str) -> datetime.timedelta:
    moments = [datetime.datetime.fromisoformat(one) for one in (facts["collected_at"], time)]
    return moments[0] - moments[1]
