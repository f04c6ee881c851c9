# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The run ``fleetops.tetra/run/1`` as types; ``docs/schemas/run-1.json`` says the same."""

from __future__ import annotations

import typing as t


class Process(t.TypedDict):
    """The process that began the run; ``started`` in clock ticks since boot, where the system tells."""

    pid: int
    started: int | None


class Run(t.TypedDict):
    """A run, written before its first endpoint is asked; ``policy`` is the policy option as given."""

    schema: t.Literal["fleetops.tetra/run/1"]
    run_id: str
    token: str
    started_at: str
    playbook: str | None
    check_mode: bool
    collection_version: str | None
    ansible_version: str | None
    python_version: str | None
    policy: dict[str, t.Any] | None
    process: Process
    hosts: list[str]
