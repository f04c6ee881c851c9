# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Man service of one endpoint: actions in, envelopes out."""

from __future__ import annotations

import base64
import binascii
import logging
import time
import typing as t
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from psrpcore import PSRPCoreError

from ansible_collections.fleetops.tetra.lab.pipeline import Caller
from ansible_collections.fleetops.tetra.lab.server import config, faults, soap
from ansible_collections.fleetops.tetra.lab.server.answers import Answers
from ansible_collections.fleetops.tetra.lab.server.execution import Host
from ansible_collections.fleetops.tetra.lab.server.shell import Shell
from ansible_collections.fleetops.tetra.lab.server.soap import SHELL, TRANSFER, Request
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_CONFIGURATION, Transport

log = logging.getLogger(__name__)

POWERSHELL = "http://schemas.microsoft.com/powershell/"
_CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
_DONE = f"{SHELL}/CommandState/Done"
_TERMINATE = f"{SHELL}/signal/terminate"
_FRAGMENTS_PER_ANSWER = 4
"""Recorded: large outputs come four fragments an answer where the envelope allows it."""
_ENVELOPE_OVERHEAD = 2048


@dataclass
class Service:
    """The shells of one endpoint. One service lives as long as its endpoint runs."""

    host: Host
    transport: Transport
    client_ip: str = "127.0.0.1"
    shells: dict[str, Shell] = field(default_factory=dict)
    pipelines: int = 0
    """Pipelines begun since the endpoint was started."""
    _writes: list[str] = field(default_factory=list)
    """Command ids of the pipelines that wrote something, in their order."""

    async def answer(self, request: Request, user: str) -> tuple[int, bytes]:
        """HTTP status and envelope for one request."""
        try:
            return 200, await self._act(request, user)
        except soap.Fault as problem:
            return 500, soap.fault(request.message_id, problem, self.client_ip)
        except (PSRPCoreError, ValueError, KeyError, AttributeError) as problem:
            log.warning("request %s refused: %s", request.action, problem)
            return 500, soap.fault(request.message_id, faults.internal(str(problem)), self.client_ip)

    def loses(self, request: Request) -> bool:
        """Whether the answer to this request is the one that gets lost on the way, although the write was done."""
        if not self.transport.lost_answer or request.action != f"{SHELL}/Receive":
            return False
        stream = request.content("rsp:Receive/rsp:DesiredStream")
        command_id = "" if stream is None else stream.get("CommandId", "").upper()
        shell = self.shells.get(request.shell_id.upper())
        execution = shell.execution(command_id) if shell is not None and command_id else None
        if execution is None or command_id in self._writes or not execution.writes:
            return False
        self._writes.append(command_id)
        return len(self._writes) == self.transport.lost_answer

    def close(self) -> None:
        """Ends every shell, as a restart of the service does."""
        for shell in list(self.shells.values()):
            shell.close()
        self.shells.clear()

    async def _act(self, request: Request, user: str) -> bytes:
        action = request.action
        if action == f"{TRANSFER}Create":
            return self._create(request, user)
        if action == f"{TRANSFER}Get" and request.resource_uri.startswith(_CONFIG):
            return soap.answer(request, f"{TRANSFER}GetResponse", config.service_configuration(self.transport), "saxwp")
        shell = self.shells.get(request.shell_id.upper())
        if shell is None:
            raise faults.unknown_shell(request.shell_id)
        if action == f"{SHELL}/Receive":
            return await self._receive(request, shell)
        handler = self._handlers().get(action)
        if handler is None:
            raise faults.unsupported_action(action)
        return handler(request, shell)

    def _handlers(self) -> dict[str, t.Callable[[Request, Shell], bytes]]:
        return {
            f"{SHELL}/Command": self._command,
            f"{SHELL}/Send": self._send,
            f"{SHELL}/Signal": self._signal,
            f"{TRANSFER}Delete": self._delete,
            f"{TRANSFER}Get": self._get,
        }

    def _create(self, request: Request, user: str) -> bytes:
        name = self._configuration(request.resource_uri)
        if name is None:
            raise faults.unknown_resource(request.resource_uri)
        if "access_denied" in self.transport.faults:
            raise faults.access_denied()
        element = request.content("rsp:Shell")
        wanted = "" if element is None else element.get("ShellId", "")
        shell_id = (wanted or str(uuid.uuid4())).upper()
        caller = Caller(user=user, configuration=name)
        shell = self._new_shell(shell_id, request.resource_uri, caller)
        shell.wrong_shape = self.transport.fails("wrong_shape", "pipeline")
        creation = None if element is None else element.find(f"{{{POWERSHELL.rstrip('/')}}}creationXml")
        shell.receive(_decode(creation))
        self.shells[shell_id] = shell
        body = (
            f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{escape(request.resource_uri)}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
            "</x:ResourceCreated>" + self._describe(shell)
        )
        return soap.answer(request, f"{TRANSFER}CreateResponse", body, "saxwp")

    def _new_shell(self, shell_id: str, resource_uri: str, caller: Caller) -> Shell:
        """The machine's own kind of shell, where it has one: the tests serve a real PowerShell so."""
        make = getattr(self.host.machine, "make_shell", None)
        if callable(make):
            return t.cast(Shell, make(shell_id, resource_uri, caller, self.host))
        return Shell(shell_id, resource_uri, self.host, caller)

    def _configuration(self, resource_uri: str) -> str | None:
        """The session configuration that the URI names, if there is one that may be opened. Case does not matter."""
        name = resource_uri.removeprefix(POWERSHELL)
        if name == resource_uri:
            return None
        knows = getattr(self.host.machine, "has_configuration", None)
        if callable(knows) and not knows(name):
            return None
        if not self.transport.configurations:
            return name if callable(knows) or name.lower() == DEFAULT_CONFIGURATION.lower() else None
        return next((known for known in self.transport.configurations if known.lower() == name.lower()), None)

    def _describe(self, shell: Shell) -> str:
        age = int(time.monotonic() - shell.opened)
        run_time = f"P{age // 86400}DT{age % 86400 // 3600}H{age % 3600 // 60}M{age % 60}S"
        values = {
            "ShellId": shell.id,
            "ResourceUri": shell.resource_uri,
            "Owner": shell.caller.user,
            "ClientIP": self.client_ip,
            "ProcessId": "4040",
            "IdleTimeOut": "PT7200.000S",
            "InputStreams": "stdin pr",
            "OutputStreams": "stdout",
            "MaxIdleTimeOut": "PT2147483.647S",
            "Locale": "en-US",
            "DataLocale": "en-US",
            "CompressionMode": "NoCompression",
            "ProfileLoaded": "Yes",
            "Encoding": "UTF8",
            "BufferMode": "Block",
            "State": "Connected",
            "ShellRunTime": run_time,
            "ShellInactivity": "P0DT0H0M0S",
        }
        fields = "".join(f"<rsp:{name}>{escape(value)}</rsp:{name}>" for name, value in values.items())
        return f"<rsp:Shell>{fields}</rsp:Shell>"

    def _get(self, request: Request, shell: Shell) -> bytes:
        return soap.answer(request, f"{TRANSFER}GetResponse", self._describe(shell), "saxwp")

    def _delete(self, request: Request, shell: Shell) -> bytes:
        shell.close()
        del self.shells[shell.id]
        return soap.answer(request, f"{TRANSFER}DeleteResponse", "")

    def _command(self, request: Request, shell: Shell) -> bytes:
        line = request.content("rsp:CommandLine")
        wanted = "" if line is None else line.get("CommandId", "")
        command_id = (wanted or str(uuid.uuid4())).upper()
        shell.command(command_id, _decode(request.content("rsp:CommandLine/rsp:Arguments")))
        self.pipelines += 1
        body = f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"
        return soap.answer(request, f"{SHELL}/CommandResponse", body, "saxwp")

    def _send(self, request: Request, shell: Shell) -> bytes:
        stream = request.content("rsp:Send/rsp:Stream")
        command_id = "" if stream is None else stream.get("CommandId", "").upper()
        if command_id and shell.execution(command_id) is None:
            raise faults.unknown_command()
        shell.receive(_decode(stream))
        return soap.answer(request, f"{SHELL}/SendResponse", "<rsp:SendResponse/>", "saxwp")

    def _signal(self, request: Request, shell: Shell) -> bytes:
        signal = request.content("rsp:Signal")
        execution = None if signal is None else shell.execution(signal.get("CommandId", "").upper())
        if signal is None or execution is None:
            raise faults.unknown_command()
        code = signal.findtext("rsp:Code", "", soap.NAMESPACES).strip()
        if code.lower() == _TERMINATE:
            shell.forget(execution)
        else:
            shell.stop(execution)
        return soap.answer(request, f"{SHELL}/SignalResponse", "<rsp:SignalResponse/>", "saxwp")

    async def _receive(self, request: Request, shell: Shell) -> bytes:
        stream = request.content("rsp:Receive/rsp:DesiredStream")
        command_id = "" if stream is None else stream.get("CommandId", "").upper()
        answers: Answers = shell.answers
        attribute = ""
        if command_id:
            execution = shell.execution(command_id)
            if execution is None:
                raise faults.unknown_command()
            answers = execution.answers
            attribute = f' CommandId="{command_id}"'
        if not await answers.wait(request.timeout):
            raise faults.timed_out()
        room = (request.max_envelope - _ENVELOPE_OVERHEAD) * 3 // 4
        taken, last = answers.take(min(room, _FRAGMENTS_PER_ANSWER * 32768))
        streams = "".join(f'<rsp:Stream Name="stdout"{attribute}>{_encode(piece)}</rsp:Stream>' for piece in taken)
        state = (
            f'<rsp:CommandState{attribute} State="{_DONE}"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>'
            if last
            else ""
        )
        body = f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"
        return soap.answer(request, f"{SHELL}/ReceiveResponse", body)


def _encode(piece: bytes) -> str:
    return base64.b64encode(piece).decode()


def _decode(element: t.Any) -> bytes:
    if element is None or not element.text:
        raise faults.bad_content("it has no content.")
    try:
        return base64.b64decode(element.text)
    except binascii.Error:
        raise faults.bad_content("its content is not Base64.") from None
