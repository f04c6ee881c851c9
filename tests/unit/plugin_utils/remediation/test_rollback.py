# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolling a simulated endpoint back over the wire: exactly what stood there, and nothing that is not ours."""

from __future__ import annotations

import base64
import fcntl
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.running import RunningFleet
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CHANGED_AT,
    OUR_KEY,
    POLICY_KEY,
    SCHANNEL_KEY,
    WINHTTP_KEY,
    WINHTTP_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import GPT_INI, MACHINE_POL
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageError,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ALREADY, KEPT, RESTORED
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import RestartOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import Guard
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.rollback import (
    Outcome,
    Rollback,
    RollbackError,
    RollbackOptions,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.rollback_task import sentence_of
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NAME, Breaking, Fresh, Windows

WITHOUT_THE_FOUR = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
COPIES = "C:\\ProgramData\\fleetops.tetra"
AES128 = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Ciphers\AES 128/128"
KINDS: dict[str, dict[str, t.Any]] = {
    "direct": {"policy": WITHOUT_THE_FOUR, "origin": "direct"},
    "other-type": {"policy": {"type": "REG_EXPAND_SZ", "data": WITHOUT_THE_FOUR}, "origin": "direct"},
    "local-gpo": {"policy": WITHOUT_THE_FOUR, "origin": "local_gpo", "curves": {"policy": ["NistP384", "NistP256"]}},
    "local-list": {"local": ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "TLS_RSA_WITH_AES_128_CBC_SHA"]},
    "switches": {
        "schannel": {
            "Protocols\\TLS 1.2\\Client": {"Enabled": 0, "DisabledByDefault": 1},
            "Ciphers\\AES 128/128": {"Enabled": 0},
            "Ciphers\\AES 256/256": {"Enabled": 0},
        }
    },
}


WITHOUT_TLS12: dict[str, t.Any] = {
    "release": "7_2008r2",
    "kind": "server",
    "powershell": "5.1",
    "registry": {WINHTTP_KEY: {WINHTTP_VALUE: 0xA80}},
}
"""TLS 1.2 is off by default, and its values are absent; WinHTTP would use it."""


@pytest.fixture
def usual() -> dict[str, object]:
    return {"boot_seconds": 0.3}


def change(windows: Windows, results: Path, run_id: str = "run", **options: t.Any) -> BeforeImage:
    """Changes the endpoint as a cure does."""
    facts = collect(windows.session, NAME, now())
    steps = planning.plan(facts, evaluate(facts), options)["steps"]
    store = BeforeImageStore(results)
    folders = read_folders(windows.session)
    transaction = Transaction(
        windows.endpoint,
        lambda wait: EndpointWork(windows.endpoint, folders, wait),
        store,
        Label(NAME, run_id, "token"),
        Countdown(20),
    )
    transaction.make(steps)
    assert transaction.image is not None and steps
    return transaction.image


def roll_back(windows: Windows, results: Path, endpoint: t.Any = None, **options: t.Any) -> Outcome:
    rollback = Rollback(endpoint or windows.endpoint, results, NAME, RollbackOptions(**{"deadline": 20.0, **options}))
    rollback.run()
    assert windows.unmatched == []
    return rollback.outcome


def outcomes(outcome: Outcome) -> list[str]:
    return [item["outcome"] for item in outcome.items]


def state(windows: Windows) -> dict[str, t.Any]:
    """Everything but the version of gpt.ini, which counts on, and the archive that Windows writes at each refresh."""
    dump = windows.state.dump()
    files = {path: data for path, data in dump["files"].items() if path not in (GPT_INI, r"C:\ProgramData\ntuser.pol")}
    return {"registry": dump["registry"], "files": files}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_as_it_was_and_a_second_rollback_changes_nothing(
    windows: Fresh, tmp_path: Path, kind: str
) -> None:
    endpoint = windows(**KINDS[kind])
    before = state(endpoint)
    image = change(endpoint, tmp_path)
    changed = state(endpoint)
    assert changed != before

    foreseen = roll_back(endpoint, tmp_path, check_only=True)
    assert state(endpoint) == changed
    assert (foreseen.changed, set(outcomes(foreseen))) == (True, {RESTORED})

    outcome = roll_back(endpoint, tmp_path)
    assert state(endpoint) == before
    assert (outcome.changed, outcome.needs_reboot, outcome.rebooted) == (True, True, False)
    assert outcome.items == foreseen.items
    assert [one["id"] for one in outcome.images] == [image.id]
    assert "put back. It counts after the next restart." in sentence_of(outcome)

    asked = endpoint.endpoint.pipelines
    again = roll_back(endpoint, tmp_path)
    assert (again.changed, again.needs_reboot, again.items) == (False, False, [])
    assert sentence_of(again) == "Nothing to restore."
    assert endpoint.endpoint.pipelines == asked


