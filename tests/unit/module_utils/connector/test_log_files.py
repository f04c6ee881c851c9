# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log files: which belong together, and lines from any bytes in bounded memory."""

from __future__ import annotations

import io
import os
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import log, log_files
from ansible_collections.fleetops.tetra.plugins.module_utils.connector.log_lines import MAX_LINE_CHARS


def write(folder: Path, name: str, modified: int, data: bytes = b"x\n") -> Path:
    path = folder / name
    path.write_bytes(data)
    os.utime(path, (modified, modified))
    return path


def test_siblings_come_in_the_order_of_their_dates(tmp_path: Path) -> None:
    newest = write(tmp_path, "sfc.exe.log", 400)
    write(tmp_path, "sfc.exe_2.log", 100)
    write(tmp_path, "sfc.exe.log.1", 300)
    write(tmp_path, "SFC.EXE.LOG.old", 200)
    write(tmp_path, "updater.log", 250)
    (tmp_path / "sfc.exe.logs").mkdir()
    names = ["sfc.exe_2.log", "SFC.EXE.LOG.old", "sfc.exe.log.1", "sfc.exe.log"]
    assert [file.path.name for file in log_files.log_files(newest)] == names
    assert [file.path.name for file in log_files.log_files(tmp_path)] == names
    assert [file.path.name for file in log_files.log_files(newest, siblings=False)] == ["sfc.exe.log"]


def test_a_file_of_another_name_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, "sfc.exe.log", 1)
    excerpt = write(tmp_path, "excerpt.txt", 2)
    assert [file.path for file in log_files.log_files(excerpt)] == [excerpt]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(log_files.LogError, match="does not exist"):
        log_files.log_files(tmp_path / "none" / "sfc.exe.log")
    with pytest.raises(log_files.LogError, match="no file named like"):
        log_files.log_files(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(log_files.LogError, match="not a file"):
        log_files.log_files(tmp_path / "pipe")


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "_CHUNK", chunk)
    lines = ["(1, +0 ms) Aug 04 07:30:23 [1]: \uc5c5\ub370\uc774\ud2b8 \u0a0a", "", "second\r", "last"]
    data = "\n".join(lines).encode(encoding)
    assert list(log_files.lines_of(io.BytesIO(data))) == lines


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=40).filter(lambda part: b"\n" not in part), min_size=1, max_size=8),
    st.integers(1, 50),
)
def test_any_bytes_make_the_lines_they_hold(parts: list[bytes], chunk: int) -> None:
    data = b"\n".join(parts)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:3] == b"\xef\xbb\xbf":
        data = b" " + data
        parts = data.split(b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "_CHUNK", chunk)
        found = list(log_files.lines_of(io.BytesIO(data)))
    wanted = [part.decode("utf-8", "replace") for part in parts]
    assert found == (wanted if wanted[-1] else wanted[:-1])


class Endless(io.RawIOBase):
    """A stream of one byte, so many times; it never holds more than a chunk."""

    def __init__(self, byte: bytes, count: int) -> None:
        self._byte, self._left = byte, count

    def read(self, size: int = -1) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return self._byte * given


@pytest.mark.parametrize("byte", [b"x", b"\n", b"\x00", b"\xff"])
def test_memory_stays_bounded(byte: bytes) -> None:
    tracemalloc.start()
    try:
        count = sum(1 for _line in log_files.lines_of(t.cast(t.BinaryIO, Endless(byte, 8_000_000))))
        assert tracemalloc.get_traced_memory()[1] < 24_000_000
    finally:
        tracemalloc.stop()
    assert count == (8_000_000 if byte == b"\n" else 1)


def test_a_line_after_an_endless_one_is_read() -> None:
    verdict = b"(1, +0 ms) Aug 04 07:30:23 [1]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000\n"
    data = b"y" * (MAX_LINE_CHARS * 40) + b"\n" + verdict
    (update,) = log.updates(log_files.lines_of(io.BytesIO(data)))
    assert update.code == -3000
