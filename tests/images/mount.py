# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An NTFS volume mounted with ntfs-3g over FUSE, for what no tool writes without a mount: compression, fragments."""

from __future__ import annotations

import subprocess
import typing as t
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(volume: Path, point: Path, options: str = "") -> t.Iterator[Path]:
    """Mount a volume; skips the test where FUSE does not work."""
    point.mkdir()
    command = ["ntfs-3g", str(volume), str(point), *(["-o", options] if options else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"ntfs-3g cannot mount here: {error}")
    if done.returncode:
        pytest.skip(f"ntfs-3g cannot mount here: {done.stderr.strip().splitlines()[-1:]}")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)
