# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around the cure of one endpoint: other processes, the window, users, guards, and a full disk."""

from __future__ import annotations

import contextlib
import errno
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import CHANGED_AT, OUR_KEY, POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order import wanted_order
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import parse_order_options
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import endpoint_lock, reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import sole_hold
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure import Cure
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    CureContext,
    CureOptions,
    Outcome,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import Guard
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import RebootSlots
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.wanted_state import WantedState
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NAME, Breaking, Fresh, Windows

OLD, NEW = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"


@pytest.fixture
def usual() -> dict[str, object]:
    return {"policy": OLD, "origin": "direct"}


class _NoUpdate:
    def __call__(self, asker: Asker, facts: dict[str, t.Any], wait: reboot.Waiter) -> dict[str, t.Any]:
        return {"result": "up_to_date"}

    def obstacle(self, asker: Asker, facts: dict[str, t.Any]) -> str | None:
        return None


def look(asker: Asker, proving: bool) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    facts = collect(asker, NAME, now())
    return facts, evaluate(facts)


def cure(
    endpoint: Windows, results: Path, options: CureOptions | None = None, run_id: str = "run", **more: t.Any
) -> Outcome:
    """Restarts nothing: that is held unless the options say otherwise."""
    around = CureContext(
        host=NAME,
        run_id=run_id,
        token="t",
        journal=Journal(results / run_id, "t"),
        store=BeforeImageStore(results),
        budget=FailureBudget(0),
        look=look,
        update=_NoUpdate(),
        **more,
    )
    options = options or CureOptions(reboot_when="never", deadline=60.0)
    return Cure(endpoint.endpoint, around, options).run()


def test_an_endpoint_at_which_another_run_is_is_left_alone_and_taken_up_later(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole_hold, "_PATIENCE", 0.0)
    endpoint = windows()
    with endpoint_lock.alone_at(BeforeImageStore(tmp_path).folder_of(NAME)):
        outcome = cure(endpoint, tmp_path)
    assert (outcome.event, outcome.changed, endpoint.endpoint.pipelines) == ("held", False, 0)
    assert "Another run or rollback is at this endpoint" in str(outcome.detail)
    outcome = cure(endpoint, tmp_path)
    assert (outcome.event, outcome.changed) == ("held", True), "written; its restart was not allowed"


def test_a_window_that_closes_while_a_place_is_waited_for_holds_the_restart(windows: Fresh, tmp_path: Path) -> None:
    endpoint, answers = windows(), iter([None, "The maintenance window 22:00-05:00 is not open."])
    booted = endpoint.state.boot_time
    outcome = cure(endpoint, tmp_path, CureOptions(deadline=60.0), may_start=lambda: next(answers))
    assert (outcome.event, outcome.changed) == ("held", True)
    assert outcome.detail == (
        "The change is written; the restart waits. The maintenance window 22:00-05:00 is not open."
    )
    assert (endpoint.state.boot_time, endpoint.state.scheduled_shutdown) == (booted, None)


