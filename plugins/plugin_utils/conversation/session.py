# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The conversation with one endpoint, on the runspace of Ansible's own ``psrp`` connection.

This is the only file that knows pypsrp and the connection plugin. Statements go in as cmdlets with typed parameters,
never as script text; plain values and own errors come out. One runspace serves all pipelines of a session. A pipeline
is not closed on its own (that would cost a request); the end of the runspace closes it.
"""

from __future__ import annotations

import logging
import time
import typing as t
from copy import copy
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.fragments import ErrorText, OnePassFragmenter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.guarded import guard_connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import (
    SLOW_TO_BEGIN,
    Place,
    explain,
    took_too_long,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    CATEGORIES,
    Answer,
    AnswerError,
    Command,
    PSObject,
    Refusal,
    SessionError,
    Statement,
    UInt32,
    writes_stand_first,
)

PYPSRP_ERROR: ImportError | None = None
try:
    from pypsrp.complex_objects import ComplexObject, ObjectMeta, Pipeline, PSInvocationState, RunspacePoolState
    from pypsrp.exceptions import WinRMError
    from pypsrp.messages import CreatePipeline, ErrorRecordMessage
    from pypsrp.powershell import PowerShell
    from pypsrp.serializer import Serializer, TaggedValue
except ImportError as error:
    PYPSRP_ERROR = error
    if not t.TYPE_CHECKING:
        Serializer = Pipeline = PowerShell = object

# Without a handler Python prints the tracebacks that pypsrp logs for every request that timed out.
logging.getLogger("pypsrp").addHandler(logging.NullHandler())

_MERGES = (
    ("merge_my_result", "MergeMyResult"),
    ("merge_to_result", "MergeToResult"),
    ("merge_previous", "MergePreviousResults"),
)
_OPTIONAL_MERGES = ("merge_error", "merge_warning", "merge_verbose", "merge_debug", "merge_information")
_PSRP_NAMES = ", and give its ansible_winrm_* variables the names that psrp reads (fleetops.tetra.preflight lists them)"
_LONGEST_OPENING = 900.0
"""Seconds that an opening is waited for where the caller sets no deadline."""
_COMMANDS_HERE = "commands of a statement"
_LIST_OF_OBJECTS = (
    (
        "System.Collections.Generic.List`1[[System.Management.Automation.PSObject, System.Management.Automation, "
        "Version=1.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]"
    ),
    "System.Object",
)
DEFAULT_CONFIGURATION = "Microsoft.PowerShell"


class Connection(t.Protocol):
    """What a session needs of the connection plugin ``ansible.builtin.psrp``."""

    transport: str
    connected: bool
    runspace: t.Any

    def close(self) -> None: ...

    def _connect(self) -> t.Any: ...

    def get_option(self, option: str) -> t.Any: ...


class _WireSerializer(Serializer):
    """Hands the CLIXML of output objects and error records over as it came.

    pypsrp leaves a list of a type that it does not know as raw text, and does not tell a 32-bit number from a 64-bit
    one; its own deserialiser is also a third of its cost. The commands of a pipeline are written as text, as the same
    bytes, which were a quarter of the rest. Everything else of the protocol is left to pypsrp.
    """

    keeps_clixml = True

    def serialize(self, value: t.Any, metadata: t.Any = None, parent: t.Any = None, clear: bool = True) -> t.Any:
        if isinstance(value, CreatePipeline) and parent is None:
            ready: _Ready | None = getattr(value, "ready", None)
            if ready is None:
                return self._message(value)
            if ready.clixml is None:
                ready.clixml = self._message(value)
            return ready.clixml
        # pypsrp writes the type into the metadata, where a shared command would find it the second time.
        if isinstance(value, TaggedValue):
            metadata = copy(metadata)
        return super().serialize(value, metadata, parent, clear)

    def _message(self, message: t.Any) -> bytes:
        self._written: list[str] = []
        element: t.Any = super().serialize(message)
        text = ElementTree.tostring(element, encoding="unicode")
        # An empty list of commands does not exist, so nothing else of a frame looks like this.
        parts = zip(text.split(_COMMANDS_HERE), [*self._written, ""], strict=True)
        return "".join(part + commands for part, commands in parts).encode(errors="xmlcharrefreplace")

    def _serialize_lst(self, metadata: t.Any, values: t.Any, tag: str = "LST") -> t.Any:
        if metadata.name != "Cmds":
            return super()._serialize_lst(metadata, values, tag)
        element: t.Any = super()._serialize_lst(metadata, [], tag)
        element[-1].text = _COMMANDS_HERE
        self._written.append("".join(map(self._command, values)))
        return element

    def _command(self, command: t.Any) -> str:
        merges = [(name, getattr(command, attribute)) for attribute, name in _MERGES]
        merged = any(merge.value != merge.NONE for _name, merge in merges)
        merged = merged or any(getattr(command, name) is not None for name in _OPTIONAL_MERGES)
        if merged or command.is_script is not False or command.use_local_scope is not None:
            return self._text_of(self._serialize_obj(ObjectMeta(), command))
        parts = [f'<Obj RefId="{self._get_obj_id()}"><MS>{self._string("Cmd", command.cmd)}']
        parts.append('<B N="IsScript">false</B><Nil N="UseLocalScope" />')
        for name, merge in merges:
            parts.append(f'<Obj RefId="{self._get_obj_id()}" N="{name}">{self._type_names(merge._types)}')
            parts.append("<ToString>None</ToString><I32>0</I32></Obj>")
        parts.append(f'<Obj RefId="{self._get_obj_id()}" N="Args">{self._type_names(_LIST_OF_OBJECTS)}')
        parts.append(f"<LST>{''.join(map(self._parameter, command.args))}</LST>" if command.args else "<LST />")
        return "".join([*parts, "</Obj></MS></Obj>"])

    def _parameter(self, parameter: t.Any) -> str:
        start = f'<Obj RefId="{self._get_obj_id()}"><MS>{self._string("N", parameter.name)}'
        if parameter.value is None or isinstance(parameter.value, str):
            return f"{start}{self._string('V', parameter.value)}</MS></Obj>"
        value = self.serialize(parameter.value, ObjectMeta(name="V"), clear=False)
        return f"{start}{self._text_of(value)}</MS></Obj>"

    def _string(self, name: str, text: str | None) -> str:
        if text is None:
            return f'<Nil N="{name}" />'
        return f'<S N="{name}">{escape(self._serialize_string(text) or "")}</S>' if text else f'<S N="{name}" />'

    def _type_names(self, types: t.Sequence[str]) -> str:
        known = self.tn.get(types[0])
        if known is not None:
            return f'<TNRef RefId="{known}" />'
        holder = ElementTree.Element("Obj")
        self._create_tn(holder, list(types))
        return self._text_of(holder[0])

    @staticmethod
    def _text_of(element: t.Any) -> str:
        return ElementTree.tostring(element, encoding="unicode")

    def deserialize(self, element: t.Any, metadata: t.Any = None, clear: bool = True) -> t.Any:
        if metadata is None and isinstance(element, str):
            return element
        if isinstance(element, str) and getattr(metadata, "object", None) is ErrorRecordMessage:
            return ErrorText(element)
        return super().deserialize(element, metadata, clear)


class _SharedCommands(Pipeline):
    """Statements without a copy of every command.

    pypsrp copies them because an lxml element can have one parent only; with ElementTree the copies serve nobody, and
    they are a third of the cost of a batch.
    """

    def _get_statements(self) -> list[list[t.Any]]:
        statements: list[list[t.Any]] = [[]]
        for command in self.commands or []:
            statements[-1].append(command)
            if command.end_of_statement:
                statements.append([])
        return [statement for statement in statements if statement]


@dataclass
class _Ready:
    """The CLIXML of a pipeline, once it was made: a fleet is asked the same again and again."""

    clixml: bytes | None = None


_READY: dict[tuple[t.Any, ...], _Ready] = {}
_MOST_READY = 512


def _ready(statements: t.Sequence[Statement], pool: t.Any) -> _Ready:
    """What was made of these statements before, for a pool that speaks the same.

    By their text, since 1, True and 1.0 are equal and different on the wire.
    """
    key = (repr(statements), pool.protocol_version, type(pool.host), pool.apartment_state)
    known = _READY.get(key)
    if known is None:
        if len(_READY) >= _MOST_READY:
            _READY.clear()
        known = _READY[key] = _Ready()
    return known


class _CommandPipeline(PowerShell):
    """A pipeline of pypsrp that sends its statements as ``_SharedCommands``, or as they were made before."""

    ready: _Ready | None = None

    def _invoke(self, msg: t.Any) -> None:
        msg.ready = self.ready
        given = msg.pipeline
        msg.pipeline = _SharedCommands(
            is_nested=given.is_nested,
            cmds=given.commands,
            history=given.history,
            redirect_err_to_out=given.redirect_err_to_out,
        )
        super()._invoke(msg)


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
                f"ansible_connection: psrp{_PSRP_NAMES if self._connection.transport == 'winrm' else ''}.",
            )
        if PYPSRP_ERROR is not None:
            raise SessionError(
                "connection_plugin", "The Python package pypsrp is not installed for the Python that runs Ansible."
            )
        if self._connection.connected and self._connection.runspace is not None:
            return
        guard_connection(self._connection, self._place)
        try:
            self._connection._connect()
        except DeadlineExceeded:
            raise
        except Exception as error:
            if not self._is_opening(error):
                raise explain(error, self._place) from error
            self._go_on_opening()
        pool = self._connection.runspace
        if not hasattr(getattr(pool, "_fragmenter", None), "serializer"):
            raise SessionError("connection_plugin", "This collection does not know the installed pypsrp: use 0.9.")
        if not isinstance(pool._fragmenter, OnePassFragmenter):
            pool._fragmenter = OnePassFragmenter.in_place_of(pool._fragmenter)
        pool._fragmenter.serializer = _WireSerializer()

    def _is_opening(self, error: BaseException) -> bool:
        """Whether the endpoint has taken the session and is only slow to begin it, after a boot or an update."""
        pool = self._connection.runspace
        return took_too_long(error) and getattr(pool, "state", None) == RunspacePoolState.NEGOTIATION_SENT

    def _go_on_opening(self) -> None:
        """Asks the shell that is being opened again and again, until the caller's deadline."""
        end = time.monotonic() + _LONGEST_OPENING
        pool = self._connection.runspace
        while pool.state == RunspacePoolState.NEGOTIATION_SENT:
            try:
                pool._receive()
            except DeadlineExceeded as late:
                raise SessionError("timeout", f"{self._place} {SLOW_TO_BEGIN}") from late
            except Exception as error:
                if not took_too_long(error) or time.monotonic() > end:
                    raise explain(error, self._place) from error
        plugin: t.Any = self._connection
        if hasattr(plugin, "_connected"):
            # As the psrp plugin notes it after an opening of its own.
            plugin._connected, plugin._last_pipeline = True, None
        else:
            plugin.connected = True

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        """One pipeline. Raises SessionError, or AnswerError where only this answer is unreadable."""
        writes_stand_first(statements)
        self.open()
        pipeline = _CommandPipeline(self._connection.runspace)
        pipeline.ready = _ready(statements, self._connection.runspace)
        # pypsrp refuses a pipeline without a command, so one stands for those that are made already.
        known = pipeline.ready.clixml is not None
        for number, statement in enumerate(statements[:1] if known else statements):
            if number:
                pipeline.add_statement()
            for command in statement[:1] if known else statement:
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
            if isinstance(value, PSObject) and any(name.endswith("ErrorRecord") for name in value.types):
                refusals.append(_refusal_of_object(value))
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
        has_user=option("remote_user") not in (None, ""),
        sends_channel_binding=option("negotiate_send_cbt") is not False,
        read_timeout=_seconds(option("read_timeout")),
        operation_timeout=_seconds(option("operation_timeout")),
    )


