# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The plan ``fleetops.tetra/plan/1`` as types; ``docs/schemas/plan-1.json`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import RegistryData
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer

Todo = t.Literal["nothing", "change", "reboot", "blocked", "unknown"]
OwnerKind = t.Literal["local_gpo", "domain_gpo", "mdm", "direct", "none", "unknown"]
Target = t.Literal["local_gpo", "domain_gpo", "policy_registry", "cng", "schannel"]
Action = t.Literal["set_value", "remove_value", "enable_suite", "arrange_suites"]


class Owner(t.TypedDict):
    """Who owns a setting."""

    kind: OwnerKind
    name: str | None
    guid: str | None


class State(t.TypedDict):
    """A registry value before or after a step; ``absent`` has neither type nor data."""

    status: t.Literal["ok", "absent"]
    type: str | None
    data: RegistryData


class SuiteChanges(t.TypedDict):
    """What becomes of the names in a list of suites."""

    added: list[str]
    removed: list[str]
    moved: list[str]


class Call(t.TypedDict):
    """One call of Enable- or Disable-TlsCipherSuite; ``position`` counts from 0."""

    enable: bool
    name: str
    position: int


class Step(t.TypedDict):
    """One change of one registry value, or one suite enabled."""

    id: str
    target: Target
    owner: Owner
    action: Action
    path: str
    name: str
    before: State
    after: State
    suites: SuiteChanges
    why: str
    undo: str
    reversible: bool
    needs_reboot: bool
    calls: t.NotRequired[list[Call]]


class Wanted(t.TypedDict):
    """The value that an owner should hold."""

    path: str
    name: str
    type: str | None
    data: RegistryData


class Blocked(t.TypedDict):
    """Why nothing can be changed here, and what to do instead."""

    code: str
    owner: Owner
    why: str
    what_to_do: str
    wanted: Wanted | None


class Guard(t.TypedDict):
    """A guard that was asked and let the plan pass."""

    code: str
    why: str


class Predicted(t.TypedDict):
    """What the verdict would say after the steps and a reboot."""

    reachability: Answer


class Plan(t.TypedDict):
    """What to do to one endpoint, in order."""

    schema: t.Literal["fleetops.tetra/plan/1"]
    host: str
    todo: Todo
    steps: list[Step]
    blocked: list[Blocked]
    guards: list[Guard]
    dropped: list[str]
    predicted: Predicted
    needs_reboot: bool
