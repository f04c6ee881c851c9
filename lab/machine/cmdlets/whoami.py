# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""whoami.exe: ``/groups /fo csv /nh`` tells an elevated token from a filtered one."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, output
from ansible_collections.fleetops.tetra.lab.pipeline import Event

_HIGH, _MEDIUM = "S-1-16-12288", "S-1-16-8192"


def run(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    lowered = [argument.lower() for argument in arguments]
    call.variables.last_exit_code = 0
    if not lowered:
        yield output(f"{call.state.identity.computer_name.lower()}\\lab")
        return
    if lowered[0] != "/groups" or "csv" not in lowered:
        call.unmatched(f"whoami.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    if "/nh" not in lowered:
        yield output('"Group Name","Type","SID","Attributes"')
    enabled = "Mandatory group, Enabled by default, Enabled group"
    yield output(f'"Everyone","Well-known group","S-1-1-0","{enabled}"')
    kind = call.state.account.kind
    if kind != "user":
        attributes = f"{enabled}, Group owner" if kind == "administrator" else "Group used for deny only"
        yield output(f'"BUILTIN\\Administrators","Alias","S-1-5-32-544","{attributes}"')
    level, sid = ("High", _HIGH) if kind == "administrator" else ("Medium", _MEDIUM)
    yield output(f'"Mandatory Label\\{level} Mandatory Level","Label","{sid}",""')
