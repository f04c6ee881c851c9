# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The journal entry ``fleetops.tetra/journal/1`` as types; ``docs/schemas/journal-1.json`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.run import Process

Event = t.Literal[
    "running", "before_image", "changing", "changed", "rebooting", "proving", "proven", "nothing_to_do", "blocked",
    "held", "not_started", "failed", "unreachable", "timed_out", "unproven",
]  # fmt: skip


class JournalEntry(t.TypedDict):
    """One line of a host's journal; ``wave`` counts from 1."""

    schema: t.Literal["fleetops.tetra/journal/1"]
    at: str
    token: str
    host: str
    event: Event
    detail: str | None
    wave: int | None
    process: Process