def test_where_it_is_not_known_whether_somebody_is_logged_on_the_restart_is_held(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_known(_asker: Asker) -> bool:
        raise ChangeError(reboot.USERS_UNKNOWN, "not known")

    monkeypatch.setattr(reboot, "users_logged_on", not_known)
    endpoint = windows()
    options = CureOptions(reboot_when="no_user", deadline=60.0, commit_confirm=5)
    outcome = cure(endpoint, tmp_path, options)
    assert (outcome.event, outcome.changed, endpoint.state.tasks) == ("held", True, {}), "and no guard restarts it"
    assert "could not be read" in str(outcome.detail)


def test_a_guard_of_a_run_that_was_killed_before_its_change_goes_where_nothing_is_to_do_by_now(
    windows: Fresh, tmp_path: Path
) -> None:
    endpoint, store = windows(), BeforeImageStore(tmp_path)
    sides = {side: {"status": "ok", "type": "REG_SZ", "data": data} for side, data in (("before", OLD), ("after", NEW))}
    image = store.keep(NAME, "run", "t", [{"kind": "registry_value", "path": POLICY_KEY, "name": "Functions", **sides}])
    Guard(endpoint.endpoint, store, NAME, "run", 30).before_change(image)
    assert endpoint.state.tasks
    # Somebody has cured it by hand.
    healthy = windows(policy=NEW, origin="direct")
    healthy.state.tasks.update(endpoint.state.tasks)
    outcome = cure(healthy, tmp_path)
    assert (outcome.event, healthy.state.tasks, store.guarded(NAME)) == ("nothing_to_do", {}, [])


def test_a_guard_whose_before_image_is_lost_does_not_undo_what_is_proven(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()
    lost = tmp_path / "lost"
    changed = cure(endpoint, lost, CureOptions(deadline=60.0, commit_confirm=5), reboot_slot=_no_place)
    assert (changed.event, changed.changed, endpoint.state.tasks != {}) == ("failed", True, True)
    assert str(changed.detail).startswith("The disk of the controller is full (reboots): make room and start again")
    outcome = cure(endpoint, tmp_path / "new", CureOptions(deadline=60.0))
    assert (outcome.event, endpoint.state.tasks) == ("proven", {})
    assert endpoint.file(r"C:\Windows\System32\GroupPolicy\Machine\Registry.pol.fleetops-tetra.before") is None


def _no_place(_give_up: t.Callable[[], bool]) -> contextlib.AbstractContextManager[None]:
    raise OSError(errno.ENOSPC, "No space left on device", "reboots")


def _die(_outcome: Outcome) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_an_end_that_cannot_be_written_down_is_told_and_not_called_untouched(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()
    outcome = cure(endpoint, tmp_path, file=_die)
    assert (outcome.event, outcome.changed, outcome.unrecorded) == ("failed", True, True)
    assert str(outcome.detail).startswith("It ended as held, which could not be written down: [Errno 28]")
    assert Journal(tmp_path / "run", "t").standing(NAME).event == "changed"
    assert endpoint.value(OUR_KEY, CHANGED_AT) is not None
    assert endpoint.value(POLICY_KEY, "Functions") != Value(1, OLD)


def test_a_module_leaves_an_endpoint_alone_that_is_being_cured(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()

    def decide(facts: dict[str, t.Any], _over_https: bool) -> t.Any:
        return wanted_order(facts, parse_order_options({"suites": [NEW]}))

    arguments = {"results_dir": str(tmp_path), "timeout": 60}
    with endpoint_lock.alone_at(BeforeImageStore(tmp_path).folder_of(NAME)):
        result = WantedState("cipher_order", decide).bring_about(endpoint.connection, NAME, arguments, False, None)
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"] == "Another run or rollback is at this endpoint just now. Nothing was changed."
    assert endpoint.value(POLICY_KEY, "Functions") == Value(1, OLD)


@pytest.mark.parametrize("end", ["proven", "failed"])
def test_what_another_process_of_the_run_came_to_while_its_lock_was_waited_for_counts(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """A worker of a controller that was killed takes the lock before its first entry in the journal."""
    endpoint = windows()
    journal, lock = Journal(tmp_path / "run", "of the killed run"), endpoint_lock.alone_at

    @contextlib.contextmanager
    def after_the_other(folder: Path, patience: float = 0.0) -> t.Iterator[None]:
        for event in ("running", "before_image", "changing", "changed", "rebooting", "proving", end):
            journal.append(NAME, event, "By the other process.")
        endpoint.state.registry.set(POLICY_KEY, "Functions", Value(1, NEW))
        with lock(folder, patience):
            yield

    monkeypatch.setattr(sole_hold, "alone_at", after_the_other)
    outcome = cure(endpoint, tmp_path)
    if end == "proven":
        assert (outcome.event, outcome.elsewhere, endpoint.endpoint.pipelines) == ("proven", True, 0)
    else:
        assert outcome.elsewhere is False and endpoint.endpoint.pipelines > 0, "one may be tried again"


def test_a_busy_endpoint_is_waited_for_while_the_journal_says_that_its_cure_is_going_on(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole_hold, "_PATIENCE", 0.0)
    endpoint, journal, lock = windows(), Journal(tmp_path / "run", "killed"), endpoint_lock.alone_at
    busy = iter([True, False])

    @contextlib.contextmanager
    def busy_first(folder: Path, patience: float = 0.0) -> t.Iterator[None]:
        if next(busy, False):
            journal.append(NAME, "proving")
            monkeypatch.setattr(Journal, "standing", ended)
            raise endpoint_lock.EndpointBusy("Another run or rollback is at this endpoint just now.")
        with lock(folder, patience):
            yield

    standing = Journal.standing
    answers = iter(["in flight"])

    def ended(self: Journal, host: str) -> t.Any:
        if next(answers, None) is None and standing(self, host).event == "proving":
            self.append(host, "proven", "By the other process.")
        return standing(self, host)

    monkeypatch.setattr(sole_hold, "alone_at", busy_first)
    outcome = cure(endpoint, tmp_path)
    assert (outcome.event, outcome.detail) == ("proven", "By the other process.")


# The budget, while others are lost ------------------------------------------------------------------------------------


def lose(results: Path, *hosts: str) -> None:
    for host in hosts:
        Journal(results / "run", "of an earlier start").append(host, "timed_out", "It did not come back.")


def test_a_budget_that_others_spend_while_a_place_is_waited_for_stops_the_restart(
    windows: Fresh, tmp_path: Path
) -> None:
    endpoint = windows()
    booted = endpoint.state.boot_time

    @contextlib.contextmanager
    def place(_give_up: t.Callable[[], bool]) -> t.Iterator[None]:
        lose(tmp_path, "other")
        yield

    outcome = cure(endpoint, tmp_path, CureOptions(deadline=60.0), reboot_slot=place)
    assert (outcome.event, outcome.changed) == ("held", True)
    assert outcome.detail == (
        "The change is written; the restart waits. The failure budget is spent: 1 endpoints failed and 0 were allowed."
    )
    assert (endpoint.state.boot_time, endpoint.state.scheduled_shutdown) == (booted, None)
    assert "rebooting" not in [entry["event"] for entry in Journal(tmp_path / "run", "t").entries(NAME)]


@pytest.mark.parametrize("commit_confirm", [0, 5])
def test_whoever_waits_for_a_place_gives_up_and_undoes_its_change_where_that_is_wanted(
    windows: Fresh, tmp_path: Path, commit_confirm: int
) -> None:
    endpoint, places = windows(), RebootSlots(tmp_path / "run", 1)
    before = endpoint.dump()["registry"]

    @contextlib.contextmanager
    def place(give_up: t.Callable[[], bool]) -> t.Iterator[None]:
        with places.taken():
            assert not give_up()
            lose(tmp_path, "other")
            with places.taken(give_up):
                pytest.fail("there is one place only")
            yield

    options = CureOptions(deadline=60.0, when_stopped="undo", commit_confirm=commit_confirm)
    outcome = cure(endpoint, tmp_path, options, reboot_slot=place)
    assert (outcome.event, outcome.changed) == ("held", False), outcome.detail
    assert str(outcome.detail).startswith(
        "The change was undone, and nothing of it is left. The failure budget is spent"
    )
    assert (endpoint.dump()["registry"], endpoint.state.tasks) == (before, {})
    assert BeforeImageStore(tmp_path).unrestored(NAME) == []


def test_a_spent_budget_is_spent_over_all_starts_of_a_run_but_does_not_keep_the_lost_one_from_a_second_try(
    windows: Fresh, tmp_path: Path
) -> None:
    lose(tmp_path, "other")
    assert cure(windows(), tmp_path).event == "not_started"
    other = tmp_path / "other"
    lose(other, NAME)
    assert cure(windows(), other).event == "held", "it was taken up"


def test_an_endpoint_that_is_not_there_counts_apart(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()
    asleep = Breaking(endpoint, lambda _name, _given: True, after=False, times=1000)
    outcome = cure(t.cast("t.Any", Away(asleep)), tmp_path)
    journal = Journal(tmp_path / "run", "t")
    assert (outcome.event, journal.failed_hosts(), journal.not_there()) == ("unreachable", [], [NAME])
    assert journal.stopped(FailureBudget(0)) is None
    assert cure(windows(), tmp_path).event == "held"
    assert journal.not_there() == [], "it is there now"


class Away:
    """Breaking, as what a cure is given."""

    def __init__(self, inner: Breaking) -> None:
        self.endpoint = inner


def test_a_lost_endpoint_that_was_touched_counts(windows: Fresh, tmp_path: Path) -> None:
    endpoint = windows()
    lost = Breaking(
        endpoint, lambda _name, _given: endpoint.value(POLICY_KEY, "Functions") != Value(1, OLD), False, 1000
    )
    outcome = cure(t.cast("t.Any", Away(lost)), tmp_path)
    journal = Journal(tmp_path / "run", "t")
    assert (outcome.event, outcome.changed) == ("failed", True), outcome.detail
    assert (journal.failed_hosts(), journal.not_there()) == ([NAME], [])


def test_the_place_of_a_lost_endpoint_is_free_only_once_its_loss_is_written_down(
    windows: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, seen = windows(), []
    journal = Journal(tmp_path / "run", "t")

    @contextlib.contextmanager
    def place(_give_up: t.Callable[[], bool]) -> t.Iterator[None]:
        yield
        seen.append(journal.failed_hosts())

    def dead(*_all: t.Any) -> t.NoReturn:
        raise ChangeError("timed_out", "The endpoint did not come back after the restart within the time allowed.")

    monkeypatch.setattr(reboot, "restart_and_wait", dead)
    assert cure(endpoint, tmp_path, CureOptions(deadline=60.0), reboot_slot=place).event == "timed_out"
    assert seen == [[NAME]]