def _seconds(value: t.Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _add(pipeline: t.Any, command: Command) -> None:
    pipeline.add_cmdlet(command.name)
    # Five objects that say "merge nothing" are half of a command's size. PowerShell takes their absence for that
    # (Command.FromPSObjectForRemoting); see docs/decisions/0009.
    for merge in _OPTIONAL_MERGES:
        setattr(pipeline.commands[-1], merge, None)
    for name, value in command.parameters:
        if name is None:
            pipeline.add_argument(_tagged(value))
        else:
            # A switch goes over as true: without a value a cmdlet takes it for on, and the function that a JEA role
            # makes of a cmdlet for off (seen on 7.6).
            pipeline.add_parameter(name, True if value is None else _tagged(value))
    if command.merge_errors:
        pipeline.merge_error("output")


def _tagged(value: t.Any) -> t.Any:
    if isinstance(value, UInt32):
        return TaggedValue("U32", value.value)
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tagged(item) for item in value]
    if isinstance(value, int) and not -(1 << 31) <= value < 1 << 31:
        # As I32, which pypsrp takes for every number, the engine never answers (seen on 7.6).
        return TaggedValue("I64" if value < 1 << 63 else "U64", value)
    return value


def _refusal(record: t.Any) -> Refusal:
    """A Refusal from an error record, as text or as pypsrp's object; whatever it lacks is left empty."""
    if isinstance(record, ErrorText):
        obj = clixml.parse(record.clixml)
        return _refusal_of_object(obj if isinstance(obj, PSObject) else PSObject((), {}))
    target = getattr(record, "target_object", None)
    if not isinstance(target, str):
        target = getattr(record, "target_name", None)
    return _make_refusal(
        getattr(record, "category", None),
        getattr(record, "fq_error", None),
        getattr(record, "activity", None),
        target,
    )


def _refusal_of_object(obj: PSObject) -> Refusal:
    target = obj.get("TargetObject")
    if not isinstance(target, str):
        target = obj.get("ErrorCategory_TargetName")
    return _make_refusal(
        obj.get("ErrorCategory_Category"),
        obj.get("FullyQualifiedErrorId"),
        obj.get("ErrorCategory_Activity"),
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
