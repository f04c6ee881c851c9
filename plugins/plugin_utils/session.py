# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation with one endpoint, on the runspace of Ansible's own ``psrp`` connection.

This is the only file that knows the connection plugin, and with ``psrp_wire`` the only one that knows pypsrp.
Statements go in as cmdlets with typed parameters, never as script text; plain values and own errors come out. One
runspace serves all pipelines of a session. A pipeline is not closed on its own (that would cost a request); the end of
the runspace closes it.
"""

from __future__ import annotations

import logging
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.asking import (
    CATEGORIES,
    Answer,
    AnswerError,
    Command,
    Refusal,
    SessionError,
    Statement,
    Thing,
    Unsigned,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.psrp_wire import (
    OPTIONAL_MERGES,
    PYPSRP_ERROR,
    CommandPipeline,
    ErrorText,
    WireSerializer,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.session_failures import Place, explain

try:
    from pypsrp.complex_objects import ComplexObject, PSInvocationState
    from pypsrp.exceptions import WinRMError
    from pypsrp.serializer import TaggedValue
except ImportError:
    # open() says so, by the error that the wire met.
    pass

# Without a handler Python prints the tracebacks that pypsrp logs for every request that timed out.
logging.getLogger("pypsrp").addHandler(logging.NullHandler())

DEFAULT_CONFIGURATION = "Microsoft.PowerShell"


class Connection(t.Protocol):
    """What a session needs of the connection plugin ``ansible.builtin.psrp``."""

    transport: str
    connected: bool
    runspace: t.Any

    def close(self) -> None: ...

    def _connect(self) -> t.Any: ...

    def get_option(self, option: str) -> t.Any: ...


class Session:
    """Questions to one endpoint. ``pipelines`` counts what was sent; ``record``, where given, keeps the raw answers."""

    def __init__(self, connection: Connection, record: list[t.Any] | None = None) -> None:
        self._connection = connection
        self._place = _place(connection)
        self.pipelines = 0
        self.recorded = record

    def open(self) -> None:
        """Connects where that has not been done. Raises SessionError."""
        if self._connection.transport != "psrp":
            raise SessionError(
                "connection_plugin",
                f"This endpoint is addressed by the connection plugin {self._connection.transport}: set "
                "ansible_connection: psrp.",
            )
        if PYPSRP_ERROR is not None:
            raise SessionError(
                "connection_plugin", "The Python package pypsrp is not installed for the Python that runs Ansible."
            )
        if self._connection.connected and self._connection.runspace is not None:
            return
        try:
            self._connection._connect()
        except DeadlineExceeded:
            raise
        except Exception as error:
            raise explain(error, self._place) from error
        pool = self._connection.runspace
        if not hasattr(getattr(pool, "_fragmenter", None), "serializer"):
            raise SessionError("connection_plugin", "This collection does not know the installed pypsrp: use 0.9.")
        pool._fragmenter.serializer = WireSerializer()

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        """One pipeline. Raises SessionError, or AnswerError where only this answer is unreadable."""
        self.open()
        pipeline = CommandPipeline(self._connection.runspace)
        for number, statement in enumerate(statements):
            if number:
                pipeline.add_statement()
            for command in statement:
                _add(pipeline, command)
        self.pipelines += 1
        try:
            output = pipeline.invoke()
        except DeadlineExceeded:
            raise
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, SyntaxError) as error:
            self._stop(pipeline)
            raise AnswerError(f"{self._place} gave an answer that is not PSRP ({type(error).__name__}).") from error
        except Exception as error:
            raise explain(error, self._place) from error
        if self.recorded is not None:
            self.recorded.append((list(statements), list(output)))
        refusals = [_refusal(item) for item in pipeline.streams.error]
        values = []
        for item in output:
            value = clixml.parse(item) if isinstance(item, str) and item.startswith("<") else item
            if isinstance(value, Thing) and any(name.endswith("ErrorRecord") for name in value.types):
                refusals.append(_refusal_of_thing(value))
            else:
                values.append(value)
        return Answer(values, refusals, failed=bool(pipeline.had_errors))

    def version_table(self) -> dict[str, t.Any]:
        """PSVersionTable as the runspace announced it; needs no question."""
        self.open()
        data = getattr(self._connection.runspace.application_private_data, "data", None)
        table = data.get("PSVersionTable") if isinstance(data, dict) else None
        return {str(key): _plain(value) for key, value in table.items()} if isinstance(table, dict) else {}

    def configuration(self) -> str | None:
        return self._place.configuration

    @property
    def place(self) -> Place:
        return self._place

    def abandon(self) -> None:
        """Forgets a conversation that is lost, so that nobody waits for its orderly end."""
        self._connection.runspace = None

    def end(self) -> None:
        """Ends the conversation in order, so that other code may use the connection; the next question begins anew."""
        try:
            self._connection.close()
        except DeadlineExceeded:
            raise
        except Exception:
            self.abandon()

    @staticmethod
    def _stop(pipeline: t.Any) -> None:
        try:
            if pipeline.state == PSInvocationState.RUNNING:
                pipeline.stop()
        except (WinRMError, OSError):
            pass


def _place(connection: Connection) -> Place:
    def option(name: str) -> t.Any:
        try:
            return connection.get_option(name)
        except (KeyError, AttributeError, ValueError):
            return None

    protocol, port = option("protocol"), option("port")
    number = int(port) if str(port or "").isdigit() else None
    if protocol is None:
        protocol = "http" if number == 5985 else "https"
    if number is None:
        number = 5985 if protocol == "http" else 5986
    return Place(
        str(option("remote_addr") or "the endpoint"),
        number,
        protocol,
        str(option("auth") or "negotiate"),
        str(option("configuration_name") or DEFAULT_CONFIGURATION),
    )


def _add(pipeline: t.Any, command: Command) -> None:
    pipeline.add_cmdlet(command.name)
    # Five objects that say "merge nothing" are half of a command's size. PowerShell takes their absence for that
    # (Command.FromPSObjectForRemoting); see docs/decisions/0009.
    for merge in OPTIONAL_MERGES:
        setattr(pipeline.commands[-1], merge, None)
    for name, value in command.parameters:
        if name is None:
            pipeline.add_argument(_tagged(value))
        else:
            pipeline.add_parameter(name, _tagged(value))
    if command.merge_errors:
        pipeline.merge_error("output")


def _tagged(value: t.Any) -> t.Any:
    if isinstance(value, Unsigned):
        return TaggedValue("U32", value.value)
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tagged(item) for item in value]
    return value


def _refusal(record: t.Any) -> Refusal:
    """A Refusal from an error record, as text or as pypsrp's object; whatever it lacks is left empty."""
    if isinstance(record, ErrorText):
        thing = clixml.parse(record.clixml)
        return _refusal_of_thing(thing if isinstance(thing, Thing) else Thing((), {}))
    target = getattr(record, "target_object", None)
    if not isinstance(target, str):
        target = getattr(record, "target_name", None)
    return _make_refusal(
        getattr(record, "category", None),
        getattr(record, "fq_error", None),
        getattr(record, "activity", None),
        target,
    )


def _refusal_of_thing(thing: Thing) -> Refusal:
    target = thing.get("TargetObject")
    if not isinstance(target, str):
        target = thing.get("ErrorCategory_TargetName")
    return _make_refusal(
        thing.get("ErrorCategory_Category"),
        thing.get("FullyQualifiedErrorId"),
        thing.get("ErrorCategory_Activity"),
        target,
    )


def _make_refusal(category: t.Any, error_id: t.Any, activity: t.Any, target: t.Any) -> Refusal:
    known = isinstance(category, int) and 0 <= category < len(CATEGORIES)
    return Refusal(
        category=CATEGORIES[category] if known else "NotSpecified",
        error_id=str(error_id or ""),
        command=str(activity) if activity else None,
        target=target if isinstance(target, str) and target else None,
    )


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, ComplexObject):
        return getattr(value, "to_string", None)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
