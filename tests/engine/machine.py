# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows endpoint made of a real PowerShell: a wine prefix with its own registry and files, behind the lab's WS-Man.

``Engine`` is what tests use: it asks through the unmodified pypsrp and the product's own session. A machine starts from
the registry and the files that the lab builds of a fleet file's mapping, from raw keys, or from both.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import typing as t
import uuid

from pypsrp.powershell import PowerShell

from ansible_collections.fleetops.tetra.lab.machine import scheduled_tasks
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.lab.machine.cmdlets import NATIVES
from ansible_collections.fleetops.tetra.lab.machine.restarting import ordered
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.machine.version_table import version_table
from ansible_collections.fleetops.tetra.lab.pipeline import Caller, Event, Restart, Statement
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, start_fleet
from ansible_collections.fleetops.tetra.lab.server.execution import Host
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml, statements
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.tests.engine import wine_registry
from ansible_collections.fleetops.tetra.tests.engine.bridge import _WATCHED, WAKE, Bridge, changes, flat, replace
from ansible_collections.fleetops.tetra.tests.engine.build import build as build_stand_ins
from ansible_collections.fleetops.tetra.tests.engine.process import EngineProcess, stand_still, stop_prefix
from ansible_collections.fleetops.tetra.tests.engine.shell import EngineShell
from ansible_collections.fleetops.tetra.tests.engine.wine_registry import HIVE, Keys
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Connection

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build" / "engine"
COUNTS: collections.Counter[str] = collections.Counter()
"""Machines, processes, pipelines and attacks on the JEA roles since the tests began."""
DEFAULT = "Microsoft.PowerShell"
NAME = "pc"
_LAB_FILE = (".exe", ".dll")
_OURS = "C:\\tetra-tests"
_MODULES = "C:\\Program Files\\PowerShell\\Modules"
_FOLDERS = (
    "C:\\Windows\\System32\\GroupPolicy",
    "C:\\Windows\\System32\\Tasks",
    "C:\\Windows\\fleetops.tetra",
    "C:\\ProgramData\\fleetops.tetra",
    "C:\\Program Files\\Cisco",
)
"""Where the programs that are stood in for read and write."""
_WINLOGON = "SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon"
_SESSION_MANAGER = "SYSTEM\\CurrentControlSet\\Control\\Session Manager"
_UPDATES = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"


class PlainKeys(t.Protocol):
    """``{"HKEY_LOCAL_MACHINE\\\\…": {name: ("REG_DWORD" or a type number, data)}}``; see ``wine_registry.raw``."""

    def items(self) -> t.Iterable[tuple[str, t.Mapping[str, tuple[str | int, t.Any]]]]: ...


