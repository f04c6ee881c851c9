# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a change on a simulated Windows: it restores and restarts by itself, and leaves nothing behind."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.running import RunningFleet
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import GPT_INI
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ChangeSet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.commit_confirm import TASK, CommitConfirm
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NAME, Fresh, Windows

WITHOUT_THE_FOUR = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA"
KINDS: dict[str, dict[str, t.Any]] = {
    "direct": {"policy": WITHOUT_THE_FOUR, "origin": "direct"},
    "local-gpo": {"policy": WITHOUT_THE_FOUR, "origin": "local_gpo", "curves": {"policy": ["NistP384", "NistP256"]}},
    "local-list": {"local": WITHOUT_THE_FOUR.split(",")},
    "switches": {"schannel": {"Ciphers\\AES 128/128": {"Enabled": 0}, "Ciphers\\AES 256/256": {"Enabled": 0}}},
    "absent before": {"release": "7_2008r2", "kind": "server", "powershell": "5.1"},
}
Guarded = tuple[Windows, CommitConfirm, list[dict[str, t.Any]]]


def whole(windows: Windows) -> dict[str, t.Any]:
    dump = windows.state.dump()
    files = {path: data for path, data in dump["files"].items() if path not in (GPT_INI, r"C:\ProgramData\ntuser.pol")}
    keys = {key: values for key, values in dump["registry"].items() if values}
    return {"registry": keys, "files": files}


def guard(windows: Windows, minutes: float = 30) -> tuple[CommitConfirm, ChangeSet, t.Any, list[dict[str, t.Any]]]:
    """An armed guard, and all that the change needs."""
    facts = collect(windows.session, NAME, now())
    steps = planning.plan(facts, evaluate(facts))["steps"]
    changes = ChangeSet(windows.session, Countdown(20))
    items = changes.prepare(steps)
    confirm = CommitConfirm(windows.endpoint, read_folders(windows.session))
    confirm.arm(items, minutes)
    return confirm, changes, steps, items


def pass_time(fleet: RunningFleet, minutes: float) -> None:
    fleet.pass_time(NAME, minutes * 60)


@pytest.mark.parametrize("kind", KINDS)
def test_an_endpoint_that_nobody_confirms_is_as_before_with_nothing_left(
    windows: Fresh, fleet: RunningFleet, kind: str
) -> None:
    endpoint = windows(boot_seconds=0.1, **KINDS[kind])
    before, booted = whole(endpoint), endpoint.state.boot_time
    _confirm, changes, steps, items = guard(endpoint)
    changes.note_change(now())
    changes.carry_out(steps, items)
    changed = whole(endpoint)
    pass_time(fleet, 29)
    assert whole(endpoint) == changed
    pass_time(fleet, 1.1)
    assert whole(endpoint) == before
    assert endpoint.state.tasks == {}
    assert endpoint.unmatched == []
    # A restart was ordered, so that what was put back is in force as well.
    assert endpoint.state.restart_at is not None
    assert endpoint.state.boot_time == booted


@pytest.mark.parametrize("kind", KINDS)
def test_an_endpoint_that_is_confirmed_keeps_the_change_and_nothing_else(
    windows: Fresh, fleet: RunningFleet, kind: str
) -> None:
    endpoint = windows(**KINDS[kind])
    confirm, changes, steps, items = guard(endpoint)
    changes.carry_out(steps, items)
    confirm.disarm(items)
    changed = whole(endpoint)
    assert not [path for path in changed["files"] if "fleetops" in path.lower()]
    pass_time(fleet, 60 * 24)
    assert whole(endpoint) == changed
    assert (endpoint.state.tasks, endpoint.unmatched) == ({}, [])
    confirm.disarm(items)
    assert whole(endpoint) == changed


def test_an_endpoint_that_was_off_at_the_time_restores_itself_after_its_boot(
    windows: Fresh, fleet: RunningFleet
) -> None:
    endpoint = windows(boot_seconds=0.1, **KINDS["direct"])
    _confirm, changes, steps, items = guard(endpoint)
    changes.carry_out(steps, items)
    endpoint.state.off = True
    pass_time(fleet, 45)
    assert endpoint.value(POLICY_KEY, "Functions") != Value(1, WITHOUT_THE_FOUR)
    endpoint.state.off = False
    endpoint.state.boot(endpoint.state.now())
    pass_time(fleet, 9)
    assert endpoint.value(POLICY_KEY, "Functions") != Value(1, WITHOUT_THE_FOUR)
    pass_time(fleet, 2)
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, WITHOUT_THE_FOUR)


def test_arming_again_gives_more_time(windows: Fresh, fleet: RunningFleet) -> None:
    endpoint = windows(**KINDS["direct"])
    confirm, changes, steps, items = guard(endpoint)
    changes.carry_out(steps, items)
    changed = endpoint.value(POLICY_KEY, "Functions")
    pass_time(fleet, 29)
    until = confirm.arm(items, 30)
    assert until > (reboot.clock(endpoint.session) or "")
    pass_time(fleet, 29)
    assert endpoint.value(POLICY_KEY, "Functions") == changed
    pass_time(fleet, 2)
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, WITHOUT_THE_FOUR)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ({"task_scheduler": "stopped"}, "could not be registered"),
        ({"free_bytes": 64}, "could not be written"),
    ],
)
def test_a_guard_that_cannot_stand_is_an_error_and_leaves_nothing(
    windows: Fresh, trouble: dict[str, t.Any], sentence: str
) -> None:
    endpoint = windows(**KINDS["local-gpo"], **trouble)
    before = whole(endpoint)
    with pytest.raises(ChangeError, match=sentence):
        guard(endpoint)
    assert (whole(endpoint), endpoint.state.tasks) == (before, {})


def test_a_windows_without_the_tool_is_told_in_one_sentence(windows: Fresh) -> None:
    endpoint = windows(**KINDS["direct"])
    endpoint.state.files.remove(r"C:\Windows\System32\schtasks.exe")
    before = whole(endpoint)
    with pytest.raises(ChangeError, match="could not be registered"):
        guard(endpoint)
    assert whole(endpoint) == before


def test_the_task_is_one_that_users_of_the_endpoint_cannot_change(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows(**KINDS["local-gpo"])
    guard(endpoint)
    ours = [path for path in whole(endpoint)["files"] if "fleetops" in path.lower()]
    assert sorted(ours) == [
        r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol.fleetops-tetra.before",
        rf"C:\Windows\System32\Tasks\{TASK}",
        r"C:\Windows\fleetops.tetra\restore.reg",
    ]
