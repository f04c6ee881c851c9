# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged images: one sentence or a document of facts, never another exception, a hang or a flood of memory.

The damage goes where it hurts: into the bytes that a reader of the whole image looks at.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import FileSource, ImageError, placed
from ansible_collections.fleetops.tetra.tests.images import disks, states

pytestmark = pytest.mark.needs(*disks.TOOLS)
MIB = 1024 * 1024
KINDS = ("raw", "qcow2", "qcow2-compressed", "vhdx", "vhd", "vmdk", "vmdk-stream", "vmdk-split")
ROUNDS = 120
HANG = 30
MEMORY = 1024 * MIB
INTERESTING = (b"\0", b"\xff", b"\xff\xff\xff\xff", bytes(4), bytes(8), b"\xff" * 8, b"\x7f\xff\xff\xff", b"\0\0\0\x80")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small disk with everything in it that is read."""
    folder = tmp_path_factory.mktemp("fuzz")
    state = states.unapplied_policy_state(states.WEAK)
    state.system[r"Services\CiscoAMP"] = {
        "ImagePath": ("REG_EXPAND_SZ", r'"C:\Program Files\Cisco\AMP\8.2.4.30130\sfc.exe"'),
        "Start": ("REG_DWORD", 2),
    }
    state.software["Immunet Protect"] = {"InstallDir": ("REG_SZ", r"C:\Program Files\Cisco\AMP")}
    base = "Program Files/Cisco/AMP"
    state.files[f"{base}/local.xml"] = b"<config><agent><uuid>x</uuid></agent></config>"
    state.files[f"{base}/8.2.4.30130/sfc.exe.log"] = (
        b"(978223515, +0 ms) Aug 04 07:30:23 [11944]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000\n"
    )
    root = states.write_tree(state, folder / "root")
    volume = disks.ntfs_of(root, folder / "windows.ntfs", 4 * MIB)
    return disks.disk_of([volume], folder / "disk.raw", 9 * MIB)


@contextmanager
def guarded() -> t.Iterator[None]:
    """A hang ends the test, and memory beyond the limit is a MemoryError."""

    def give_up(_signal: int, _frame: object) -> None:
        raise AssertionError("the reader hangs")

    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    handler = signal.signal(signal.SIGALRM, give_up)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)


def judged(path: Path) -> str:
    """The facts as text, or the sentence that was given instead."""
    signal.alarm(HANG)
    try:
        with open_image(str(path)) as image:
            return json.dumps(image.windows.facts("golden", "2026-11-24T04:00:00Z"))
    except ImageError as error:
        sentence = str(placed(error, str(path)))
        assert str(path) in sentence, sentence
        assert sentence.endswith((".", "first.", "image.")) and "\n" not in sentence, sentence
        return sentence


def looked_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """(file, offset, length) of everything that is read from an image."""
    ranges: list[tuple[str, int, int]] = []
    real = FileSource.read_at

    def record(self: FileSource, offset: int, length: int) -> bytes:
        ranges.append((self.path, offset, length))
        return real(self, offset, length)

    with monkeypatch.context() as patch:
        patch.setattr(FileSource, "read_at", record)
        judged(path)
    return sorted(set(ranges))


@pytest.mark.parametrize("kind", KINDS)
def test_damage_in_what_is_read(disk: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = disks.convert(disk, tmp_path / "image", kind)
    rng = random.Random(kind)
    outcomes = set()
    with guarded():
        ranges = looked_at(path, monkeypatch)
        for _round in range(ROUNDS):
            undo: list[tuple[str, int, bytes]] = []
            for _change in range(rng.choice([1, 1, 2, 8])):
                name, offset, length = rng.choice(ranges)
                # The beginning of a structure holds its sizes and places.
                place = offset + (rng.randrange(length) if rng.random() < 0.5 else min(rng.randrange(128), length - 1))
                data = rng.choice([*INTERESTING, rng.randbytes(rng.choice([1, 2, 4]))])
                descriptor = os.open(name, os.O_RDWR)
                undo.append((name, place, os.pread(descriptor, len(data), place)))
                os.pwrite(descriptor, data[: len(undo[-1][2])], place)
                os.close(descriptor)
            outcomes.add(judged(path))
            for name, place, data in reversed(undo):
                descriptor = os.open(name, os.O_RDWR)
                os.pwrite(descriptor, data, place)
                os.close(descriptor)
    assert len(outcomes) > 5


@pytest.mark.parametrize("kind", KINDS)
def test_cut_off_anywhere(disk: Path, tmp_path: Path, kind: str) -> None:
    path = disks.convert(disk, tmp_path / "image", kind)
    rng = random.Random(kind)
    size = path.stat().st_size
    with guarded():
        for length in sorted((rng.randrange(size) for _cut in range(40)), reverse=True):
            os.truncate(path, length)
            judged(path)


def test_random_bytes_behind_every_mark(tmp_path: Path) -> None:
    rng = random.Random(13)
    path = tmp_path / "image"
    marks = (
        b"QFI\xfb\0\0\0\3",
        b"vhdxfile",
        b"KDMV\1\0\0\0",
        b"conectix",
        b"MSWIM\0\0\0",
        b"\xeb\x52\x90NTFS    ",
        b"regf",
    )
    with guarded():
        for mark in marks:
            for _round in range(60):
                path.write_bytes(mark + rng.randbytes(rng.choice([10, 600, 5000, 300_000])))
                judged(path)
