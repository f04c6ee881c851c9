# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wanted list of cipher suites: the steps to it, or the sentence that refuses it. Nothing else moves."""

from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import Refused
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import WantedError
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order import WantedChange, wanted_order
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import parse_order_options
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import BY_KEY
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e

CBC, OTHER = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"
OLD = f"{OTHER},{CBC}"
TLS13_256 = "TLS_AES_256_GCM_SHA384"


def wanted(facts: e.Facts, over_https: bool = False, **options: t.Any) -> WantedChange:
    return wanted_order(facts, parse_order_options(options), over_https)


def only(change: WantedChange) -> dict[str, t.Any]:
    (step,) = change.steps
    return step


def refused(facts: e.Facts, over_https: bool = False, **options: t.Any) -> Refused:
    with pytest.raises(Refused) as caught:
        wanted(facts, over_https, **options)
    for sentence in (caught.value.why, caught.value.what_to_do):
        assert sentence.endswith(".")
        assert "\n" not in sentence
    return caught.value


def local_gpo(policy: str = OLD) -> e.Facts:
    return e.set_local_gpo(e.endpoint(policy=policy), policy, e.BEFORE_BOOT)


# The names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "names", "suites"),
    [
        ({"suites": [e.ECDHE_256, CBC]}, [e.ECDHE_256, CBC], ([e.ECDHE_256], [OTHER], [])),
        ({"suites": [CBC, OTHER]}, [CBC, OTHER], ([], [], [OTHER, CBC])),
        (
            {"ensure": [e.ECDHE_256, e.DHE_128]},
            [e.ECDHE_256, e.DHE_128, OTHER, CBC],
            ([e.ECDHE_256, e.DHE_128], [], []),
        ),
        ({"ensure": [e.ECDHE_256], "position": "end"}, [OTHER, CBC, e.ECDHE_256], ([e.ECDHE_256], [], [])),
        ({"ensure": [CBC, e.ECDHE_256]}, [e.ECDHE_256, OTHER, CBC], ([e.ECDHE_256], [], [])),
        ({"remove": [OTHER, e.DHE_128]}, [CBC], ([], [OTHER], [])),
        ({"ensure": [e.ECDHE_128], "remove": [CBC]}, [e.ECDHE_128, OTHER], ([e.ECDHE_128], [CBC], [])),
    ],
)
def test_names_are_added_removed_and_moved(
    options: dict[str, t.Any], names: list[str], suites: tuple[list[str], ...]
) -> None:
    change = wanted(e.endpoint(policy=OLD), **options)
    step = only(change)
    assert step["after"] == {"status": "ok", "type": "REG_SZ", "data": ",".join(names)}
    assert (step["suites"]["added"], step["suites"]["removed"]) == suites[:2]
    assert sorted(step["suites"]["moved"]) == sorted(suites[2])
    assert change.suites == step["suites"]
    assert change.needs_reboot


@pytest.mark.parametrize("options", [{"suites": [OTHER, CBC]}, {"ensure": [CBC]}, {"remove": [e.ECDHE_256]}])
def test_a_list_that_is_as_wanted_needs_nothing(options: dict[str, t.Any]) -> None:
    change = wanted(e.endpoint(policy=OLD), **options)
    assert (change.steps, change.needs_reboot) == ([], False)
    assert change.reachability == {"before": "no", "after": "no"}


@pytest.mark.parametrize("text", [f"{OTHER}, {CBC}", f"{OTHER},{CBC},", f"{OTHER},{CBC},{OTHER}"])
def test_an_odd_spelling_is_written_strictly(text: str) -> None:
    assert only(wanted(e.endpoint(policy=text), ensure=[CBC]))["after"]["data"] == OLD


def test_a_list_of_the_wrong_type_is_written_as_one_text_and_that_is_said() -> None:
    facts = e.set_policy(e.endpoint(), OLD.split(","), "REG_MULTI_SZ")
    change = wanted(facts, suites=[OTHER, CBC])
    assert only(change)["before"]["type"] == "REG_MULTI_SZ"
    assert only(change)["after"] == {"status": "ok", "type": "REG_SZ", "data": OLD}
    assert any("REG_MULTI_SZ" in warning for warning in change.warnings)


# Where it is written -------------------------------------------------------------------------------------------------


