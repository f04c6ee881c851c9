# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pipeline: runs the machine's generator and writes its events to the client."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import logging
import typing as t
import uuid

from psrpcore import ServerPipeline
from psrpcore.types import HostMethodIdentifier, PSInt, PSInvocationState

from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Caller,
    Command,
    ErrorDetails,
    HostExit,
    Machine,
    NonTerminatingError,
    Output,
    Restart,
    Statement,
    TerminatingError,
    Wait,
)
from ansible_collections.fleetops.tetra.lab.server import records
from ansible_collections.fleetops.tetra.lab.server.answers import Answers
from ansible_collections.fleetops.tetra.lab.server.runspace import Runspace

log = logging.getLogger(__name__)

_NOBODY_ASKED = Output(42)
_TURN = 64
"""Events after which other endpoints get their turn."""


_WRITING_VERBS = ("set-", "new-", "remove-", "move-", "enable-", "disable-", "register-", "unregister-")
_WRITING_TOOLS = ("gpupdate.exe", "reg.exe", "shutdown.exe")


def _changes(one: Command) -> bool:
    name = one.name.lower().rpartition("\\")[2]
    if name == "invoke-cimmethod":
        methods = [str(value) for key, value in one.parameters if (key or "").lower().lstrip("-") == "methodname"]
        return any(method.startswith(("Set", "Create", "Delete")) for method in methods)
    return name.startswith(_WRITING_VERBS) or name in _WRITING_TOOLS


@dataclasses.dataclass
class Host:
    """What a pipeline runs on."""

    machine: Machine
    workers: concurrent.futures.Executor
    """Threads for work that blocks."""
    restart: t.Callable[[Restart], None] = lambda event: None
    """Takes the endpoint down and up again."""
    settle: t.Callable[[], None] = lambda: None
    """Called when a pipeline has ended: the machine may have something to do later."""


@dataclasses.dataclass
class Execution:
    """A pipeline from its creation to its end."""

    command_id: str
    pipeline: ServerPipeline
    answers: Answers = dataclasses.field(default_factory=Answers)
    statements: tuple[Statement, ...] | None = None
    input: list[t.Any] = dataclasses.field(default_factory=list)
    wrong_shape: bool = False
    """Fault: every output object is replaced by one that nobody asked for."""
    task: asyncio.Task[None] | None = None

    @property
    def writes(self) -> bool:
        """Whether one of its commands changes the endpoint."""
        return any(_changes(one) for statement in self.statements or () for one in statement)

    @property
    def pipeline_id(self) -> uuid.UUID:
        return self.pipeline.pipeline_id

    def start(self, runspace: Runspace, host: Host, caller: Caller) -> None:
        """Begins to run; the answers fill as the machine goes on."""
        # Windows announces no Running state (recorded).
        self.pipeline._change_state(PSInvocationState.Running, emit=False)
        caller = dataclasses.replace(caller, extra={**caller.extra, "input": list(self.input)})
        self.task = asyncio.get_running_loop().create_task(self._run(runspace, host, caller))

    def stop(self, runspace: Runspace) -> None:
        """Ctrl+C from the client: a pipeline that still runs ends as Stopped, one that has ended stays as it is."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            self._end(runspace, PSInvocationState.Stopped, records.STOPPED)

    def abandon(self) -> None:
        """The shell is gone and nobody will ask any more."""
        if self.task is not None:
            self.task.cancel()

    async def _run(self, runspace: Runspace, host: Host, caller: Caller) -> None:
        try:
            failure = await self._events(runspace, host, caller)
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            log.exception("the simulated endpoint failed in %s", [[c.name for c in s] for s in self.statements or ()])
            failure = ErrorDetails(message=f"The lab's endpoint failed: {problem}", error_id="LabFailure")
        if failure is None:
            self._end(runspace, PSInvocationState.Completed)
        else:
            self._end(runspace, PSInvocationState.Failed, failure)

    async def _events(self, runspace: Runspace, host: Host, caller: Caller) -> ErrorDetails | None:
        """Runs to the end; gives the error that ended it, if one did."""
        events = host.machine.invoke(self.statements or (), caller)
        result: t.Any = None
        count = 0
        try:
            while True:
                try:
                    event = events.send(result)
                except StopIteration:
                    return None
                result = None
                count += 1
                if isinstance(event, Output):
                    runspace.write_output(self.pipeline_id, _NOBODY_ASKED if self.wrong_shape else event)
                elif isinstance(event, NonTerminatingError):
                    runspace.write_error(self.pipeline_id, event.details)
                elif isinstance(event, TerminatingError):
                    return event.details
                elif isinstance(event, Wait):
                    await asyncio.sleep(event.seconds)
                elif isinstance(event, Blocking):
                    result = await asyncio.get_running_loop().run_in_executor(host.workers, event.work)
                elif isinstance(event, HostExit):
                    self.pipeline.host_call(HostMethodIdentifier.SetShouldExit, [PSInt(event.code)])
                elif isinstance(event, Restart):
                    host.restart(event)
                if count % _TURN == 0:
                    await asyncio.sleep(0)
        finally:
            events.close()
            host.settle()

    def _end(self, runspace: Runspace, state: PSInvocationState, error: ErrorDetails | None = None) -> None:
        runspace.write_state(self.pipeline_id, state, error)
        self.pipeline._change_state(state, emit=False)
        self.answers.finish()
