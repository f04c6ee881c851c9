# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Windows behind a real wire, whose state can be set anew for each test, and a connection to it."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan

from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.plugins.plugin_utils.asking import Answer, SessionError, Statement
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remote_endpoint import RemoteEndpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.session import Session

NAME = "pc"


class Connection:
    """What the psrp connection plugin is to a session, without Ansible."""

    transport = "psrp"

    def __init__(self, port: int, configuration: str = "Microsoft.PowerShell") -> None:
        self.connected = False
        self.runspace: RunspacePool | None = None
        self._options: dict[str, t.Any] = {"remote_addr": "127.0.0.1", "port": port}
        self._options.update(protocol="http", auth="basic", configuration_name=configuration)

    def get_option(self, option: str) -> t.Any:
        return self._options.get(option)

    def close(self) -> None:
        if self.runspace is not None:
            self.runspace.close()

    def _connect(self) -> None:
        wsman = WSMan(
            "127.0.0.1",
            port=self._options["port"],
            ssl=False,
            username="lab",
            password=DEFAULT_PASSWORD,
            auth="basic",
            encryption="never",
            no_proxy=True,
        )
        self.runspace = RunspacePool(wsman, configuration_name=self._options["configuration_name"])
        self.runspace.open()
        self.connected = True


class Windows:
    """One endpoint, its state, and the way to talk to it. What is sent goes over the wire."""

    def __init__(self, fleet: RunningFleet, mapping: t.Mapping[str, t.Any]) -> None:
        self.state: WindowsState = build(NAME, {"release": "10_22h2", **mapping})
        self._machine: t.Any = fleet.machines[NAME]
        self._machine.state = self.state
        self._machine.unmatched.clear()
        self.connection = Connection(fleet.ports[NAME])
        self.endpoint = RemoteEndpoint(self.connection)

    @property
    def session(self) -> Session:
        return self.endpoint.session()

    @property
    def unmatched(self) -> list[str]:
        """What was asked and is not simulated."""
        return list(self._machine.unmatched)

    def value(self, path: str, name: str) -> Value | None:
        return self.state.registry.get(path, name)

    def file(self, path: str) -> bytes | None:
        found = self.state.files.find(path)
        return found.data if found is not None else None

    def dump(self) -> dict[str, t.Any]:
        """Registry, files and the local policies' version, for comparing whole states."""
        return {**self.state.dump(), "applied": sorted(self.state.applied_policies)}


Fresh = t.Callable[..., Windows]


class Breaking:
    """The session of an endpoint whose connection breaks once at the statements that ``hits`` picks.

    ``after``: the statement is carried out and only its answer is lost. It is an endpoint and its asker in one.
    """

    def __init__(
        self, windows: Windows, hits: t.Callable[[str, dict[str | None, t.Any]], bool], after: bool, times: int = 1
    ) -> None:
        self._windows = windows
        self._hits = hits
        self._after = after
        self.left = times
        self.renewed = 0

    def session(self) -> Breaking:
        return self

    def renew(self) -> Breaking:
        self.renewed += 1
        self._windows.endpoint.renew()
        return self

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        is_hit = any(
            self._hits(command.name, dict(command.parameters)) for statement in statements for command in statement
        )
        if not is_hit or not self.left:
            return self._windows.session.ask(statements)
        self.left -= 1
        if self._after:
            self._windows.session.ask(statements)
        raise SessionError("unreachable", "The connection broke.")

    def version_table(self) -> dict[str, t.Any]:
        return self._windows.session.version_table()

    def configuration(self) -> str | None:
        return self._windows.session.configuration()


@contextlib.contextmanager
def one_endpoint(work_dir: pathlib.Path) -> t.Iterator[RunningFleet]:
    """A fleet of one endpoint whose state is to be replaced."""
    endpoint = {
        "release": "10_22h2",
        "describe": "Replaced by each test.",
        "transport": {"auth": ["basic"], "user": "lab"},
    }
    document = {"schema": "fleetops.tetra/fleet/1", "describe": "For changing.", "endpoints": {NAME: endpoint}}
    with running_fleet(document, work_dir) as running:
        yield running
