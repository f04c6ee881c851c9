# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a remediation: begun, gone on with after a kill at any point, and never mixed up with another run."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.known import DEAD
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import begin_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    ResultsError,
    make_record,
    read_run,
    unknown_record,
    write_json,
    write_record,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.remediation_task import plan_task
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

ABOUT: t.Final[dict[str, t.Any]] = {"playbook": "test", "check_mode": False}


def begin(
    results: Path, hosts: t.Sequence[str] = ("a", "b"), policy: dict[str, t.Any] | None = None
) -> remediation.Remediation:
    return remediation.begin(results, "run", hosts, Process.current(), ABOUT, policy or {})


def test_going_on_keeps_what_was_found_and_takes_new_endpoints_in(tmp_path: Path) -> None:
    first = begin(tmp_path)
    write_record(first.before.path, unknown_record("a", "unreachable", "Not there.", first.before.token))
    second = begin(tmp_path, ["b", "c"])
    assert (first.resumed, second.resumed) == (False, True)
    assert second.token != first.token
    assert second.before.token == first.before.token
    assert second.fleet_size == 3
    assert remediation.to_audit(second) == ["a", "b", "c"]


def test_a_run_killed_while_it_made_its_folders_is_gone_on_with(tmp_path: Path) -> None:
    begin_run(tmp_path, "run", ["a"], Process.current(), ABOUT, {})
    begin_run(tmp_path / "run", "before", ["a"], Process.current(), ABOUT, {})
    run = begin(tmp_path, ["a"])
    assert run.resumed
    assert (run.after.path / "run.json").is_file()


def test_another_policy_is_refused_and_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    begin(tmp_path, policy={"strict": True})
    present = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(ResultsError, match="was begun with another tetra_policy"):
        begin(tmp_path)
    assert (tmp_path / "run" / "run.json").read_bytes() == present
    assert begin(tmp_path, policy={"strict": True}).resumed


def test_the_folder_of_an_audit_is_not_taken(tmp_path: Path) -> None:
    audit = begin_run(tmp_path, "run", ["a"], Process.current(), ABOUT, {})
    write_record(audit.path, unknown_record("a", "unreachable", "Not there.", audit.token))
    with pytest.raises(ResultsError, match="holds the results of another playbook"):
        begin(tmp_path)
    assert json.loads((audit.path / "run.json").read_bytes())["token"] == audit.token


def _begin_and_die(folder: str, token: str) -> None:
    Journal(folder, token).append("dead", "rebooting")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_wave_that_is_over_counts_whose_task_ended_without_an_end_but_not_who_is_still_at_it(tmp_path: Path) -> None:
    run = begin(tmp_path, ["dead", "gone", "busy", "done"])
    worker = multiprocessing.get_context("spawn").Process(target=_begin_and_die, args=(str(run.path), run.token))
    worker.start()
    worker.join()
    run.journal().append("busy", "changing")
    run.journal().append("done", "proven")
    Journal(run.path, "of an earlier process").append("gone", "held")
    remediation.count_lost(run, ["dead", "gone", "busy", "done"])
    assert run.journal().failed_hosts() == ["dead", "gone"]
    assert run.journal().standing("busy").event == "changing"
    document = remediation.summarise(run, FailureBudget(1), ["dead", "gone", "busy", "done"])
    assert (document["budget_spent"], document["in_flight"], document["not_known"]) == (True, ["busy"], [])
    assert document["hosts"]["dead"]["detail"] == (f"{DEAD} It did not come back from its restart, as far as is known.")
    assert document["never_came_back"] == ["dead"]
    assert (document["hosts"]["busy"]["changed"], document["hosts"]["busy"]["after"]) == (True, "unknown")
    assert document["may_be_changed"] == ["busy"]
    assert "In flight when their run ended: busy." in remediation.sentences(document)
    assert "The failure budget is spent: 2 endpoints failed and 1 were allowed." in remediation.sentences(document)


EVENTS = ("running", "before_image", "changing", "changed", "rebooting", "proving")


def _write_and_die(folder: str, token: str, events: tuple[str, ...]) -> None:
    for event in events:
        Journal(folder, token).append("pc", event)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("counted", [False, True], ids=["abandoned", "counted as lost"])
