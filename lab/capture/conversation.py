# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said on one TCP connection, and a relay that takes it down from real programs talking on loopback."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
import types
import typing as t
from dataclasses import dataclass, field

Side = t.Literal["client", "server"]
Kind = t.Literal["data", "fin", "reset"]
Address = tuple[str, int]


@dataclass(frozen=True)
class Event:
    """``at``: seconds since the conversation began."""

    at: float
    side: Side
    kind: Kind
    data: bytes = b""


@dataclass
class Conversation:
    """One connection. ``answered`` False: the SYN got no SYN-ACK (with ``refused``: a reset)."""

    client: Address = ("192.0.2.10", 50123)
    server: Address = ("198.51.100.7", 443)
    began: float = 1_659_591_020.0
    events: list[Event] = field(default_factory=list)
    answered: bool = True
    refused: bool = False
    server_ttl: int = 52
    reset_ttl: int | None = None
    """TTL of a reset, where somebody else sends it."""

    def say(self, side: Side, data: bytes, after: float = 0.01) -> Conversation:
        """Appends bytes; gives itself back."""
        self.events.append(Event(self._end() + after, side, "data", data))
        return self

    def end(self, side: Side, kind: Kind = "fin", after: float = 0.01) -> Conversation:
        self.events.append(Event(self._end() + after, side, kind))
        return self

    def _end(self) -> float:
        return self.events[-1].at if self.events else 0.02


class Recorder:
    """A relay on 127.0.0.1 that passes on every connection to ``target`` and takes down what is said.

    A context manager; ``conversations`` are complete when ``close`` has returned.
    """

    def __init__(self, target: Address) -> None:
        self._target = target
        self.conversations: list[Conversation] = []
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: Address = ("127.0.0.1", self._listener.getsockname()[1])

    def __enter__(self) -> Recorder:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes no more connections and waits for those under way."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(15)
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _peer = self._listener.accept()
            except OSError:
                return
            one = Conversation(began=time.time(), client=("192.0.2.10", 50000 + len(self.conversations)))
            self.conversations.append(one)
            try:
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                one.answered, one.refused = False, True
                client.close()
                continue
            self._sockets += [client, server]
            lock = threading.Lock()
            for side, source, sink in (("client", client, server), ("server", server, client)):
                thread = threading.Thread(target=_pump, args=(one, lock, side, source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()


def _pump(one: Conversation, lock: threading.Lock, side: Side, source: socket.socket, sink: socket.socket) -> None:
    def note(kind: Kind, data: bytes = b"") -> None:
        with lock:
            one.events.append(Event(max(0.001, time.time() - one.began), side, kind, data))

    source.settimeout(15)
    while True:
        try:
            data = source.recv(65536)
        except ConnectionResetError:
            note("reset")
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sink.close()
            return
        except OSError:
            break
        if not data:
            note("fin")
            break
        note("data", data)
        try:
            sink.sendall(data)
        except OSError:
            break
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
