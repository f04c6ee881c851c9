# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""shutdown.exe /r: the endpoint goes down, and after its boot the configured orders are in force."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.machine.restarting import boot
from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Event, NonTerminatingError, Restart

_SOONEST = 0.3
"""Even /t 0 leaves time for the answer."""
_WITH_VALUE = ("/t", "/d", "/c")


def run(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    options: dict[str, str] = {}
    words = list(arguments)
    while words:
        word = words.pop(0).lower().replace("-", "/", 1)
        options[word] = words.pop(0) if word in _WITH_VALUE and words else ""
    if "/r" not in options or set(options) - {"/r", "/f", *_WITH_VALUE} or not options.get("/t", "30").isdigit():
        call.unmatched(f"shutdown.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    if not call.state.account.elevated:
        call.variables.last_exit_code = 5
        message = "Access is denied.(5)"
        yield NonTerminatingError(
            ErrorDetails(
                message,
                "NativeCommandError",
                "NotSpecified",
                "System.Management.Automation.RemoteException",
                command="shutdown.exe",
                target=message,
                target_name=message,
                target_type="String",
            )
        )
        return
    call.variables.last_exit_code = 0
    state = call.state
    seconds = max(float(options.get("/t", "30")), _SOONEST)
    yield Restart(seconds, state.boot_seconds, up=lambda: boot(state))