def test_a_list_of_the_local_policy_is_written_there() -> None:
    step = only(wanted(local_gpo(), ensure=[e.ECDHE_256]))
    assert (step["target"], step["path"], step["name"]) == ("local_gpo", f.POLICY_KEY, f.SUITES_VALUE)


def test_a_list_that_was_written_directly_is_changed_there() -> None:
    assert only(wanted(e.endpoint(policy=OLD), ensure=[e.ECDHE_256]))["target"] == "policy_registry"


def test_a_file_of_the_local_policy_that_says_otherwise_than_the_registry_is_set_right() -> None:
    facts = e.set_local_gpo(e.endpoint(policy=OLD), CBC, e.BEFORE_BOOT)
    assert only(wanted(facts, suites=[OTHER, CBC]))["target"] == "local_gpo"


@pytest.mark.parametrize(("new_policy", "target"), [("local_gpo", "local_gpo"), ("registry", "policy_registry")])
def test_a_new_policy_is_made_where_it_is_asked_for(new_policy: str, target: str) -> None:
    step = only(wanted(e.endpoint(), where="policy", suites=[e.ECDHE_256], new_policy=new_policy))
    assert (step["target"], step["before"]["status"]) == (target, "absent")


def test_a_new_local_policy_is_refused_where_windows_would_not_process_it() -> None:
    facts = e.endpoint()
    disabled = f.registry_value(f.LGPO_KEY, f.LGPO_VALUE, type="REG_DWORD", data=1)
    facts["policy_origin"]["lgpo_processing_disabled"] = disabled
    assert refused(facts, where="policy", suites=[e.ECDHE_256]).code == "local_policy_not_processed"
    assert only(wanted(facts, where="policy", suites=[e.ECDHE_256], new_policy="registry"))


def test_there_is_nothing_to_add_to_where_there_is_no_policy() -> None:
    assert refused(e.endpoint(), where="policy", ensure=[e.ECDHE_256]).code == "no_policy_list"
    assert wanted(e.endpoint(), where="policy", remove=[e.ECDHE_256]).steps == []


@pytest.mark.parametrize(("policy", "path"), [(OLD, f.POLICY_KEY), (None, f.LOCAL_KEY)])
def test_the_list_that_counts_is_the_one_that_is_changed(policy: str | None, path: str) -> None:
    facts = e.endpoint(policy=policy)
    if policy is None:
        e.show_configured(e.set_local(facts, OLD.split(",")))
    assert only(wanted(facts, ensure=[e.ECDHE_256]))["path"] == path


def test_what_a_domain_gpo_owns_is_refused_with_its_name() -> None:
    facts = e.set_domain_gpo(e.endpoint(policy=OLD), OLD, "TLS baseline")
    found = refused(facts, ensure=[e.ECDHE_256])
    assert found.code == "owned_by_domain_gpo"
    assert "TLS baseline {31B2F340-016D-11D2-945F-00C04FB984F9}" in found.why
    assert refused(facts, state="not_configured").code == "owned_by_domain_gpo"
    assert wanted(facts, ensure=[CBC]).steps == [], "what is as wanted already is nobody's business"


def test_what_an_mdm_owns_is_refused() -> None:
    facts = e.endpoint(policy=OLD)
    mdm = f.registry_value(f.MDM_KEY, f.MDM_VALUES[0], type="REG_SZ", data=OLD.replace(",", ";"))
    facts["policy_origin"]["mdm"]["values"] = [mdm]
    assert refused(facts, ensure=[e.ECDHE_256]).code == "owned_by_mdm"


def test_what_nobody_can_be_named_for_is_refused() -> None:
    facts = e.endpoint(policy=OLD)
    facts["policy_origin"]["rsop"] = f.section(f.DENIED, "No right.", rows=[], gpos=[])
    facts["policy_origin"]["mdm"]["status"] = f.DENIED
    assert refused(facts, ensure=[e.ECDHE_256]).code == "owner_unknown"


# Taking the policy away ----------------------------------------------------------------------------------------------


def test_a_policy_is_taken_away_where_it_is_kept() -> None:
    step = only(wanted(local_gpo(), state="not_configured"))
    assert (step["target"], step["action"], step["after"]["status"]) == ("local_gpo", "remove_value", "absent")
    assert wanted(local_gpo(), state="not_configured").reachability == {"before": "no", "after": "yes"}


def test_without_a_policy_there_is_none_to_take_away() -> None:
    assert wanted(e.endpoint(), state="not_configured").steps == []


