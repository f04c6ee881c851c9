# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The summary ``fleetops.tetra/remediation/1`` and ``plans.json`` as types; ``docs/schemas`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.domain_gpos import GpoChange
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Blocked, Step, Todo
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import State

HostEvent = t.Literal[
    "proven", "nothing_to_do", "blocked", "held", "not_started", "failed", "unreachable", "timed_out", "unproven",
    "in_flight", "abandoned", "unknown",
]  # fmt: skip


class HostPlan(t.TypedDict):
    """As much of an endpoint's plan as the domain GPOs decide."""

    todo: Todo
    steps: list[Step]
    blocked: list[Blocked]


Plans = dict[str, HostPlan]


class HostSummary(t.TypedDict):
    """What became of one endpoint; ``stage`` is the last entry of its journal, ``at`` that entry's time (UTC)."""

    event: HostEvent | None
    stage: Event | None
    detail: str | None
    at: str | None
    planned: Todo
    blocked: list[Blocked]
    changed: bool
    before: State
    after: State | None
    update: t.Literal["updated", "up_to_date", "failed", "unknown"] | None
    may_be_changed_since: t.NotRequired[str | None]


class Summary(t.TypedDict):
    """What became of every endpoint of a remediation so far."""

    schema: t.Literal["fleetops.tetra/remediation/1"]
    run_id: str
    made_at: str
    counts: dict[str, int]
    failures: int
    allowed: int
    budget_spent: bool
    failed: list[str]
    in_flight: list[str]
    never_came_back: list[str]
    not_known: list[str]
    owned_by_others: list[str]
    domain_gpos: list[GpoChange]
    hosts: dict[str, HostSummary]
    may_be_changed: t.NotRequired[list[str]]
    not_there: t.NotRequired[list[str]]
    stopped: t.NotRequired[str | None]
