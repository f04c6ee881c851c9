# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: on disk before the step, whole after a crash, and cheap to check against the budget."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal, JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process


def test_an_endpoint_without_entries_stands_nowhere(tmp_path: Path) -> None:
    standing = Journal(tmp_path, "t").standing("win01")
    assert (standing.event, standing.in_flight, standing.abandoned) == (None, False, False)


def test_the_last_entry_says_where_an_endpoint_stands(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "t")
    journal.append("win01", "running", wave=1)
    assert journal.standing("win01").in_flight
    journal.append("win01", "proven", "shakes hands")
    standing = journal.standing("win01")
    assert (standing.event, standing.detail, standing.in_flight) == ("proven", "shakes hands", False)


def test_only_lost_endpoints_count_against_the_budget_over_all_starts(tmp_path: Path) -> None:
    Journal(tmp_path, "of an earlier start").append("win00", "failed")
    Journal(tmp_path, "of an earlier start").append("win01", "failed")
    Journal(tmp_path, "new").append("win01", "proven")
    journal = Journal(tmp_path, "new")
    for host, event in [("a", "failed"), ("b", "unreachable"), ("c", "timed_out"), ("d", "unproven"), ("a", "failed")]:
        journal.append(host, event)
    for host, event in [("e", "proven"), ("f", "blocked"), ("g", "held"), ("h", "running")]:
        journal.append(host, event)
    assert journal.failed_hosts() == ["win00", "a", "b", "c", "d"]


def test_a_line_cut_short_by_a_crash_is_passed_over_and_the_next_entry_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "t")
    journal.append("win01", "running")
    path = next((tmp_path / "journal").glob("win01*"))
    path.write_bytes(path.read_bytes() + b'{"schema":"fleetops.tetra/journal/1","event":"prov')
    assert journal.standing("win01").event == "running"
    journal.append("win01", "failed", "came back wrong")
    assert [entry["event"] for entry in journal.entries("win01")] == ["running", "failed"]


def _begin_and_die(folder: str) -> None:
    Journal(folder, "t").append("win01", "changing")
    os.kill(os.getpid(), signal.SIGKILL)


def test_an_endpoint_whose_worker_was_killed_is_abandoned_and_not_in_flight(tmp_path: Path) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_begin_and_die, args=(str(tmp_path),))
    worker.start()
    worker.join()
    standing = Journal(tmp_path, "t2").standing("win01")
    assert (standing.event, standing.abandoned, standing.in_flight) == ("changing", True, False)
    assert [one.host for one in Journal(tmp_path, "t2").standings()] == ["win01"]


def test_names_that_differ_in_case_only_have_journals_of_their_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "t")
    journal.append("WEB", "proven")
    journal.append("web", "failed")
    assert {(one.host, one.event) for one in journal.standings()} == {("WEB", "proven"), ("web", "failed")}


def test_an_entry_that_cannot_be_written_stops_the_step(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file stands where the folder should be")
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path, "t").append("win01", "running")


def test_an_unknown_event_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no_such_event"):
        Journal(tmp_path, "t").append("win01", "no_such_event")


def _start_if_free(folder: str, host: str, places: int) -> None:
    journal = Journal(folder, "t")
    with journal.locked():
        if len(journal.failed_hosts()) < places:
            journal.append(host, "failed")


def test_two_workers_cannot_both_take_the_last_place(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_start_if_free, args=(str(tmp_path), f"win{n}", 1)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(Journal(tmp_path, "t").failed_hosts()) == 1


def test_entries_name_the_process_that_wrote_them(tmp_path: Path) -> None:
    Journal(tmp_path, "t").append("win01", "running")
    entry = json.loads(next((tmp_path / "journal").glob("win01*")).read_text())
    assert Process.from_dict(entry["process"]) == Process.current()


def test_a_line_of_which_a_full_disk_took_only_a_part_is_no_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, write = Journal(tmp_path, "t"), os.write
    journal.append("win01", "running")
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:20]))
    with pytest.raises(JournalError, match="No space left on device"):
        journal.append("win01", "changing")
    monkeypatch.undo()
    journal.append("win01", "failed")
    assert [entry["event"] for entry in journal.entries("win01")] == ["running", "failed"]
