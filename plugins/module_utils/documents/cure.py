# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The cure ``fleetops.tetra/cure/1`` as types; ``docs/schemas/cure-1.json`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Plan

End = t.Literal[
    "proven", "nothing_to_do", "blocked", "held", "not_started", "failed", "unreachable", "timed_out", "unproven",
]  # fmt: skip
"""How the cure of an endpoint ends."""
Outcome = t.Literal["restored", "already_as_before", "kept_changed_since"]


class Undone(t.TypedDict):
    """What became of one thing that was changed, when it was undone."""

    path: str
    name: str | None
    outcome: Outcome


class Foreseen(Undone):
    """What would become of it; ``present``: the state in which it stands."""

    present: ValueState


class ConfirmedCause(t.TypedDict):
    """A cause of the definition update's failure."""

    code: str
    confirm: str


class Update(t.TypedDict):
    """The definition update after the change."""

    result: t.Literal["updated", "up_to_date", "failed", "unknown"]
    code: int | None
    line: str | None
    signatures: int | None
    definitions_version: int | None
    cause: ConfirmedCause | None
    reason: str | None


class Restart(t.TypedDict):
    """The restart; times are UTC by the endpoint's clock."""

    boot_time_before: str | None
    boot_time_after: str | None
    method: str
    note: str | None


class Timing(t.TypedDict):
    """``started_at`` is UTC, ``pipelines`` counts what was asked."""

    started_at: str
    seconds: float
    pipelines: int


class Cure(t.TypedDict):
    """What was done to one endpoint."""

    schema: t.Literal["fleetops.tetra/cure/1"]
    host: str
    token: str
    event: End
    detail: str | None
    changed: bool
    plan: Plan | None
    before_image: str | None
    before_image_on_endpoint: bool | None
    undone: list[Undone] | None
    update: Update | None
    restart: Restart | None
    timing: Timing
