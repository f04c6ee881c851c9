# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The domain GPOs ``fleetops.tetra/domain-gpos/1`` as types; ``docs/schemas/domain-gpos-1.json`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import GpoState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import SuiteChanges

ConflictCode = t.Literal["different_values", "does_not_fit", "not_served", "would_break", "lock_out"]
GpoEvent = t.Literal["changed", "already", "failed"]


class Conflict(t.TypedDict):
    """Why no one value serves all endpoints of a GPO."""

    code: ConflictCode
    why: str
    endpoints: list[str]


class GpoOutcome(t.TypedDict):
    """What became of a change; ``now``: what the GPO holds."""

    event: GpoEvent
    at: str
    management_host: str
    before_image: str | None
    now: GpoState | None
    detail: str | None


class GpoChange(t.TypedDict):
    """One value of one domain GPO. ``ends``: hosts by how their cure ended, once that is known."""

    guid: str
    name: str | None
    domain: str | None
    path: str
    value: t.Literal["Functions", "EccCurves"]
    before: GpoState | None
    after: GpoState | None
    suites: SuiteChanges
    endpoints: list[str]
    also_governed: list[str]
    rivals: list[str]
    conflicts: list[Conflict]
    why: str
    outcome: GpoOutcome | None
    ends: t.NotRequired[dict[str, list[str]]]


class DomainGpos(t.TypedDict):
    """The domain GPOs of a remediation, and what became of each; ``permitted``: whether they may be changed."""

    schema: t.Literal["fleetops.tetra/domain-gpos/1"]
    permitted: bool
    gpos: list[GpoChange]