class Template:
    """A prefix that was made once and is copied for every machine; nothing runs in it."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path) -> None:
        self.program = program
        self.stand_ins = build_stand_ins(BUILD)
        self.prefix = folder / "template"
        process = EngineProcess([str(program), "-s", "-NoLogo", "-NoProfile"], self.prefix)
        try:
            while process.alive and not (self.prefix / ".update-timestamp").exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process._process.wait(0.05)
        finally:
            process.kill()
            stop_prefix(self.prefix)

    def copy(self, target: pathlib.Path) -> None:
        """Raises EngineTrouble where the template is in use."""
        stand_still(self.prefix)
        shutil.copytree(self.prefix, target, symlinks=True, ignore=shutil.ignore_patterns("wineserver"))


class EngineMachine:
    """The machine behind ``lab/server`` (``lab/pipeline.py``: Machine), whose shells are real.

    ``mapping``: an endpoint of a fleet file, whose registry and files this machine starts with; None for a bare one.
    ``configurations``: session configurations by name, each the text of a ``.pssc`` file.
    """

    def __init__(
        self,
        template: Template,
        folder: pathlib.Path,
        name: str = NAME,
        mapping: t.Mapping[str, t.Any] | None = None,
        keys: PlainKeys | None = None,
        files: t.Mapping[str, bytes] | None = None,
        configurations: t.Mapping[str, str] | None = None,
        ahead: bool = True,
    ) -> None:
        self.name = name
        self.prefix = folder / "prefix"
        self.trouble: list[str] = []
        self.shells: list[EngineShell] = []
        self._program = template.program
        self._ahead = ahead
        self._waking = False
        self._warm: dict[str, EngineProcess] = {}
        self._variables: dict[str, str] = {}
        template.copy(self.prefix)
        COUNTS["machines"] += 1
        self.state: WindowsState | None = build(name, mapping) if mapping is not None else None
        self.bridge: Bridge | None = None
        self._stand_ins = template.stand_ins
        self._host: Host | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.configurations = dict(configurations or {})
        for configuration, text in self.configurations.items():
            self.write_file(f"C:\\tetra-tests\\{configuration}.pssc", text.encode())
        if self.state is not None:
            self._take_over(self.state)
            self._services(self.state)
            self._stand_in(name, self.state)
        self.write_keys(keys or {})
        for path, data in (files or {}).items():
            self.write_file(path, data)
        if ahead:
            self._warm[DEFAULT.lower()] = self._start(DEFAULT)

    # ---- what the lab's server asks ----------------------------------------------------------------------------------

    def has_configuration(self, name: str) -> bool:
        return name.lower() in (DEFAULT.lower(), *map(str.lower, self.configurations))

    def make_shell(self, shell_id: str, resource_uri: str, caller: Caller, host: Host) -> EngineShell:
        self._host, self._loop = host, asyncio.get_running_loop()
        wanted = caller.configuration.lower()
        process = self._warm.pop(wanted, None) or self._start(caller.configuration)
        shell = EngineShell(shell_id, resource_uri, caller, process, self.trouble.append, host.settle)
        shell.begun = lambda: COUNTS.update(pipelines=1)
        self.shells.append(shell)
        return shell

    def application_private_data(self, caller: Caller) -> dict[str, t.Any]:
        """Only for what Identify tells; a shell's own data comes from the engine."""
        if self.state is None:
            return {}
        return {"PSVersionTable": version_table(self.state, next(iter(self.state.sessions.values())))}

    def invoke(self, statements: t.Sequence[Statement], caller: Caller) -> t.Generator[Event, t.Any, None]:
        if statements:
            raise NotImplementedError("an engine's pipelines run in its own process")
        yield from ()

    def due_in(self) -> float | None:
        """Seconds until a scheduled task runs."""
        if self.state is None or self.state.off or not self.state.task_scheduler_runs or self._waking:
            return None
        return scheduled_tasks.due_in(self.state)

    def wake(self) -> Restart | None:
        """Lets the scheduled tasks run whose time has come, in a thread: it takes a process on the machine."""
        if self.due_in() is not None:
            self._waking = True
            threading.Thread(target=self._run_tasks, name="tasks", daemon=True).start()
        return None

    def close(self) -> None:
        """Ends everything for good."""
        self.power_off()
        if self.bridge is not None:
            self.bridge.stop()

    def power_off(self) -> None:
        """Ends all processes; the prefix's registry is then in its files."""
        for process in self._warm.values():
            process.kill()
        self._warm.clear()
        for shell in self.shells:
            shell.process.kill()
        self.shells.clear()
        stop_prefix(self.prefix)

    # ---- what tests set and look at ----------------------------------------------------------------------------------

    def write_keys(self, keys: PlainKeys) -> None:
        """Adds keys and values while nothing runs. Raises EngineTrouble where something does."""
        stand_still(self.prefix)
        wine_registry.append(
            self.prefix / "system.reg",
            {
                _below_hive(path): {name: wine_registry.raw(*value) for name, value in values.items()}
                for path, values in keys.items()
            },
        )

    def write_file(self, path: str, data: bytes) -> pathlib.Path:
        target = self.host_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_bytes(data)
        return target

    def host_path(self, path: str) -> pathlib.Path:
        """Where a path of drive C: lies here; the spelling of what exists already is kept."""
        drive, *parts = path.replace("/", "\\").split("\\")
        if drive.upper() != "C:":
            raise ValueError(f"this machine has the drive C: only, not {path!r}")
        at = self.prefix / "drive_c"
        for part in filter(None, parts):
            known = {entry.name.lower(): entry for entry in at.iterdir()} if at.is_dir() else {}
            at = known.get(part.lower(), at / part)
        return at

    def read_keys(self, below: str = "HKEY_LOCAL_MACHINE\\") -> Keys:
        """Keys at and below one and their raw values, by their path below the hive. Ends what runs on the machine."""
        self.power_off()
        return wine_registry.read(self.prefix / "system.reg", _below_hive(below))

    def remove_key(self, path: str) -> None:
        """Takes a key away while nothing runs. Raises EngineTrouble where something does."""
        stand_still(self.prefix)
        wine_registry.remove(self.prefix / "system.reg", _below_hive(path))

    def _take_over(self, state: WindowsState) -> None:
        dumped = state.registry.dump()
        keys: dict[str, dict[str, tuple[str | int, t.Any]]] = {}
        for path, values in dumped.items():
            if path.upper().startswith(HIVE.upper()):
                keys[path] = {
                    name: (kind, bytes.fromhex(data) if kind in ("REG_BINARY", "REG_NONE") else data)
                    for name, (kind, data) in values.items()
                }
        self.write_keys(keys)
        for file in state.files:
            if not file.path.lower().endswith(_LAB_FILE):
                written = self.write_file(file.path, file.data)
                # What was written after the last boot is not in force yet.
                os.utime(written, (file.modified.timestamp(),) * 2)

    def _services(self, state: WindowsState) -> None:
        """What a service manager needs to know of the machine's services: one that runs starts with the machine."""
        self.write_keys(
            {
                f"{HIVE}SYSTEM\\CurrentControlSet\\Services\\{one.name}": {
                    "Type": ("REG_DWORD", 0x10),
                    "ErrorControl": ("REG_DWORD", 1),
                    "ObjectName": ("REG_SZ", "LocalSystem"),
                    **({"Start": ("REG_DWORD", 2)} if one.state == "Running" else {}),
                }
                for one in state.services.values()
            }
        )

    def _stand_in(self, name: str, state: WindowsState) -> None:
        """Puts the stand-in modules and programs there, as far as this Windows has them, and answers for them."""
        made = self._stand_ins
        self.write_file(f"{_OURS}\\{made.library.name}", made.library.read_bytes())
        self.write_file(f"{_OURS}\\{WAKE}", made.program.read_bytes())
        missing = {"TLS": not state.release.has_cmdlets, "GroupPolicy": not state.gpo_management}
        for module, cmdlets in made.modules.items():
            if missing.get(module, False):
                continue
            assembly = made.assemblies[module]
            self.write_file(f"{_MODULES}\\{module}\\{assembly.name}", assembly.read_bytes())
            manifest = (
                f"@{{ ModuleVersion = '2.0.0.0'; GUID = '{uuid.uuid4()}'; RootModule = '{assembly.name}'; "
                f"CmdletsToExport = {', '.join(map(repr, cmdlets))} }}"
            )
            self.write_file(f"{_MODULES}\\{module}\\{module}.psd1", manifest.encode())
        programs = [file for file in state.files if file.name.lower() in NATIVES]
        for file in programs:
            self.write_file(file.path, made.program.read_bytes())
        names = sorted({file.name.lower() for file in programs})
        session = next(iter(build(name, {"release": "10_22h2"}).sessions.values()))
        self.bridge = Bridge(state, session, self)
        self.bridge.on_restart = self._restart
        self._variables["TETRA_BRIDGE"] = str(self.bridge.port)
        if names:
            self._variables["WINEDLLOVERRIDES"] = f"{','.join(names)}=n"

    def _restart(self, event: Restart) -> None:
        """Windows is asked to restart: the listener goes down and comes up, and between the two lies a boot."""
        assert self._host is not None and self._loop is not None and self.state is not None
        state = self.state

        def down() -> None:
            if event.down is not None:
                event.down()
            self.power_off()

        def up() -> None:
            file = self.prefix / "system.reg"
            for key in (*_WATCHED, _WINLOGON, _SESSION_MANAGER, _UPDATES):
                replace(state.registry, key, wine_registry.read(file, key))
            self.read_files(state)
            before, files = flat(state.registry), state.files.dump()
            if event.up is not None:
                event.up()
            wine_registry.change(file, changes(before, flat(state.registry)))
            self.write_files(state, files)

        planned = dataclasses.replace(event, down=down, up=up)
        self._loop.call_soon_threadsafe(self._host.restart, planned)

    def _run_tasks(self) -> None:
        """The task scheduler's turn: a process on the machine that does what the bridge says."""
        assert self.state is not None and self._host is not None and self._loop is not None
        environment = {**os.environ, **self._variables, "WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all"}
        wine = os.environ.get("PWSH_WINE", "/usr/lib/wine/wine64")
        try:
            subprocess.run([wine, f"{_OURS}\\{WAKE}"], env=environment, capture_output=True, check=False, timeout=120)
        finally:
            self._waking = False
        if self.state.restart_at is not None and self.state.restart_at <= self.state.now():
            self.state.restart_at = None
            self._restart(ordered(self.state, 0.0))
        self._loop.call_soon_threadsafe(self._host.settle)

    def read_files(self, state: WindowsState) -> None:
        """Puts the machine's files of the folders that matter into the state."""
        for folder in _FOLDERS:
            known = [file for file in state.files if file.path.lower().startswith(folder.lower() + "\\")]
            there: dict[str, pathlib.Path] = {}
            root = self.host_path(folder)
            for path in root.rglob("*") if root.is_dir() else ():
                if path.is_file() and not path.name.lower().endswith(_LAB_FILE):
                    there[folder + "\\" + str(path.relative_to(root)).replace("/", "\\")] = path
            lowered = {path.lower() for path in there}
            for file in known:
                if file.path.lower() not in lowered and not file.name.lower().endswith(_LAB_FILE):
                    state.files.remove(file.path)
            for path, real in there.items():
                data = real.read_bytes()
                found = state.files.find(path)
                if found is None or found.data != data:
                    state.files.write(path, data, state.now())

    def write_files(self, state: WindowsState, before: t.Mapping[str, str]) -> None:
        """Writes to the machine what has changed in the state's files since."""
        after = state.files.dump()
        for path, data in after.items():
            if before.get(path) != data:
                self.write_file(path, bytes.fromhex(data))
        for path in before:
            if path not in after:
                self.host_path(path).unlink(missing_ok=True)

    def _start(self, configuration: str) -> EngineProcess:
        command = [str(self._program), "-s", "-NoLogo", "-NoProfile"]
        known = {name.lower(): name for name in self.configurations}.get(configuration.lower())
        if known is not None:
            command += ["-ConfigurationFile", f"C:\\tetra-tests\\{known}.pssc"]
        COUNTS["processes"] += 1
        return EngineProcess(command, self.prefix, self._variables)


