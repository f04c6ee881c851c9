# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run folder: written whole, read without trust, every host accounted for; and how a run ends."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import empty_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import (
    RunFolder,
    begin_run,
    join_run,
    runs_begun_by,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import as_task_result, guard, judge_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process

ABOUT = {"playbook": "test", "check_mode": False, "collection_version": "1.0.0", "ansible_version": "2.19"}
ME = Process.current()


def begin(folder: Path, hosts: list[str], run_id: str | None = "run", process: Process = ME) -> RunFolder:
    return begin_run(folder, run_id, hosts, process, ABOUT, {})


def good(host: str, run: RunFolder, state: str = "compliant", started: str = "2026-11-24T00:00:00Z") -> Record:
    facts = empty_facts(host)
    verdict = {**evaluate(facts), "state": state}
    timing = {"started_at": started, "seconds": 0.1, "pipelines": 2}
    return results.make_record(host, run.token, verdict, facts, timing)


def states(run: results.Run) -> dict[str, str]:
    return {record["host"]: record["verdict"]["state"] for record in run.records()}


def test_every_host_of_the_list_gets_a_record(tmp_path: Path) -> None:
    run = begin(tmp_path, ["a", "A", "a/b", "CON", "never"])
    for host in ("a", "A", "a/b", "CON"):
        results.write_record(run.path, good(host, run))
    read = results.read_run(run.path)
    found = {record["host"]: record for record in read.records()}
    assert list(found) == ["a", "A", "a/b", "CON", "never"]
    assert found["never"]["error"]["kind"] == "not_audited"
    assert found["never"]["verdict"]["state"] == "unknown"
    assert read.problems == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": "fleetops.tetra/result/1"}',
    ],
)
def test_a_damaged_record_is_unknown_and_named(tmp_path: Path, damage: bytes) -> None:
    run = begin(tmp_path, ["a", "b"])
    results.write_record(run.path, good("b", run))
    results.record_path(run.path, "a").write_bytes(damage)
    read = results.read_run(run.path)
    assert states(read) == {"a": "unknown", "b": "compliant"}
    assert [problem.host for problem in read.problems] == ["a"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"token": "other"}, "foreign_record"),
        ({"host": "b"}, "damaged_record"),
        ({"verdict": None}, "damaged_record"),
        ({"verdict": {"state": "green"}}, "damaged_record"),
        ({"facts": None}, "damaged_record"),
        ({"facts": "x"}, "damaged_record"),
        ({"schema": "fleetops.tetra/result/9"}, "damaged_record"),
    ],
)
def test_a_record_that_is_not_this_hosts_never_turns_green(tmp_path: Path, change: dict[str, t.Any], kind: str) -> None:
    run = begin(tmp_path, ["a"])
    results.write_json(results.record_path(run.path, "a"), {**good("a", run), **change})
    read = results.read_run(run.path)
    assert states(read) == {"a": "unknown"}
    assert [problem.kind for problem in read.problems] == [kind]


def test_a_file_of_nobody_is_named(tmp_path: Path) -> None:
    run = begin(tmp_path, ["a"])
    results.write_record(run.path, good("a", run))
    (run.path / "hosts" / "stranger.json").write_text("{}", encoding="utf-8")
    read = results.read_run(run.path)
    assert states(read) == {"a": "compliant"}
    assert [problem.kind for problem in read.problems] == ["unlisted_record"]


def test_an_earlier_runs_records_do_not_count_in_a_later_one(tmp_path: Path) -> None:
    first = begin(tmp_path, ["a"], process=Process(1 << 30, 1))
    results.write_record(first.path, good("a", first))
    second = begin(tmp_path, ["a"])
    assert second.path == first.path
    assert states(results.read_run(second.path)) == {"a": "unknown"}


def test_slices_are_read_as_one_run_and_the_latest_record_counts(tmp_path: Path) -> None:
    one, other = begin(tmp_path, ["a", "b"], "one"), begin(tmp_path, ["b", "c"], "other")
    results.write_record(one.path, good("a", one))
    results.write_record(one.path, good("b", one, "compliant", "2026-11-24T00:00:00Z"))
    results.write_record(other.path, good("b", other, "non_compliant", "2026-11-24T01:00:00Z"))
    assert states(results.read_run([one.path, other.path])) == {"a": "compliant", "b": "non_compliant", "c": "unknown"}


