# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WS-Man shell whose runspace is a real PowerShell: fragments pass through in both directions, untouched.

Only the header of a message is looked at: whose it is, and whether it ends a pipeline.
"""

from __future__ import annotations

import asyncio
import re
import typing as t
import uuid
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.pipeline import Caller
from ansible_collections.fleetops.tetra.lab.server import faults, fragments
from ansible_collections.fleetops.tetra.lab.server.answers import Answers
from ansible_collections.fleetops.tetra.lab.server.shell import OpenShell
from ansible_collections.fleetops.tetra.tests.engine.process import POOL, EngineProcess

_PIPELINE_STATE = 0x00041006
_STATE = re.compile(rb'<I32 N="PipelineState">(\d+)</I32>')
_ENDED = (3, 4, 5)
"""Stopped, Completed, Failed (MS-PSRP 2.2.3.4)."""
_STATEMENT = re.compile(rb'<S N="Cmd">([^<]*)</S>')
_WRITES = re.compile(
    rb"(?i)(\\|^)(set|new|remove|move|enable|disable|register|unregister)-|(gpupdate|reg|shutdown)\.exe"
)


@dataclass
class EngineExecution:
    """A pipeline on the engine."""

    command_id: str
    pipeline_id: uuid.UUID
    answers: Answers = field(default_factory=Answers)
    writes: bool = False
    state: bytes | None = None
    """The message of the pipeline's state as far as it has come: with an error record it may be several fragments."""
    ended: bool = False


class EngineShell(OpenShell):
    """What ``lab/server/shell.py`` is to the lab, over a process of its own."""

    def __init__(
        self,
        shell_id: str,
        resource_uri: str,
        caller: Caller,
        process: EngineProcess,
        heard: t.Callable[[str], None] = lambda text: None,
        settle: t.Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(shell_id, resource_uri, caller)
        self.process = process
        self._gone = False
        self.begun: t.Callable[[], object] = lambda: None
        self._heard = heard
        self._settle = settle
        self._by_command: dict[str, EngineExecution] = {}
        self._by_pipeline: dict[uuid.UUID, EngineExecution] = {}
        self._object: dict[uuid.UUID, bytes] = {}
        loop = asyncio.get_running_loop()
        process.attach(
            lambda pipeline, data: _call(loop, self._arrived, pipeline, data),
            lambda why: _call(loop, self._broken, why),
        )

    def receive(self, data: bytes) -> None:
        """Fragments of the client, for the pool or for a pipeline; all of one call are for the same."""
        pipeline = _pipeline_of(data, self._object)
        self.process.send("Data", pipeline if pipeline in self._by_pipeline else POOL, data)

    def command(self, command_id: str, data: bytes) -> EngineExecution:
        """Begins a pipeline. The engine's id of it is PSRP's; WS-Man's may be another."""
        if self._gone:
            raise faults.aborted()
        pipeline_id = fragments.pipeline_of(data)
        commands = [name.strip() for name in _STATEMENT.findall(data)]
        execution = EngineExecution(command_id, pipeline_id, writes=any(_WRITES.search(name) for name in commands))
        self._by_command[command_id] = execution
        self._by_pipeline[pipeline_id] = execution
        self.begun()
        self.process.send("Command", pipeline_id)
        self.receive(data)
        return execution

    def execution(self, command_id: str) -> EngineExecution | None:
        return self._by_command.get(command_id)

    def stop(self, execution: EngineExecution) -> None:
        if not execution.ended:
            self.process.send("Signal", execution.pipeline_id)

    def forget(self, execution: EngineExecution) -> None:
        self._by_command.pop(execution.command_id, None)
        if not execution.ended:
            self.process.send("Signal", execution.pipeline_id)

    def close(self) -> None:
        self._by_command.clear()
        self.process.kill()

    def _arrived(self, pipeline: uuid.UUID, data: bytes) -> None:
        execution = self._by_pipeline.get(pipeline)
        if execution is None:
            self.answers.put([data], apart=True)
            return
        execution.answers.put([data])
        if _begins_state(data):
            execution.state = b""
        if execution.state is not None:
            execution.state += data[fragments.FRAGMENT_HEADER.size :]
        if execution.state is not None and _is_last(data) and _ends(execution.state):
            execution.ended = True
            execution.answers.finish()
            self.process.send("Close", pipeline)
            self._by_pipeline.pop(pipeline, None)
            self._settle()

    def _broken(self, why: str) -> None:
        """The process is gone: whoever waits is answered as WS-Man does when wsmprovhost dies."""
        self._gone = True
        self._heard(why)
        for answers in (self.answers, *(one.answers for one in self._by_command.values())):
            answers.fail(faults.aborted())


def _call(loop: asyncio.AbstractEventLoop, work: t.Callable[..., None], *arguments: t.Any) -> None:
    try:
        loop.call_soon_threadsafe(work, *arguments)
    except RuntimeError:
        pass  # The loop has ended, and nobody waits any more.


def _pipeline_of(data: bytes, memory: dict[uuid.UUID, bytes]) -> uuid.UUID:
    """The pipeline of the message that begins or goes on in these fragments."""
    object_id = data[:8]
    header = data[: fragments.FRAGMENT_HEADER.size]
    starts = len(header) == fragments.FRAGMENT_HEADER.size and fragments.FRAGMENT_HEADER.unpack(header)[2] & 1
    if starts:
        pipeline = fragments.pipeline_of(data)
        memory[pipeline] = object_id
        return pipeline
    return next((pipeline for pipeline, known in memory.items() if known == object_id), POOL)


def _begins_state(data: bytes) -> bool:
    """Whether a message that tells the state of a pipeline begins with this fragment."""
    start = fragments.FRAGMENT_HEADER.size
    header = data[start : start + fragments.MESSAGE_HEADER.size]
    if len(header) < fragments.MESSAGE_HEADER.size or not fragments.FRAGMENT_HEADER.unpack(data[:start])[2] & 1:
        return False
    return bool(fragments.MESSAGE_HEADER.unpack(header)[1] == _PIPELINE_STATE)


def _is_last(data: bytes) -> bool:
    """Whether a message ends with this fragment."""
    header = data[: fragments.FRAGMENT_HEADER.size]
    return bool(fragments.FRAGMENT_HEADER.unpack(header)[2] & 2)


def _ends(message: bytes) -> bool:
    """Whether this state is the last one of its pipeline."""
    found = _STATE.search(message)
    return found is not None and int(found[1]) in _ENDED
