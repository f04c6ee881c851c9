# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan on one endpoint: written as planned, put back exactly, and left alone where others changed it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, MULTI_SZ, SZ, Value
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CHANGED_AT,
    LOCAL_KEY,
    OUR_KEY,
    POLICY_KEY,
    SUITES_VALUE,
    WINHTTP_KEY,
    WINHTTP_VALUE,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.make_plan import plan
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import (
    ALREADY,
    KEPT,
    RESTORED,
    ChangeSet,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

WITHOUT = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
AES_128 = schannel_path("Ciphers\\AES 128/128")
AES_256 = schannel_path("Ciphers\\AES 256/256")
TLS_12 = schannel_path("Protocols\\TLS 1.2\\Client")
# The lab's local policy has one setting of somebody else; here it has been applied already.
OTHERS = {r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU": {"NoAutoUpdate": 1}}
SICK: dict[str, dict[str, t.Any]] = {
    "local policy": {
        "policy": WITHOUT,
        "curves": {"policy": ["NistP384", "NistP256"]},
        "origin": "local_gpo",
        "registry": OTHERS,
    },
    "direct value": {"policy": WITHOUT, "curves": {"policy": ["NistP384", "NistP256"]}, "origin": "direct"},
    "direct value of another type": {"policy": {"type": "REG_MULTI_SZ", "data": WITHOUT.split(",")}},
    "local list": {"local": WITHOUT.split(",")},
    "local list without the cmdlet": {
        "release": "8.1_2012r2",
        "kind": "server",
        "powershell": "5.1",
        "local": ["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"],
    },
    "switch with a slash": {
        "schannel": {"Ciphers\\AES 128/128": {"Enabled": 0}, "Ciphers\\AES 256/256": {"Enabled": 0}}
    },
    "protocol": {"schannel": {"Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1}}},
    "protocol without a key": {
        "release": "7_2008r2",
        "powershell": "5.1",
        "registry": {WINHTTP_KEY: {WINHTTP_VALUE: 0xA80}},
    },
    "a policy beside its registry": {
        "policy": WITHOUT,
        "origin": {"kind": "local_gpo", "value": "TLS_RSA_WITH_AES_256_CBC_SHA"},
        "registry": OTHERS,
    },
}


def never(_seconds: float) -> bool:
    return False


def planned(pc: NearWindows) -> list[dict[str, t.Any]]:
    facts = collect(pc.session, "pc", now())
    document = plan(facts, evaluate(facts))
    assert document["todo"] == "change", document
    steps: list[dict[str, t.Any]] = document["steps"]
    return steps


def changes(pc: NearWindows) -> ChangeSet:
    return ChangeSet(pc.session, never)


def without_gpt_ini(dump: dict[str, t.Any]) -> dict[str, t.Any]:
    """The version of the local policy counts on with every change of it, an undoing included."""
    files = {path: content for path, content in dump["files"].items() if not path.lower().endswith("gpt.ini")}
    # Policy processing writes down what it did, as Windows does after every refresh.
    return {**dump, "files": {path: content for path, content in files.items() if not path.endswith("ntuser.pol")}}


def reaches(pc: NearWindows) -> str:
    return str(evaluate(collect(pc.session, "pc", now()))["either_way"]["in_force"])


@pytest.mark.parametrize("name", SICK)
def test_what_was_planned_stands_on_the_endpoint_and_can_be_put_back_exactly(name: str) -> None:
    pc = NearWindows(**SICK[name])
    steps = planned(pc)
    before = pc.dump()
    items = changes(pc).prepare(steps)
    assert pc.dump() == before, "preparing only reads"
    changes(pc).carry_out(steps, items)
    assert reaches(pc) == "yes"
    told = changes(pc).undo(items)
    assert {one["outcome"] for one in told} == {RESTORED}
    assert without_gpt_ini(pc.dump()) == without_gpt_ini(before)
    assert pc.unmatched == []


@pytest.mark.parametrize("name", SICK)
def test_carrying_out_twice_and_undoing_twice_are_as_once(name: str) -> None:
    pc = NearWindows(**SICK[name])
    steps = planned(pc)
    before = pc.dump()
    items = changes(pc).prepare(steps)
    changes(pc).carry_out(steps, items)
    after = pc.dump()
    changes(pc).carry_out(steps, items)
    assert pc.dump() == after
    changes(pc).undo(items)
    restored = pc.dump()
    again = changes(pc).undo(items)
    assert without_gpt_ini(pc.dump()) == without_gpt_ini(restored) == without_gpt_ini(before)
    assert KEPT not in {one["outcome"] for one in again}


@pytest.mark.parametrize("name", SICK)
def test_nothing_but_the_planned_values_differs_afterwards(name: str) -> None:
    pc = NearWindows(**SICK[name])
    steps = planned(pc)
    before = pc.dump()["registry"]
    changes(pc).carry_out(steps, changes(pc).prepare(steps))
    after = pc.dump()["registry"]
    named = {(step["path"], SUITES_VALUE if step["action"] == "enable_suite" else step["name"]) for step in steps}
    differing = {
        (path, value)
        for path in {*before, *after}
        for value in {*before.get(path, {}), *after.get(path, {})}
        if before.get(path, {}).get(value) != after.get(path, {}).get(value)
    }
    assert differing <= named


def test_what_changed_since_the_plan_is_not_overwritten() -> None:
    pc = NearWindows(**SICK["direct value"])
    steps = planned(pc)
    pc.state.registry.set(POLICY_KEY, SUITES_VALUE, Value(SZ, "TLS_RSA_WITH_AES_256_CBC_SHA"))
    with pytest.raises(ChangeError) as caught:
        changes(pc).prepare(steps)
    assert caught.value.code == "changed_meanwhile"


@pytest.mark.parametrize(
    ("name", "path", "value", "theirs"),
    [
        ("direct value", POLICY_KEY, SUITES_VALUE, Value(SZ, "TLS_RSA_WITH_AES_256_CBC_SHA")),
        ("switch with a slash", AES_256, "Enabled", Value(DWORD, 1)),
    ],
)
def test_what_changes_between_the_before_image_and_the_write_is_not_overwritten(
    name: str, path: str, value: str, theirs: Value
) -> None:
    pc = NearWindows(**SICK[name])
    steps = planned(pc)
    items = changes(pc).prepare(steps)
    pc.state.registry.set(path, value, theirs)
    with pytest.raises(ChangeError) as caught:
        changes(pc).carry_out(steps, items)
    assert caught.value.code == "changed_meanwhile"
    kept = {one["outcome"] for one in changes(pc).undo(items) if (one["path"], one["name"]) == (path, value)}
    assert (kept, pc.value(path, value)) == ({KEPT}, theirs)


@pytest.mark.parametrize(
    ("name", "path", "value", "theirs"),
    [
        ("direct value", POLICY_KEY, SUITES_VALUE, Value(SZ, "TLS_RSA_WITH_AES_256_CBC_SHA")),
        ("local list", LOCAL_KEY, SUITES_VALUE, Value(MULTI_SZ, ("TLS_RSA_WITH_AES_256_CBC_SHA",))),
        ("switch with a slash", AES_256, "Enabled", Value(DWORD, 1)),
        ("protocol", TLS_12, "DisabledByDefault", Value(DWORD, 7)),
    ],
)
def test_what_somebody_has_changed_since_is_left_alone_and_said(
    name: str, path: str, value: str, theirs: Value
) -> None:
    pc = NearWindows(**SICK[name])
    steps = planned(pc)
    items = changes(pc).prepare(steps)
    changes(pc).carry_out(steps, items)
    pc.state.registry.set(path, value, theirs)
    told = changes(pc).undo(items)
    assert {one["name"]: one["outcome"] for one in told if one["path"] == path}[value] == KEPT
    assert pc.value(path, value) == theirs


def test_an_endpoint_that_was_never_changed_is_as_before() -> None:
    pc = NearWindows(**SICK["switch with a slash"])
    items = changes(pc).prepare(planned(pc))
    before = pc.dump()
    assert {one["outcome"] for one in changes(pc).undo(items)} == {ALREADY}
    assert pc.dump() == before


def test_an_account_that_only_reads_is_found_out_before_the_first_write() -> None:
    pc = NearWindows(**SICK["direct value"], account="filtered")
    before = pc.dump()
    with pytest.raises(NotWritable, match="may read but not write"):
        changes(pc).test_write()
    assert pc.dump() == before


def test_the_test_write_leaves_an_empty_key_at_most_and_that_can_be_taken_away() -> None:
    pc = NearWindows()
    before = pc.dump()
    changes(pc).test_write()
    assert pc.dump()["registry"].pop(OUR_KEY) == {}
    changes(pc).forget_change()
    assert pc.dump() == before
    changes(pc).forget_change()


def test_the_note_of_an_earlier_change_outlives_one_that_came_to_nothing() -> None:
    pc = NearWindows()
    changes(pc).note_change("2026-11-20T06:00:00Z")
    noted = changes(pc).noted_change()
    changes(pc).note_change("2026-11-24T06:00:00Z")
    changes(pc).note_again(noted)
    assert pc.value(OUR_KEY, CHANGED_AT) == Value(SZ, "2026-11-20T06:00:00Z")
    bare = NearWindows()
    nothing = changes(bare).noted_change()
    changes(bare).note_change("2026-11-24T06:00:00Z")
    changes(bare).note_again(nothing)
    assert bare.state.registry.find(OUR_KEY) is None


def test_suites_are_enabled_in_front_in_the_order_of_the_allow_list() -> None:
    pc = NearWindows(**SICK["local list"])
    steps = planned(pc)
    changes(pc).carry_out(steps, changes(pc).prepare(steps))
    stored = pc.value(LOCAL_KEY, SUITES_VALUE)
    assert stored is not None
    wanted = [name for name in ALLOW_LIST if not name.startswith("TLS_AES_")]
    assert list(stored.data) == [*wanted, *WITHOUT.split(",")]


@pytest.mark.parametrize("enabled", [1, 2])
def test_a_list_between_two_runs_of_the_cmdlet_is_ours_to_undo(enabled: int) -> None:
    pc = NearWindows(**SICK["local list"])
    steps = planned(pc)
    before = pc.dump()
    items = changes(pc).prepare(steps)
    with pytest.raises(ChangeError):
        changes(pc).carry_out(steps[:enabled], items)
    told = changes(pc).undo(items)
    assert [one["outcome"] for one in told] == [RESTORED]
    assert pc.dump() == before


def test_a_suite_cmdlet_that_refuses_is_told_in_one_sentence() -> None:
    pc = NearWindows(**SICK["local list"], write_denied=[LOCAL_KEY])
    steps = planned(pc)
    before = pc.dump()
    with pytest.raises(NotWritable, match="Enable-TlsCipherSuite was refused"):
        changes(pc).carry_out(steps, changes(pc).prepare(steps))
    assert pc.dump() == before


def test_a_local_list_that_is_no_list_is_not_touched() -> None:
    pc = NearWindows(**SICK["local list"])
    steps = planned(pc)
    pc.state.registry.set(LOCAL_KEY, SUITES_VALUE, Value(SZ, WITHOUT))
    with pytest.raises(ChangeError, match="not where it should be"):
        changes(pc).prepare(steps)
