# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets of echo machines for the tests of the server."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from tests.unit.lab.server.echo import echo

Start = t.Callable[..., RunningFleet]


@pytest.fixture
def start(tmp_path: Path) -> t.Iterator[Start]:
    """Starts a fleet of echo machines: keyword arguments are endpoint name → transport mapping."""
    running: list[contextlib.AbstractContextManager[RunningFleet]] = []

    def begin(**transports: dict[str, t.Any]) -> RunningFleet:
        endpoints = {name: {"transport": transport} for name, transport in transports.items()}
        fleet = {"schema": "fleetops.tetra/fleet/1", "endpoints": endpoints}
        manager = running_fleet(fleet, tmp_path / f"lab{len(running)}", make_machine=echo)
        entered = manager.__enter__()
        running.append(manager)
        return entered

    yield begin
    for manager in running:
        manager.__exit__(None, None, None)
