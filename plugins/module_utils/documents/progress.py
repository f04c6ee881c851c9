# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How far a run is, ``fleetops.tetra/progress/1``, as types; ``docs/schemas/progress-1.json`` says the same."""

from __future__ import annotations

import typing as t


class CauseCount(t.TypedDict):
    """So many endpoints with this cause."""

    code: str
    count: int


class ErrorCount(t.TypedDict):
    """So many endpoints with this kind of error."""

    kind: str
    count: int


class ProgressDocument(t.TypedDict):
    """Written while a run goes on; times are UTC."""

    schema: t.Literal["fleetops.tetra/progress/1"]
    started_at: str
    written_at: str
    ended: bool
    total: int
    done: int
    per_second: float
    expected_end: str | None
    states: dict[str, int]
    worst_causes: list[CauseCount]
    errors: list[ErrorCount]
    lost_processes: int