def test_a_value_that_was_absent_is_absent_again(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**WITHOUT_TLS12)
    before = state(endpoint)
    image = change(endpoint, tmp_path)
    assert [item["before"]["status"] for item in image.items] == ["absent", "absent"]
    roll_back(endpoint, tmp_path)
    assert [endpoint.value(item["path"], item["name"]) for item in image.items] == [None, None]
    assert state(endpoint) == before


def test_keys_that_a_killed_cure_made_without_their_values_go_too(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**WITHOUT_TLS12)
    before = state(endpoint)
    image = change(endpoint, tmp_path)
    for item in image.items:
        endpoint.state.registry.remove_value(item["path"], item["name"])
    assert state(endpoint) != before
    assert outcomes(roll_back(endpoint, tmp_path)) == [ALREADY, ALREADY]
    assert state(endpoint) == before


def test_a_temporary_file_that_a_killed_cure_left_goes_too(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["local-gpo"])
    before, old = state(endpoint), endpoint.file(MACHINE_POL)
    change(endpoint, tmp_path)
    new = endpoint.file(MACHINE_POL)
    assert old is not None and new is not None
    for path, content in ((MACHINE_POL, old), (f"{MACHINE_POL}.fleetops-tetra.tmp", new)):
        endpoint.state.files.write(path, content, endpoint.state.now())
    endpoint.state.registry.set(POLICY_KEY, "Functions", Value(1, WITHOUT_THE_FOUR))
    assert outcomes(roll_back(endpoint, tmp_path)) == [ALREADY]
    assert state(endpoint) == before


