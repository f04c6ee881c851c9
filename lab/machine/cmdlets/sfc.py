# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector's sfc.exe: ``-forceupdate`` makes a real handshake and logs how it ended; ``-l start|stop``.

System32 has another sfc.exe, the System File Checker; that one does nothing here.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.fleetops.tetra.lab.machine import conditions, connector
from ansible_collections.fleetops.tetra.lab.machine.call import Call
from ansible_collections.fleetops.tetra.lab.machine.handshake import shake, trust_of
from ansible_collections.fleetops.tetra.lab.machine.state import TetraRoute, WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Blocking, Event
from ansible_collections.fleetops.tetra.lab.tls_client import HandshakeResult


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
    if service.state != "Running" or not connector.fetches_definitions(state) or state.conditions.no_attempt:
        return  # it only tells the service; without one, or with Tetra off, nothing comes of it
    wanted, route, trust = state.offer(), _route(state), trust_of(state)
    if state.registry.get(conditions.IMMUNET, "unlock_code") is not None:
        route = replace(route, outcome="timeout", proxy=None)
    capture = state.conditions.capture
    conversations = capture.conversations if capture is not None and capture.running else None
    check = _checks(state)
    limit = _SILENCE if route.after_hello is not None or route.interrupted else _SLOW_MACHINE
    result = yield Blocking(
        lambda: shake(
            wanted, route, limit, trust=trust if check else None, request=_REQUEST, conversations=conversations
        )
    )
    _note(state, result)
    if state.conditions.policy_arrives:
        connector.new_policy(state)
    good = result.outcome == "ok" and not state.conditions.corrupt_definitions and state.free_megabytes >= 600
    connector.log_update(state, path.rpartition("\\")[0], "updated" if good else "failed")


_SILENCE, _SLOW_MACHINE = 4.0, 120.0
"""Seconds: where the other side may fall silent it has to end; elsewhere only a busy machine of ours takes long."""
_REQUEST = b"GET /av64bit/versions.id HTTP/1.1\r\nHost: tetra-defs.amp.cisco.com\r\n\r\n"


def _route(state: WindowsState) -> TetraRoute:
    """The way of the update itself: a rule or a pinned address can be in it."""
    if conditions.firewall_blocks(state, "sfc.exe"):
        return replace(state.route, outcome="timeout", proxy=None)
    if conditions.pinned(state) is not None and state.route.proxy is None:
        return replace(state.route, outcome="refused")
    return state.route


def _checks(state: WindowsState) -> bool:
    """Endpoints of which nothing is said about certificates check nothing, as before: it saves time."""
    around = state.conditions
    default = around.roots == "present" and around.revocation == "ok" and state.route.authority is None
    return not default or bool(state.clock_ahead)


def _note(state: WindowsState, result: HandshakeResult) -> None:
    """What Schannel logs by itself (level 1)."""
    if result.alert is not None:
        conditions.log_event(state, 36887, ("AlertDesc", str(result.alert)))
    elif result.outcome == "nothing_offered":
        conditions.log_event(state, 36871, ("Type", "client"), ("ErrorState", "10013"))
    elif result.outcome == "closed" and "certificate verify failed" in result.detail:
        late = abs(state.clock_ahead.total_seconds()) > 86_400
        conditions.log_event(state, 36888, ("AlertDesc", "45" if late else "48"), ("ErrorState", "1203"))
        revoked = state.conditions.revocation == "blocked" and not late
        conditions.log_certificate_check(state, "800B0101" if late else "80092013" if revoked else "800B0109")
