# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One ``pwsh -s``: PSRP fragments in packets over stdin and stdout.

The packets are those of PowerShell's own out-of-process transport (OutOfProcTransportManager): ``<Data>`` with Base64,
``<Command>``, ``<Signal>``, ``<Close>``, each with the id of its pipeline (all zeros: the pool), each acknowledged. The
engine handles packets on several threads, so the next one goes out only after the acknowledgement of the last.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time
import typing as t
import uuid

from psrpcore import ClientPowerShell, ClientRunspacePool, PipelineOutputEvent, PSRPPayload

POOL = uuid.UUID(int=0)
PACKET_SECONDS = 90.0
"""How long an acknowledgement may take before the engine counts as hung. Generous: nothing waits for it otherwise."""
_PACKET = re.compile(rb"<(\w+)((?: \w+=(?:'[^']*'|\"[^\"]*\"))*) ?(?:/>|>([^<]*)</\1>)\s*")
_GUID = re.compile(rb"PSGuid=['\"]([0-9a-fA-F-]+)['\"]")
_DIED = "the engine's process has ended."
_ACKNOWLEDGED = {"Data": "DataAck", "Command": "CommandAck", "Signal": "SignalAck", "Close": "CloseAck"}

OnData = t.Callable[[uuid.UUID, bytes], None]
OnEnd = t.Callable[[str], None]


class EngineTrouble(Exception):
    """The engine died, hung or printed something else; the message is one sentence."""


def parse_packet(line: bytes) -> tuple[str, uuid.UUID, bytes]:
    """(kind, pipeline, fragments) of one line that the engine printed. Raises EngineTrouble."""
    found = _PACKET.fullmatch(line)
    guid = _GUID.search(found[2]) if found else None
    if found is None or guid is None:
        raise EngineTrouble(f"the engine printed something that is no packet: {line[:120].decode(errors='replace')!r}.")
    try:
        data = base64.b64decode(found[3] or b"", validate=True)
        return found[1].decode(), uuid.UUID(guid[1].decode()), data
    except ValueError:
        raise EngineTrouble(f"the engine printed a broken packet: {line[:120].decode(errors='replace')!r}.") from None


