# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP as MS-PSRP describes it, as far as a runspace that runs pipelines needs it, and CLIXML. RULE: see __init__.

``Transport`` stands where pypsrp has its WS-Man client: what pypsrp would post arrives here, and is answered.
"""

from __future__ import annotations

import base64
import struct
import typing as t
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from pypsrp.powershell import RunspacePool

_RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_CAPABILITY, _POOL_STATE, _PRIVATE_DATA = 0x00010002, 0x00021005, 0x00021009
_CREATE_PIPELINE, _OUTPUT, _ERROR, _STATE = 0x00021006, 0x00041004, 0x00041005, 0x00041006
_COMPLETED = 4
_CATEGORIES = {"ObjectNotFound": 13, "PermissionDenied": 18, "InvalidArgument": 5}


@dataclass
class Command:
    """A command as it arrived."""

    name: str
    parameters: dict[str, t.Any] = field(default_factory=dict)

    @property
    def cmdlet(self) -> str:
        return self.name.rpartition("\\")[2]


@dataclass
class Obj:
    """An object that is answered: its types, its properties, and its text."""

    types: tuple[str, ...]
    properties: dict[str, t.Any]
    text: str | None = None
    number: int | None = None
    """Of an enumeration."""


@dataclass(frozen=True)
class UInt:
    value: int


@dataclass(frozen=True)
class Moment:
    """Of type DateTime, as XML writes it."""

    text: str


@dataclass(frozen=True)
class Problem:
    """A non-terminating error."""

    category: str
    error_id: str
    cmdlet: str
    target: str


Answerer = t.Callable[[list[list[Command]]], t.Iterable[t.Any]]
"""Statements → values and Problems, in the order in which the endpoint says them."""


class Transport:
    """One shell."""

    max_payload_size = 32768
    max_envelope_size = 153600

    def __init__(self, answer: Answerer, version_table: dict[str, t.Any]) -> None:
        self._answer, self._version_table = answer, version_table
        self._parts: dict[int, bytes] = {}
        self._pool: list[bytes] = []
        self._said: dict[str, list[bytes]] = {}
        self._object = 0

    def create(self, resource_uri: str, shell: ET.Element, **_more: t.Any) -> ET.Element:
        self._take(base64.b64decode(shell.findtext("creationXml") or ""), None)
        body = ET.Element("Body")
        made = ET.SubElement(body, f"{{{_RSP}}}Shell")
        ET.SubElement(made, f"{{{_RSP}}}ShellId").text = shell.attrib.get("ShellId")
        return body

    def command(self, resource_uri: str, line: ET.Element, **_more: t.Any) -> ET.Element:
        data = base64.b64decode(line.findtext(f"{{{_RSP}}}Arguments") or "")
        command = line.attrib.get("CommandId") or str(uuid.UUID(bytes_le=data[45:61])).upper()
        self._said[command.lower()] = []
        self._take(data, command.lower())
        body = ET.Element("Body")
        response = ET.SubElement(body, f"{{{_RSP}}}CommandResponse")
        ET.SubElement(response, f"{{{_RSP}}}CommandId").text = command
        return body

    def send(self, resource_uri: str, send: ET.Element, **_more: t.Any) -> ET.Element:
        command = send[0].attrib.get("CommandId")
        self._take(base64.b64decode(send[0].text or ""), command.lower() if command else None)
        return ET.Element("Body")

    def receive(self, resource_uri: str, receive: ET.Element, **_more: t.Any) -> ET.Element:
        command = receive[0].attrib.get("CommandId")
        said = self._pool if command is None else self._said[command.lower()]
        body = ET.Element("Body")
        response = ET.SubElement(body, f"{{{_RSP}}}ReceiveResponse")
        for part in said:
            ET.SubElement(response, f"{{{_RSP}}}Stream", Name="stdout").text = base64.b64encode(part).decode()
        said.clear()
        if command is not None:
            ET.SubElement(response, f"{{{_RSP}}}CommandState", CommandId=command, State=f"{_RSP}/CommandState/Done")
        return body

    def signal(self, resource_uri: str, signal: ET.Element, **_more: t.Any) -> ET.Element:
        return ET.Element("Body")

    def delete(self, resource_uri: str, **_more: t.Any) -> ET.Element:
        return ET.Element("Body")

    def update_max_payload_size(self, size: int | None = None) -> None:
        pass

    def _take(self, data: bytes, command: str | None) -> None:
        while data:
            number, _fragment, flags, length = struct.unpack(">QQBI", data[:21])
            self._parts[number] = self._parts.get(number, b"") + data[21 : 21 + length]
            if flags & 2:
                self._message(self._parts.pop(number), command)
            data = data[21 + length :]

    def _message(self, message: bytes, command: str | None) -> None:
        kind = int.from_bytes(message[4:8], "little")
        pool, pipeline = message[8:24], message[24:40]
        if kind == _CAPABILITY:
            versions = '<Version N="protocolversion">2.3</Version><Version N="PSVersion">2.0</Version>'
            capability = f'<Obj RefId="0"><MS>{versions}<Version N="SerializationVersion">1.1.0.1</Version></MS></Obj>'
            table = _dictionary(
                {"PSVersionTable": self._version_table}, "System.Management.Automation.PSPrimitiveDictionary"
            )
            data = f'<Obj RefId="0"><MS>{_named("ApplicationPrivateData", table)}</MS></Obj>'
            state = '<Obj RefId="0"><MS><I32 N="RunspaceState">2</I32></MS></Obj>'
            for told, text in ((_CAPABILITY, capability), (_PRIVATE_DATA, data), (_POOL_STATE, state)):
                self._pool.append(self._fragment(told, pool, bytes(16), text))
        elif kind == _CREATE_PIPELINE and command is not None:
            statements = _statements(message[40:].removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
            said = self._said[command]
            for value in self._answer(statements):
                is_error = isinstance(value, Problem)
                said.append(self._fragment(_ERROR if is_error else _OUTPUT, pool, pipeline, to_clixml(value)))
            state = f'<Obj RefId="0"><MS><I32 N="PipelineState">{_COMPLETED}</I32></MS></Obj>'
            said.append(self._fragment(_STATE, pool, pipeline, state))

    def _fragment(self, kind: int, pool: bytes, pipeline: bytes, text: str) -> bytes:
        self._object += 1
        message = struct.pack("<II", 1, kind) + pool + pipeline + b"\xef\xbb\xbf" + text.encode("utf-8")
        return struct.pack(">QQBI", self._object, 0, 3, len(message)) + message


class Connection:
    """What a session needs of Ansible's connection plugin."""

    transport = "psrp"
    _fleetops_tetra_guarded = True  # there is no HTTP whose answers would have to be measured

    def __init__(self, answer: Answerer, version_table: dict[str, t.Any]) -> None:
        self._start = (answer, version_table)
        self.connected = False
        self.runspace: t.Any = None

    def _connect(self) -> Connection:
        self.runspace = RunspacePool(t.cast(t.Any, Transport(*self._start)))
        self.runspace.open()
        self.connected = True
        return self

    def close(self) -> None:
        self.connected, self.runspace = False, None

    def get_option(self, option: str) -> t.Any:
        values = {"remote_addr": "second-model", "port": 1, "protocol": "memory", "auth": "none"}
        return "Microsoft.PowerShell" if option == "configuration_name" else values.get(option)


