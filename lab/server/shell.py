# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One WS-Man shell: a runspace pool with its pipelines."""

from __future__ import annotations

import time
import typing as t
import uuid

from psrpcore import (
    EndOfPipelineInputEvent,
    GetAvailableRunspacesEvent,
    GetCommandMetadataEvent,
    PipelineInputEvent,
    ResetRunspaceStateEvent,
    ServerPipeline,
    SetMaxRunspacesEvent,
    SetMinRunspacesEvent,
)
from psrpcore.types import PSInvocationState, PSRPMessageType

from ansible_collections.fleetops.tetra.lab.pipeline import Caller, ErrorDetails
from ansible_collections.fleetops.tetra.lab.server import commands, fragments
from ansible_collections.fleetops.tetra.lab.server.answers import Answers
from ansible_collections.fleetops.tetra.lab.server.execution import Execution, Host
from ansible_collections.fleetops.tetra.lab.server.runspace import PipelineCreated, Runspace

_METADATA = ErrorDetails(
    message="The lab does not simulate GET_COMMAND_METADATA.", error_id="LabNotSimulated", category="NotImplemented"
)


class OpenShell:
    """What the WS-Man service knows of a shell. The pool answers through ``answers``, each pipeline through its own."""

    def __init__(self, shell_id: str, resource_uri: str, caller: Caller) -> None:
        self.id = shell_id
        self.resource_uri = resource_uri
        self.caller = caller
        self.answers = Answers()
        self.opened = time.monotonic()
        self.wrong_shape = False


class Shell(OpenShell):
    """A shell whose pipelines the lab's machine runs."""

    def __init__(self, shell_id: str, resource_uri: str, host: Host, caller: Caller) -> None:
        super().__init__(shell_id, resource_uri, caller)
        self._host = host
        self._runspace = Runspace(host.machine.application_private_data(caller), self._sort)
        self._by_command: dict[str, Execution] = {}
        self._by_pipeline: dict[uuid.UUID, Execution] = {}

    def receive(self, data: bytes) -> None:
        """Fragments for the pool or for a pipeline that is already known. Raises PSRPCoreError on nonsense."""
        for event in self._runspace.receive(data):
            self._act(event)

    def command(self, command_id: str, data: bytes) -> Execution:
        """Begins a pipeline; its CREATE_PIPELINE message may still need more fragments."""
        pipeline_id = fragments.pipeline_of(data)
        execution = Execution(command_id, ServerPipeline(self._runspace, pipeline_id), wrong_shape=self.wrong_shape)
        self._by_command[command_id] = execution
        self._by_pipeline[pipeline_id] = execution
        self.receive(data)
        return execution

    def execution(self, command_id: str) -> Execution | None:
        return self._by_command.get(command_id)

    def stop(self, execution: Execution) -> None:
        execution.stop(self._runspace)

    def forget(self, execution: Execution) -> None:
        """The client is done with this pipeline."""
        execution.abandon()
        self._by_command.pop(execution.command_id, None)
        self._by_pipeline.pop(execution.pipeline_id, None)
        self._runspace.pipeline_table.pop(execution.pipeline_id, None)

    def close(self) -> None:
        for execution in list(self._by_command.values()):
            self.forget(execution)

    def _sort(self, pipeline: uuid.UUID | None, kind: PSRPMessageType, pieces: list[bytes]) -> None:
        execution = self._by_pipeline.get(pipeline) if pipeline is not None else None
        if execution is not None:
            execution.answers.put(pieces)
        else:
            # Recorded: capability and private data come in one answer, the pool's state in the next.
            self.answers.put(pieces, apart=kind == PSRPMessageType.RunspacePoolState)

    def _act(self, event: t.Any) -> None:
        if isinstance(
            event, (GetAvailableRunspacesEvent, SetMinRunspacesEvent, SetMaxRunspacesEvent, ResetRunspaceStateEvent)
        ):
            answer: bool | int = 1 if isinstance(event, GetAvailableRunspacesEvent) else True
            self._runspace.runspace_availability_response(event.ci, answer)
            return
        execution = self._by_pipeline.get(event.pipeline_id) if event.pipeline_id is not None else None
        if execution is None:
            return
        if isinstance(event, PipelineCreated):
            if event.creation is None:
                return
            execution.statements = event.creation.statements
            if event.creation.no_input:
                self._start(execution)
        elif isinstance(event, PipelineInputEvent):
            execution.input.append(commands.to_plain(event.data))
        elif isinstance(event, EndOfPipelineInputEvent):
            self._start(execution)
        elif isinstance(event, GetCommandMetadataEvent):
            self._runspace.write_state(execution.pipeline_id, PSInvocationState.Failed, _METADATA)
            execution.answers.finish()

    def _start(self, execution: Execution) -> None:
        if execution.task is None and execution.statements is not None:
            execution.start(self._runspace, self._host, self.caller)
