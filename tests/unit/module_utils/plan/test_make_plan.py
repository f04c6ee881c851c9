# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: the smallest change, where its owner keeps it, proven by judging the facts as they would be afterwards."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.make_plan import PlanError, plan
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate

SERVER_2019, WINDOWS_11, SERVER_2012_R2, WINDOWS_7, WINDOWS_10_22H2 = 17763, 22631, 9600, 7601, 19045
FAILING = (
    "TLS_RSA_WITH_AES_128_CBC_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,"
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
)
GPO = {"id": "CN={31B2F340-016D-11D2-945F-00C04FB984F9},CN=Policies", "name": "TLS hardening", "enabled": True}


def windows(build: int = SERVER_2019, policy: t.Any = None, type_: str = "REG_SZ", origin: str = "direct") -> f.Facts:
    """A whole endpoint of a release, with the default local list, and a policy list where one is given."""
    match = release_for(build)
    assert match is not None
    facts = f.empty_facts("win01", collected_at="2026-11-24T04:00:00Z")
    facts["os"].update(status=f.OK, reason=None, build=build, kind="server", product="Windows")
    facts["cipher_suites"] = f.empty_section("cipher_suites", f.ABSENT, "Nothing is shown yet.")
    facts["reboot"].update(status=f.OK, reason=None, last_boot="2026-11-20T06:00:00Z")
    facts["local_order"] = f.registry_value(
        f.LOCAL_KEY, f.SUITES_VALUE, type="REG_MULTI_SZ", data=list(match.release.local_list)
    )
    for section in ("policy_order",):
        facts[section] = f.registry_value(f.POLICY_KEY, f.SUITES_VALUE, f.ABSENT, "The value does not exist.")
    if policy is not None:
        facts["policy_order"] = f.registry_value(f.POLICY_KEY, f.SUITES_VALUE, type=type_, data=policy)
    facts["curves"] = f.section(
        f.OK,
        policy=f.registry_value(f.POLICY_KEY, f.CURVES_VALUE, f.ABSENT, "The value does not exist."),
        local=f.registry_value(f.LOCAL_KEY, f.CURVES_VALUE, type="REG_MULTI_SZ", data=list(match.release.curves)),
        cmdlet=f.section(f.ABSENT, "Nothing is shown yet.", names=[]),
    )
    signatures = (f.SIGNATURE_POLICY_KEY, f.SIGNATURE_LOCAL_KEY)
    policy_, local_ = (f.registry_value(key, f.SUITES_VALUE, f.ABSENT, "Not there.") for key in signatures)
    facts["signature_algorithms"] = {"status": f.OK, "reason": None, "policy": policy_, "local": local_}
    keys = {key: f.registry_key(f.schannel_path(key), f.ABSENT, "The key does not exist.") for key in f.SCHANNEL_KEYS}
    winhttp = f.registry_value(f.WINHTTP_KEY, f.WINHTTP_VALUE, f.ABSENT, "The value does not exist.")
    facts["schannel"] = f.section(f.OK, keys=keys, winhttp_default_secure_protocols=winhttp)
    fips = f.registry_value(f.FIPS_KEY, f.FIPS_VALUE, type="REG_DWORD", data=0)
    facts["fips"] = f.section(f.OK, enabled=False, value=fips)
    _origin(facts, origin)
    return facts