# CLIXML: MS-PSRP 2.2.5 -----------------------------------------------------------------------------------------------


def to_clixml(value: t.Any) -> str:
    """A value as Windows serialises it; a Problem as an error record."""
    if isinstance(value, Problem):
        return _error(value)
    if value is None:
        return "<Nil />"
    if isinstance(value, bool):
        return f"<B>{str(value).lower()}</B>"
    if isinstance(value, int):
        return f"<I32>{value}</I32>" if -(1 << 31) <= value < 1 << 31 else f"<I64>{value}</I64>"
    if isinstance(value, UInt):
        return f"<U32>{value.value}</U32>"
    if isinstance(value, bytes):
        return f"<BA>{base64.b64encode(value).decode()}</BA>"
    if isinstance(value, Moment):
        return f"<DT>{value.text}</DT>"
    if isinstance(value, list):
        return f'<Obj RefId="0"><LST>{"".join(map(to_clixml, value))}</LST></Obj>'
    if isinstance(value, dict):
        return _dictionary(value, "System.Collections.Hashtable")
    if isinstance(value, Obj):
        types = "".join(f"<T>{escape(name)}</T>" for name in value.types)
        text = f"<ToString>{escape(value.text)}</ToString>" if value.text is not None else ""
        number = f"<I32>{value.number}</I32>" if value.number is not None else ""
        members = "".join(_named(name, to_clixml(item)) for name, item in value.properties.items())
        inner = f"<MS>{members}</MS>" if value.properties else ""
        return f'<Obj RefId="0"><TN RefId="0">{types}</TN>{text}{number}{inner}</Obj>'
    return f"<S>{_text(str(value))}</S>"