class EngineProcess:
    """A started engine. ``attach`` says who takes what it prints; what came before waits until then."""

    def __init__(
        self, command: t.Sequence[str], prefix: pathlib.Path, variables: t.Mapping[str, str] | None = None
    ) -> None:
        self.started = time.monotonic()
        self.prefix = prefix
        self.stderr = b""
        environment = {**os.environ, "PWSH_PREFIX": str(prefix), **(variables or {})}
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._early: collections.deque[tuple[uuid.UUID, bytes]] = collections.deque()
        self._on_data: OnData | None = None
        self._on_end: OnEnd | None = None
        self._ended: str | None = None
        self._acknowledgements: queue.Queue[tuple[str, uuid.UUID] | None] = queue.Queue()
        self._outgoing: queue.Queue[tuple[str, uuid.UUID, bytes] | None] = queue.Queue()
        self._errors = threading.Thread(target=self._read_errors, name="engine", daemon=True)
        self._errors.start()
        for work in (self._read, self._write):
            threading.Thread(target=work, name="engine", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and self._ended is None

    def attach(self, on_data: OnData, on_end: OnEnd) -> None:
        """Called from other threads, in the order in which the engine printed."""
        with self._lock:
            self._on_data, self._on_end = on_data, on_end
            while self._early:
                on_data(*self._early.popleft())
            if self._ended is not None:
                on_end(self._ended)

    def send(self, kind: str, pipeline: uuid.UUID, data: bytes = b"") -> None:
        """Queues one packet; packets leave in order, one after the acknowledgement of the other."""
        self._outgoing.put((kind, pipeline, data))

    def kill(self) -> None:
        """Ends the process at once, as the death of wsmprovhost does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._outgoing.put(None)
        self._acknowledgements.put(None)
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def end_prefix(self) -> None:
        """Ends what still runs in this process's wine prefix, and lets its registry be written to its files."""
        stop_prefix(self.prefix)

    def _read(self) -> None:
        assert self._process.stdout is not None
        trouble = _DIED
        for line in self._process.stdout:
            if not line.strip():
                continue
            try:
                kind, pipeline, data = parse_packet(line)
            except EngineTrouble as problem:
                trouble = str(problem)
                self._process.kill()
                break
            if kind == "Data":
                with self._lock:
                    if self._on_data is None:
                        self._early.append((pipeline, data))
                    else:
                        self._on_data(pipeline, data)
            else:
                self._acknowledgements.put((kind, pipeline))
        self._process.stdout.close()
        self._process.wait()
        # wine's own processes may hold the pipe a little longer.
        self._errors.join(2)
        said = self.stderr.decode(errors="replace").strip()
        self._end(f"{trouble[:-1]}: {said[:200]}." if said and trouble == _DIED else trouble)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.stderr = (self.stderr + line)[-4096:]
        self._process.stderr.close()

    def _write(self) -> None:
        assert self._process.stdin is not None
        while (packet := self._outgoing.get()) is not None:
            kind, pipeline, data = packet
            attributes = f"Stream='Default' PSGuid='{pipeline}'" if kind == "Data" else f"PSGuid='{pipeline}'"
            body = f">{base64.b64encode(data).decode()}</{kind}>" if kind == "Data" else " />"
            try:
                self._process.stdin.write(f"<{kind} {attributes}{body}\n".encode())
                self._process.stdin.flush()
            except (OSError, ValueError):
                return
            wanted = (_ACKNOWLEDGED[kind], pipeline)
            try:
                while (got := self._acknowledgements.get(timeout=PACKET_SECONDS)) not in (wanted, None):
                    pass
            except queue.Empty:
                self._end(f"the engine did not take a {kind} packet within {PACKET_SECONDS:.0f} seconds.")
                return
            if got is None:
                return
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()

    def _end(self, why: str) -> None:
        with self._lock:
            first, self._ended = self._ended is None, self._ended or why
            on_end = self._on_end
        self._acknowledgements.put(None)
        if first and on_end is not None:
            on_end(why)


def stop_prefix(prefix: pathlib.Path) -> None:
    """Ends the wineserver of a prefix, which writes the registry's files first. Does nothing where none runs."""
    server = pathlib.Path("/usr/lib/wine/wineserver")
    program = str(server) if server.exists() else "wineserver"
    environment = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all"}
    if not (prefix / "system.reg").exists():
        return
    for option in ("-k", "-w"):
        with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
            subprocess.run([program, option], env=environment, capture_output=True, check=False, timeout=30)


def stand_still(prefix: pathlib.Path) -> None:
    """Raises EngineTrouble where a process uses a wine prefix: its registry lies in that process' memory then, so the
    files tell of the past, and what is written into them is lost."""
    wanted = f"WINEPREFIX={prefix.resolve()}\0".encode()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes():
                raise EngineTrouble(
                    f"the wine prefix {prefix} is in use by process {folder.name}, so its registry cannot be read or "
                    "written here."
                )


def ask_once(process: EngineProcess, cmdlet: str, seconds: float = 60.0, **parameters: t.Any) -> list[str]:
    """One cmdlet on a fresh process, without WS-Man: what it gave, as text in lower case. Raises EngineTrouble."""
    arrived: queue.Queue[tuple[uuid.UUID, bytes] | str] = queue.Queue()
    process.attach(lambda pipeline, data: arrived.put((pipeline, data)), arrived.put)
    pool = ClientRunspacePool()
    pool.open()
    until = time.monotonic() + seconds

    def flush() -> None:
        while (payload := pool.data_to_send()) is not None:
            process.send("Data", payload.pipeline_id or POOL, payload.data)

    def wait(done: t.Callable[[], bool], events: list[t.Any]) -> None:
        while not done():
            try:
                got = arrived.get(timeout=max(0.1, until - time.monotonic()))
            except queue.Empty:
                raise EngineTrouble(f"nothing came within {seconds:.0f} seconds.") from None
            if isinstance(got, str):
                raise EngineTrouble(got)
            pipeline, data = got
            pool.receive_data(PSRPPayload(data, None, None if pipeline == POOL else pipeline))  # type: ignore[arg-type]
            while (event := pool.next_event()) is not None:
                events.append(event)
            flush()

    flush()
    wait(lambda: pool.state.name == "Opened", [])
    shell = ClientPowerShell(pool)
    shell.add_command(cmdlet)
    shell.add_parameters(**parameters)
    shell.start()
    process.send("Command", shell.pipeline_id)
    flush()
    events: list[t.Any] = []
    wait(lambda: shell.state.name in ("Completed", "Failed", "Stopped"), events)
    return [str(event.data).lower() for event in events if isinstance(event, PipelineOutputEvent)]
