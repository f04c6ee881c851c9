# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Active Directory (Samba) for this folder; without root or Samba its tests are skipped with one sentence.

``TETRA_REQUIRE_DOMAIN=1`` forbids that.
"""

from __future__ import annotations

import os
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.domain.controller import (
    Controller,
    resolving,
    running_controller,
    why_not,
)
from ansible_collections.fleetops.tetra.tests.domain.layouts import READER, READER_PASSWORD, population


@dataclass(frozen=True)
class RunningDomain:
    controller: Controller
    user: str = f"{READER}@LAB.TEST"
    password: str = READER_PASSWORD


@pytest.fixture(scope="session")
def domain() -> t.Iterator[RunningDomain]:
    reason = why_not()
    if reason is not None:
        if os.environ.get("TETRA_REQUIRE_DOMAIN") == "1":
            pytest.fail(f"TETRA_REQUIRE_DOMAIN is set, and {reason}")
        pytest.skip(reason)
    # SYSVOL is read as the user who logs on, so every folder above it has to let him through; pytest's do not.
    with tempfile.TemporaryDirectory(prefix="tetra-dc-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with running_controller(Path(folder) / "dc", population().write) as controller, resolving(controller):
            yield RunningDomain(controller)
