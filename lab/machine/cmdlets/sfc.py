# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector's sfc.exe: ``-forceupdate`` makes a real handshake and logs how it ended; ``-l start|stop``.

System32 has another sfc.exe, the System File Checker; that one does nothing here.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine import connector
from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.machine.handshake import shake
from ansible_collections.fleetops.tetra.lab.pipeline import Blocking, Event


def run(call: Call, path: str, arguments: list[str]) -> t.Generator[Event, t.Any, None]:
    state = call.state
    service = next((one for one in state.services.values() if one.path.strip('"').lower() == path.lower()), None)
    if service is None:
        call.unmatched(f"{path} {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    words = [argument.lower() for argument in arguments]
    call.variables.last_exit_code = 0
    if words in (["-l", "start"], ["-l", "stop"]):
        state.debug_logging = words[1] == "start"
        return
    if words != ["-forceupdate"]:
        call.unmatched(f"{path} {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    if service.state != "Running" or not connector.fetches_definitions(state):
        return  # it only tells the service; without one, or with Tetra off, nothing comes of it
    wanted, route = state.offer(), state.route
    result = yield Blocking(lambda: shake(wanted, route))
    connector.log_update(state, path.rpartition("\\")[0], "updated" if result.outcome == "ok" else "failed")
