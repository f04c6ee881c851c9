# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One endpoint's listener: connections, and the faults that happen below WS-Man."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import socket
import ssl
import struct
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.pipeline import Restart
from ansible_collections.fleetops.tetra.lab.server import faults, hostile, http, sealing, soap
from ansible_collections.fleetops.tetra.lab.server.authentication import Accounts, Authenticator, Headers
from ansible_collections.fleetops.tetra.lab.server.wsman import Service
from ansible_collections.fleetops.tetra.lab.transport import Transport

log = logging.getLogger(__name__)

GARBAGE = b"\x00\xff<html>\x07 this is no envelope <<<&"
_PATHS = ("/wsman", "/wsman-anon/identify")
_BACKLOG = 128
_CLOSING_TURNS = 3
"""Turns of the event loop in which aborted connections let go of their sockets."""


@dataclass(frozen=True)
class Tls:
    """What an HTTPS listener needs: its context and the hash of its certificate for channel binding."""

    context: ssl.SSLContext
    certificate_hash: bytes


@dataclass
class Counters:
    """What a listener has seen since it was started."""

    connections: int = 0
    requests: int = 0
    refused_logons: int = 0

    def as_dict(self, pipelines: int) -> dict[str, int]:
        return {
            "connections": self.connections,
            "requests": self.requests,
            "refused_logons": self.refused_logons,
            "pipelines": pipelines,
        }


