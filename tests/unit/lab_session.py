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

from ansible_collections.fleetops.tetra.lab import pipeline
from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.registry import Value
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Caller,
    NonTerminatingError,
    Output,
    TerminatingError,
)
from ansible_collections.fleetops.tetra.lab.running import RunningFleet, running_fleet
from ansible_collections.fleetops.tetra.lab.server import records
from ansible_collections.fleetops.tetra.lab.server.clixml import BOM, to_clixml
from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.refusals import refusal_of_object
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import RemoteEndpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Command,
    SessionError,
    Statement,
    UInt32,
    writes_stand_first,
)

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


class InProcess:
    """An asker that puts its questions straight to the machine: the same commands and CLIXML, without HTTP and PSRP.

    For tests that ask thousands of questions; the wire itself is tested with ``Session``.
    """

    def __init__(self, name: str, state: WindowsState, configuration: str = "Microsoft.PowerShell") -> None:
        self._machine = Endpoint(name, state)
        self.unmatched = self._machine.unmatched
        self._caller = Caller("lab", configuration)

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        writes_stand_first(statements)
        asked = [tuple(_as_received(command) for command in statement) for statement in statements]
        events = self._machine.invoke(asked, self._caller)
        answer, result = Answer([]), None
        while True:
            try:
                event = events.send(result)
            except StopIteration:
                return answer
            result = event.work() if isinstance(event, Blocking) else None
            if isinstance(event, Output):
                answer.output.append(_parsed((event.convert, event.value), event.wire))
            elif isinstance(event, (NonTerminatingError, TerminatingError)):
                details = event.details
                record = _parsed(("error", details), lambda details=details: records.error_record(details))
                answer.refusals.append(refusal_of_object(record))
                if isinstance(event, TerminatingError):
                    return Answer(answer.output, answer.refusals, failed=True)

    def version_table(self) -> dict[str, t.Any]:
        return {"PSVersion": "5.1.19041.1"}

    def configuration(self) -> str | None:
        return self._caller.configuration

    def session(self) -> InProcess:
        return self

    def renew(self) -> InProcess:
        return self


def _as_received(command: Command) -> pipeline.Command:
    """What reaches Windows: typed numbers are numbers."""

    def plain(value: t.Any) -> t.Any:
        if isinstance(value, UInt32):
            return value.value
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    parameters = tuple(
        (name, True if value is None and name is not None else plain(value)) for name, value in command.parameters
    )
    return pipeline.Command(command.name, parameters=parameters, merge_errors=command.merge_errors)


def _parsed(value: t.Any, make: t.Callable[[], t.Any]) -> t.Any:
    return clixml.parse(to_clixml(value, _NO_SECRETS, make).removeprefix(BOM).decode("utf-8"))


_NO_SECRETS: t.Any = None
"""Nothing here is a secure string, so no key is needed."""


class Simulated:
    """The state of one simulated endpoint, seen from outside."""

    state: WindowsState

    def value(self, path: str, name: str) -> Value | None:
        return self.state.registry.get(path, name)

    def file(self, path: str) -> bytes | None:
        found = self.state.files.find(path)
        return found.data if found is not None else None

    def dump(self) -> dict[str, t.Any]:
        """Registry and files, for comparing whole states."""
        return self.state.dump()


class Windows(Simulated):
    """One endpoint and the way to talk to it. What is sent goes over the wire."""

    def __init__(self, fleet: RunningFleet, mapping: t.Mapping[str, t.Any]) -> None:
        self.state = build(NAME, {"release": "10_22h2", **mapping})
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


class NearWindows(Simulated):
    """One endpoint that is asked in this process."""

    def __init__(self, **mapping: t.Any) -> None:
        self.state = build(NAME, {"release": "10_22h2", **mapping})
        self.session = InProcess(NAME, self.state)
        self.endpoint = self.session
        self.unmatched = self.session.unmatched


Fresh = t.Callable[..., Windows]


def _plain_name(name: str) -> str:
    """A cmdlet without its module; a program with its path."""
    return name if name.lower().endswith(".exe") else name.rpartition("\\")[2]


class Breaking:
    """An asker whose connection breaks at the statements that ``hits`` picks.

    ``after``: the statement is carried out and only its answer is lost. It is an endpoint and its asker in one.
    """

    def __init__(
        self,
        inner: Windows | InProcess,
        hits: t.Callable[[str, dict[str | None, t.Any]], bool],
        after: bool,
        times: int = 1,
    ) -> None:
        self._inner: t.Any = inner.endpoint
        self._hits = hits
        self._after = after
        self.left = times
        self.renewed = 0

    def session(self) -> Breaking:
        return self

    def renew(self) -> Breaking:
        self.renewed += 1
        self._inner.renew()
        return self

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        is_hit = any(
            self._hits(_plain_name(command.name), dict(command.parameters))
            for statement in statements
            for command in statement
        )
        if not is_hit or not self.left:
            return self._inner.session().ask(statements)
        self.left -= 1
        if self._after:
            self._inner.session().ask(statements)
        raise SessionError("unreachable", "The connection broke.")

    def version_table(self) -> dict[str, t.Any]:
        return self._inner.session().version_table()

    def configuration(self) -> str | None:
        return self._inner.session().configuration()


class Late(Breaking):
    """An asker over which an alarm rings (a deadline, or Ansible's task time-out) once the picked command was carried
    out, and whose answer is lost with it."""

    def __init__(
        self, inner: Windows | InProcess, hits: t.Callable[[str], bool], alarm: type[BaseException] = DeadlineExceeded
    ) -> None:
        super().__init__(inner, lambda name, _given: hits(name), after=True)
        self._alarm = alarm

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        try:
            return super().ask(statements)
        except SessionError:
            raise self._alarm from None


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