class Front:
    """The lab's listener with one endpoint, whose machine each test replaces."""

    def __init__(self, folder: pathlib.Path) -> None:
        endpoint = {"release": "10_22h2", "transport": {"auth": ["basic"], "user": "lab"}}
        document = {"schema": "fleetops.tetra/fleet/1", "describe": "Engines.", "endpoints": {NAME: endpoint}}
        self._current = _Replaced()
        self._fleet: RunningFleet = start_fleet(document, folder, lambda name, mapping: t.cast(t.Any, self._current))

    @property
    def port(self) -> int:
        return self._fleet.ports[NAME]

    def serve(self, machine: EngineMachine | None) -> None:
        self._current.machine = machine

    def stop(self) -> None:
        self._fleet.stop()


class _Replaced:
    """Hands everything on to the machine of the moment."""

    machine: EngineMachine | None = None

    def has_configuration(self, name: str) -> bool:
        return self.machine is not None and self.machine.has_configuration(name)

    def make_shell(self, shell_id: str, resource_uri: str, caller: Caller, host: Host) -> EngineShell:
        assert self.machine is not None
        return self.machine.make_shell(shell_id, resource_uri, caller, host)

    def due_in(self) -> float | None:
        return self.machine.due_in() if self.machine is not None else None

    def wake(self) -> Restart | None:
        return self.machine.wake() if self.machine is not None else None

    def application_private_data(self, caller: Caller) -> dict[str, t.Any]:
        return {}