def test_a_policy_that_waits_in_its_file_is_taken_away_too() -> None:
    facts = e.set_local_gpo(e.endpoint(), OLD, e.BEFORE_BOOT)
    assert only(wanted(facts, state="not_configured"))["target"] == "local_gpo"


def test_a_policy_is_not_taken_away_over_a_local_list_that_nobody_could_read() -> None:
    facts = e.unread(e.endpoint(policy=OLD), "local_order", f.DENIED)
    assert refused(facts, state="not_configured").code == "not_read"


# The local list ------------------------------------------------------------------------------------------------------


def with_local(names: list[str], release: str = "10_21h2", kind: str = "client") -> e.Facts:
    return e.show_configured(e.set_local(e.endpoint(release, kind), names))


def test_the_local_list_is_arranged_by_the_cmdlets_where_there_are_any() -> None:
    step = only(wanted(with_local([OTHER, CBC]), where="local", ensure=[e.ECDHE_256]))
    assert (step["action"], step["target"]) == ("arrange_suites", "cng")
    assert step["after"] == {"status": "ok", "type": "REG_MULTI_SZ", "data": [e.ECDHE_256, OTHER, CBC]}
    assert step["calls"] == [{"enable": True, "name": e.ECDHE_256, "position": 0}]


def test_the_local_list_is_written_where_there_are_no_cmdlets() -> None:
    facts = with_local(["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", CBC], "8.1_2012r2", "server")
    step = only(wanted(facts, where="local", ensure=[e.DHE_128]))
    assert (step["action"], step["after"]["type"]) == ("set_value", "REG_MULTI_SZ")


def test_a_local_list_under_a_policy_is_left_alone() -> None:
    facts = e.set_policy(with_local([OTHER, CBC]), OLD)
    assert refused(facts, where="local", ensure=[e.ECDHE_256]).code == "policy_counts"
    waiting = e.set_local_gpo(with_local([OTHER, CBC]), OLD, e.BEFORE_BOOT)
    assert refused(waiting, where="local", ensure=[e.ECDHE_256]).code == "policy_counts"


def test_a_session_without_the_cmdlets_cannot_change_the_local_list() -> None:
    facts = with_local([OTHER, CBC])
    facts["cipher_suites"] = f.section(f.UNSUPPORTED, "No such cmdlet.", suites=[])
    assert refused(facts, where="local", ensure=[e.ECDHE_256]).code == "no_cmdlet"


def test_a_name_that_the_cmdlets_cannot_enable_is_refused_and_one_that_stays_is_kept() -> None:
    facts = with_local([TLS13_256, OTHER, CBC], "10_21h2")
    assert refused(facts, where="local", ensure=[e.TLS13_128]).code == "not_of_this_release"
    kept = only(wanted(facts, where="local", ensure=[e.ECDHE_256]))
    assert kept["after"]["data"] == [e.ECDHE_256, TLS13_256, OTHER, CBC]
    assert [call["name"] for call in kept["calls"]] == [e.ECDHE_256]


@pytest.mark.parametrize("status", [f.ABSENT, f.DENIED, f.NOT_READ, f.ERROR])
def test_a_local_list_that_could_not_be_read_is_left_alone(status: str) -> None:
    facts = e.unread(e.endpoint(), "local_order", status)
    assert refused(facts, where="local", ensure=[e.ECDHE_256]).code == "not_read"


# Refusals ------------------------------------------------------------------------------------------------------------


def test_a_list_beyond_1023_characters_is_refused_with_its_length() -> None:
    names = sorted(IDS)[:40]
    found = refused(e.endpoint(policy=OLD), suites=names)
    assert found.code == "list_too_long"
    assert str(len(",".join(names))) in found.why


def test_names_with_a_curve_belong_to_old_releases() -> None:
    name = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P256"
    found = refused(e.endpoint(policy=OLD), ensure=[name])
    assert found.code == "not_of_this_release"
    assert found.what_to_do == "Write TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384."
    facts = e.endpoint("8.1_2012r2", "server", policy=f"{e.DHE_128},{CBC}")
    assert only(wanted(facts, ensure=[name]))["suites"]["added"] == [name]
    other = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384_P256"
    assert refused(facts, ensure=[other]).code == "not_of_this_release"
    listed = e.endpoint(policy=f"{name},{OLD}")
    assert only(wanted(listed, ensure=[e.ECDHE_256]))["after"]["data"].split(",")[1] == name, "what is there may stay"


