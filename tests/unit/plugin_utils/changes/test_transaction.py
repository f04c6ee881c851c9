# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change as a whole: whatever goes wrong, and wherever the connection breaks, it is all there or all undone."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import jsonschema
import pytest
import referencing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab.machine.group_policy import GPT_INI, REGISTRY_POL
from ansible_collections.fleetops.tetra.lab.machine.registry import SZ, Value
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CHANGED_AT,
    LOCAL_KEY,
    OUR_KEY,
    POLICY_KEY,
    SUITES_VALUE,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import Refused
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order import wanted_order
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import parse_order_options
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switch_options import parse_switch_options
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switches import wanted_switches
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.gpt_ini import GptIniError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImageError,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import KEPT, RESTORED, ChangeSet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import (
    DeadlineExceeded,
    deadline,
    own_time,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Breaking, Fresh, Late, NearWindows, Windows

WITHOUT = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
NEW = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
AES_128 = schannel_path("Ciphers\\AES 128/128")
AES_256 = schannel_path("Ciphers\\AES 256/256")
ORDER = {"ensure": [NEW]}
REARRANGED = {"suites": ["TLS_RSA_WITH_AES_128_CBC_SHA", NEW, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"]}
SWITCHES = {"key_exchanges": {"ECDH": "enabled"}, "ciphers": {"AES 128/128": "enabled", "AES 256/256": "enabled"}}
# The lab's local policy has one setting of somebody else; here it has been applied already.
OTHERS = {r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU": {"NoAutoUpdate": 1}}
LOCAL_GPO = {"policy": WITHOUT, "curves": {"policy": ["NistP256"]}, "origin": "local_gpo", "registry": OTHERS}
CASES: dict[str, tuple[dict[str, t.Any], dict[str, t.Any]]] = {
    "local policy": (LOCAL_GPO, ORDER),
    "direct value": ({"policy": WITHOUT, "origin": "direct"}, ORDER),
    "local list": ({"local": WITHOUT.split(",")}, REARRANGED),
    "switches": ({}, SWITCHES),
    "switch that is a text": ({"registry": {AES_256: {"Enabled": "0"}}}, {"ciphers": {"AES 256/256": "enabled"}}),
}
LABEL = Label("pc", "run", "token")


def steps_of(pc: NearWindows | Windows, wanted: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    facts = collect(pc.session, "pc", now())
    if {"suites", "ensure", "remove", "state"} & set(wanted):
        return wanted_order(facts, parse_order_options(wanted)).steps
    return wanted_switches(facts, parse_switch_options(wanted)).steps


def always(_seconds: float) -> bool:
    return True


def never(_seconds: float) -> bool:
    return False


def transaction(endpoint: t.Any, results: Path, wait: t.Callable[[float], bool] = never) -> Transaction:
    def work(left: t.Callable[[float], bool]) -> EndpointWork:
        return EndpointWork(endpoint, WindowsFolders(), left)

    return Transaction(endpoint, work, BeforeImageStore(results), LABEL, wait, wait_undoing=wait)


def comparable(dump: dict[str, t.Any]) -> dict[str, t.Any]:
    """The registry and the local policy without gpt.ini, whose version counts on; and what a write has left behind."""
    files = {
        path: content
        for path, content in dump["files"].items()
        if path.lower().endswith((".pol", ".tmp")) and "\\ProgramData\\" not in path
    }
    return {"registry": dump["registry"], "files": files}


def is_restored(results: Path) -> bool:
    return BeforeImageStore(results).unrestored("pc") == []


@pytest.mark.parametrize("name", CASES)
def test_a_change_that_works_leaves_an_image_a_copy_and_a_note(windows: Fresh, tmp_path: Path, name: str) -> None:
    mapping, wanted = CASES[name]
    pc = windows(**mapping)
    done = transaction(pc.endpoint, tmp_path)
    done.make(steps_of(pc, wanted))
    assert (done.changed, done.undone, done.image_on_endpoint) == (True, None, True)
    (image,) = BeforeImageStore(tmp_path).unrestored("pc")
    assert done.image == image
    copy = pc.file(f"C:\\ProgramData\\fleetops.tetra\\{image.id}.json")
    assert copy is not None
    assert json.loads(copy) == image.as_dict()
    assert pc.value(OUR_KEY, CHANGED_AT) is not None
    assert steps_of(pc, wanted) == [], "there is nothing left to do"
    assert pc.unmatched == []


def test_without_a_before_image_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file where the folder should be", encoding="utf-8")
    pc = NearWindows(**LOCAL_GPO)
    steps, before = steps_of(pc, ORDER), pc.dump()
    with pytest.raises(BeforeImageError):
        transaction(pc.endpoint, tmp_path).make(steps)
    assert pc.dump() == before


@pytest.mark.parametrize(
    ("mapping", "wanted", "code"),
    [
        # The second of three keys may not be written.
        ({"write_denied": [AES_256]}, SWITCHES, "not_writable"),
        ({**LOCAL_GPO, "refresh": "ignored"}, ORDER, "refresh_did_not_take"),
        ({**LOCAL_GPO, "denied_files": [GPT_INI]}, ORDER, "not_writable"),
        ({"policy": WITHOUT, "write_denied": [POLICY_KEY]}, ORDER, "not_writable"),
        ({"local": WITHOUT.split(","), "write_denied": [LOCAL_KEY]}, REARRANGED, "not_writable"),
    ],
)
def test_after_an_error_half_way_the_endpoint_is_as_before(
    tmp_path: Path, mapping: dict[str, t.Any], wanted: dict[str, t.Any], code: str
) -> None:
    pc = NearWindows(**mapping)
    steps, before = steps_of(pc, wanted), pc.dump()
    failed = transaction(pc.endpoint, tmp_path)
    with pytest.raises(ChangeError) as caught:
        failed.make(steps)
    assert caught.value.code == code
    assert comparable(pc.dump()) == comparable(before)
    assert not failed.changed
    assert is_restored(tmp_path)


@pytest.mark.parametrize("free", range(0, 1400, 100))
def test_a_disk_that_fills_up_anywhere_leaves_the_old_policy_or_the_new_one(tmp_path: Path, free: int) -> None:
    pc = NearWindows(**LOCAL_GPO, free_bytes=free)
    steps, before = steps_of(pc, ORDER), pc.dump()
    attempt = transaction(pc.endpoint, tmp_path)
    try:
        attempt.make(steps)
    except ChangeError:
        assert comparable(pc.dump()) == comparable(before)
        assert not attempt.changed
    else:
        assert attempt.changed
        assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, f"{NEW},{WITHOUT}")
    assert not [path for path in pc.dump()["files"] if path.endswith(".tmp")]


def test_a_disk_without_room_for_the_copy_does_not_stop_the_change(tmp_path: Path) -> None:
    pc = NearWindows(policy=WITHOUT, free_bytes=0)
    done = transaction(pc.endpoint, tmp_path)
    done.make(steps_of(pc, ORDER))
    assert (done.changed, done.image_on_endpoint) == (True, False)


def test_what_somebody_changes_between_is_kept_and_counts_as_changed(tmp_path: Path) -> None:
    pc = NearWindows(write_denied=[AES_256])
    steps = steps_of(pc, SWITCHES)

    def meddle(_name: str, parameters: dict[str | None, t.Any]) -> bool:
        arguments = parameters.get("Arguments") or {}
        if parameters.get("MethodName") == "CreateKey" and arguments["sSubKeyName"].endswith("AES 256/256"):
            pc.state.registry.set(AES_128, "Enabled", Value(SZ, "theirs"))
        return False

    failed = transaction(Breaking(pc, meddle, after=False), tmp_path)
    with pytest.raises(NotWritable):
        failed.make(steps)
    assert {one["outcome"] for one in failed.undone or [] if one["path"] == AES_128} == {KEPT}
    assert pc.value(AES_128, "Enabled") == Value(SZ, "theirs")
    assert failed.changed
    assert not is_restored(tmp_path)


class TaskTimeout(BaseException):
    """As Ansible's own, which is no Exception either."""


@pytest.mark.parametrize("alarm", [DeadlineExceeded, TaskTimeout, KeyboardInterrupt, GptIniError, MemoryError])
@pytest.mark.parametrize("name", CASES)
def test_whatever_ends_a_change_after_any_write_undoes_it(
    tmp_path: Path, name: str, alarm: type[BaseException]
) -> None:
    mapping, wanted = CASES[name]
    counting: list[str] = []
    pc = NearWindows(**mapping)
    steps = steps_of(pc, wanted)
    transaction(Breaking(pc, lambda one, _given: bool(counting.append(one)), False), tmp_path / "all").make(steps)
    begun = 0
    for number in [number for number, one in enumerate(counting) if one in WRITES]:
        pc = NearWindows(**mapping)
        before = comparable(pc.dump())
        asked = iter(range(10_000))
        late = Late(pc, lambda _one, asked=asked, number=number: next(asked) == number, alarm)
        ended = transaction(late, tmp_path / str(number))
        with pytest.raises(alarm):
            ended.make(steps)
        assert comparable(pc.dump()) == before, number
        begun += ended.begun
        assert (ended.changed, is_restored(tmp_path / str(number)) or not ended.begun) == (False, True)
    assert begun >= 2, "the note and at least one value"


WRITES = {
    "Set-ItemProperty",
    "Invoke-CimMethod",
    "Move-Item",
    "Enable-TlsCipherSuite",
    "Disable-TlsCipherSuite",
    "C:\\Windows\\System32\\gpupdate.exe",
}


def test_an_alarm_of_the_task_does_not_ring_while_a_change_is_put_back() -> None:
    with pytest.raises(DeadlineExceeded), deadline(0.2):
        with own_time(5.0):
            time.sleep(0.4)
        done = True
        time.sleep(5.0)
    assert done


# Connections that break ----------------------------------------------------------------------------------------------


class AtQuestion:
    """Picks one question by its number, 0 first."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked = 0

    def __call__(self, _name: str, _parameters: dict[str | None, t.Any]) -> bool:
        self.asked += 1
        return self.asked > self.number


def undisturbed(name: str, results: Path) -> tuple[list[dict[str, t.Any]], dict[str, t.Any], dict[str, t.Any], int]:
    """Steps, state before, state after, and how many commands a change takes that nothing disturbs."""
    mapping, wanted = CASES[name]
    pc = NearWindows(**mapping)
    steps, before, counting = steps_of(pc, wanted), pc.dump(), AtQuestion(1_000_000)
    transaction(Breaking(pc, counting, after=False), results).make(steps)
    assert steps_of(pc, wanted) == []
    return steps, comparable(before), comparable(pc.dump()), counting.asked


def without_note(dump: dict[str, t.Any]) -> dict[str, t.Any]:
    return {**dump, "registry": {path: values for path, values in dump["registry"].items() if path != OUR_KEY}}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_connection_that_breaks_once_anywhere_costs_nothing(tmp_path: Path, name: str, after: bool) -> None:
    steps, before, wanted, questions = undisturbed(name, tmp_path / "undisturbed")
    for number in range(int(after), questions, 2):
        pc = NearWindows(**CASES[name][0])
        attempt = transaction(Breaking(pc, AtQuestion(number), after), tmp_path / str(number), always)
        try:
            attempt.make(steps)
        except SessionError:
            assert not attempt.begun, "only before the first write is one break the end of it"
            assert without_note(comparable(pc.dump())) == before
        else:
            assert without_note(comparable(pc.dump())) == without_note(wanted)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_after_a_connection_that_is_lost_for_good_anywhere_the_image_puts_everything_back(
    tmp_path: Path, name: str, after: bool
) -> None:
    """As after a controller that was killed: what stands on the endpoint is known from the before-image alone."""
    steps, before, _wanted, questions = undisturbed(name, tmp_path / "undisturbed")
    for number in range(int(after), questions, 2):
        pc = NearWindows(**CASES[name][0])
        lost = Breaking(pc, AtQuestion(number), after, times=1_000_000)
        attempt = transaction(lost, tmp_path / str(number), always)
        with pytest.raises(SessionError):
            attempt.make(steps)
        assert attempt.undone is None
        for image in BeforeImageStore(tmp_path / str(number)).unrestored("pc"):
            told = ChangeSet(pc.session, never).undo(image.items)
            assert KEPT not in {one["outcome"] for one in told}
        ChangeSet(pc.session, never).forget_change()
        assert comparable(pc.dump()) == before


def test_registry_pol_is_whole_at_every_moment(tmp_path: Path) -> None:
    pc = NearWindows(**LOCAL_GPO)
    steps, old = steps_of(pc, ORDER), pc.file(REGISTRY_POL)
    seen: list[bytes | None] = []

    def look(_name: str, _parameters: dict[str | None, t.Any]) -> bool:
        seen.append(pc.file(REGISTRY_POL))
        return False

    transaction(Breaking(pc, look, after=False), tmp_path).make(steps)
    new = pc.file(REGISTRY_POL)
    assert list(dict.fromkeys(seen)) == [old, new]


@pytest.mark.parametrize("name", CASES)
def test_a_before_image_is_what_the_documents_say(tmp_path: Path, checkout: Path, name: str) -> None:
    mapping, wanted = CASES[name]
    pc = NearWindows(**mapping)
    transaction(pc.endpoint, tmp_path).make(steps_of(pc, wanted))
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in (checkout / "docs" / "schemas").glob("*.json")]
    registry = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas
    )
    schema = next(one for one in schemas if one["$id"].endswith("/before-image-1.json"))
    (image,) = BeforeImageStore(tmp_path).unrestored("pc")
    jsonschema.Draft202012Validator(schema, registry=registry).validate(image.as_dict())


# Whatever is wanted ---------------------------------------------------------------------------------------------------

OTHER_VARIANTS = {
    "batch_after_error": "stops",
    "get_content_bytes": "single_bytes",
    "stdregprov_missing_code": "2",
    "empty_key_itemproperty": "object",
    "cmdlet_shows_policy": "after_reboot",
    "suite_cmdlets_with_policy": "error",
}


@pytest.mark.parametrize("name", CASES)
def test_a_windows_that_behaves_otherwise_is_changed_and_put_back_just_so(tmp_path: Path, name: str) -> None:
    mapping, wanted = CASES[name]
    # Without any GPO in RSoP nobody can say who wrote a value directly.
    more = {} if name == "direct value" else {"local_gpo_in_rsop": "missing"}
    pc = NearWindows(**mapping, behaviours={**OTHER_VARIANTS, **more}, language="ko-KR")
    before = comparable(pc.dump())
    transaction(pc.endpoint, tmp_path).make(steps_of(pc, wanted))
    assert steps_of(pc, wanted) == []
    (image,) = BeforeImageStore(tmp_path).unrestored("pc")
    assert {one["outcome"] for one in ChangeSet(pc.session, never).undo(image.items)} == {RESTORED}
    assert without_note(comparable(pc.dump())) == before
    assert pc.unmatched == []


SUITES = st.lists(
    st.sampled_from(
        [NEW, *WITHOUT.split(","), "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_256_CBC_SHA"]
    ),
    unique=True,
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=st.none() | SUITES,
    origin=st.sampled_from(["direct", "local_gpo"]),
    local=SUITES,
    wanted=st.one_of(
        st.fixed_dictionaries({"suites": SUITES}),
        st.fixed_dictionaries({"ensure": SUITES, "position": st.sampled_from(["front", "end"])}),
        st.fixed_dictionaries({"remove": SUITES}),
        st.just({"state": "not_configured"}),
        st.fixed_dictionaries({"where": st.just("policy"), "suites": SUITES}),
    ),
)
def test_any_list_is_reached_in_one_step_and_left_again_without_a_trace(
    tmp_path: Path, policy: list[str] | None, origin: str, local: list[str], wanted: dict[str, t.Any]
) -> None:
    mapping: dict[str, t.Any] = {"local": local, "registry": OTHERS}
    if policy is not None:
        mapping.update(policy=",".join(policy), origin=origin, curves={"policy": ["NistP384", "NistP256"]})
    pc = NearWindows(**mapping)
    before = comparable(pc.dump())
    try:
        steps = steps_of(pc, wanted)
    except Refused:
        assert comparable(pc.dump()) == before
        return
    if not steps:
        return
    done = transaction(pc.endpoint, tmp_path)
    done.make(steps)
    assert steps_of(pc, wanted) == []
    assert done.image is not None
    ChangeSet(pc.session, never).undo(done.image.items)
    assert without_note(comparable(pc.dump())) == before