def _origin(facts: f.Facts, origin: str) -> None:
    section = facts["policy_origin"]
    section.update(status=f.OK, reason=None)
    section["lgpo_processing_disabled"] = f.registry_value(f.LGPO_KEY, f.LGPO_VALUE, f.ABSENT, "Not there.")
    section["mdm"] = f.section(
        f.OK,
        values=[f.registry_value(f.MDM_KEY, f.MDM_VALUES[0], f.ABSENT, "Not there.")],
        mdm_wins_over_gp=f.registry_value(f.MDM_CONFLICT_KEY, f.MDM_CONFLICT_VALUE, f.ABSENT, "Not there."),
    )
    local = {"path": r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol", "modified": None, "size": 0}
    section["local_gpo"] = f.section(f.ABSENT, "The file does not exist.", entries=[], entry_count=0, **local)
    gpos = [{"id": "LocalGPO", "name": "Local Group Policy", "guid": "LocalGPO", "enabled": True}]
    section["rsop"] = f.section(f.OK, rows=[], gpos=gpos)
    value = facts["policy_order"]
    if origin == "local_gpo":
        entry = {
            "key": f.POLICY_KEY.split("\\", 1)[1],
            "value": "Functions",
            "type": value["type"],
            "data": value["data"],
        }
        section["local_gpo"].update(status=f.OK, reason=None, entries=[entry], entry_count=1)
    if origin == "domain_gpo":
        row = {"registry_key": f.POLICY_KEY.split("\\", 1)[1], "value_name": "Functions", "value_type": 1}
        row.update(value=value["data"], precedence=1, gpo_id=GPO["id"], som_id="", deleted=False, created=None)
        section["rsop"] = f.section(f.OK, rows=[row], gpos=[{**GPO, "guid": "{31B2F340-016D-11D2-945F-00C04FB984F9}"}])
    if origin == "mdm":
        mdm = f.registry_value(f.MDM_KEY, f.MDM_VALUES[0], type="REG_SZ", data=value["data"])
        section["mdm"] = {**section["mdm"], "values": [mdm]}
    if origin == "unknown":
        section["rsop"] = f.section(f.DENIED, "The account may not read it.", rows=[], gpos=[])


def switched(facts: f.Facts, key: str, **values: int) -> f.Facts:
    found = {name: {"type": "REG_DWORD", "data": data} for name, data in values.items()}
    facts["schannel"]["keys"][key] = f.registry_key(f.schannel_path(key), values=found)
    return facts


def planned(facts: f.Facts, **options: t.Any) -> dict[str, t.Any]:
    return plan(facts, evaluate(facts), options)


def reaches(facts: f.Facts, document: dict[str, t.Any]) -> str:
    return str(evaluate(apply_steps(facts, document["steps"]))["reachability"]["answer"])


def test_an_endpoint_that_reaches_tetra_needs_nothing() -> None:
    document = planned(windows())
    assert (document["todo"], document["steps"], document["needs_reboot"]) == ("nothing", [], False)


def _update_failed_since_the_boot(facts: f.Facts) -> f.Facts:
    facts["reboot"].update(status=f.OK, reason=None, last_boot="2026-11-20T04:00:00Z", changed_by_us=None)
    last = {"result": "failed", "code": -3000, "time": "2026-11-24T03:00:00Z", "line": "status: -3000"}
    facts["connector"] = f.section(
        f.OK,
        version="7.5.3.20938",
        install_dir=r"C:\Program Files\Cisco\AMP",
        folder=r"C:\Program Files\Cisco\AMP\7.5.3.20938",
        service=f.section(f.OK, name="CiscoAMP_7.5.3", state="Running", start_mode="Auto"),
        tetra=f.section(f.OK, enabled=True, update_server="tetra-defs.amp.cisco.com"),
        definitions=f.section(f.OK, version="71:1"),
        last_update=f.section(f.OK, **last),
    )
    return facts


def _probed(facts: f.Facts, outcome: str) -> f.Facts:
    facts["probe"] = f.section(
        f.OK, host="tetra-defs.amp.cisco.com:443", via_proxy=None, exit_code=28, outcome=outcome, detail=None
    )
    return facts


def test_a_good_list_that_may_not_be_in_force_is_never_made_longer() -> None:
    document = planned(_update_failed_since_the_boot(windows(WINDOWS_10_22H2)))
    assert (document["todo"], document["steps"], document["needs_reboot"]) == ("reboot", [], True)


@pytest.mark.parametrize("outcome", ["dns", "connect", "proxy", "timeout"])
def test_an_endpoint_that_does_not_get_as_far_as_a_handshake_is_not_restarted(outcome: str) -> None:
    document = planned(_probed(_update_failed_since_the_boot(windows(WINDOWS_10_22H2)), outcome))
    assert (document["todo"], document["steps"]) == ("blocked", [])
    (closed,) = document["blocked"]
    assert closed["code"] == "not_the_suites"
    assert "Reboot" not in closed["what_to_do"]


def test_a_handshake_that_fails_although_the_list_would_do_speaks_for_a_restart() -> None:
    document = planned(_probed(_update_failed_since_the_boot(windows(WINDOWS_10_22H2)), "tls_failed"))
    assert (document["todo"], document["steps"]) == ("reboot", [])


def test_a_handshake_that_succeeds_needs_no_restart() -> None:
    facts = _probed(_update_failed_since_the_boot(windows(WINDOWS_10_22H2)), "tls_ok")
    assert planned(facts)["todo"] == "nothing"


def test_the_suites_are_added_at_the_front_and_the_rest_of_the_list_is_kept() -> None:
    facts = windows(policy=FAILING, origin="local_gpo")
    document = planned(facts)
    (step,) = document["steps"]
    assert document["todo"] == "change"
    assert (step["target"], step["action"], step["id"]) == ("local_gpo", "set_value", "1")
    wanted = [name for name in ALLOW_LIST if not name.startswith("TLS_AES_")]
    assert step["after"] == {"status": "ok", "type": "REG_SZ", "data": ",".join([*wanted, FAILING])}
    assert step["suites"] == {"added": wanted, "removed": [], "moved": []}
    assert step["before"]["data"] == FAILING
    assert reaches(facts, document) == "yes"


def test_where_the_list_was_written_directly_the_value_itself_is_changed() -> None:
    (step,) = planned(windows(policy=FAILING))["steps"]
    assert (step["target"], step["owner"]["kind"]) == ("policy_registry", "direct")


def test_the_other_cure_of_the_note_takes_the_policy_away() -> None:
    facts = windows(policy=FAILING, origin="local_gpo")
    document = planned(facts, cure="not_configured")
    (step,) = document["steps"]
    assert (step["action"], step["after"]["status"]) == ("remove_value", "absent")
    assert reaches(facts, document) == "yes"


def test_taking_the_policy_away_is_refused_where_the_local_list_would_not_do() -> None:
    facts = windows(policy=FAILING)
    facts["local_order"]["data"] = ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    document = planned(facts, cure="not_configured")
    assert (document["todo"], document["blocked"][0]["code"]) == ("blocked", "no_certain_cure")


def test_a_list_of_the_wrong_type_is_written_as_one_text() -> None:
    (step,) = planned(windows(policy=FAILING.split(","), type_="REG_MULTI_SZ"))["steps"]
    assert (step["before"]["type"], step["after"]["type"]) == ("REG_MULTI_SZ", "REG_SZ")


def test_only_names_that_the_release_knows_are_added() -> None:
    (step,) = planned(windows(SERVER_2012_R2, policy="TLS_RSA_WITH_AES_128_CBC_SHA"))["steps"]
    assert step["suites"]["added"] == ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"]
    (step,) = planned(windows(WINDOWS_11, policy="TLS_RSA_WITH_AES_128_CBC_SHA"))["steps"]
    assert step["suites"]["added"] == list(ALLOW_LIST)


LONG = ",".join(f"TLS_RSA_WITH_NULL_SHA{number:03}" for number in range(40))


def test_a_list_that_would_pass_1023_characters_is_not_cut_behind_the_users_back() -> None:
    document = planned(windows(policy=LONG))
    assert (document["todo"], document["blocked"][0]["code"]) == ("blocked", "list_too_long")


def test_names_are_given_up_for_the_limit_only_when_told_and_no_more_than_needed() -> None:
    names = LONG.split(",")
    document = planned(windows(policy=LONG), drop_to_fit=list(reversed(names)))
    (step,) = document["steps"]
    assert len(step["after"]["data"]) <= 1023
    assert document["dropped"] == list(reversed(names))[: len(document["dropped"])]
    assert len(",".join([step["after"]["data"], document["dropped"][-1]])) > 1023
    assert step["suites"]["removed"] == list(reversed(document["dropped"]))


def test_a_list_of_exactly_1023_characters_gives_nothing_up() -> None:
    (step,) = planned(windows(policy="TLS_RSA_WITH_AES_128_CBC_SHA"))["steps"]
    room = 1023 - len(step["after"]["data"])
    kept = ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    while room > 120:
        kept.append(f"TLS_RSA_WITH_NULL_SHA{len(kept):03}")
        room -= len(kept[-1]) + 1
    kept.append("TLS_" + "X" * (room - 5))
    document = planned(windows(policy=",".join(kept)), drop_to_fit=[kept[-1], kept[-2]])
    assert document["dropped"] == []
    assert len(document["steps"][0]["after"]["data"]) == 1023


def test_a_domain_gpo_is_named_with_the_value_that_it_should_hold() -> None:
    document = planned(windows(policy=FAILING, origin="domain_gpo"))
    (blocked,) = document["blocked"]
    assert (document["todo"], document["steps"], blocked["code"]) == ("blocked", [], "owned_by_domain_gpo")
    assert blocked["owner"]["guid"] == "{31B2F340-016D-11D2-945F-00C04FB984F9}"
    assert blocked["wanted"]["data"].startswith("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,")
    assert "TLS hardening" in blocked["why"]


def test_with_permission_the_step_is_on_the_gpo() -> None:
    (step,) = planned(windows(policy=FAILING, origin="domain_gpo"), change_domain_gpo=True)["steps"]
    assert (step["target"], step["owner"]["name"]) == ("domain_gpo", "TLS hardening")


@pytest.mark.parametrize(("origin", "code"), [("mdm", "owned_by_mdm"), ("unknown", "owner_unknown")])
def test_what_is_not_ours_is_not_written(origin: str, code: str) -> None:
    document = planned(windows(policy=FAILING, origin=origin))
    assert (document["todo"], document["blocked"][0]["code"]) == ("blocked", code)


def test_a_local_policy_that_is_not_processed_is_left_alone_and_the_value_itself_is_changed() -> None:
    facts = windows(policy=FAILING, origin="local_gpo")
    disabled = f.registry_value(f.LGPO_KEY, f.LGPO_VALUE, type="REG_DWORD", data=1)
    facts["policy_origin"]["lgpo_processing_disabled"] = disabled
    assert [step["target"] for step in planned(facts)["steps"]] == ["policy_registry"]


def test_a_local_list_is_mended_with_the_cmdlet_where_there_is_one() -> None:
    facts = windows(WINDOWS_10_22H2)
    facts["local_order"]["data"] = ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    document = planned(facts)
    assert {step["action"] for step in document["steps"]} == {"enable_suite"}
    assert document["steps"][-1]["name"] == ALLOW_LIST[0], "the last one enabled stands first"
    assert reaches(facts, document) == "yes"


def test_a_local_list_without_the_cmdlet_is_written() -> None:
    facts = windows(SERVER_2012_R2)
    facts["local_order"]["data"] = ["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"]
    document = planned(facts)
    (step,) = document["steps"]
    assert (step["target"], step["after"]["type"]) == ("cng", "REG_MULTI_SZ")
    assert step["after"]["data"] == ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", *facts["local_order"]["data"]]
    assert reaches(facts, document) == "yes"


def test_a_suite_that_came_with_an_update_nobody_sees_is_not_promised() -> None:
    facts = windows(SERVER_2012_R2)
    facts["local_order"]["data"] = ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    document = planned(facts)
    assert (document["todo"], document["blocked"][0]["code"]) == ("blocked", "update_not_seen")


TLS12 = "Protocols\\TLS 1.2\\Client"


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({"Enabled": 0}, {"Enabled": 1, "DisabledByDefault": 0}),
        ({"Enabled": 0, "DisabledByDefault": 1}, {"Enabled": 1, "DisabledByDefault": 0}),
        ({"Enabled": 0, "DisabledByDefault": 0}, {"Enabled": 1}),
    ],
)
def test_tls12_is_switched_on_by_the_values_that_keep_it_off(values: dict[str, int], changed: dict[str, int]) -> None:
    facts = switched(windows(), TLS12, **values)
    document = planned(facts)
    assert {step["name"]: step["after"]["data"] for step in document["steps"]} == changed
    assert {step["target"] for step in document["steps"]} == {"schannel"}
    assert reaches(facts, document) == "yes"


