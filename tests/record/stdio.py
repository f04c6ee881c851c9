# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's own session over a PowerShell's standard streams: ``powershell.exe -s``, ``pwsh -s``.

``StdioConnection`` stands in for Ansible's connection plugin, and ``StdioTransport`` for pypsrp's WS-Man client: what
pypsrp would post travels as the packets of MS-PSRP's out-of-process transport. Nothing above knows. It needs neither
Ansible nor WinRM, and so runs on Windows itself.

Every packet is acknowledged before the next one goes: the engine handles packets on several threads, and a batch of two
fragments would hang otherwise.
"""

from __future__ import annotations

import base64
import queue
import subprocess
import threading
import typing as t
import uuid
from xml.etree import ElementTree as ET

from pypsrp.powershell import RunspacePool

_RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_POOL = str(uuid.UUID(int=0))
_STATE = 0x00041006
"""PIPELINE_STATE."""
_ENDED = (3, 4, 5, 6)
"""Stopped, completed, failed, disconnected."""


class StdioError(Exception):
    """The process said something else, nothing, or is gone. The message is one sentence."""


class StdioTransport:
    """What pypsrp asks of a WS-Man client, over the streams of one process. ``seconds``: how long one answer may
    take."""

    max_payload_size = 32768
    max_envelope_size = 153600

    def __init__(self, command: t.Sequence[str], seconds: float = 120, **popen: t.Any) -> None:
        self.command_line = list(command)
        self.seconds = seconds
        self.noise: list[str] = []
        """What came that is no packet."""
        self._process = subprocess.Popen(
            self.command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen
        )
        self._acks: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self._data: dict[str, queue.Queue[bytes | None]] = {_POOL: queue.Queue()}
        self._commands: dict[str, str] = {}
        self._lock = threading.Lock()
        for target in (self._read_packets, self._read_noise):
            threading.Thread(target=target, daemon=True).start()

    # What pypsrp calls ---------------------------------------------------------------------------------------------

    def create(self, resource_uri: str, shell: ET.Element, **_options: t.Any) -> ET.Element:
        content = shell.find("creationXml")
        if content is None or not content.text:
            raise StdioError("The shell was opened without the messages of a runspace pool.")
        self._send(_POOL, base64.b64decode(content.text))
        body = ET.Element("Body")
        made = ET.SubElement(body, f"{{{_RSP}}}Shell")
        ET.SubElement(made, f"{{{_RSP}}}ShellId").text = shell.attrib.get("ShellId")
        return body

    def command(self, resource_uri: str, line: ET.Element, **_options: t.Any) -> ET.Element:
        first = base64.b64decode(line.findtext(f"{{{_RSP}}}Arguments") or "")
        pipeline = str(uuid.UUID(bytes_le=first[21 + 24 : 21 + 40]))
        command = line.attrib.get("CommandId") or pipeline.upper()
        self._commands[command.lower()] = pipeline
        self._data[pipeline] = queue.Queue()
        self._write(f"<Command PSGuid='{pipeline}' />", ("CommandAck", pipeline))
        self._send(pipeline, first)
        body = ET.Element("Body")
        response = ET.SubElement(body, f"{{{_RSP}}}CommandResponse")
        ET.SubElement(response, f"{{{_RSP}}}CommandId").text = command
        return body

    def send(self, resource_uri: str, send: ET.Element, **_options: t.Any) -> ET.Element:
        stream = send[0]
        self._send(self._target(stream.attrib.get("CommandId")), base64.b64decode(stream.text or ""))
        return ET.Element("Body")

    def receive(self, resource_uri: str, receive: ET.Element, **_options: t.Any) -> ET.Element:
        asked = receive[0].attrib.get("CommandId")
        target = self._target(asked)
        parts = [self._next(target)]
        while not self._data[target].empty():
            parts.append(self._next(target))
        body = ET.Element("Body")
        response = ET.SubElement(body, f"{{{_RSP}}}ReceiveResponse")
        for part in parts:
            stream = ET.SubElement(response, f"{{{_RSP}}}Stream", Name="stdout")
            stream.text = base64.b64encode(part).decode()
        if asked is not None and any(_ends_a_pipeline(part) for part in parts):
            state = f"{_RSP}/CommandState/Done"
            ET.SubElement(response, f"{{{_RSP}}}CommandState", CommandId=asked, State=state)
            self._write(f"<Close PSGuid='{target}' />", ("CloseAck", target))
        return body

    def signal(self, resource_uri: str, signal: ET.Element, **_options: t.Any) -> ET.Element:
        target = self._target(signal.attrib.get("CommandId"))
        self._write(f"<Signal PSGuid='{target}' />", ("SignalAck", target))
        return ET.Element("Body")

    def delete(self, resource_uri: str, **_options: t.Any) -> ET.Element:
        self.end()
        return ET.Element("Body")

    def update_max_payload_size(self, size: int | None = None) -> None:
        pass

    # The process ---------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Ends the process; it goes by itself when its input is closed."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except OSError:
                pass
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _target(self, command: str | None) -> str:
        return _POOL if command is None else self._commands[command.lower()]

    def _send(self, target: str, data: bytes) -> None:
        for fragment in _fragments(data):
            text = base64.b64encode(fragment).decode()
            self._write(f"<Data Stream='Default' PSGuid='{target}'>{text}</Data>", ("DataAck", target))

    def _write(self, packet: str, answer: tuple[str, str]) -> None:
        stream = self._process.stdin
        assert stream is not None
        with self._lock:
            try:
                stream.write(packet.encode() + b"\n")
                stream.flush()
            except OSError:
                raise self._gone() from None
            while True:
                try:
                    got = self._acks.get(timeout=self.seconds)
                except queue.Empty:
                    raise StdioError(
                        f"{self.command_line[0]} did not take a packet within {self.seconds:g} s."
                    ) from None
                if got is None:
                    self._acks.put(None)
                    raise self._gone()
                if got == answer:
                    return

    def _next(self, target: str) -> bytes:
        try:
            data = self._data[target].get(timeout=self.seconds)
        except queue.Empty:
            raise StdioError(f"{self.command_line[0]} gave no answer within {self.seconds:g} s.") from None
        if data is None:
            self._data[target].put(None)
            raise self._gone()
        return data

    def _gone(self) -> StdioError:
        said = " ".join(self.noise)[:300]
        return StdioError(f"{self.command_line[0]} has ended{f' and said: {said}' if said else ''}.")

    def _read_packets(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        for line in stream:
            text = line.decode("utf-8", "replace").strip().lstrip("\ufeff")
            if not text:
                continue
            try:
                packet = ET.fromstring(text)
                target = packet.attrib["PSGuid"].lower()
            except (ET.ParseError, KeyError):
                self.noise.append(text)
                continue
            if packet.tag == "Data":
                self._data.setdefault(target, queue.Queue()).put(base64.b64decode(packet.text or ""))
            else:
                self._acks.put((packet.tag, target))
        self._acks.put(None)
        for waiting in list(self._data.values()):
            waiting.put(None)

    def _read_noise(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        for line in stream:
            self.noise.append(line.decode("utf-8", "replace").strip())


class StdioConnection:
    """In place of ``ansible.builtin.psrp``: what ``Session`` needs of a connection."""

    transport = "psrp"
    _fleetops_tetra_guarded = True
    """There is no HTTP to be guarded."""

    def __init__(
        self, command: t.Sequence[str], seconds: float = 120, configuration: str | None = None, **popen: t.Any
    ) -> None:
        self._start = (command, seconds, popen)
        self._configuration = configuration
        self.connected = False
        self.runspace: t.Any = None
        self.wire: StdioTransport | None = None

    def _connect(self) -> StdioConnection:
        command, seconds, popen = self._start
        self.wire = StdioTransport(command, seconds, **popen)
        self.runspace = RunspacePool(t.cast(t.Any, self.wire))
        self.runspace.open()
        self.connected = True
        return self

    def close(self) -> None:
        self.connected = False
        self.runspace = None
        if self.wire is not None:
            self.wire.end()

    def get_option(self, option: str) -> t.Any:
        values = {"remote_addr": self._start[0][0], "port": 1, "protocol": "stdio", "auth": "none"}
        return self._configuration if option == "configuration_name" else values.get(option)


def _fragments(data: bytes) -> t.Iterator[bytes]:
    """The fragments that stand one behind the other."""
    while data:
        length = 21 + int.from_bytes(data[17:21], "big")
        yield data[:length]
        data = data[length:]


def _ends_a_pipeline(fragment: bytes) -> bool:
    """Whether a fragment is the (short) message of a pipeline's last state."""
    for one in _fragments(fragment):
        message = one[21:]
        if one[16] & 1 and int.from_bytes(message[4:8], "little") == _STATE:
            found = ET.fromstring(message[40:].decode("utf-8-sig")).find(".//*[@N='PipelineState']")
            if found is not None and int(found.text or "0") in _ENDED:
                return True
    return False
