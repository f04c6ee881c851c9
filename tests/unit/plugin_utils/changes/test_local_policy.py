# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local group policy of an endpoint: one value changes, the editor would show the same, the registry follows."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine.group_policy import GPT_INI, REGISTRY_POL
from ansible_collections.fleetops.tetra.lab.machine.policy_file import read_registry_pol
from ansible_collections.fleetops.tetra.lab.machine.registry import MULTI_SZ, SZ, Value
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CURVES_VALUE,
    POLICY_KEY,
    SUITES_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import SSL_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.local_policy import (
    ALREADY,
    RESTORED,
    LocalPolicy,
    file_content,
    value_in,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry, State
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Fresh, Windows

OLD = "TLS_RSA_WITH_AES_128_CBC_SHA"
NEW = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA"
WANTED: State = {"status": "ok", "type": "REG_SZ", "data": NEW}
GONE: State = {"status": "absent", "type": None, "data": None}
TEMPORARIES = (f"{REGISTRY_POL}.fleetops-tetra.tmp", f"{GPT_INI}.fleetops-tetra.tmp")


def never(_seconds: float) -> bool:
    return False


def entries(pc: Windows) -> list[tuple[str, str, int, bytes]]:
    """What the policy editor would read, by the lab's own reader."""
    content = pc.file(REGISTRY_POL)
    assert content is not None
    return [(entry.key, entry.value_name, entry.type, entry.data) for entry in read_registry_pol(content)]


def version(pc: Windows) -> int:
    found = re.search(rb"Version=(\d+)", pc.file(GPT_INI) or b"")
    return int(found[1]) if found else 0


def change(pc: Windows, wanted: State | None = None, name: str = SUITES_VALUE) -> list[dict[str, t.Any]]:
    policy, wanted = LocalPolicy(pc.session), wanted or WANTED
    items = policy.items({name: wanted})
    policy.write(items)
    policy.refresh()
    policy.follow(RemoteRegistry(pc.session), POLICY_KEY, name, wanted, never)
    return items


def test_one_value_changes_and_all_others_stay_byte_for_byte(windows: Fresh) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP384", "NistP256"]}, origin="local_gpo")
    before, counted = entries(pc), version(pc)
    change(pc)
    after = entries(pc)
    data = f"{NEW}\0".encode("utf-16-le")
    assert after == [(*entry[:3], data) if entry[1] == SUITES_VALUE else entry for entry in before]
    assert version(pc) == counted + 1
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, NEW)
    assert pc.value(POLICY_KEY, CURVES_VALUE) == Value(MULTI_SZ, ("NistP384", "NistP256"))
    assert pc.unmatched == []


def test_a_local_policy_is_made_where_there_is_none(windows: Fresh) -> None:
    pc = windows()
    assert not pc.state.files.is_folder(r"C:\Windows\System32\GroupPolicy\Machine")
    change(pc)
    assert [(entry[1], entry[3]) for entry in entries(pc)] == [(SUITES_VALUE, f"{NEW}\0".encode("utf-16-le"))]
    assert version(pc) == 1
    assert b"{35378EAC-683F-11D2-A89A-00C04FBBCFA2}" in (pc.file(GPT_INI) or b"")
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, NEW)


def test_a_value_that_is_taken_away_leaves_the_registry(windows: Fresh) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP256"]}, origin="local_gpo")
    change(pc, GONE)
    assert SUITES_VALUE not in [entry[1] for entry in entries(pc)]
    assert pc.value(POLICY_KEY, SUITES_VALUE) is None
    assert pc.value(POLICY_KEY, CURVES_VALUE) == Value(MULTI_SZ, ("NistP256",))


def test_a_disabled_policy_can_be_enabled(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin={"kind": "local_gpo", "deleted": True})
    assert f"**del.{SUITES_VALUE}" in [entry[1] for entry in entries(pc)]
    change(pc)
    names = [entry[1] for entry in entries(pc)]
    assert names.count(SUITES_VALUE) == 1
    assert f"**del.{SUITES_VALUE}" not in names
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, NEW)


