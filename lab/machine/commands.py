# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline runs in, and which cmdlet a name means there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, RunspaceVariables, TerminateError
from ansible_collections.fleetops.tetra.lab.machine.messages import message
from ansible_collections.fleetops.tetra.lab.machine.role_capability import Entry
from ansible_collections.fleetops.tetra.lab.machine.sessions import RESTRICTED_PROXIES, SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Event

NativeRunner = t.Callable[[Call, str, list[str]], t.Iterator[Event]]
ITSELF = Entry()


@dataclass
class Runspace:
    """What a pipeline runs in."""

    state: WindowsState
    session: SessionConfiguration
    cmdlets: t.Mapping[str, Cmdlet]
    """By lower-case name."""
    proxies: t.Mapping[str, Cmdlet]
    """Replacements in a restricted session."""
    natives: t.Mapping[str, NativeRunner]
    """By lower-case file name."""
    variables: RunspaceVariables = field(default_factory=RunspaceVariables)
    unmatched: t.Callable[[str], None] = field(default=lambda text: None)


def available(cmdlet: Cmdlet, state: WindowsState, session: SessionConfiguration) -> bool:
    """Whether this Windows and this PowerShell have the cmdlet."""
    if session.number < cmdlet.since or (cmdlet.core is not None and cmdlet.core != session.core):
        return False
    return cmdlet.available(state, session)


def find(runspace: Runspace, name: str) -> tuple[Cmdlet, Entry]:
    """The cmdlet and what the session allows of it. Raises CommandNotFoundException."""
    session = runspace.session
    module, _separator, short = name.rpartition("\\")
    cmdlet = runspace.cmdlets.get(short.lower())
    if cmdlet is not None and module and module.lower() != cmdlet.module.lower():
        cmdlet = None
    found = ITSELF
    if session.visible is not None:
        # In a restricted session proxy functions hide cmdlets of the same name, unless these are asked for by module.
        if session.restricted and not module and short.lower() in map(str.lower, RESTRICTED_PROXIES):
            proxy = runspace.proxies.get(short.lower())
            if proxy is None:
                runspace.unmatched(f"restricted proxy {short}")
                raise not_found(runspace, name)
            return proxy, ITSELF
        entry = entry_of(session, name)
        if entry is None:
            raise not_found(runspace, name)
        found = session.visible[entry]
    if cmdlet is None:
        runspace.unmatched(f"command {name}")
        modules = {known.module.lower() for known in runspace.cmdlets.values()}
        raise not_found(runspace, name, bool(module) and module.lower() not in modules)
    if not available(cmdlet, runspace.state, session):
        # No session lacks a module of PowerShell itself; the others come and go as a whole (seen on 7.6).
        raise not_found(runspace, name, bool(module) and not cmdlet.module.startswith("Microsoft.PowerShell."))
    return cmdlet, found


def entry_of(session: SessionConfiguration, name: str) -> str | None:
    """The entry of the visible commands that a name means. A plain entry answers to its name with and without module, a
    function to exactly its own."""
    for entry, found in (session.visible or {}).items():
        if entry.lower() == name.lower():
            return entry
        either_form = found.kind == "plain" and ":" not in entry and ("\\" in entry) != ("\\" in name)
        if either_form and entry.rpartition("\\")[2].lower() == name.rpartition("\\")[2].lower():
            return entry
    return None


def not_found(runspace: Runspace, name: str, module_is_missing: bool = False) -> TerminateError:
    return TerminateError(
        ErrorDetails(
            message(runspace.state.identity.language, "command_missing", name),
            "CouldNotAutoLoadModule" if module_is_missing else "CommandNotFoundException",
            "ObjectNotFound",
            "System.Management.Automation.CommandNotFoundException",
            command=None,
            target=name,
            target_name=name,
            target_type="String",
        )
    )