def test_a_folder_of_a_living_run_is_refused(tmp_path: Path) -> None:
    parent = Process.of(os.getppid())
    begin(tmp_path, ["a"], process=parent)
    with pytest.raises(results.ResultsError, match="in use by a run that is still going on"):
        begin(tmp_path, ["a"])


@pytest.mark.parametrize("run_id", ["../up", "a/b", "", ".hidden", "x" * 200, "a\0b"])
def test_a_run_id_that_is_no_folder_name_is_refused(tmp_path: Path, run_id: str) -> None:
    if run_id:
        with pytest.raises(results.ResultsError, match="cannot be a folder name"):
            begin(tmp_path, ["a"], run_id)
    else:
        assert begin(tmp_path, ["a"], run_id).run_id.startswith("20")


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    paths = {begin(tmp_path, ["a"], None).path for _number in range(3)}
    assert len(paths) == 3
    assert set(runs_begun_by(tmp_path, ME)) == paths
    assert runs_begun_by(tmp_path, Process(1, 1)) == []


def test_a_results_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(results.ResultsError, match="cannot be written"):
        begin(tmp_path / "file" / "below", ["a"])


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "fleetops.tetra/run/1", "token": "x", "hosts": [1]}'])
def test_a_damaged_run_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(results.ResultsError):
        join_run(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    results.write_json(path, {"old": True})
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.write_json(path, {"new": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"old": True}
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("found", "fail_on", "result"),
    [
        (["compliant"], "unknown", "passed"),
        (["compliant", "unknown"], "none", "passed"),
        (["compliant", "unknown"], "non_compliant", "passed"),
        (["compliant", "unknown"], "unknown", "could_not_test"),
        (["non_compliant", "unknown"], "none", "passed"),
        (["non_compliant", "unknown"], "non_compliant", "failed"),
        (["non_compliant", "unknown"], "unknown", "failed"),
        (["not_applicable"], "unknown", "passed"),
        (["unreachable"], "none", "could_not_test"),
        ([], "none", "could_not_test"),
    ],
)
def test_how_a_run_ends(tmp_path: Path, found: list[str], fail_on: str, result: str) -> None:
    run = begin(tmp_path, [f"h{number}" for number in range(len(found))])
    for number, state in enumerate(found):
        host = f"h{number}"
        record = (
            results.unknown_record(host, "unreachable", "No route.", run.token)
            if state == "unreachable"
            else good(host, run, state)
        )
        results.write_record(run.path, record)
    outcome = judge_run(run.path, run.token, fail_on)
    assert outcome.result == result
    task = as_task_result(outcome)
    assert (task.get("failed", False), task.get("unreachable", False)) == (
        result == "failed",
        result == "could_not_test",
    )


def test_a_run_that_was_taken_over_or_has_no_report_never_passes(tmp_path: Path) -> None:
    run = begin(tmp_path, ["a"])
    results.write_record(run.path, good("a", run))
    assert judge_run(run.path, "another", "none").result == "could_not_test"
    assert judge_run(run.path, run.token, "none", report_failed=True).result == "could_not_test"
    assert judge_run(run.path, run.token, "none").result == "passed"


def test_the_guard_misses_a_run_that_was_not_begun_or_not_ended(tmp_path: Path) -> None:
    assert guard(tmp_path, ME).result == "could_not_test"
    run = begin(tmp_path, ["a"])
    results.write_record(run.path, good("a", run))
    assert guard(tmp_path, ME).result == "could_not_test"
    judge_run(run.path, run.token, "none")
    assert guard(tmp_path, ME).result == "passed"
    assert guard(tmp_path, Process(1 << 30, 1)).result == "could_not_test"


@given(st.binary(max_size=200))
def test_no_bytes_in_a_record_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    run = begin(tmp_path_factory.mktemp("run"), ["a"])
    results.record_path(run.path, "a").write_bytes(data)
    assert states(results.read_run(run.path)) == {"a": "unknown"}
