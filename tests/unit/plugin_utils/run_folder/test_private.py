# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells the weak machines of a fleet is read by its owner only, and no planted link makes us write elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import begin_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import make_folder, open_lock
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    ResultsError,
    unknown_record,
    write_record,
)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_run_is_its_owners(tmp_path: Path) -> None:
    results = tmp_path / "new" / "results"
    run = begin_run(results, "run", ["pc"], Process.current(), {}, {})
    record = write_record(run.path, unknown_record("pc", "timeout", "Late.", run.token))
    assert {_mode(path) for path in (results, run.path, run.path / "hosts")} == {0o700}
    assert {_mode(path) for path in (results / ".lock", run.path / "run.json", record)} == {0o600}


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    results = tmp_path / "results"
    results.mkdir()
    (results / ".lock").symlink_to(victim)
    with pytest.raises(ResultsError):
        begin_run(results, "run", ["pc"], Process.current(), {}, {})
    assert victim.read_text(encoding="utf-8") == "precious"


def test_a_lock_file_is_not_truncated_and_a_pipe_is_none(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("kept", encoding="utf-8")
    os.close(open_lock(tmp_path / "lock"))
    assert (tmp_path / "lock").read_text(encoding="utf-8") == "kept"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no plain file"):
        open_lock(tmp_path / "pipe")


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path)
    assert _mode(tmp_path) == 0o755
