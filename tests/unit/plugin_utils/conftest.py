# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Windows over the wire, fresh for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Fresh, Windows, one_endpoint


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFleet]:
    with one_endpoint(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def usual() -> dict[str, object]:
    """What every endpoint of a test file has; a file may say it anew."""
    return {}


@pytest.fixture
def windows(fleet: RunningFleet, usual: dict[str, object]) -> Iterator[Fresh]:
    """``windows(release=…, policy=…)`` makes the endpoint of a fleet file's mapping."""
    with contextlib.ExitStack() as stack:

        def make(**mapping: object) -> Windows:
            fresh = Windows(fleet, {**usual, **mapping})
            stack.callback(fresh.connection.close)
            return fresh

        yield make