def test_curves_are_a_list_of_texts(windows: Fresh) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP384"]}, origin="local_gpo")
    wanted = {"status": "ok", "type": "REG_MULTI_SZ", "data": ["NistP256", "NistP384"]}
    change(pc, wanted, CURVES_VALUE)
    assert pc.value(POLICY_KEY, CURVES_VALUE) == Value(MULTI_SZ, ("NistP256", "NistP384"))
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, OLD)


@pytest.mark.parametrize("damaged", [b"", b"PReg\x01\x00\x00\x00[\x00", b"no policy file", b"PReg\x02\x00\x00\x00"])
def test_a_damaged_policy_file_is_left_as_it_is(windows: Fresh, damaged: bytes) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    pc.state.files.write(REGISTRY_POL, damaged, pc.state.now())
    if not damaged:
        # An empty file is what a crash of Windows leaves: nothing is lost with it.
        change(pc)
        assert len(entries(pc)) == 1
        return
    before = pc.dump()
    with pytest.raises(ChangeError, match="is damaged and was left as it is"):
        LocalPolicy(pc.session).items({SUITES_VALUE: WANTED})
    assert pc.dump() == before


def test_a_damaged_gpt_ini_is_left_as_it_is(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    pc.state.files.write(GPT_INI, b"[General]\r\nVersion=many\r\n", pc.state.now())
    with pytest.raises(ChangeError, match="cannot be changed safely"):
        LocalPolicy(pc.session).items({SUITES_VALUE: WANTED})


def test_a_refresh_that_does_not_take_is_told_and_ends(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo", refresh="ignored")
    policy = LocalPolicy(pc.session)
    policy.write(policy.items({SUITES_VALUE: WANTED}))
    policy.refresh()
    waited: list[float] = []

    def patient(seconds: float) -> bool:
        waited.append(seconds)
        return True

    with pytest.raises(ChangeError) as caught:
        policy.follow(RemoteRegistry(pc.session), POLICY_KEY, SUITES_VALUE, WANTED, patient)
    assert caught.value.code == "refresh_did_not_take"
    assert sum(waited) == 60, "gpupdate has waited before; nobody waits for hours"


def test_a_refresh_that_takes_a_moment_is_waited_for(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo", refresh="ignored")
    policy = LocalPolicy(pc.session)
    policy.write(policy.items({SUITES_VALUE: WANTED}))

    def soon(_seconds: float) -> bool:
        pc.state.registry.set(POLICY_KEY, SUITES_VALUE, Value(SZ, NEW))
        return True

    policy.follow(RemoteRegistry(pc.session), POLICY_KEY, SUITES_VALUE, WANTED, soon)


def test_where_gpupdate_cannot_be_run_that_is_said(windows: Fresh) -> None:
    pc = windows()
    with pytest.raises(ChangeError, match="the policy was not refreshed"):
        LocalPolicy(pc.session, r"D:\Nowhere").refresh()


@pytest.mark.parametrize("free", [0, 40])
def test_a_full_disk_leaves_the_policy_as_it_was(windows: Fresh, free: int) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP256"]}, origin="local_gpo", free_bytes=free)
    before = pc.dump()
    with pytest.raises(ChangeError, match="could not be written"):
        change(pc)
    assert pc.dump() == before


def test_without_the_right_to_write_nothing_is_touched(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo", account="filtered")
    before = pc.dump()
    with pytest.raises(NotWritable):
        change(pc)
    assert pc.dump() == before


# Undoing --------------------------------------------------------------------------------------------------------------


def undo(pc: Windows, items: list[dict[str, t.Any]], name: str = SUITES_VALUE) -> bool:
    policy = LocalPolicy(pc.session)
    pol = next(item for item in items if item["path"] == REGISTRY_POL)
    done = policy.undo(pol, [name])
    policy.refresh()
    return done


def test_undoing_puts_the_file_back_and_counts_on(windows: Fresh) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP256"]}, origin="local_gpo")
    content, counted = pc.file(REGISTRY_POL), version(pc)
    items = change(pc)
    assert undo(pc, items)
    assert pc.file(REGISTRY_POL) == content
    assert version(pc) == counted + 2, "Windows processes the file only for another version"
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, OLD)


def test_undoing_takes_a_policy_away_that_was_not_there(windows: Fresh) -> None:
    pc = windows()
    items = change(pc)
    assert undo(pc, items)
    assert pc.file(REGISTRY_POL) is None
    assert pc.value(POLICY_KEY, SUITES_VALUE) is None


def test_other_settings_made_meanwhile_stay_when_ours_is_undone(windows: Fresh) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP256"]}, origin="local_gpo")
    items = change(pc)
    change(pc, {"status": "ok", "type": "REG_MULTI_SZ", "data": ["NistP384"]}, CURVES_VALUE)
    assert undo(pc, items)
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, OLD)
    assert pc.value(POLICY_KEY, CURVES_VALUE) == Value(MULTI_SZ, ("NistP384",))


def test_a_list_that_somebody_has_set_since_is_left_alone(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    items = change(pc)
    theirs = {"status": "ok", "type": "REG_SZ", "data": "TLS_RSA_WITH_AES_256_CBC_SHA"}
    change(pc, theirs)
    before = pc.dump()
    assert not undo(pc, items)
    assert pc.dump() == before


def test_undoing_twice_changes_nothing_more(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    items = change(pc)
    undo(pc, items)
    before = pc.dump()
    assert undo(pc, items)
    assert pc.dump() == before


def test_temporary_files_are_taken_away(windows: Fresh) -> None:
    pc = windows()
    for path in TEMPORARIES:
        pc.state.files.write(path, b"half", pc.state.now())
    LocalPolicy(pc.session).tidy()
    assert [pc.file(path) for path in TEMPORARIES] == [None, None]


def test_what_a_policy_file_makes_of_a_value(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    assert value_in(pc.file(REGISTRY_POL), REGISTRY_POL, "functions") == {**WANTED, "data": OLD}
    assert value_in(pc.file(REGISTRY_POL), REGISTRY_POL, CURVES_VALUE) == GONE
    assert value_in(None, REGISTRY_POL, SUITES_VALUE) == GONE
    disabled = windows(policy=OLD, origin={"kind": "local_gpo", "deleted": True})
    assert value_in(disabled.file(REGISTRY_POL), REGISTRY_POL, SUITES_VALUE) == GONE


@pytest.mark.parametrize("undoing", [False, True])
def test_a_policy_file_that_went_missing_while_it_was_replaced_is_put_back(windows: Fresh, undoing: bool) -> None:
    """Move-Item takes the old file away before it moves the new one; here the power failed in between."""
    pc = windows(policy=OLD, curves={"policy": ["NistP256"]}, origin="local_gpo")
    old = pc.file(REGISTRY_POL)
    policy = LocalPolicy(pc.session)
    items = policy.items({SUITES_VALUE: WANTED}) if not undoing else change(pc)
    new = file_content(items[0]["after"])
    assert old is not None
    assert new is not None
    pc.state.files.remove(REGISTRY_POL)
    pc.state.files.write(TEMPORARIES[0], old if undoing else new, pc.state.now())
    with pytest.raises(ChangeError) as caught:
        policy.items({SUITES_VALUE: WANTED})
    assert caught.value.code == "interrupted"
    assert policy.foresee(items[0], [SUITES_VALUE], lambda: True) == RESTORED
    assert undo(pc, items)
    assert (pc.file(REGISTRY_POL), pc.file(TEMPORARIES[0])) == (old, None)
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, OLD)


@pytest.mark.parametrize("left", [None, b"half of it"])
def test_a_policy_file_that_somebody_has_deleted_is_not_brought_back(windows: Fresh, left: bytes | None) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    items = change(pc)
    pc.state.files.remove(REGISTRY_POL)
    if left is not None:
        pc.state.files.write(TEMPORARIES[0], left, pc.state.now())
    assert not undo(pc, items)
    assert pc.file(REGISTRY_POL) is None


def test_an_undoing_that_was_interrupted_while_others_had_settings_in_the_file_is_finished(windows: Fresh) -> None:
    """Their settings stand in the temporary file only."""
    pc = windows(policy=OLD, origin="local_gpo")
    items = change(pc)
    change(pc, {"status": "ok", "type": "REG_MULTI_SZ", "data": ["NistP384"]}, CURVES_VALUE)
    policy = LocalPolicy(pc.session)
    unfinished = registry_pol.parse(pc.file(REGISTRY_POL) or b"")
    unfinished = registry_pol.replace(unfinished, SSL_KEY, SUITES_VALUE, 1, registry_pol.sz(OLD))
    pc.state.files.remove(REGISTRY_POL)
    pc.state.files.write(TEMPORARIES[0], unfinished.serialise(), pc.state.now())
    policy.tidy_after(items[0])
    assert policy.foresee(items[0], [SUITES_VALUE], lambda: True) == RESTORED
    counted = version(pc)
    assert undo(pc, items)
    assert version(pc) > counted
    assert (pc.file(REGISTRY_POL), pc.file(TEMPORARIES[0])) == (unfinished.serialise(), None)
    assert pc.value(POLICY_KEY, SUITES_VALUE) == Value(SZ, OLD)
    assert pc.value(POLICY_KEY, CURVES_VALUE) == Value(MULTI_SZ, ("NistP384",))
    assert policy.foresee(items[0], [SUITES_VALUE], lambda: True) == ALREADY


@pytest.mark.parametrize("half", [False, True])
def test_a_temporary_file_of_a_policy_that_was_never_made_is_taken_away(windows: Fresh, half: bool) -> None:
    pc = windows()
    policy = LocalPolicy(pc.session)
    items = policy.items({SUITES_VALUE: WANTED})
    new = file_content(items[0]["after"])
    assert new is not None
    pc.state.files.write(TEMPORARIES[0], new[: len(new) // 2] if half else new, pc.state.now())
    assert policy.foresee(items[0], [SUITES_VALUE], lambda: True) == ALREADY
    policy.tidy_after(items[0])
    assert (pc.file(REGISTRY_POL), pc.file(TEMPORARIES[0])) == (None, None)


def test_what_an_editor_saved_between_the_look_and_the_write_is_not_overwritten(windows: Fresh) -> None:
    pc = windows(policy=OLD, curves={"policy": ["NistP256"]}, origin="local_gpo")
    policy = LocalPolicy(pc.session)
    items = policy.items({SUITES_VALUE: WANTED})
    change(pc, {"status": "ok", "type": "REG_MULTI_SZ", "data": ["NistP384"]}, CURVES_VALUE)
    theirs, counted = pc.file(REGISTRY_POL), version(pc)
    with pytest.raises(ChangeError) as caught:
        policy.write(items)
    assert caught.value.code == "changed_meanwhile"
    assert (pc.file(REGISTRY_POL), version(pc), pc.file(TEMPORARIES[0])) == (theirs, counted, None)
    assert policy.foresee(items[0], [SUITES_VALUE], lambda: True) == ALREADY
    assert undo(pc, items)
    assert (pc.file(REGISTRY_POL), version(pc)) == (theirs, counted), "there is nothing of ours to undo"


def test_a_version_that_somebody_counted_on_is_counted_on_from_there(windows: Fresh) -> None:
    pc = windows(policy=OLD, origin="local_gpo")
    policy = LocalPolicy(pc.session)
    items = policy.items({SUITES_VALUE: WANTED})
    counted = version(pc)
    ini = pc.file(GPT_INI)
    assert ini is not None
    raised = ini.replace(b"Version=%d" % counted, b"Version=%d" % (counted + 0x10001))
    pc.state.files.write(GPT_INI, raised, pc.state.now())
    policy.write(items)
    assert version(pc) == counted + 0x10002
