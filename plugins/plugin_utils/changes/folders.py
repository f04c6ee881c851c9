# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Windows keeps its folders on this endpoint: they need not lie on C:."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.asking import Asker, Thing, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select


@dataclass(frozen=True)
class Folders:
    system_root: str = r"C:\Windows"
    program_data: str = r"C:\ProgramData"

    @property
    def ours(self) -> str:
        """Where the endpoint keeps its copies of before-images."""
        return f"{self.program_data}\\fleetops.tetra"


def folders_of(asker: Asker) -> Folders:
    """Read from the environment; what it does not tell is where Windows puts it by default. Raises SessionError."""
    statement = (
        command("Get-ChildItem", Path=["Env:SystemRoot*", "Env:ProgramData*"], ErrorAction="Continue"),
        select("Name", "Value"),
    )
    found = {}
    for item in asker.ask([statement]).output:
        if isinstance(item, Thing) and isinstance(item.get("Value"), str) and isinstance(item.get("Name"), str):
            found[item.get("Name").lower()] = item.get("Value").rstrip("\\")
    default = Folders()
    return Folders(found.get("systemroot", default.system_root), found.get("programdata", default.program_data))