class Engine:
    """One engine and the ways to talk to it. Close it, or use it in a with block."""

    def __init__(self, front: Front, template: Template, **given: t.Any) -> None:
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="tetra-engine-"))
        self.machine = EngineMachine(template, self._folder, **given)
        self._front = front
        self._front.serve(self.machine)
        self._connections: dict[str, Connection] = {}

    def connection(self, configuration: str = DEFAULT) -> Connection:
        """A new connection, to be used as the psrp connection plugin's."""
        return Connection(self._front.port, configuration)

    def session(self, configuration: str = DEFAULT) -> Session:
        """The product's session; every call for the same configuration gives the same runspace."""
        known = self._connections.get(configuration)
        if known is None:
            known = self._connections[configuration] = self.connection(configuration)
        return Session(known)

    def ask(self, asked: t.Sequence[statements.Statement], configuration: str = DEFAULT) -> statements.Answer:
        """The product's own statements, as one pipeline."""
        return self.session(configuration).ask(asked)

    def script(self, text: str, configuration: str = DEFAULT) -> list[t.Any]:
        """Script text in the same runspace, in its global scope: to arrange what a profile or a person would.

        Raises AssertionError where it writes an error.
        """
        session = self.session(configuration)
        session.open()
        shell = PowerShell(session._connection.runspace)
        shell.add_script(text, use_local_scope=False)
        output = shell.invoke()
        if shell.had_errors or shell.streams.error:
            records = [clixml.parse(error.clixml) for error in shell.streams.error]
            raise AssertionError(f"the script failed: {[(r.get('FullyQualifiedErrorId'), r.text) for r in records]}")
        return [clixml.parse(item) if isinstance(item, str) and item.startswith("<") else item for item in output]

    def keys(self, below: str) -> Keys:
        """The registry as it is, raw. Ends what runs: ask nothing afterwards in the same session."""
        self.close_sessions()
        return self.machine.read_keys(below)

    def file(self, path: str) -> bytes | None:
        found = self.machine.host_path(path)
        return found.read_bytes() if found.is_file() else None

    def close_sessions(self) -> None:
        for connection in self._connections.values():
            with contextlib.suppress(Exception):
                connection.close()
        self._connections.clear()

    def close(self) -> None:
        self.close_sessions()
        self.machine.close()
        self._front.serve(None)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _below_hive(path: str) -> str:
    for start in (HIVE, "HKLM:\\", "HKLM\\"):
        if path.upper().startswith(start.upper()):
            return path[len(start) :]
    if path.upper() + "\\" == HIVE.upper():
        return ""
    raise ValueError(f"only keys below HKEY_LOCAL_MACHINE lie in system.reg, not {path!r}")
