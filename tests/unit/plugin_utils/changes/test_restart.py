# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an endpoint may be restarted: the same answer from cure, reboot and rollback, and each takes the lock."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import endpoint_lock, reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure import Cure
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    CureContext,
    CureOptions,
    Outcome,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.reboot_task import reboot_task
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.rollback_task import roll_back
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NAME, Fresh, Late, Windows

OLD = "TLS_RSA_WITH_AES_128_CBC_SHA"
HELD = {
    "users": ("somebody is logged on", {}),
    "users unknown": ("whether somebody is logged on could not be read", {}),
    "roles unknown": ("whether this is a domain controller", {}),
    "role": ("this endpoint is a cluster node; it is restarted only when that is allowed by name", {}),
    "window": ("the maintenance window 00:00-00:01 is not open", {"maintenance_window": "00:00-00:01"}),
}


def prepare(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """The endpoint is as ``why`` says, for whoever asks."""

    def unreadable(code: str) -> t.Callable[[Asker], t.NoReturn]:
        def ask(_asker: Asker) -> t.NoReturn:
            raise ChangeError(code, "It could not be read.")

        return ask

    monkeypatch.setattr(reboot, "special_roles", lambda _asker: [("cluster_node", "a cluster node")][: why == "role"])
    monkeypatch.setattr(reboot, "users_logged_on", lambda _asker: why == "users")
    if why == "users unknown":
        monkeypatch.setattr(reboot, "users_logged_on", unreadable(reboot.USERS_UNKNOWN))
    if why == "roles unknown":
        monkeypatch.setattr(reboot, "special_roles", unreadable(reboot.ROLES_UNKNOWN))


def arguments(results: Path, **more: t.Any) -> dict[str, t.Any]:
    usual = {
        "only_waiting": False,
        "reboot_when": "no_user",
        "named_roles": [],
        "maintenance_window": None,
        "reboot_countdown": 60,
        "reboot_put_off": 0,
        "reboot_then": "hold",
        "on_battery": "hold",
        "update_seconds": 1800,
        "hook_before": [],
        "hook_after": [],
        "deadline": 60,
        "results_dir": str(results),
        "run_id": None,
        "from_endpoint": False,
        "force": False,
        "reboot": True,
    }
    return {**usual, **more}


class NoUpdate:
    def __call__(self, _asker: Asker, _facts: dict[str, t.Any], _wait: reboot.Waiter) -> dict[str, t.Any]:
        return {"result": "up_to_date"}

    def obstacle(self, _asker: Asker, _facts: dict[str, t.Any]) -> str | None:
        return None


def look(asker: Asker, proving: bool) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    facts = collect(asker, NAME, now())
    return facts, evaluate(facts)


def cure(endpoint: t.Any, results: Path, when: str = "no_user", closed: str | None = None) -> Outcome:
    answers = iter([None, closed])
    around = CureContext(
        host=NAME,
        run_id="run",
        token="t",
        journal=Journal(results / "run", "t"),
        store=BeforeImageStore(results),
        budget=FailureBudget(0),
        look=look,
        update=NoUpdate(),
        may_start=lambda: next(answers, closed),
    )
    return Cure(endpoint, around, CureOptions(reboot_when=when, deadline=60.0)).run()


@pytest.fixture
def usual() -> dict[str, object]:
    return {"policy": OLD, "origin": "direct"}


@pytest.mark.parametrize("why", HELD)
def test_a_restart_is_held_by_the_same_reasons_everywhere_and_never_failed(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    sentence, more = HELD[why]
    prepare(monkeypatch, why)
    endpoint = windows()
    booted = endpoint.state.boot_time
    restarted = reboot_task(endpoint.connection, NAME, arguments(tmp_path, **more), False, None)
    assert (restarted["event"], restarted.get("failed", False)) == ("held", False)
    window = "The maintenance window 00:00-00:01 is not open." if why == "window" else None
    cured = cure(endpoint.endpoint, tmp_path, closed=window)
    assert cured.event == "held"
    if not why.startswith("role"):
        assert cured.changed, "the change is written and waits"
        endpoint.endpoint.renew()
        back = roll_back(endpoint.connection, NAME, arguments(tmp_path, **more), False, None)
        assert (back.get("failed", False), back["rebooted"]) == (False, False), back
        assert sentence in back["msg"].lower()
    for told in (restarted["msg"], str(cured.detail)):
        assert sentence in told.lower()
    assert (endpoint.state.boot_time, endpoint.state.scheduled_shutdown) == (booted, None)


def test_nothing_is_restarted_in_the_middle_of_a_change(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()
    with endpoint_lock.alone_at(BeforeImageStore(tmp_path).folder_of(NAME)):
        told = reboot_task(endpoint.connection, NAME, arguments(tmp_path, reboot_when="always"), False, None)
    assert (told["event"], told["changed"], endpoint.state.scheduled_shutdown) == ("held", False, None)
    assert told["msg"] == "Another run or rollback is at this endpoint just now. It was not restarted."


class _TaskTimeout(BaseException):
    """As Ansible's own."""


@pytest.mark.parametrize(("alarm", "event"), [(DeadlineExceeded, "timed_out"), (_TaskTimeout, "failed")])
def test_a_cure_that_an_alarm_ends_after_its_write_is_undone_and_says_so(
    windows: Fresh, tmp_path: Path, alarm: type[BaseException], event: str
) -> None:
    endpoint: Windows = windows()

    def written(_name: str) -> bool:
        return endpoint.value(POLICY_KEY, "Functions") != Value(1, OLD)

    late = Late(endpoint, written, alarm)
    if alarm is DeadlineExceeded:
        outcome = cure(late, tmp_path, "never")
        assert (outcome.event, outcome.changed) == (event, False)
        assert str(outcome.detail).endswith("What was written has been undone.")
    else:
        with pytest.raises(alarm):
            cure(late, tmp_path, "never")
    assert late.left == 0, "the alarm rang"
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, OLD)
    standing = Journal(tmp_path / "run", "t").standing(NAME)
    assert (standing.event, str(standing.detail).endswith("What was written has been undone.")) == (event, True)
    assert BeforeImageStore(tmp_path).unrestored(NAME) == []
