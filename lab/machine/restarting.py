# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart: what is lost, what is renewed, and what a boot puts in force."""

from __future__ import annotations

import datetime
import itertools

from ansible_collections.fleetops.tetra.lab.machine import group_policy
from ansible_collections.fleetops.tetra.lab.machine.registry import KeyMissingError
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import Restart

_PENDING = (
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending",
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired",
)
LOGON_UI = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\AutoLogonChecked"
"""The volatile key that LogonUI makes when it is about to show its prompt."""
_SESSION_MANAGER = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"


_SHORTEST_RUN = datetime.timedelta(seconds=30)
"""No Windows starts twice within less; the lab does not wait for that long, its clock goes ahead instead."""

_NUMBERS = itertools.count(1)


def ordered(state: WindowsState, seconds: float) -> Restart:
    """A restart in so many seconds, unless it is called off."""
    number = state.scheduled_shutdown = next(_NUMBERS)
    return Restart(
        seconds,
        state.boot_seconds,
        wanted=lambda: state.scheduled_shutdown == number,
        down=lambda: setattr(state, "off", True),
        up=lambda: boot(state),
        answers=lambda: state.reachable_with in (None, state.in_force),
    )


def boot(state: WindowsState) -> None:
    """Windows starts: policy is processed, the configured orders come into force, automatic services run."""
    state.off = False
    state.registry.drop_volatile()
    state.scheduled_shutdown = None
    state.restart_at = None
    group_policy.refresh(state, force=state.policy_comes_back)
    for path in _PENDING:
        try:
            state.registry.delete(path)
        except KeyMissingError:
            continue
    state.registry.remove_value(_SESSION_MANAGER, "PendingFileRenameOperations")
    for service in state.services.values():
        service.state = "Running" if service.start_mode == "Auto" else "Stopped"
    state.logged_on_users.clear()
    state.debug_logging = False
    state.registry.create_volatile(LOGON_UI)
    state.clock_ahead += max(datetime.timedelta(), state.boot_time + _SHORTEST_RUN - state.now())
    state.boot(state.now())
