# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a remediation: begun, gone on with after a kill at any point, and never mixed up with another run."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import begin_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    ResultsError,
    unknown_record,
    write_record,
)

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
    assert document["hosts"]["dead"]["detail"] == remediation.DEAD
    assert "In flight when their run ended: busy." in remediation.sentences(document)
    assert "The failure budget is spent: 2 endpoints failed and 1 were allowed." in remediation.sentences(document)