@pytest.mark.parametrize("number", range(1, len(EVENTS) + 1))
def test_after_a_kill_report_and_record_say_what_the_journal_knows(tmp_path: Path, number: int, counted: bool) -> None:
    run = begin(tmp_path, ["pc"])
    facts = collect(NearWindows(policy="TLS_RSA_WITH_AES_128_CBC_SHA", origin="direct").session, "pc", now())
    for folder in (run.before, run.after):
        write_record(folder.path, make_record("pc", folder.token, evaluate(facts), facts))
    worker = multiprocessing.get_context("spawn").Process(
        target=_write_and_die, args=(str(run.path), run.token, EVENTS[:number])
    )
    worker.start()
    worker.join()
    if counted:
        remediation.count_lost(run, ["pc"])
    document = remediation.summarise(run, FailureBudget(1))
    told = document["hosts"]["pc"]
    begun = number > EVENTS.index("changing")
    went_down = number == EVENTS.index("rebooting") + 1
    assert told["event"] == ("failed" if counted else "abandoned")
    assert (told["changed"], told["after"]) == ((True, "unknown") if begun else (False, "non_compliant"))
    assert (told["may_be_changed_since"] is not None) is begun
    assert document["may_be_changed"] == (["pc"] if begun else [])
    assert document["never_came_back"] == (["pc"] if went_down else [])
    (record,) = read_run(run.after.path).records()
    assert ("It may be changed since" in json.dumps(record)) is begun
    assert ("May be changed, and nobody knows how they stand: pc." in remediation.sentences(document)) is begun
    assert "may be changed since" in str(told["detail"]) or not begun


def test_an_end_that_a_cure_wrote_itself_is_no_riddle(tmp_path: Path) -> None:
    run = begin(tmp_path, ["pc"])
    for event in (*EVENTS, "unproven"):
        run.journal().append("pc", event)
    assert remediation.summarise(run, FailureBudget(1))["may_be_changed"] == []


def test_going_on_with_another_version_or_plan_says_so(tmp_path: Path) -> None:
    def start(version: str, **plan: t.Any) -> tuple[str, ...]:
        about = {**ABOUT, "collection_version": version}
        return remediation.begin(tmp_path, "run", ["a"], Process.current(), about, {}, plan).notes

    assert start("1.0.0", cure="add_suites") == ()
    assert start("1.0.0", cure="add_suites") == ()
    (other,) = start("1.1.0", cure="add_suites")
    assert other == "This run was begun with version 1.0.0 of the collection and goes on with 1.1.0."
    (other,) = start("1.1.0", cure="not_configured")
    assert "other options of the plan (cure)" in other
    (tmp_path / "run" / "begun_with.json").unlink()
    assert start("1.1.0") == (), "what 1.0.0 began says nothing of it"


def test_a_file_gets_its_name_only_once_its_content_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    sync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (seen.append("fsync"), sync(descriptor))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (seen.append("rename"), rename(self, to))[1])
    write_json(tmp_path / "record.json", {"whole": True})
    assert seen == ["fsync", "rename"]


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin(tmp_path)

    def full(_descriptor: int) -> t.NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", "results/run")

    monkeypatch.setattr(os, "fsync", full)
    arguments = {"run": str(run.path), "hosts": ["a"], "plan": None, "lost_before": "last"}
    told = plan_task(arguments)
    assert told["failed"] and told["msg"] == (
        "The disk of the controller is full (results/run): make room and start again with the same tetra_run_id; what "
        "was written down until now counts."
    )


def test_who_was_lost_before_comes_last_and_who_was_not_there_is_looked_at_again(tmp_path: Path) -> None:
    first = begin(tmp_path, ["asleep", "dead", "weak", "late"])
    facts = collect(NearWindows(policy="TLS_RSA_WITH_AES_128_CBC_SHA", origin="direct").session, "pc", now())
    for host in ("dead", "weak", "late"):
        write_record(first.before.path, make_record(host, first.before.token, evaluate(facts), facts))
    write_record(first.before.path, unknown_record("asleep", "unreachable", "Not there.", first.before.token))
    journal = first.journal()
    journal.append("dead", "rebooting")
    journal.append("dead", "timed_out", "It did not come back.")
    journal.append("late", "unreachable", "Not there.", counts=False)
    second = begin(tmp_path, ["asleep", "dead", "weak", "late"])
    arguments = {"run": str(second.path), "hosts": ["asleep", "dead", "weak", "late"], "plan": None}
    told = plan_task({**arguments, "lost_before": "last"})
    assert (told["todo"], told["last"], told["look_again"]) == (["late", "weak"], ["dead"], ["asleep", "late"])
    assert plan_task({**arguments, "lost_before": "leave"})["last"] == []
    document = remediation.summarise(second, FailureBudget(0))
    assert (document["failed"], document["not_there"], document["budget_spent"]) == (["dead"], ["late"], True)
    assert "Not there when they were taken up, and untouched: late." in remediation.sentences(document)