def test_what_somebody_changed_since_is_kept_and_told_each_time(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"], **KINDS["switches"])
    change(endpoint, tmp_path)
    theirs = Value(1, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    endpoint.state.registry.set(POLICY_KEY, "Functions", theirs)
    outcome = roll_back(endpoint, tmp_path)
    assert endpoint.value(POLICY_KEY, "Functions") == theirs
    assert endpoint.value(AES128, "Enabled") == Value(4, 0)
    assert [item["outcome"] for item in outcome.items if item["path"] == POLICY_KEY] == [KEPT]
    assert f"Changed by somebody since, and left so: {POLICY_KEY}\\Functions." in sentence_of(outcome)
    again = roll_back(endpoint, tmp_path)
    assert (again.changed, set(outcomes(again))) == (False, {KEPT, ALREADY})


def test_a_setting_of_another_in_the_same_policy_file_survives(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["local-gpo"])
    before = registry_pol.parse(endpoint.file(MACHINE_POL) or b"")
    change(endpoint, tmp_path)
    theirs = registry_pol.replace(
        registry_pol.parse(endpoint.file(MACHINE_POL) or b""), "Software\\X", "v", 1, registry_pol.sz("y")
    )
    endpoint.state.files.write(MACHINE_POL, theirs.serialise(), endpoint.state.now())
    roll_back(endpoint, tmp_path)
    after = registry_pol.parse(endpoint.file(MACHINE_POL) or b"")
    assert registry_pol.delete(after, "Software\\X", "v").entries == before.entries
    assert registry_pol.find(after, "Software\\X", "v") is not None
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, WITHOUT_THE_FOUR)


def test_several_changes_are_undone_newest_first_and_check_mode_foresees_it(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    first = change(endpoint, tmp_path, "one")
    # A later run found the endpoint wrong again.
    endpoint.state.registry.set(POLICY_KEY, "Functions", Value(1, "TLS_RSA_WITH_AES_128_CBC_SHA"))
    second = change(endpoint, tmp_path, "two")
    foreseen = roll_back(endpoint, tmp_path, check_only=True)
    assert outcomes(foreseen) == [RESTORED, KEPT]
    outcome = roll_back(endpoint, tmp_path)
    assert [item["image"] for item in outcome.items] == [second.id, first.id]
    assert outcomes(outcome) == outcomes(foreseen)
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, "TLS_RSA_WITH_AES_128_CBC_SHA")


def test_a_chain_of_changes_is_undone_to_its_beginning(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    before = state(endpoint)
    folders = read_folders(endpoint.session)
    value: dict[str, t.Any] = {"status": "ok", "type": "REG_SZ", "data": WITHOUT_THE_FOUR}
    for number in range(3):
        after = {**value, "data": f"{value['data']},TLS_{number}"}
        step = {
            "action": "set_value",
            "target": "policy_registry",
            "path": POLICY_KEY,
            "name": "Functions",
            "before": value,
            "after": after,
        }
        Transaction(
            endpoint.endpoint,
            lambda wait: EndpointWork(endpoint.endpoint, folders, wait),
            BeforeImageStore(tmp_path),
            Label(NAME, f"{number}", "t"),
            Countdown(20),
        ).make([step])
        value = after
    foreseen = roll_back(endpoint, tmp_path, check_only=True)
    outcome = roll_back(endpoint, tmp_path)
    assert outcomes(outcome) == outcomes(foreseen) == [RESTORED] * 3
    assert [item["present"] for item in outcome.items] == [item["present"] for item in foreseen.items]
    assert state(endpoint) == before


def test_only_the_run_that_was_named(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    change(endpoint, tmp_path, "tonight")
    assert roll_back(endpoint, tmp_path, run_id="yesterday").items == []
    assert outcomes(roll_back(endpoint, tmp_path, run_id="tonight")) == [RESTORED]


# What is refused -----------------------------------------------------------------------------------------------------


def test_a_damaged_image_stops_everything_for_its_endpoint(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    image = change(endpoint, tmp_path)
    (tmp_path / "backups" / NAME / f"0{image.id[1:]}.json").write_text('{"schema": "fleetops')
    changed, asked = state(endpoint), endpoint.endpoint.pipelines
    with pytest.raises(BeforeImageError, match="is damaged: it is not JSON"):
        roll_back(endpoint, tmp_path)
    assert (state(endpoint), endpoint.endpoint.pipelines) == (changed, asked)


def test_a_cure_that_is_going_on_is_not_disturbed(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    change(endpoint, tmp_path)
    # The journal names this process, which is alive.
    Journal(tmp_path / "tonight", "token").append(NAME, "rebooting")
    changed = state(endpoint)
    with pytest.raises(RollbackError, match="The run tonight is curing this endpoint just now"):
        roll_back(endpoint, tmp_path)
    assert state(endpoint) == changed
    Journal(tmp_path / "tonight", "token").append(NAME, "failed")
    assert roll_back(endpoint, tmp_path).changed


def test_two_rollbacks_of_an_endpoint_do_not_run_at_once(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    change(endpoint, tmp_path)
    with open(tmp_path / "backups" / NAME / ".lock", "w", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(RollbackError, match="Another run or rollback"):
            roll_back(endpoint, tmp_path)
    assert roll_back(endpoint, tmp_path).changed


def test_a_folder_without_any_image_is_a_typo(windows: Fresh, tmp_path: Path) -> None:
    with pytest.raises(RollbackError, match="look for a typo in tetra_results_dir"):
        roll_back(windows(), tmp_path / "reslts")
    assert not (tmp_path / "reslts").exists()


def test_values_of_domain_gpos_are_left_to_their_own_module(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()
    absent = {"status": "absent", "type": None, "data": None}
    item = {"kind": "gpo_value", "path": "HKLM\\X", "name": "v", "guid": "{1}", "gpo": "g", "domain": None}
    image = BeforeImageStore(tmp_path).keep(NAME, "run", "t", [{**item, "before": absent, "after": absent}])
    outcome = roll_back(endpoint, tmp_path)
    assert (outcome.of_gpos, outcome.items, endpoint.endpoint.pipelines) == ([image.id], [], 0)
    assert sentence_of(outcome) == (
        "Nothing to restore. Values of domain GPOs are put back by fleetops.tetra.domain_gpo."
    )


# Crashes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("kind", ["direct", "local-gpo"])
def test_a_connection_that_breaks_over_a_write_is_taken_up_again(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, after: bool
) -> None:
    monkeypatch.setattr(Countdown, "__call__", lambda _self, _seconds: True)
    endpoint = windows(**KINDS[kind])
    before = state(endpoint)
    change(endpoint, tmp_path)
    word = "Set-ItemProperty" if kind == "direct" else "Move-Item"
    breaking = Breaking(endpoint, lambda name, given: name == word and given.get("Name") != CHANGED_AT, after)
    outcome = roll_back(endpoint, tmp_path, breaking)
    assert breaking.left == 0 and breaking.renewed
    assert outcome.changed and state(endpoint) == before


@pytest.mark.parametrize(
    ("kind", "word", "after"),
    [
        ("direct", "Set-ItemProperty", False),
        ("direct", "Set-ItemProperty", True),
        ("local-gpo", "Move-Item", False),
        ("local-gpo", "Move-Item", True),
        ("local-gpo", "gpupdate.exe", False),
        ("switches", "Invoke-CimMethod", True),
        ("local-list", "Disable-TlsCipherSuite", True),
    ],
)
def test_what_a_killed_rollback_left_is_finished_by_the_next_one(
    windows: Fresh, tmp_path: Path, kind: str, word: str, after: bool
) -> None:
    endpoint = windows(**KINDS[kind])
    before = state(endpoint)
    change(endpoint, tmp_path)

    def writes(name: str, given: dict[str | None, t.Any]) -> bool:
        reads = given.get("MethodName") in ("EnumValues", "GetDWORDValue", "GetStringValue")
        return name.endswith(word) and given.get("Name") != CHANGED_AT and not reads

    # Nothing after the break is carried out, as if the controller had died.
    dying = Breaking(endpoint, writes, after, times=99)
    with pytest.raises(SessionError):
        roll_back(endpoint, tmp_path, dying, deadline=0.0)
    assert roll_back(endpoint, tmp_path).needs_reboot
    assert state(endpoint) == before
    assert roll_back(endpoint, tmp_path).items == []


def test_an_image_whose_change_was_never_made_is_done_with(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    before = state(endpoint)
    change(endpoint, tmp_path)
    endpoint.state.registry.set(POLICY_KEY, "Functions", Value(1, WITHOUT_THE_FOUR))
    outcome = roll_back(endpoint, tmp_path)
    assert (outcome.changed, outcomes(outcome)) == (False, [ALREADY])
    assert state(endpoint) == before
    assert roll_back(endpoint, tmp_path).items == []


# Guards --------------------------------------------------------------------------------------------------------------


def guarded_change(windows: Windows, results: Path, minutes: float = 30) -> Guard:
    """A cure with commit-confirm that was killed before its restart."""
    image = change(windows, results)
    store = BeforeImageStore(results)
    guard = Guard(windows.endpoint, store, NAME, "run", minutes)
    guard.before_change(image)
    return guard


@pytest.mark.parametrize("kind", ["local-gpo", "switches"])
def test_the_guard_of_a_killed_cure_is_called_off(
    windows: Fresh, fleet: RunningFleet, tmp_path: Path, kind: str
) -> None:
    endpoint = windows(**KINDS[kind])
    before = state(endpoint)
    guarded_change(endpoint, tmp_path)
    present = state(endpoint)
    roll_back(endpoint, tmp_path, check_only=True)
    assert state(endpoint) == present and endpoint.state.tasks
    assert roll_back(endpoint, tmp_path).changed
    assert (state(endpoint), endpoint.state.tasks) == (before, {})
    fleet.pass_time(NAME, 3600)
    assert (state(endpoint), endpoint.state.restart_at) == (before, None)
    assert roll_back(endpoint, tmp_path).items == []


def test_a_guard_whose_change_is_undone_already_is_called_off(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    guarded_change(endpoint, tmp_path)
    store = BeforeImageStore(tmp_path)
    for image in store.unrestored(NAME):
        store.mark_restored(image, [])
    outcome = roll_back(endpoint, tmp_path)
    assert (outcome.changed, outcome.items, endpoint.state.tasks) == (True, [], {})
    assert store.guarded(NAME) == []


def test_a_guard_that_has_struck_leaves_nothing_to_put_back(
    windows: Fresh, fleet: RunningFleet, tmp_path: Path
) -> None:
    endpoint = windows(**KINDS["local-gpo"])
    before = state(endpoint)
    guard = guarded_change(endpoint, tmp_path)
    assert guard.until is not None
    fleet.pass_time(NAME, 31 * 60)
    with pytest.raises(ChangeError, match="has put its old values back by itself"):
        guard.after_proof()
    outcome = roll_back(endpoint, tmp_path)
    assert (outcome.changed, set(outcomes(outcome))) == (False, {ALREADY})
    assert state(endpoint) == before


# The endpoint's own copies -------------------------------------------------------------------------------------------


def lose(results: Path) -> None:
    for path in (results / "backups").rglob("*"):
        if path.is_file():
            path.unlink()


def plant(windows: Windows, document: dict[str, t.Any]) -> None:
    """What any user of the endpoint may do."""
    path = f"{COPIES}\\{document['id']}.json"
    windows.state.files.write(path, json.dumps(document).encode(), windows.state.now())


@pytest.mark.parametrize("kind", ["local-gpo", "switches"])
def test_the_endpoints_own_copy_serves_when_asked_for(windows: Fresh, tmp_path: Path, kind: str) -> None:
    endpoint = windows(**KINDS[kind])
    before = state(endpoint)
    image = change(endpoint, tmp_path)
    lose(tmp_path)
    assert roll_back(endpoint, tmp_path).items == []
    outcome = roll_back(endpoint, tmp_path, from_endpoint=True)
    assert [(one["id"], one["source"]) for one in outcome.images] == [(image.id, "endpoint")]
    assert state(endpoint) == before
    assert roll_back(endpoint, tmp_path, from_endpoint=True).items == []
    assert BeforeImageStore(tmp_path).knows(image)


def test_a_copy_of_another_inventory_name_is_none(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    image = change(endpoint, tmp_path)
    lose(tmp_path)
    plant(endpoint, {**image.as_dict(), "host": "another"})
    assert roll_back(endpoint, tmp_path, from_endpoint=True).items == []


def pol_item(before: bytes, after: bytes, path: str = MACHINE_POL) -> dict[str, t.Any]:
    sides = {
        side: {"status": "ok", "content": base64.b64encode(data).decode()}
        for side, data in (("before", before), ("after", after))
    }
    return {"kind": "file", "path": path, **sides}


def switch_item(key: str) -> dict[str, t.Any]:
    on = {"status": "ok", "type": "REG_DWORD", "data": 1}
    return {**value_item(f"{SCHANNEL_KEY}\\{key}"), "name": "Enabled", "before": on}


def value_item(path: str) -> dict[str, t.Any]:
    absent = {"status": "absent", "type": None, "data": None}
    before = {"status": "ok", "type": "REG_SZ", "data": "calc"}
    return {"kind": "registry_value", "path": path, "name": "v", "after": absent, "before": before}


EMPTY = registry_pol.parse(b"")
RUN_KEY = "Software\\Microsoft\\Windows\\CurrentVersion\\Run"
HOSTILE: dict[str, dict[str, t.Any]] = {
    "foreign key": value_item(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Run"),
    "old protocol": switch_item(r"Protocols\SSL 3.0\Client"),
    "old protocol of the server": switch_item(r"Protocols\SSL 3.0\Server"),
    "cipher that encrypts nothing": switch_item(r"Ciphers\NULL"),
    "another value of our key": {**value_item(POLICY_KEY), "name": "Other"},
    "foreign file": pol_item(b"", b"", r"C:\Windows\System32\drivers\etc\hosts"),
    "foreign policy": pol_item(
        registry_pol.replace(EMPTY, RUN_KEY, "v", 1, registry_pol.sz("calc")).serialise(), EMPTY.serialise()
    ),
    "policy that empties a key": pol_item(
        registry_pol.replace(
            EMPTY,
            r"Software\Policies\Microsoft\Cryptography\Configuration\SSL\00010002",
            "**delvals.",
            1,
            registry_pol.sz(" "),
        ).serialise(),
        EMPTY.serialise(),
    ),
    "broken policy": pol_item(b"PReg\x01\x00\x00\x00[", EMPTY.serialise()),
    "value of a GPO": {**value_item(POLICY_KEY), "kind": "gpo_value", "guid": "{1}", "gpo": "g", "domain": None},
}


def test_a_planted_copy_that_names_more_than_is_ours_is_refused(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    image = change(endpoint, tmp_path)
    for item in HOSTILE.values():
        plant(endpoint, {**image.as_dict(), "id": "20991231T000000000000-abcdef", "items": [item]})
        planted = state(endpoint)
        with pytest.raises(BeforeImageError, match="names something that this collection does not change"):
            roll_back(endpoint, tmp_path, from_endpoint=True)
        assert state(endpoint) == planted
    assert roll_back(endpoint, tmp_path).changed, "the controller's own image does not depend on the folder"


def test_a_damaged_copy_is_refused(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    for content in (b"", b"{", b"[]", b'{"schema": "fleetops.tetra/before-image/1"}'):
        endpoint.state.files.write(f"{COPIES}\\20991231T000000000000-abcdef.json", content, endpoint.state.now())
        with pytest.raises(BeforeImageError, match="of the endpoint is"):
            roll_back(endpoint, tmp_path, from_endpoint=True)


# Restarts ------------------------------------------------------------------------------------------------------------


def test_a_restart_that_was_asked_for_puts_the_old_values_in_force(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    change(endpoint, tmp_path)
    booted = endpoint.state.boot_time
    outcome = roll_back(endpoint, tmp_path, reboot=True)
    assert (outcome.rebooted, outcome.needs_reboot) == (True, False)
    assert endpoint.state.boot_time > booted
    assert endpoint.state.registry.find(OUR_KEY) is None
    assert sentence_of(outcome) == "One value put back. Restarted."
    booted = endpoint.state.boot_time
    assert not roll_back(endpoint, tmp_path, reboot=True).rebooted
    assert endpoint.state.boot_time == booted


def test_a_domain_controller_is_put_back_and_not_restarted(windows: Fresh, tmp_path: Path) -> None:
    ntds = {r"HKLM\SYSTEM\CurrentControlSet\Services\NTDS": {"Start": 2}}
    endpoint = windows(**KINDS["direct"], registry=ntds)
    before, booted = state(endpoint), endpoint.state.boot_time
    change(endpoint, tmp_path)
    outcome = roll_back(endpoint, tmp_path, reboot=True)
    assert (outcome.rebooted, outcome.needs_reboot, state(endpoint)) == (False, True, before)
    assert endpoint.state.boot_time == booted
    assert "a domain controller; it is restarted only when that is allowed by name" in sentence_of(outcome)
    change(endpoint, tmp_path)
    assert roll_back(
        endpoint, tmp_path, reboot=True, restart=RestartOptions(named_roles=frozenset({"domain_controller"}))
    ).rebooted


def test_a_restart_that_a_killed_rollback_owes_is_made_up_for(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["direct"])
    change(endpoint, tmp_path)
    # It dies when it asks for the roles, which is the last question before the restart.
    dying = Breaking(endpoint, lambda _name, given: isinstance(given.get("LiteralPath"), list), after=False, times=99)
    with pytest.raises(SessionError):
        roll_back(endpoint, tmp_path, dying, reboot=True)
    assert BeforeImageStore(tmp_path).unrestored(NAME) == []
    outcome = roll_back(endpoint, tmp_path, reboot=True)
    assert (outcome.rebooted, outcome.items) == (True, [])
    assert endpoint.state.registry.find(OUR_KEY) is None


def test_an_endpoint_that_does_not_come_back_is_named_and_its_image_is_done_with(
    windows: Fresh, tmp_path: Path
) -> None:
    endpoint = windows(**{**KINDS["direct"], "boot_seconds": "never"})
    change(endpoint, tmp_path)
    rollback = Rollback(endpoint.endpoint, tmp_path, NAME, RollbackOptions(reboot=True, deadline=6.0))
    with pytest.raises(ChangeError, match="within the time allowed"):
        rollback.run()
    assert (rollback.outcome.changed, rollback.outcome.rebooted) == (True, False)
    assert BeforeImageStore(tmp_path).unrestored(NAME) == []