def test_windows_7_gets_tls12_switched_on() -> None:
    facts = windows(WINDOWS_7)
    facts["schannel"]["winhttp_default_secure_protocols"].update(status=f.OK, type="REG_DWORD", data=0xA80)
    document = planned(facts)
    assert {(step["path"], step["name"]) for step in document["steps"]} >= {
        (f.schannel_path(TLS12), "DisabledByDefault")
    }


def test_the_suite_with_the_fewest_obstacles_is_chosen() -> None:
    """AES 128 is off and the list lacks all: adding the names brings AES 256, so the switch is left alone."""
    facts = switched(windows(policy=FAILING), "Ciphers\\AES 128/128", Enabled=0)
    document = planned(facts)
    assert [step["target"] for step in document["steps"]] == ["policy_registry"]


def test_a_cipher_that_every_suite_needs_is_switched_on() -> None:
    facts = windows()
    for key in ("Ciphers\\AES 128/128", "Ciphers\\AES 256/256"):
        switched(facts, key, Enabled=0)
    document = planned(facts)
    (step,) = document["steps"]
    assert (step["after"]["data"], step["before"]["data"]) == (0xFFFFFFFF, 0)
    assert reaches(facts, document) == "yes"


def test_an_unknown_release_is_not_changed() -> None:
    facts = windows(policy=FAILING)
    facts["os"].update(build=None)
    assert planned(facts)["todo"] in ("blocked", "unknown")


