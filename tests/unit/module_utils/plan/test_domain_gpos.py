# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many plans, one change per domain GPO: one value that serves all its endpoints, or a conflict that says why not."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import domain_gpos as d
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.make_plan import plan
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.options import PlanError
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import names_of
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.rsop_rows import domain_of, losers
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_list import MAXIMUM_LENGTH
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import BY_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit.endpoint_facts import (
    CBC,
    DHE_128,
    ECDHE_128,
    TLS13_128,
    endpoint,
    set_switch,
)

GUID = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
OTHER = "{6AC1786C-016F-11D2-945F-00C04FB984F9}"
BAD = f"{CBC},TLS_RSA_WITH_AES_128_CBC_SHA"
LONG = [name for name in BY_KEY["7_2008r2"].local_list if name not in ALLOW_LIST]
RELEASES = ["8.1_2012r2", "10_1607_2016", "10_1809_2019", "10_22h2", "11_21h2", "11_22h2", "11_24h2_2025"]


def governed(
    host: str,
    release: str = "10_22h2",
    policy: str = BAD,
    guid: str = GUID,
    rows: t.Sequence[tuple[str, str]] = (),
    domain: str = "DC=corp,DC=example",
) -> f.Facts:
    """An endpoint that gets its list from a GPO; ``rows``: (GUID, list) of further GPOs that lost."""
    facts = endpoint(release, policy=policy)
    facts["host"] = host
    found, gpos = [], []
    for number, (one, text) in enumerate([(guid, policy), *rows], start=1):
        gpo_id = f"CN={one},CN=Policies,CN=System,{domain}"
        gpos.append({"id": gpo_id, "name": f"GPO {one[1:5]}", "guid": one, "enabled": True})
        row = {"registry_key": f.POLICY_KEY.partition("\\")[2], "value_name": "Functions", "value_type": 1}
        found.append({**row, "value": text, "precedence": number, "gpo_id": gpo_id, "som_id": "", "deleted": False,
                      "created": None})  # fmt: skip
    facts["policy_origin"]["rsop"] = f.section(f.OK, None, rows=found, gpos=gpos)
    return facts


def claims(*endpoints: f.Facts, **options: t.Any) -> list[d.Claim]:
    return [claim for facts in endpoints for claim in d.claims_of(facts, evaluate(facts), options)]


def changes(*endpoints: f.Facts, **options: t.Any) -> list[d.Document]:
    """Grouped, and every endpoint asked whether it speaks against."""
    found = d.group_claims(claims(*endpoints, **options), options)
    for change in found:
        for facts in endpoints:
            if facts["host"] in (*change["endpoints"], *change["also_governed"]):
                conflict = d.conflict_of(change, facts, evaluate(facts), options)
                if conflict:
                    d.add_conflict(change, conflict)
    return found


def codes(change: d.Document) -> list[str]:
    return [conflict["code"] for conflict in change["conflicts"]]


def test_one_gpo_is_changed_once_for_all_its_endpoints() -> None:
    (change,) = changes(governed("b"), governed("a"), governed("c"))
    assert (change["guid"], change["domain"], change["value"]) == (GUID, "corp.example", "Functions")
    assert change["endpoints"] == ["a", "b", "c"]
    assert change["before"] == {"status": "ok", "type": "REG_SZ", "data": BAD}
    wanted = [name for name in ALLOW_LIST if name in BY_KEY["10_22h2"].supported]
    assert change["after"]["data"] == ",".join([*wanted, BAD])
    assert change["suites"] == {"added": wanted, "removed": [], "moved": []}
    assert (change["conflicts"], change["rivals"]) == ([], [])


def test_releases_that_need_different_suites_get_one_list_with_all_of_them() -> None:
    (change,) = changes(governed("old", "8.1_2012r2"), governed("ten"), governed("eleven", "11_22h2"))
    assert names_of(change["after"]) == [*ALLOW_LIST, *BAD.split(",")]
    assert change["conflicts"] == []


def test_what_reaches_the_servers_already_is_governed_too_and_keeps_what_it_uses() -> None:
    # The GPO was changed before; it has not come to the endpoint yet that still holds the old list.
    held = ",".join([*ALLOW_LIST, BAD])
    (change,) = changes(governed("late"), governed("eleven", "11_22h2", held))
    assert (change["endpoints"], change["also_governed"]) == (["late"], ["eleven"])
    assert change["after"]["data"] == held
    assert change["conflicts"] == []


