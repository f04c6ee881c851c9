# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""psrpcore's server side of a runspace pool, with Windows's framing and a memory of what was converted before."""

from __future__ import annotations

import dataclasses
import pickle
import typing as t
import uuid

from psrpcore import PowerShell, PSRPEvent, PSRPPayload, ServerRunspacePool, StreamType
from psrpcore.types import (
    PSInvocationState,
    PSObject,
    PSPrimitiveDictionary,
    PSRPMessageType,
    PSVersion,
    SessionCapability,
)

from ansible_collections.fleetops.tetra.lab.pipeline import Clixml, ErrorDetails, Output
from ansible_collections.fleetops.tetra.lab.server import clixml, commands, fragments, records

Sink = t.Callable[[uuid.UUID | None, PSRPMessageType, list[bytes]], None]
"""Takes the fragments of one message: (pipeline or None for the pool, message type, fragments)."""

_NO_POOL = uuid.UUID(int=0)
_PROTOCOL = "2.3"
"""The protocol version of PowerShell 5 and later, which psrpcore announces by itself."""
_ONE_STATEMENT = ("2.0", "2.1")
"""Protocol versions of servers that know no further statements."""
_EMPTY = (PSRPMessageType.EndOfPipelineInput, PSRPMessageType.PipelineOutput)
_VERSIONS = frozenset(
    (
        "PSVersion",
        "CLRVersion",
        "BuildVersion",
        "WSManStackVersion",
        "PSRemotingProtocolVersion",
        "SerializationVersion",
    )
)


class Runspace(ServerRunspacePool):
    """One runspace pool. Messages leave through the sink at once instead of lying in a buffer."""

    def __init__(self, private_data: t.Mapping[str, t.Any], sink: Sink) -> None:
        data = application_private_data(private_data)
        super().__init__(application_private_data=data)
        self._sink = sink
        self._messages = 0
        self.protocol = str(data["PSVersionTable"]["PSRemotingProtocolVersion"])
        if self.protocol != _PROTOCOL:
            # PSVersion stays 2.0 in every recorded capability, whatever PowerShell it is.
            self.our_capability = SessionCapability(
                PSVersion=PSVersion("2.0"),
                protocolversion=PSVersion(self.protocol),
                SerializationVersion=PSVersion("1.1.0.1"),
            )

    def receive(self, data: bytes) -> list[t.Any]:
        """Takes fragments from the client and gives the events that they complete."""
        self.receive_data(PSRPPayload(data, StreamType.default, None))
        events = []
        while (event := self.next_event()) is not None:
            events.append(event)
        return events

    def prepare_message(
        self,
        message: PSObject | None,
        message_type: PSRPMessageType | None = None,
        pipeline_id: uuid.UUID | None = None,
        stream_type: StreamType = StreamType.default,
    ) -> None:
        """psrpcore's own messages take this way too."""
        kind = message_type or PSRPMessageType.get_message_id(t.cast(type[PSObject], type(message)))
        data = b"" if message is None and kind in _EMPTY else clixml.to_clixml(message, self._cipher)
        self.send(kind, data, pipeline_id)

    def write_output(self, pipeline: uuid.UUID, output: Output) -> None:
        """One object on the pipeline's output stream."""
        if isinstance(output.value, Clixml):
            data = clixml.BOM + output.value.data
        else:
            data = clixml.to_clixml((output.convert, output.value), self._cipher, output.wire)
        self.send(PSRPMessageType.PipelineOutput, data, pipeline)

    def write_error(self, pipeline: uuid.UUID, details: ErrorDetails) -> None:
        """One record on the pipeline's error stream."""
        data = clixml.to_clixml(("error", details), self._cipher, lambda: records.error_record(details))
        self.send(PSRPMessageType.ErrorRecord, data, pipeline)

    def write_state(self, pipeline: uuid.UUID, state: PSInvocationState, error: ErrorDetails | None = None) -> None:
        """The state that ends a pipeline."""

        def make() -> t.Any:
            return records.pipeline_state(state, error)

        data = clixml.to_clixml(("state", state.value, error), self._cipher, make)
        self.send(PSRPMessageType.PipelineState, data, pipeline)

    def send(self, kind: PSRPMessageType, data: bytes, pipeline: uuid.UUID | None) -> None:
        # Recorded: the capability comes with an empty pool id.
        pool = _NO_POOL if kind == PSRPMessageType.SessionCapability else self.runspace_pool_id
        self._messages += 1
        self._sink(pipeline, kind, fragments.to_fragments(self._messages, kind.value, data, pool, pipeline))

    def _process_message(self, message: t.Any) -> t.Any:
        """As psrpcore does it, but what was seen before is not deserialised again."""
        kind, data = message.message_type, message.data
        if kind == PSRPMessageType.CreatePipeline:
            try:
                return PipelineCreated(message.pipeline_id, self._creation(data))
            except ValueError:
                # Recorded: a number that its element cannot hold (2147483648 as I32) is taken and never answered.
                return PipelineCreated(message.pipeline_id, None)
        value: t.Any = None if kind in _EMPTY and not data else clixml.from_clixml(data, self._cipher)
        if kind in (PSRPMessageType.SetMinRunspaces, PSRPMessageType.SetMaxRunspaces) and not hasattr(value, "ci"):
            # pypsrp writes the name as CI; .NET does not care about case, psrpcore does.
            value.ci = value["CI"]
        event = PSRPEvent.create(kind, value, message.runspace_pool_id, message.pipeline_id)
        process = getattr(self, f"_process_{kind.name}", None)
        if process is not None:
            process(event)
        return event

    def _creation(self, data: bytes) -> commands.Creation:
        """The pipeline of a CREATE_PIPELINE message, every time a copy of its own."""
        batches = self.protocol not in _ONE_STATEMENT
        known = _creations.get((data, batches))
        if known is not None:
            return t.cast(commands.Creation, pickle.loads(known))
        pipeline = PowerShell.FromPSObjectForRemoting(clixml.from_clixml(data, self._cipher))
        creation = commands.Creation(commands.to_statements(pipeline, batches), bool(pipeline.no_input))
        packed = clixml.pickled(creation)
        if packed is not None and not clixml.holds_secret(data):
            _creations.put((data, batches), packed)
        return creation


@dataclasses.dataclass(frozen=True)
class PipelineCreated:
    """A CREATE_PIPELINE message that has arrived whole."""

    pipeline_id: uuid.UUID
    creation: commands.Creation | None
    """``None``: one that never begins."""


_creations: clixml.Memory[tuple[bytes, bool], bytes] = clixml.Memory(1024)


def application_private_data(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The data with versions as versions, and nested dictionaries of the type that Windows gives them (recorded).

    Equal data is converted once; psrpcore does not change it, as everything that it would add is there.
    """
    key = clixml.pickled(dict(given))
    known = _private_data.get(key) if key is not None else None
    if known is None:
        known = _converted(given)
        if key is not None:
            _private_data.put(key, known)
    return dict(known)


_private_data: clixml.Memory[bytes, dict[str, t.Any]] = clixml.Memory(512)


def _converted(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    data = {name: _primitive(name, value) for name, value in given.items()}
    table = data.setdefault("PSVersionTable", PSPrimitiveDictionary())
    table.setdefault("PSRemotingProtocolVersion", PSVersion(_PROTOCOL))
    table.setdefault("SerializationVersion", PSVersion("1.1.0.1"))
    return data


def _primitive(name: str, value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return PSPrimitiveDictionary({key: _primitive(key, item) for key, item in value.items()})
    if name in _VERSIONS and isinstance(value, str):
        return PSVersion(value)
    return value