def test_an_endpoint_of_which_nothing_is_known_is_not_changed() -> None:
    facts = f.empty_facts("win01")
    assert (planned(facts)["todo"], planned(facts)["steps"]) == ("unknown", [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cure": "pray"}, "cure"),
        ({"allow_list": []}, "empty"),
        ({"allow_list": ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA"]}, "no cipher suite"),
        ({"drop_to_fit": "TLS_X"}, "list"),
        ({"drop_to_fit": [ALLOW_LIST[0]]}, "allow list"),
        ({"change_domain_gpo": "yes"}, "true or false"),
        ({"colour": "blue"}, "no option"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_sentence(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        planned(windows(), **options)


def test_planning_changes_nothing_that_it_was_given() -> None:
    facts = switched(windows(policy=FAILING), TLS12, Enabled=0)
    verdict = evaluate(facts)
    before = copy.deepcopy((facts, verdict))
    plan(facts, verdict)
    assert (facts, verdict) == before


SWITCHES = st.fixed_dictionaries({}, optional={key: st.sampled_from([0, 1, 0xFFFFFFFF]) for key in f.SCHANNEL_KEYS})
NAMES = st.lists(
    st.sampled_from([*ALLOW_LIST, *FAILING.split(","), "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_NO_SUCH_SUITE"]),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(
    build=st.sampled_from([WINDOWS_7, SERVER_2012_R2, 14393, SERVER_2019, WINDOWS_10_22H2, 20348, WINDOWS_11, 26100]),
    names=st.none() | NAMES,
    origin=st.sampled_from(["direct", "local_gpo", "domain_gpo", "mdm", "unknown"]),
    switches=SWITCHES,
)
def test_every_plan_that_changes_something_leads_to_yes_and_touches_no_owner_but_its_own(
    build: int, names: list[str] | None, origin: str, switches: dict[str, int]
) -> None:
    facts = windows(build, None if names is None else ",".join(names), origin="direct" if names is None else origin)
    for key, value in switches.items():
        switched(facts, key, Enabled=value)
    document = planned(facts)
    if document["todo"] == "change":
        assert reaches(facts, document) == "yes"
        assert document["predicted"] == {"reachability": "yes"}
        for step in document["steps"]:
            assert step["before"] != step["after"] or step["action"] == "enable_suite"
            if step["path"] == f.POLICY_KEY:
                assert step["target"] == {"local_gpo": "local_gpo"}.get(origin, "policy_registry")
                assert origin in ("direct", "local_gpo")
                assert not step["suites"]["removed"]
        again = apply_steps(facts, document["steps"])
        assert plan(again, evaluate(again))["todo"] == "nothing"
    else:
        assert document["steps"] == []
        if document["todo"] == "blocked":
            assert document["blocked"][0]["why"].endswith(".")


def test_a_hash_that_only_signatures_need_is_switched_on_by_its_own_key() -> None:
    facts = switched(switched(windows(), "Hashes\\SHA256", Enabled=0), "Hashes\\SHA384", Enabled=0)
    document = planned(facts)
    assert document["todo"] == "change"
    assert [step["path"].rpartition("\\")[2] for step in document["steps"]] == ["SHA256"]
    assert reaches(facts, document) == "yes"