def test_a_gpo_that_nobody_needs_changed_is_not_named() -> None:
    assert changes(governed("fine", policy=f"{ECDHE_128},{CBC}"), endpoint(policy=BAD)) == []


def test_the_same_guid_in_two_domains_is_two_gpos() -> None:
    found = changes(governed("a"), governed("b", domain="DC=other,DC=example"))
    assert sorted((change["domain"], change["endpoints"]) for change in found) == [
        ("corp.example", ["a"]),
        ("other.example", ["b"]),
    ]


def test_the_gpo_that_wins_is_changed_and_those_that_lost_are_named() -> None:
    facts = governed("a", rows=[(OTHER, CBC)])
    (change,) = changes(facts)
    assert (change["guid"], change["rivals"]) == (GUID, ["GPO 6AC1"])
    assert "GPO 6AC1 set it as well and lost." in change["why"]
    assert losers(facts, "Functions") == ("GPO 6AC1",)


def test_endpoints_that_hold_different_values_are_a_conflict() -> None:
    (change,) = changes(governed("a"), governed("b", policy=CBC), governed("c"))
    assert codes(change) == [d.DIFFERENT_VALUES]
    assert (change["before"], change["after"]) == (None, None)
    assert "2 different values" in change["why"] and "a, c; b" in change["why"]


def test_a_list_that_does_not_fit_says_what_would_have_to_go() -> None:
    text = ",".join(LONG)[: MAXIMUM_LENGTH - 60].rpartition(",")[0]
    endpoints = [governed("a", policy=text), governed("old", "8.1_2012r2", text)]
    (change,) = changes(*endpoints)
    assert codes(change) == [d.DOES_NOT_FIT]
    assert change["after"] is None
    last = text.rpartition(",")[2]
    assert last in change["why"] and f"{MAXIMUM_LENGTH} are allowed" in change["why"]
    (change,) = changes(*endpoints, drop_to_fit=list(reversed(text.split(","))))
    assert change["conflicts"] == []
    assert len(change["after"]["data"]) <= MAXIMUM_LENGTH and last not in names_of(change["after"])


def test_an_endpoint_that_would_lose_tls13_speaks_against() -> None:
    # Windows 11 uses TLS_AES_256 for its listener; the list of the other needs room.
    listed = ",".join(["TLS_AES_256_GCM_SHA384", *LONG])[: MAXIMUM_LENGTH - 10].rpartition(",")[0]
    (change,) = changes(
        governed("eleven", "11_22h2", listed),
        governed("ten", policy=listed),
        drop_to_fit=["TLS_AES_256_GCM_SHA384", *reversed(LONG)],
        allow_list=[ECDHE_128],
    )
    assert (change["endpoints"], change["also_governed"]) == (["ten"], ["eleven"])
    assert codes(change) == [d.LOCK_OUT]
    assert change["conflicts"][0]["endpoints"] == ["eleven"]


def test_taking_the_policy_away_is_one_value_as_well() -> None:
    (change,) = changes(governed("a"), governed("b", "11_22h2"), cure="not_configured")
    assert change["after"] == {"status": "absent", "type": None, "data": None}
    assert change["conflicts"] == []


def test_an_endpoint_that_the_others_value_would_break_speaks_against() -> None:
    # The local list of one endpoint lacks what its policy holds.
    strange = governed("strange", policy=f"{ECDHE_128},{CBC}")
    strange["local_order"] = f.registry_value(f.LOCAL_KEY, f.SUITES_VALUE, type="REG_MULTI_SZ", data=[CBC])
    (change,) = changes(governed("a"), strange, cure="not_configured")
    assert codes(change) == [d.WOULD_BREAK]
    assert change["conflicts"][0]["endpoints"] == ["strange"]
    assert change["why"].startswith("It is not changed: strange reaches")


def test_conflicts_of_one_kind_become_one() -> None:
    change: d.Document = {"conflicts": [], "endpoints": ["a", "b"], "rivals": [], "why": ""}
    for host in "ba":
        d.add_conflict(change, {"code": d.WOULD_BREAK, "why": f"{host} would break.", "endpoints": [host]})
    assert [(one["code"], one["endpoints"]) for one in change["conflicts"]] == [(d.WOULD_BREAK, ["a", "b"])]
    assert change["conflicts"][0]["why"].endswith(": a, b.")


def test_another_value_that_the_gpo_holds_meanwhile_may_do_as_well() -> None:
    facts = governed("a")
    (change,) = changes(facts)
    for text, does in ((f"{DHE_128},{CBC}", True), (CBC, False), (f"{TLS13_128},{CBC}", False)):
        state = {"status": "ok", "type": "REG_SZ", "data": text}
        assert d.serves(state, change, facts, evaluate(facts), None) is does


