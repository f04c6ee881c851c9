# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases that a real PowerShell answered (``../shared/powershell/recordings``), and the lab's answers to the same.

A machine that plays 7.6 starts with the recorded state and takes the recorded CREATE_PIPELINE message; its messages are
compared with the recorded ones as what the product sees of them.
"""

from __future__ import annotations

import json
import pathlib
import re
import typing as t
from dataclasses import dataclass, field
from xml.etree import ElementTree

from psrpcore import PowerShell

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.registry import make_value
from ansible_collections.fleetops.tetra.lab.machine.state import Service
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Caller,
    NonTerminatingError,
    Output,
    Statement,
    TerminatingError,
)
from ansible_collections.fleetops.tetra.lab.server import clixml as lab_clixml
from ansible_collections.fleetops.tetra.lab.server import commands, records
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.refusals import refusal_of_object
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import AnswerError, PSObject
from ansible_collections.fleetops.tetra.tests.engine.raw_values import to_value

_NO_SECRETS: t.Any = None
Message = tuple[str, str]
"""(stream, CLIXML); streams are output, error and state."""


@dataclass(frozen=True)
class Case:
    """One recorded case."""

    file: str
    name: str
    state: t.Any
    request: str
    answer: tuple[Message, ...]
    state_after: t.Any

    @property
    def whole(self) -> bool:
        """Whether the request was recorded in full."""
        return self.request.rstrip().endswith("</Obj>")


@dataclass
class Seen:
    """What the product sees of an answer."""

    output: list[t.Any] = field(default_factory=list)
    refusals: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    failed: bool = False


def cases(folder: pathlib.Path) -> list[Case]:
    found = []
    for file in sorted(folder.glob("*.json")):
        for one in json.loads(file.read_text(encoding="utf-8"))["cases"]:
            answer = tuple((message[0], message[1]) for message in one["answer"] if len(message) == 2)
            found.append(Case(file.stem, one["case"], one["state"], one["request"], answer, one.get("state_after")))
    return found


def endpoint(state: t.Mapping[str, t.Any], engine: str = "7.6") -> Endpoint:
    """A machine that plays this engine, with the recorded keys and files."""
    machine = Endpoint.from_mapping("pc", {"release": "10_22h2", "sessions": {"Engine": {"powershell": engine}}})
    # What wine's own Windows is like: how it writes one key, its services, nobody's hive, a key left by another case.
    registry = machine.state.registry
    software = registry.find("HKEY_LOCAL_MACHINE\\SOFTWARE")
    assert software is not None
    software.name = "Software"
    registry.delete("HKEY_USERS\\S-1-5-19")
    registry.create("HKEY_LOCAL_MACHINE\\TetraRoot")
    machine.state.services["eventlog"] = Service("EventLog", "Event Log", "")
    for path, values in sorted(state.get("keys", {}).items(), key=lambda item: item[0].lower()):
        machine.state.registry.create(path)
        # wine keeps the values of a key sorted.
        for name, (kind, *data) in sorted(values.items(), key=lambda item: item[0].lower()):
            if kind == "RAW":
                machine.state.registry.set(path, name, to_value(data[0], bytes.fromhex(data[1])))
            else:
                machine.state.registry.set(path, name, make_value(kind, data[0]))
    for path, data in state.get("files", {}).items():
        content, how = data if isinstance(data, list) else (data, "")
        if content is None:
            machine.state.files.make_folder(path)
            continue
        file = machine.state.files.write(path, bytes.fromhex(content), machine.state.now())
        file.locked = how == "locked"
    return machine


_DENIED = "HKEY_LOCAL_MACHINE\\SOFTWARE\\TetraTest4"


def denied_endpoint() -> Endpoint:
    """The state of ``denied.json``, which is told in words there."""
    one = {"x": ["REG_DWORD", 1]}
    keys = {f"{_DENIED}\\{name}": one for name in ("d", "d\\sub", "ok", "ro")}
    machine = endpoint({"keys": keys})
    for name, access in (("d", {"read", "write"}), ("ro", {"write"})):
        key = machine.state.registry.find(f"{_DENIED}\\{name}")
        assert key is not None
        key.denied = frozenset(access)
    return machine


def ask(machine: Endpoint, request: str) -> list[Message]:
    """The lab's messages for a recorded request."""
    try:
        pipeline = PowerShell.FromPSObjectForRemoting(lab_clixml.from_clixml(request.encode(), _NO_SECRETS))
    except ValueError:  # A number that its element cannot hold: never answered (lab/server/runspace.py).
        return []
    return answers_of(machine, commands.to_statements(pipeline, batches=True))


def answers_of(machine: Endpoint, statements: t.Sequence[Statement]) -> list[Message]:
    """The lab's messages for statements that have arrived."""
    events = machine.invoke(statements, Caller("lab", "Engine"))
    messages: list[Message] = []
    reply: t.Any = None
    while True:
        try:
            event = events.send(reply)
        except StopIteration:
            messages.append(("state", _state(4, None)))
            return messages
        reply = event.work() if isinstance(event, Blocking) else None
        if isinstance(event, Output):
            messages.append(("output", _text((event.convert, event.value), event.wire)))
        elif isinstance(event, NonTerminatingError):
            messages.append(("error", _text(("error", event.details), lambda e=event: records.error_record(e.details))))
        elif isinstance(event, TerminatingError):
            messages.append(("state", _text(("state", event.details), lambda e=event: records.error_record(e.details))))
            return messages


def seen(messages: t.Iterable[Message]) -> Seen:
    """What the product's reader makes of messages."""
    result = Seen()
    for stream, text in messages:
        if stream == "state":
            record = _record_of_state(text)
            if record is not None:
                result.failed = True
                result.refusals.append(_refusal(clixml.parse(record)))
            continue
        try:
            value = clixml.parse(text)
        except AnswerError as problem:
            result.output.append(f"unreadable: {problem}")
            continue
        if isinstance(value, PSObject) and any(name.endswith("ErrorRecord") for name in value.types):
            result.refusals.append(_refusal(value))
        elif stream == "error":
            result.refusals.append(("?", str(value), None, None))
        elif stream == "output":
            result.output.append(plain(value))
    return result


def plain(value: t.Any) -> t.Any:
    if isinstance(value, PSObject):
        return {name: plain(item) for name, item in value.properties.items()} or value.text
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return _VARYING.sub("*", value)
    return value


_VARYING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?|<(TIME|GUID)>")


def _refusal(obj: t.Any) -> tuple[str, str, str | None, str | None]:
    one = refusal_of_object(obj)
    return one.category, one.error_id, one.command, one.target


def _state(number: int, record: str | None) -> str:
    return f'<Obj RefId="0"><MS><I32 N="PipelineState">{number}</I32></MS></Obj>'


def _record_of_state(text: str) -> str | None:
    """The error record of a state message, as an element of its own."""
    element = ElementTree.fromstring(text)
    if element.find("TN") is not None and (element.findtext("TN/T") or "").endswith("ErrorRecord"):
        return text
    record = element.find("MS/Obj[@N='ExceptionAsErrorRecord']")
    return None if record is None else ElementTree.tostring(record, encoding="unicode")


def _text(value: t.Any, make: t.Callable[[], t.Any]) -> str:
    return lab_clixml.to_clixml(value, _NO_SECRETS, make).removeprefix(lab_clixml.BOM).decode("utf-8")
