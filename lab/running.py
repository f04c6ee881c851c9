# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that runs: all endpoints in one process, on one event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import importlib
import pathlib
import threading
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab import inventory
from ansible_collections.fleetops.tetra.lab.certificates import Authority
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.fleet import EndpointDefinition, Fleet
from ansible_collections.fleetops.tetra.lab.pipeline import Caller, Machine
from ansible_collections.fleetops.tetra.lab.server.authentication import Accounts
from ansible_collections.fleetops.tetra.lab.server.execution import Host
from ansible_collections.fleetops.tetra.lab.server.listener import Listener
from ansible_collections.fleetops.tetra.lab.server.wsman import Service

MakeMachine = t.Callable[[str, dict[str, t.Any]], Machine]

_WORKERS = 16
"""Threads for work that blocks (real handshakes)."""
_FILES_PER_ENDPOINT = 8
_SECRETS = ("*.accounts", "listener*.pem")
"""Files of the work directory that are of no use once the fleet has stopped."""


def windows_machine(name: str, mapping: dict[str, t.Any]) -> Machine:
    """The simulated Windows of this mapping."""
    module = importlib.import_module("ansible_collections.fleetops.tetra.lab.machine.endpoint")
    machine: Machine = module.Endpoint.from_mapping(name, mapping)
    return machine


@dataclass
class Endpoints:
    """The endpoints of a fleet on the running event loop."""

    fleet: Fleet
    work_dir: pathlib.Path
    make_machine: MakeMachine = windows_machine
    listeners: dict[str, Listener] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)

    def prepare(self) -> None:
        """Makes every machine and certificate. Raises FleetError; nothing listens yet."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.work_dir.chmod(0o700)
        self.authority = Authority(self.work_dir)
        self.workers = concurrent.futures.ThreadPoolExecutor(_WORKERS, thread_name_prefix="lab")
        for definition in self.fleet:
            machine = self.make_machine(definition.name, definition.machine)
            self.machines[definition.name] = machine
            self.listeners[definition.name] = self._listener(definition, machine)

    async def start(self, port_base: int = 0) -> None:
        """Listens; with a port base the endpoints take consecutive ports in the order of the fleet file."""
        _allow_files(len(self.listeners) * _FILES_PER_ENDPOINT)
        for number, listener in enumerate(self.listeners.values()):
            port = port_base + number if port_base else 0
            try:
                await listener.start(port)
            except OSError as problem:
                raise FleetError(
                    f"Endpoint {listener.name!r} cannot listen on port {port}: {problem.strerror}."
                ) from None

    async def stop(self) -> None:
        await asyncio.gather(*(listener.stop() for listener in self.listeners.values()))
        self.workers.shutdown(wait=False, cancel_futures=True)
        for machine in self.machines.values():
            close = getattr(machine, "close", None)
            if callable(close):
                close()
        for pattern in _SECRETS:
            for path in self.work_dir.glob(pattern):
                path.unlink(missing_ok=True)

    async def pass_time(self, name: str, seconds: float) -> None:
        machine: t.Any = self.machines[name]
        machine.state.clock_ahead += datetime.timedelta(seconds=seconds)
        self.listeners[name].wake()

    @property
    def ports(self) -> dict[str, int]:
        return {name: listener.port for name, listener in self.listeners.items()}

    @property
    def counters(self) -> dict[str, dict[str, int]]:
        """Per endpoint: connections, requests, refused_logons, pipelines."""
        return {name: listener.counted() for name, listener in self.listeners.items()}

    def write_inventory(self, path: pathlib.Path) -> None:
        authority = str(self.authority.file.resolve())
        hosts = {
            definition.name: inventory.variables(definition, self.listeners[definition.name].port, authority)
            for definition in self.fleet
        }
        inventory.write(path, hosts)

    def _listener(self, definition: EndpointDefinition, machine: Machine) -> Listener:
        transport = definition.transport
        tls = self.authority.listener(transport.faults.get("tls_error", "")) if transport.tls else None
        service = Service(Host(machine, self.workers), transport)
        accounts = Accounts.of(transport, self.work_dir)
        return Listener(definition.name, transport, service, accounts, tls, _product_version(machine, transport.user))


@dataclass
class RunningFleet:
    """A fleet that runs in a thread of this process, for tests and for clients that block."""

    fleet: Fleet
    inventory: pathlib.Path
    ca_file: pathlib.Path
    ports: dict[str, int]
    machines: dict[str, Machine]
    _endpoints: Endpoints
    _loop: asyncio.AbstractEventLoop
    _thread: threading.Thread

    @property
    def requests(self) -> dict[str, int]:
        """HTTP requests per endpoint since the start."""
        return {name: counted["requests"] for name, counted in self.counters.items()}

    @property
    def counters(self) -> dict[str, dict[str, int]]:
        return self._endpoints.counters

    def pass_time(self, name: str, seconds: float) -> None:
        """Lets time pass on one endpoint, at once: what is due there by then is done when this returns."""
        asyncio.run_coroutine_threadsafe(self._endpoints.pass_time(name, seconds), self._loop).result()

    def stop(self) -> None:
        """Ends all endpoints; a second call does nothing."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._endpoints.stop(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


def start_fleet(
    fleet: str | pathlib.Path | t.Mapping[str, t.Any] | Fleet,
    work_dir: str | pathlib.Path,
    make_machine: MakeMachine = windows_machine,
    port_base: int = 0,
) -> RunningFleet:
    """Starts a fleet in a thread and writes its inventory into the work directory. Raises FleetError."""
    loaded = _loaded(fleet)
    folder = pathlib.Path(work_dir)
    endpoints = Endpoints(loaded, folder, make_machine)
    endpoints.prepare()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab", daemon=True)
    thread.start()
    running = RunningFleet(
        loaded, folder / "inventory.yml", endpoints.authority.file, {}, endpoints.machines, endpoints, loop, thread
    )
    try:
        asyncio.run_coroutine_threadsafe(endpoints.start(port_base), loop).result()
        running.ports = endpoints.ports
        endpoints.write_inventory(running.inventory)
    except BaseException:
        running.stop()
        raise
    return running


@contextlib.contextmanager
def running_fleet(
    fleet: str | pathlib.Path | t.Mapping[str, t.Any] | Fleet,
    work_dir: str | pathlib.Path,
    make_machine: MakeMachine = windows_machine,
) -> t.Iterator[RunningFleet]:
    """A fleet for the time of a with block."""
    running = start_fleet(fleet, work_dir, make_machine)
    try:
        yield running
    finally:
        running.stop()


def _loaded(fleet: str | pathlib.Path | t.Mapping[str, t.Any] | Fleet) -> Fleet:
    if isinstance(fleet, Fleet):
        return fleet
    return fleets.load(fleet) if isinstance(fleet, (str, pathlib.Path)) else fleets.from_mapping(dict(fleet))


def _product_version(machine: Machine, user: str) -> str:
    """What Identify tells an authenticated client, from the version table."""
    table = machine.application_private_data(Caller(user=user)).get("PSVersionTable", {})
    build = ".".join(str(table.get("BuildVersion", "0.0.0")).split(".")[:3])
    return f"OS: {build} SP: 0.0 Stack: {table.get('WSManStackVersion', '3.0')}"


def _allow_files(wanted: int) -> None:
    """Raises the soft limit of open files as far as the hard one allows."""
    import resource  # Windows has none, and plays no fleets; its machines are asked there, though

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + 256
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard)
        )
