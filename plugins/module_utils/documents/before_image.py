# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The before-image ``fleetops.tetra/before-image/1`` as types; ``docs/schemas/before-image-1.json`` says the same."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import RegistryData
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Call, State


class FileState(t.TypedDict):
    """A file; ``content`` in base64, ``None`` where there was none."""

    status: t.Literal["ok", "absent"]
    content: t.NotRequired[str | None]


class GpoState(t.TypedDict):
    """A value of a GPO; ``disabled``: the GPO removes the value on its endpoints."""

    status: t.Literal["ok", "absent"]
    type: str | None
    data: RegistryData
    disabled: t.NotRequired[bool]


class RegistryValueItem(t.TypedDict):
    """One registry value; ``by``: the cmdlets that changed it; ``made_keys``: so many keys were made for it."""

    kind: t.Literal["registry_value"]
    path: str
    name: str
    before: State
    after: State
    by: t.NotRequired[t.Literal["enable_suite", "arrange_suites"]]
    calls: t.NotRequired[list[Call]]
    made_keys: t.NotRequired[int]


class FileItem(t.TypedDict):
    """One file of the endpoint."""

    kind: t.Literal["file"]
    path: str
    before: FileState
    after: FileState


class GpoValueItem(t.TypedDict):
    """One value of a domain GPO."""

    kind: t.Literal["gpo_value"]
    path: str
    name: str
    guid: str
    gpo: str | None
    domain: str | None
    before: GpoState
    after: GpoState


Item = t.Union[RegistryValueItem, FileItem, GpoValueItem]  # noqa: UP007 - pylint of ansible-test knows no |
ValueState = t.Union[State, GpoState]  # noqa: UP007
"""A value, of the registry or of a GPO."""


class BeforeImage(t.TypedDict):
    """What stood on an endpoint before it was changed."""

    schema: t.Literal["fleetops.tetra/before-image/1"]
    id: str
    host: str
    created_at: str
    run_id: str
    token: str
    items: list[Item]
