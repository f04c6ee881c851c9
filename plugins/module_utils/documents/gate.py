# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The end of a run ``gate.json`` as a type; ``docs/schemas/gate-1.json`` says the same."""

from __future__ import annotations

import typing as t

GateResult = t.Literal["passed", "failed", "could_not_test"]


class Gate(t.TypedDict):
    """How a run ended; ``counts`` by state."""

    result: GateResult
    message: str
    counts: dict[str, int]