def test_a_name_that_the_release_cannot_use_is_warned_about() -> None:
    change = wanted(e.endpoint(policy=OLD), ensure=[e.TLS13_128, e.ECDHE_256])
    assert any(e.TLS13_128 in warning and "cannot use" in warning for warning in change.warnings)


def test_nothing_may_be_left_over() -> None:
    assert refused(e.endpoint(policy=OLD), remove=[OTHER, CBC]).code == "empty_list"


@pytest.mark.parametrize("names", [["TLS_PSK_WITH_NULL_SHA256"], [e.TLS13_128], ["TLS_RSA_WITH_NULL_SHA"]])
def test_a_list_without_any_usable_suite_is_refused(names: list[str]) -> None:
    assert refused(e.endpoint(policy=OLD), suites=names).code == "lock_out"


def test_tls13_keeps_a_suite() -> None:
    facts = e.endpoint("2022", "server", policy=f"{TLS13_256},{OLD}")
    found = refused(facts, remove=[TLS13_256])
    assert (found.code, "TLS 1.3" in found.why) == ("lock_out", True)
    assert only(wanted(facts, remove=[TLS13_256], ensure=[e.TLS13_128]))
    # The release's own list, which counts without the policy, has TLS 1.3 too.
    assert refused(e.endpoint("2022", "server"), where="policy", suites=[e.ECDHE_256]).code == "lock_out"


def test_the_listener_of_winrm_keeps_a_suite_that_the_controller_offers() -> None:
    facts = e.endpoint(policy=f"{e.ECDHE_256},{CBC}")
    assert refused(facts, over_https=True, remove=[e.ECDHE_256]).code == "lock_out"
    assert only(wanted(facts, over_https=False, remove=[e.ECDHE_256]))
    assert only(wanted(facts, over_https=True, remove=[CBC]))
    old = e.endpoint(policy=f"{CBC},TLS_RSA_WITH_AES_256_CBC_SHA")
    assert only(wanted(old, over_https=True, remove=[CBC])), "it had none before, so none is lost"


def test_what_does_not_help_tetra_is_written_with_a_warning() -> None:
    change = wanted(e.endpoint(policy=OLD), suites=[CBC])
    assert change.reachability == {"before": "no", "after": "no"}
    assert any("no suite that the Tetra servers accept" in warning for warning in change.warnings)
    assert wanted(e.endpoint(policy=OLD), ensure=[e.ECDHE_256]).warnings == []


def test_what_may_or_may_not_help_tetra_is_written_with_a_warning() -> None:
    facts = e.endpoint("11_23h2", policy=f"{e.ECDHE_256},{CBC}")
    change = wanted(facts, suites=["TLS_AES_128_GCM_SHA256", CBC])
    assert change.reachability["after"] == "unknown"
    assert change.warnings == ["With this list it is not certain that the endpoint reaches the Tetra servers."]


@pytest.mark.parametrize("build", [None, 1234])
def test_an_unknown_release_is_left_alone(build: int | None) -> None:
    facts = e.endpoint(policy=OLD)
    facts["os"]["build"] = build
    assert refused(facts, ensure=[e.ECDHE_256]).code == "unknown_release"


def test_a_32_bit_session_changes_nothing() -> None:
    facts = e.endpoint(policy=OLD)
    facts["psrp"]["process_bits"] = 32
    assert refused(facts, ensure=[e.ECDHE_256]).code == "session_32_bit"


