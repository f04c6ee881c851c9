# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on loopback that are no TLS servers: they answer in a fixed way, hang, or break."""

from __future__ import annotations

import contextlib
import socket
import threading
import types
import typing as t


class Answering:
    """Accepts connections, reads a little, and lets ``behave`` do the rest; free port, daemon threads."""

    def __init__(self, behave: t.Callable[[socket.socket], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.requests: list[bytes] = []
        self.stop = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Answering:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connected, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        connected.settimeout(10)
        with connected, contextlib.suppress(OSError):
            self.requests.append(connected.recv(65536))
            self._behave(connected)


def says(data: bytes) -> Answering:
    """Answers every connection with these bytes and closes it."""
    return Answering(lambda connected: connected.sendall(data))


def hangs() -> Answering:
    """Never answers; lets go when the server is closed."""
    server: list[Answering] = []

    def wait(_connected: socket.socket) -> None:
        server[0].stop.wait(30)

    server.append(Answering(wait))
    return server[0]


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
