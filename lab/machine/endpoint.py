# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated endpoint: the machine behind the wire (``lab/pipeline.py``: Machine)."""

from __future__ import annotations

import logging
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import scheduled_tasks
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.lab.machine.call import RunspaceVariables
from ansible_collections.fleetops.tetra.lab.machine.cmdlets import CMDLETS, NATIVES, PROXIES
from ansible_collections.fleetops.tetra.lab.machine.commands import Runspace
from ansible_collections.fleetops.tetra.lab.machine.engine import run
from ansible_collections.fleetops.tetra.lab.machine.objects import to_wire
from ansible_collections.fleetops.tetra.lab.machine.restarting import ordered
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.machine.version_table import version_table
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Caller,
    ErrorDetails,
    Event,
    Restart,
    Statement,
    TerminatingError,
)

_log = logging.getLogger(__name__)


class Endpoint:
    """A Windows with its state. ``unmatched`` collects everything that was asked and that the lab does not know."""

    def __init__(self, name: str, state: WindowsState) -> None:
        self.name = name
        self.state = state
        self.unmatched: list[str] = []
        self._variables: dict[tuple[str, str], RunspaceVariables] = {}

    @classmethod
    def from_mapping(cls, name: str, mapping: t.Mapping[str, t.Any]) -> Endpoint:
        """The endpoint of a fleet file. Raises FleetError with one sentence."""
        return cls(name, build(name, mapping))

    def session(self, caller: Caller) -> SessionConfiguration | None:
        """The session configuration that the caller opened; ``None`` where there is none of that name."""
        wanted = caller.configuration.lower()
        for name, configuration in self.state.sessions.items():
            if name.lower() == wanted:
                return configuration
        return None

    def has_configuration(self, name: str) -> bool:
        """Whether a shell of that configuration can be opened."""
        return any(known.lower() == name.lower() for known in self.state.sessions)

    def application_private_data(self, caller: Caller) -> dict[str, t.Any]:
        session = self.session(caller)
        if session is None:
            return {}
        return {"PSVersionTable": to_wire(version_table(self.state, session))}

    def due_in(self) -> float | None:
        """Seconds until a scheduled task runs."""
        return None if self.state.off or not self.state.task_scheduler_runs else scheduled_tasks.due_in(self.state)

    def wake(self) -> Restart | None:
        """Runs the scheduled tasks whose time has come; the restart that one of them ordered."""
        if self.due_in() is None:
            return None
        scheduled_tasks.run_due(self.state, self._note)
        if self.state.restart_at is None or self.state.restart_at > self.state.now():
            return None
        self.state.restart_at = None
        return ordered(self.state, 0.0)

    def invoke(self, statements: t.Sequence[Statement], caller: Caller) -> t.Generator[Event, t.Any, None]:
        session = self.session(caller)
        if session is None:
            yield TerminatingError(
                ErrorDetails(
                    f"Cannot find the {caller.configuration} session configuration.",
                    "SessionConfigurationNotFound",
                    "ObjectNotFound",
                )
            )
            return
        variables = self._variables.setdefault((caller.user, caller.configuration), RunspaceVariables())
        runspace = Runspace(self.state, session, CMDLETS, PROXIES, NATIVES, variables, self._note)
        yield from run(runspace, statements)

    def _note(self, what: str) -> None:
        self.unmatched.append(what)
        _log.warning("%s: not simulated: %s", self.name, what)
