# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard over the stages of a cure: which change it covers, when it goes, and what is said of it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.running import RunningFleet
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImage, BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import Guard, GuardError, check_options
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NAME, Breaking, Fresh, Windows

OLD, NEW = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"


@pytest.fixture
def usual() -> dict[str, object]:
    return {"policy": OLD, "origin": "direct"}


def keep(store: BeforeImageStore, run_id: str = "run") -> BeforeImage:
    """The before-image of a change from OLD to NEW."""
    sides = {side: {"status": "ok", "type": "REG_SZ", "data": data} for side, data in (("before", OLD), ("after", NEW))}
    return store.keep(NAME, run_id, "t", [{"kind": "registry_value", "path": POLICY_KEY, "name": "Functions", **sides}])


def write(windows: Windows, data: str) -> None:
    windows.state.registry.set(POLICY_KEY, "Functions", Value(1, data))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((-1, 1800.0, "always"), "is a number of minutes"),
        ((30, 1800.0, "always"), "30 minutes against 1800 seconds"),
        ((60, 1800.0, "never"), "needs a restart"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: tuple[int, float, str], sentence: str) -> None:
    with pytest.raises(GuardError, match=sentence):
        check_options(*options)


def test_options_that_do_go_together() -> None:
    check_options(0, 1800.0, "never")
    check_options(31, 1800.0, "no_user")


def test_without_minutes_the_endpoint_is_not_asked(windows: Fresh, tmp_path: Path) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    guard = Guard(endpoint.endpoint, store, NAME, "run", 0)
    guard.before_change(keep(store))
    guard.before_restart()
    guard.after_proof()
    guard.take_away()
    assert (endpoint.endpoint.pipelines, guard.told()) == (0, "")


def test_from_the_change_to_the_proof(windows: Fresh, fleet: RunningFleet, tmp_path: Path) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    guard = Guard(endpoint.endpoint, store, NAME, "run", 30)
    guard.before_change(keep(store))
    first = guard.until
    write(endpoint, NEW)
    assert guard.told() == f" It puts its old values back by itself at {first}."
    fleet.pass_time(NAME, 20 * 60)
    guard.before_restart()
    assert guard.until is not None and first is not None and guard.until > first
    guard.after_proof()
    assert (guard.told(), endpoint.state.tasks, store.guarded(NAME)) == ("", {}, [])
    fleet.pass_time(NAME, 3600)
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, NEW)


def test_a_run_without_the_option_takes_away_what_an_earlier_one_left(windows: Fresh, tmp_path: Path) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    Guard(endpoint.endpoint, store, NAME, "run", 30).before_change(keep(store))
    write(endpoint, NEW)
    assert endpoint.state.tasks
    Guard(endpoint.endpoint, store, NAME, "run", 0).after_proof()
    assert endpoint.state.tasks == {}


def test_a_run_that_goes_on_with_a_held_change_guards_it_again(windows: Fresh, tmp_path: Path) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    held = Guard(endpoint.endpoint, store, NAME, "run", 30)
    held.before_change(keep(store))
    write(endpoint, NEW)
    held.take_away()
    assert endpoint.state.tasks == {}
    later = Guard(endpoint.endpoint, store, NAME, "run", 30)
    later.before_restart()
    assert later.until is not None and endpoint.state.tasks


def test_the_proven_change_of_an_earlier_run_is_not_put_back(windows: Fresh, tmp_path: Path) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    keep(store, "last month")
    write(endpoint, NEW)
    guard = Guard(endpoint.endpoint, store, NAME, "tonight", 30)
    guard.before_restart()
    assert (guard.until, endpoint.state.tasks) == (None, {})


@pytest.mark.parametrize("stage", ["before_restart", "after_proof"])
def test_an_endpoint_that_restored_itself_is_neither_restarted_nor_proven(
    windows: Fresh, fleet: RunningFleet, tmp_path: Path, stage: str
) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    guard = Guard(endpoint.endpoint, store, NAME, "run", 30)
    guard.before_change(keep(store))
    write(endpoint, NEW)
    fleet.pass_time(NAME, 31 * 60)
    with pytest.raises(ChangeError, match="since it was not proven in time"):
        getattr(guard, stage)()


def test_a_guard_that_cannot_stand_says_what_was_not_done(windows: Fresh, tmp_path: Path) -> None:
    endpoint, store = windows(task_scheduler="stopped"), BeforeImageStore(tmp_path)
    guard = Guard(endpoint.endpoint, store, NAME, "run", 30)
    image = keep(store)
    with pytest.raises(ChangeError, match=r"could not be registered\. Nothing was changed\."):
        guard.before_change(image)
    write(endpoint, NEW)
    with pytest.raises(ChangeError, match=r"could not be registered\. The endpoint was not restarted\."):
        guard.before_restart()
    assert guard.told() == ""


def test_a_connection_lost_over_the_registering_leaves_no_task_behind(windows: Fresh, tmp_path: Path) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)

    def registers(name: str, given: dict[str | None, t.Any]) -> bool:
        return name.endswith("schtasks.exe") and given.get(None) is not None

    breaking = Breaking(endpoint, registers, after=True)
    guard = Guard(breaking, store, NAME, "run", 30)
    with pytest.raises(SessionError):
        guard.before_change(keep(store))
    assert (breaking.left, endpoint.state.tasks) == (0, {})
    assert not [path for path in endpoint.state.dump()["files"] if "fleetops" in path.lower()]
