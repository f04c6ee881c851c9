# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whom an inventory name is bound to, as a type; ``docs/schemas/identity-1.json`` says the same."""

from __future__ import annotations

import typing as t


class BoundIdentity(t.TypedDict):
    """The machine that answers under an inventory name; ``machine_guid`` is what ``identity_of`` makes of it."""

    schema: t.Literal["fleetops.tetra/identity/1"]
    host: str
    bound_at: str
    computer_name: str | None
    domain: str | None
    machine_guid: str | None