def with_curves(facts: f.Facts, guid: str, names: list[str]) -> f.Facts:
    """A GPO sets the list of curves as well."""
    facts["curves"]["policy"] = f.registry_value(f.POLICY_KEY, f.CURVES_VALUE, type="REG_MULTI_SZ", data=names)
    facts["curves"]["cmdlet"]["names"] = list(names)
    rsop = facts["policy_origin"]["rsop"]
    gpo_id = f"CN={guid},CN=Policies,CN=System,DC=corp,DC=example"
    rsop["gpos"].append({"id": gpo_id, "name": f"GPO {guid[1:5]}", "guid": guid, "enabled": True})
    row = {"registry_key": f.POLICY_KEY.partition("\\")[2], "value_name": "EccCurves", "value_type": 7, "value": names}
    rsop["rows"].append({**row, "precedence": 1, "gpo_id": gpo_id, "som_id": "", "deleted": False, "created": None})
    return facts


def test_the_curves_may_be_set_by_another_gpo_or_by_one_where_nobody_sets_suites() -> None:
    facts = endpoint("10_22h2")
    facts["host"] = "a"
    with_curves(facts, OTHER, ["curve25519"])
    set_switch(facts, "KeyExchangeAlgorithms\\Diffie-Hellman", "Enabled", 0)
    (change,) = changes(facts)
    assert (change["guid"], change["value"]) == (OTHER, "EccCurves")
    assert change["after"] == {"status": "ok", "type": "REG_MULTI_SZ", "data": ["NistP256", "curve25519"]}
    # Without permission nothing is written on the endpoint, though nobody owns the list of suites.
    (blocked,) = plan(facts, evaluate(facts))["blocked"]
    assert (blocked["code"], blocked["owner"]["guid"]) == ("owned_by_domain_gpo", OTHER)

    both = with_curves(governed("b"), OTHER, ["curve25519"])
    set_switch(both, "KeyExchangeAlgorithms\\Diffie-Hellman", "Enabled", 0)
    assert {(change["guid"], change["value"]) for change in changes(both)} == {
        (GUID, "Functions"),
        (OTHER, "EccCurves"),
    }


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(PlanError):
        d.group_claims([], {"cure": "pray"})


def test_the_domain_is_read_from_the_directory_name() -> None:
    assert domain_of(governed("a", domain="DC=Sub,DC=corp,DC=example"), GUID) == "sub.corp.example"
    assert domain_of(governed("a", domain="O=nothing"), GUID) is None
    assert domain_of(f.empty_facts("a"), GUID) is None


HOSTS = st.lists(
    st.tuples(st.sampled_from(RELEASES), st.sampled_from([GUID, OTHER]), st.integers(0, 12)), min_size=1, max_size=6
)


@given(HOSTS, st.booleans(), st.sampled_from(["add_suites", "not_configured"]))
@settings(max_examples=120, deadline=None)
def test_every_endpoint_of_a_change_reaches_the_servers_afterwards(
    hosts: list[tuple[str, str, int]], may_drop: bool, cure: str
) -> None:
    # Each GPO holds one list; its length decides whether it fits.
    lists = {guid: ",".join(LONG[: 4 + 2 * number]) for _release, guid, number in hosts}
    endpoints = [
        governed(f"pc-{number}", release, lists[guid], guid) for number, (release, guid, _n) in enumerate(hosts)
    ]
    options: dict[str, t.Any] = {"cure": cure}
    if may_drop:
        options["drop_to_fit"] = list(reversed(LONG))
    found = changes(*endpoints, **options)
    assert len({(change["guid"], change["value"]) for change in found}) == len(found), "one change per GPO and value"
    for change in found:
        assert change["endpoints"] == sorted(set(change["endpoints"]))
        if change["conflicts"]:
            assert change["why"].startswith("It is not changed: ")
            continue
        if change["after"]["status"] == "ok":
            assert len(change["after"]["data"]) <= MAXIMUM_LENGTH
            kept = names_of(change["before"])
            assert [name for name in names_of(change["after"]) if name in kept] == [
                name for name in kept if name in names_of(change["after"])
            ], "what was listed keeps its order"
        for facts in endpoints:
            if facts["host"] in change["endpoints"]:
                assert d.serves(change["after"], change, facts, evaluate(facts), options)