def _text(text: str) -> str:
    """``_x000A_`` for what XML does not keep."""
    return escape("".join(c if c.isprintable() else f"_x{ord(c):04X}_" for c in text))


def _named(name: str, xml: str) -> str:
    tag, rest = xml[1:].split(" ", 1) if xml.startswith(("<Obj ", "<Nil ")) else (xml[1 : xml.index(">")], "")
    if rest:
        return f'<{tag} N="{escape(name)}" {rest}'
    return f'<{tag} N="{escape(name)}"{xml[len(tag) + 1 :]}'


def _dictionary(value: dict[str, t.Any], kind: str) -> str:
    entries = "".join(
        f"<En>{_named('Key', to_clixml(key))}{_named('Value', to_clixml(item))}</En>" for key, item in value.items()
    )
    return f'<Obj RefId="0"><TN RefId="0"><T>{kind}</T><T>System.Object</T></TN><DCT>{entries}</DCT></Obj>'


def _error(problem: Problem) -> str:
    """The members of the recorded error records (recordings/get-item.json) that do not depend on a language."""
    members = {
        "TargetObject": problem.target,
        "FullyQualifiedErrorId": problem.error_id,
        "ErrorCategory_Category": _CATEGORIES[problem.category],
        "ErrorCategory_Activity": problem.cmdlet,
        "ErrorCategory_TargetName": problem.target,
        "ErrorCategory_TargetType": "String",
    }
    return to_clixml(Obj(("System.Management.Automation.ErrorRecord", "System.Object"), members, "It was refused."))


def _statements(text: str) -> list[list[Command]]:
    """The pipelines of a CREATE_PIPELINE message."""
    root = ET.fromstring(text)
    shell = next(one for one in root.iter("Obj") if one.attrib.get("N") == "PowerShell")
    found: list[list[Command]] = []
    for one in shell.find("MS") or ():
        if one.attrib.get("N") == "ExtraCmds":
            groups = list(one.find("LST") or ())
            lists = [
                member for group in groups for member in group.find("MS") or () if member.attrib.get("N") == "Cmds"
            ]
            found = [[_command(item) for item in entry.find("LST") or ()] for entry in lists]
    if found:
        return found
    only = next(one for one in shell.find("MS") or () if one.attrib.get("N") == "Cmds")
    return [[_command(item) for item in only.find("LST") or ()]]


def _command(xml: ET.Element) -> Command:
    members = {one.attrib.get("N"): one for one in xml.find("MS") or ()}
    found = Command(_decoded(members["Cmd"].text or ""))
    arguments = members.get("Args")
    for number, one in enumerate((arguments.find("LST") if arguments is not None else None) or ()):
        pair = {part.attrib.get("N"): part for part in one.find("MS") or ()}
        name = _value(pair["N"]) if "N" in pair else None
        found.parameters[str(name).lstrip("-").rstrip(":") if name else str(number)] = _value(pair["V"])
    return found


def _value(xml: ET.Element) -> t.Any:
    if xml.tag == "Nil":
        return None
    if xml.tag == "B":
        return xml.text == "true"
    if xml.tag in ("I32", "U32", "I64", "U64"):
        return int(xml.text or "0")
    for kind in ("LST", "IE"):
        items = xml.find(kind)
        if items is not None:
            return [_value(item) for item in items]
    table = xml.find("DCT")
    if table is not None:
        return {_value(entry[0]): _value(entry[1]) for entry in table}
    return _decoded(xml.text or "")


def _decoded(text: str) -> str:
    import re

    return re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), text)
