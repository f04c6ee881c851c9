# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines that die, hang or print something else, and a wine prefix in use: one sentence each, never a green test."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.fleetops.tetra.tests.engine import finding, process
from ansible_collections.fleetops.tetra.tests.engine.process import EngineProcess, EngineTrouble, ask_once


def program(folder: pathlib.Path, text: str) -> pathlib.Path:
    made = folder / "pwsh"
    made.write_text(f"#!/bin/sh\n{text}\n")
    made.chmod(0o755)
    return made


BROKEN = {
    "dies": ("exit 3", "the engine's process has ended."),
    "dies and says why": ("echo 'no such file' >&2; exit 1", "the engine's process has ended: no such file."),
    "prints something else": ("echo 'PS C:\\>'; cat > /dev/null", "the engine printed something that is no packet"),
    "prints a broken packet": ("echo \"<Data PSGuid='x'>!</Data>\"; cat > /dev/null", "the engine printed something"),
    "hangs": ("cat > /dev/null", "nothing came within 2 seconds."),
    "acknowledges and says nothing": (
        "while read -r line; do echo \"<DataAck PSGuid='00000000-0000-0000-0000-000000000000' />\"; done",
        "nothing came within 2 seconds.",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_an_engine_that_is_none_is_told_in_one_sentence(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, told = BROKEN[name]
    monkeypatch.setenv(finding.PROGRAM, str(program(tmp_path, text)))
    found, reason = finding.look(seconds=2.0 if "nothing came" in told else 60.0)
    assert found is None
    assert told in reason
    assert reason.endswith(".") and "\n" not in reason and "Traceback" not in reason


def test_an_engine_that_takes_no_packet_counts_as_hung(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PACKET_SECONDS", 1.0)
    hung = EngineProcess([str(program(tmp_path, "cat > /dev/null"))], tmp_path / "prefix")
    try:
        with pytest.raises(EngineTrouble, match="did not take a Data packet within 1 seconds"):
            ask_once(hung, "Get-Date", seconds=30.0)
    finally:
        hung.kill()


@pytest.mark.parametrize(
    ("required", "outcome"), [("0", "skipped"), ("1", "failed")], ids=["skipped", "TETRA_REQUIRE_ENGINE forbids it"]
)
def test_without_an_engine_the_tests_are_skipped_with_one_sentence(
    required: str, outcome: str, tmp_path: pathlib.Path, checkout: pathlib.Path
) -> None:
    environment = {**os.environ, finding.PROGRAM: str(tmp_path / "nowhere"), finding.REQUIRED: required}
    command = [sys.executable, "-m", "pytest", "-q", "-rsf", "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/engine/test_harness.py", "-k", "the_test_wrote"],
        cwd=checkout, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    sentence = f"{finding.PROGRAM} names {tmp_path / 'nowhere'}, which is no program."
    assert sentence in " ".join(done.stdout.split()), done.stdout
    assert (f"1 {outcome}" in done.stdout or "1 error" in done.stdout, "passed" in done.stdout) == (True, False)
    assert (done.returncode == 0) is (outcome == "skipped")


def test_a_prefix_in_use_is_neither_copied_nor_written(tmp_path: pathlib.Path) -> None:
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    process.stand_still(prefix)
    user = subprocess.Popen(["sleep", "60"], env={"WINEPREFIX": str(prefix), "PATH": os.environ["PATH"]})
    try:
        with pytest.raises(EngineTrouble, match=f"{prefix} is in use by process {user.pid}, so its registry cannot be"):
            process.stand_still(prefix)
    finally:
        user.kill()
        user.wait()
    process.stand_still(prefix)
