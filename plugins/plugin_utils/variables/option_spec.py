# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Options of modules, as Ansible's argument spec has them, as types: mypy sees a mistyped word of a spec."""

from __future__ import annotations

import typing as t


class OptionSpec(t.TypedDict, total=False):
    """One option of a module, as Ansible's argument spec has it."""

    type: t.Literal["str", "bool", "int", "float", "list", "dict", "path", "raw"]
    elements: t.Literal["str", "int", "dict", "path"]
    default: t.Any
    choices: list[str]
    required: bool
    no_log: bool
    aliases: list[str]
    options: dict[str, OptionSpec]


OptionSpecs = dict[str, OptionSpec]
