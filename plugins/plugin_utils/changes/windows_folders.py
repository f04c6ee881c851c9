# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Where Windows is installed and where programs keep their data, asked of the endpoint's environment."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, PSObject, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select

OUR_FOLDER = "fleetops.tetra"


@dataclass(frozen=True)
class WindowsFolders:
    """Paths without a separator at their end."""

    system_root: str = r"C:\Windows"
    program_data: str = r"C:\ProgramData"

    @property
    def copies(self) -> str:
        """Where the endpoint keeps its copies of before-images."""
        return f"{self.program_data}\\{OUR_FOLDER}"


def read_folders(asker: Asker) -> WindowsFolders:
    """An endpoint that does not show its environment has them where Windows puts them. Raises SessionError."""
    statement = (
        command("Get-ChildItem", Path=["Env:SystemRoot*", "Env:ProgramData*"], ErrorAction="Continue"),
        select("Name", "Value"),
    )
    found = {}
    for item in asker.ask([statement]).output:
        name, value = (item.get("Name"), item.get("Value")) if isinstance(item, PSObject) else (None, None)
        if isinstance(name, str) and isinstance(value, str) and value[1:3] == ":\\":
            found[name.lower()] = value.rstrip("\\")
    usual = WindowsFolders()
    return WindowsFolders(found.get("systemroot", usual.system_root), found.get("programdata", usual.program_data))
