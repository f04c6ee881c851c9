# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The variables of the roles, by their argument specs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_ROLES = Path(__file__).resolve().parents[3] / "roles"


@cache
def role_variables() -> frozenset[str]:
    """The names of all roles' variables."""
    import yaml

    found: set[str] = set()
    for path in _ROLES.glob("*/meta/argument_specs.yml"):
        found.update(yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"])
    return frozenset(found)