@dataclass
class Listener:
    """The WinRM listener of one endpoint on a loopback port."""

    name: str
    transport: Transport
    service: Service
    accounts: Accounts
    tls: Tls | None = None
    product_version: str = "OS: 0.0.0 SP: 0.0 Stack: 3.0"
    counters: Counters = field(default_factory=Counters)
    openings: int = 0
    """How many runspaces were asked for."""
    port: int = 0
    _socket: socket.socket | None = None
    _server: asyncio.Server | None = None
    _restarting: asyncio.Task[None] | None = None
    _ordered: Restart | None = None
    _alarm: asyncio.TimerHandle | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        """Takes a port (0: any) and listens on it, unless the endpoint is one where nothing listens."""
        self.service.host.restart = self._restart
        self.service.host.settle = self._settle
        self._take(port)
        if "refused" not in self.transport.faults:
            await self._listen()

    async def stop(self) -> None:
        """Closes the port, the connections and the shells."""
        if self._restarting is not None:
            self._restarting.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        await self._silence()

    def counted(self) -> dict[str, int]:
        return self.counters.as_dict(self.service.pipelines)

    def _take(self, port: int) -> None:
        """Binds the port without listening: clients are refused, and nobody else gets it."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            bound.close()
            raise
        self._socket = bound
        self.port = bound.getsockname()[1]

    async def _listen(self) -> None:
        context = self.tls.context if self.tls is not None else None
        self._server = await asyncio.start_server(self._serve, sock=self._socket, ssl=context, backlog=_BACKLOG)

    def _restart(self, event: Restart) -> None:
        if self._restarting is not None and not self._restarting.done():
            if self._ordered is None or self._ordered.wanted():
                return
            self._restarting.cancel()
        self._ordered = event
        self._restarting = asyncio.get_running_loop().create_task(self._down_and_up(event))

    def wake(self) -> None:
        """Lets the machine do what is due by its own clock."""
        wake = getattr(self.service.host.machine, "wake", None)
        restart = wake() if wake is not None else None
        if restart is not None:
            self._restart(restart)
        self._settle()

    def _settle(self) -> None:
        """Sets the alarm for what the machine will do next of its own accord."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_in = getattr(self.service.host.machine, "due_in", None)
        seconds = due_in() if due_in is not None else None
        if seconds is not None:
            self._alarm = asyncio.get_running_loop().call_later(seconds, self.wake)

    async def _down_and_up(self, event: Restart) -> None:
        await asyncio.sleep(event.after)
        if not event.wanted():
            return
        self._ordered = None
        if event.down is not None:
            event.down()
        await self._silence()
        self._take(self.port)
        if event.duration is None:
            return
        await asyncio.sleep(event.duration)
        if event.up is not None:
            event.up()
        if event.answers():
            await self._listen()
        self._settle()

    async def _silence(self) -> None:
        if self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        self.service.close()
        for _turn in range(_CLOSING_TURNS):
            await asyncio.sleep(0)
        self._server = self._socket = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.counters.connections += 1
        try:
            await self._connection(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        except (ConnectionError, ssl.SSLError):
            writer.transport.abort()
        except Exception:
            log.exception("endpoint %s lost a connection", self.name)
        finally:
            self._connections.discard(task)
            with contextlib.suppress(Exception):
                writer.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        authenticator = Authenticator(self.transport, self.accounts, self.tls.certificate_hash if self.tls else None)
        alive = True
        while alive:
            try:
                request = await http.read_request(reader)
            except http.BadRequest as problem:
                writer.write(http.response(problem.status))
                await writer.drain()
                return
            if request is None:
                return
            self.counters.requests += 1
            alive = request.keep_alive and await self._exchange(request, authenticator, writer)

    async def _exchange(
        self, request: http.HttpRequest, authenticator: Authenticator, writer: asyncio.StreamWriter
    ) -> bool:
        """Answers one request. False when the connection ends with it."""
        if self.transport.fails("hangs", "open"):
            await _forever()
        if self.transport.delay:
            await asyncio.sleep(self.transport.delay)
        try:
            data, reset = await self._answer(request, authenticator)
        except _Attack as attack:
            for chunk in attack.chunks:
                writer.write(chunk)
                await writer.drain()
            return "redirect" in self.transport.faults["hostile"]
        if reset:
            writer.write(data[: len(data) // 2])
            await writer.drain()
            _reset(writer)
            return False
        writer.write(data)
        await writer.drain()
        return True

    async def _answer(self, request: http.HttpRequest, authenticator: Authenticator) -> tuple[bytes, bool]:
        """The bytes of the response, and whether the connection is reset in the middle of them."""
        attacked = self.transport.faults.get("hostile")
        if request.path.lower() not in _PATHS and not (attacked and request.path == hostile.ELSEWHERE):
            return http.response(404), False
        if request.method != "POST":
            return http.response(405), False
        if request.headers.get("wsmanidentify", "").lower() == "unauthenticated" or request.path.lower() == _PATHS[1]:
            return http.response(200, soap.identification("OS: 0.0.0 SP: 0.0 Stack: 3.0")), False
        welcome, headers = authenticator.check(request)
        if not welcome:
            if "authorization" in request.headers and not authenticator.negotiating:
                self.counters.refused_logons += 1
            return http.response(401, headers=headers), False
        if not request.body:
            return http.response(200, headers=headers), False
        return await self._wsman(request, authenticator, headers)

    async def _wsman(
        self, request: http.HttpRequest, authenticator: Authenticator, headers: Headers
    ) -> tuple[bytes, bool]:
        context = authenticator.context
        sealed = context is not None and request.headers.get("content-type", "").startswith(sealing.MEDIA_TYPE)
        body = request.body
        if sealed and context is not None:
            try:
                body = sealing.unseal(body, context)
            except sealing.NotSealed:
                return http.response(400, headers=headers), False
        elif not self.transport.tls and not self.transport.allow_unencrypted:
            return http.response(500, headers=headers), False
        if b"wsmanidentity.xsd" in body and b"<Identify" in body.replace(b"wsmid:", b""):
            status, envelope, broken = 200, soap.identification(self.product_version), False
        else:
            try:
                asked = soap.parse(body)
            except soap.NotSoap:
                return http.response(400, headers=headers), False
            attack = self.transport.faults.get("hostile")
            if attack and request.path != hostile.ELSEWHERE:
                scheme = "https" if self.tls is not None else "http"
                raise _Attack(hostile.attack(attack, asked, f"{scheme}://127.0.0.1:{self.port}"))
            stage = "pipeline" if _polls_pipeline(asked) else "open"
            if asked.action == f"{soap.TRANSFER}Create":
                self.openings += 1
            if self._passes("dropped"):
                raise ConnectionResetError
            if self._passes("unready"):
                return http.response(503, headers=headers), False
            spoiled = await self._fault(stage, asked)
            if spoiled is not None:
                return spoiled, False
            status, envelope = await self._served(asked, authenticator.user or "")
            broken = self.transport.fails("reset_mid_answer", stage) or self.service.loses(asked)
        if sealed and context is not None:
            return http.response(status, sealing.seal(envelope, context), sealing.content_type(), headers), broken
        return http.response(status, envelope, headers=headers), broken

    def _passes(self, fault: str) -> bool:
        """Whether a fault of the first openings strikes now."""
        return 0 < self.openings <= int(self.transport.faults.get(fault, 0))

    async def _served(self, asked: soap.Request, user: str) -> tuple[int, bytes]:
        passing = (("quota", faults.too_many_shells), ("slow_start", faults.timed_out), ("died", faults.aborted))
        for fault, refusal in passing:
            if self._passes(fault):
                return 500, soap.fault(asked.message_id, refusal(), self.service.client_ip)
        return await self.service.answer(asked, user)

    async def _fault(self, stage: str, asked: soap.Request) -> bytes | None:
        """The response of a fault that replaces the answer, if one strikes at this stage."""
        if self.transport.fails("hangs", stage):
            await _forever()
        if self.transport.fails("http_500", stage):
            return http.response(500)
        if self.transport.fails("garbage", stage):
            return http.response(200, GARBAGE)
        if stage == "open" and self.transport.fails("wrong_shape", stage):
            # An answer to a message that nobody sent. (One without content keeps pypsrp asking for ever.)
            other = dataclasses.replace(asked, message_id="uuid:00000000-0000-0000-0000-000000000000")
            return http.response(200, soap.answer(other, f"{soap.TRANSFER}CreateResponse", ""))
        return None


class _Attack(Exception):
    """In place of an answer."""

    def __init__(self, chunks: hostile.Chunks) -> None:
        super().__init__()
        self.chunks = chunks


def _polls_pipeline(asked: soap.Request) -> bool:
    stream = asked.content("rsp:Receive/rsp:DesiredStream")
    return stream is not None and bool(stream.get("CommandId"))


async def _forever() -> None:
    await asyncio.Event().wait()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST, as a firewall or a crashing service does."""
    bare = writer.get_extra_info("socket")
    if bare is not None:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
