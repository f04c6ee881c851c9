# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written whole or not at all."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically


def test_the_folder_is_made_and_the_size_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new" / "report.json"
    assert write_atomically(path, ["é", "\r\n"]) == 4
    assert path.read_bytes() == b"\xc3\xa9\r\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_failure_in_the_middle_keeps_the_old_file_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")

    def broken() -> t.Iterator[str]:
        yield "new"
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        write_atomically(path, broken())
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ReportError, match=r"^The report cannot be written to .*file/report.json: .*\.$"):
        write_atomically(tmp_path / "file" / "report.json", ["x"])


def test_a_lone_surrogate_does_not_stop_a_report(tmp_path: pathlib.Path) -> None:
    write_atomically(tmp_path / "x", ["a\ud800b"])
    assert (tmp_path / "x").read_text(encoding="utf-8") == "a?b"