@pytest.mark.parametrize("status", [f.DENIED, f.ERROR, f.NOT_READ])
def test_a_policy_that_could_not_be_read_is_left_alone(status: str) -> None:
    facts = e.unread(e.endpoint(), "policy_order", status)
    for where in ("auto", "policy", "local"):
        assert refused(facts, where=where, ensure=[e.ECDHE_256]).code == "not_read"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Nothing is wanted"),
        ({"suites": []}, "empty"),
        ({"suites": [CBC], "ensure": [CBC]}, "whole list"),
        ({"suites": CBC}, "is a list"),
        ({"suites": [1]}, "is a list"),
        ({"ensure": [CBC], "remove": [CBC]}, "under ensure and under remove"),
        ({"ensure": [CBC, CBC]}, "twice"),
        ({"ensure": ["TLS_NO_SUCH_SUITE"]}, "no cipher suite that this collection knows"),
        ({"ensure": [CBC.lower()]}, f"spells it {CBC}"),
        ({"ensure": [f" {CBC}"]}, f"spells it {CBC}"),
        ({"ensure": [f"{CBC},{OTHER}"], "allow_unknown": True}, "not spelled like"),
        ({"ensure": ["TLS_\n"], "allow_unknown": True}, "not spelled like"),
        ({"ensure": [""], "allow_unknown": True}, "not spelled like"),
        ({"state": "not_configured", "suites": [CBC]}, "takes the list away"),
        ({"state": "not_configured", "where": "local"}, "Only the policy list"),
        ({"where": "moon", "ensure": [CBC]}, "where is one of"),
        ({"position": "middle", "ensure": [CBC]}, "position is one of"),
        ({"allow_unknown": "yes", "ensure": [CBC]}, "true or false"),
        ({"colour": "blue"}, "no option"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_sentence(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(WantedError) as caught:
        parse_order_options(options)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_name_newer_than_the_collection_passes_when_told() -> None:
    change = wanted(e.endpoint(policy=OLD), ensure=["TLS_NEW_WITH_AES_512_GCM_SHA512"], allow_unknown=True)
    assert only(change)["suites"]["added"] == ["TLS_NEW_WITH_AES_512_GCM_SHA512"]
    gone = wanted(e.endpoint(policy=f"TLS_GONE,{OLD}"), remove=["TLS_GONE"])
    assert only(gone)["suites"]["removed"] == ["TLS_GONE"], "what is unknown can be taken away without being told"


# What holds for every endpoint ---------------------------------------------------------------------------------------

SOME = st.lists(
    st.sampled_from([e.ECDHE_256, e.ECDHE_128, e.DHE_128, e.TLS13_128, TLS13_256, CBC, OTHER, "TLS_RSA_WITH_NULL_SHA"]),
    unique=True,
    max_size=6,
)
OPTIONS = st.one_of(
    st.fixed_dictionaries({"suites": SOME.filter(bool)}),
    st.fixed_dictionaries({"ensure": SOME.filter(bool), "position": st.sampled_from(["front", "end"])}),
    st.fixed_dictionaries({"remove": SOME.filter(bool)}),
    st.just({"state": "not_configured"}),
)


@settings(max_examples=300, deadline=None)
@given(
    release=st.sampled_from(["7_2008r2", "8.1_2012r2", "10_1607_2016", "10_21h2", "11_23h2", "2022"]),
    policy=st.none() | SOME.map(",".join),
    local=SOME,
    in_file=st.booleans(),
    where=st.sampled_from(["auto", "policy", "local"]),
    options=OPTIONS,
    over_https=st.booleans(),
)
def test_after_the_steps_nothing_is_left_to_do_and_nothing_else_has_moved(
    release: str,
    policy: str | None,
    local: list[str],
    in_file: bool,
    where: str,
    options: dict[str, t.Any],
    over_https: bool,
) -> None:
    if options.get("state") == "not_configured" and where == "local":
        return
    kind = "server" if BY_KEY[release].client is None else "client"
    facts = e.endpoint(release, kind, policy=policy)
    e.show_configured(e.set_local(facts, local))
    if policy is not None and in_file:
        e.set_local_gpo(facts, policy, e.BEFORE_BOOT)
    given_facts = copy.deepcopy(facts)
    try:
        change = wanted(facts, over_https, where=where, **options)
    except Refused as one:
        assert one.code
        assert facts == given_facts
        return
    assert facts == given_facts, "working it out changes nothing"
    after = apply_steps(facts, change.steps)
    assert after["curves"]["policy"] == facts["curves"]["policy"]
    assert after["schannel"] == facts["schannel"]
    touched = [name for name in ("policy_order", "local_order") if after[name]["data"] != facts[name]["data"]]
    assert len(touched) == len(change.steps) <= 1
    _follow(after, change.steps)
    assert wanted(after, over_https, where=where, **options).steps == []


def _follow(facts: e.Facts, steps: list[dict[str, t.Any]]) -> None:
    """What the writing of a local policy leaves in its file, and what the cmdlet shows."""
    for step in steps:
        if step["target"] == "local_gpo" and step["after"]["status"] == "ok":
            e.set_local_gpo(facts, step["after"]["data"], e.BEFORE_BOOT)
        elif step["target"] == "local_gpo":
            facts["policy_origin"]["local_gpo"].update(entries=[], entry_count=0)
    e.show_configured(facts)
