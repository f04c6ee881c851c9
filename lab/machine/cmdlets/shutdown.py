# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""shutdown.exe: ``/r`` orders a restart, ``/a`` calls off one that has not begun."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.machine.restarting import ordered
from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Event, NonTerminatingError

_SOONEST = 0.3
"""Even /t 0 leaves time for the answer."""
_WITH_VALUE = ("/t", "/d", "/c")
_SENTENCES = {
    5: "Access is denied.(5)",
    1116: "Unable to abort the system shutdown because no shutdown was in progress.(1116)",
    1190: "A system shutdown has already been scheduled.(1190)",
    1191: "The system shutdown cannot be initiated because there are other users logged on to the computer.(1191)",
}


def run(call: Call, _path: str, arguments: list[str]) -> t.Iterator[Event]:
    options: dict[str, str] = {}
    words = list(arguments)
    while words:
        word = words.pop(0).lower().replace("-", "/", 1)
        options[word] = words.pop(0) if word in _WITH_VALUE and words else ""
    restart = "/r" in options and not set(options) - {"/r", "/f", *_WITH_VALUE} and options.get("/t", "30").isdigit()
    if not restart and set(options) != {"/a"}:
        call.unmatched(f"shutdown.exe {' '.join(arguments)}")
        call.variables.last_exit_code = 1
        return
    state = call.state
    scheduled = state.scheduled_shutdown is not None
    if not state.account.elevated:
        yield from _refused(call, 5)
    elif not restart and not scheduled:
        yield from _refused(call, 1116)
    elif restart and scheduled:
        yield from _refused(call, 1190)
    elif restart and not _by_force(options) and state.logged_on_users:
        yield from _refused(call, 1191)
    elif restart and not _by_force(options) and state.shutdown_blocked:
        # Windows has begun, and waits for the application; only /a or force ends that.
        state.scheduled_shutdown = 0
        call.variables.last_exit_code = 0
    elif not restart:
        state.scheduled_shutdown = None
        call.variables.last_exit_code = 0
    else:
        call.variables.last_exit_code = 0
        yield ordered(state, max(float(options.get("/t", "30")), _SOONEST))


def _by_force(options: dict[str, str]) -> bool:
    """``/f``, or any countdown but 0, which implies it."""
    return "/f" in options or options.get("/t", "30") != "0"


def _refused(call: Call, code: int) -> t.Iterator[Event]:
    call.variables.last_exit_code = code
    sentence = _SENTENCES[code]
    yield NonTerminatingError(
        ErrorDetails(
            sentence,
            "NativeCommandError",
            "NotSpecified",
            "System.Management.Automation.RemoteException",
            command="shutdown.exe",
            target=sentence,
            target_name=sentence,
            target_type="String",
        )
    )
