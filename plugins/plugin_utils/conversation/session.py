# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The conversation with one endpoint, on the runspace of Ansible's own ``psrp`` connection.

Statements go in as cmdlets with typed parameters, never as script text; plain values and own errors come out. One
runspace serves all pipelines of a session. A pipeline is not closed on its own (that would cost a request); the end of
the runspace closes it.
"""

from __future__ import annotations

import logging
import time
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.fragments import OnePassFragmenter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.guarded import guard_connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.pipelines import make_pipeline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.refusals import refusal, refusal_of_object
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import (
    SLOW_TO_BEGIN,
    EndpointAddress,
    explain,
    took_too_long,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    AnswerError,
    PSObject,
    SessionError,
    Statement,
    writes_stand_first,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.wire_serializer import WireSerializer

PYPSRP_ERROR: ImportError | None = None
try:
    from pypsrp.complex_objects import ComplexObject, PSInvocationState, RunspacePoolState
    from pypsrp.exceptions import WinRMError
except ImportError as error:
    PYPSRP_ERROR = error

# Without a handler Python prints the tracebacks that pypsrp logs for every request that timed out.
logging.getLogger("pypsrp").addHandler(logging.NullHandler())

_PSRP_NAMES = ", and give its ansible_winrm_* variables the names that psrp reads (fleetops.tetra.preflight lists them)"
_PAUSE = 1.0
"""Seconds before a session that could not even be begun is begun anew."""
_LONGEST_OPENING = 900.0
"""Seconds that an opening is waited for where the caller sets no deadline."""
DEFAULT_CONFIGURATION = "Microsoft.PowerShell"


def other_plugin(name: str) -> str:
    """What to say of an endpoint that another connection plugin addresses."""
    names = _PSRP_NAMES if name.rpartition(".")[2] == "winrm" else ""
    return f"This endpoint is addressed by the connection plugin {name}: set ansible_connection: psrp{names}."


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

    def __init__(
        self,
        connection: Connection,
        record: list[t.Any] | None = None,
        sleep: t.Callable[[float], object] = time.sleep,
    ) -> None:
        self._connection = connection
        self._sleep = sleep
        self._place = _place(connection)
        self.pipelines = 0
        self.recorded = record

    def open(self) -> None:
        """Connects where that has not been done. Raises SessionError."""
        if self._connection.transport != "psrp":
            raise SessionError("connection_plugin", other_plugin(self._connection.transport))
        if PYPSRP_ERROR is not None:
            raise SessionError(
                "connection_plugin", "The Python package pypsrp is not installed for the Python that runs Ansible."
            )
        if self._connection.connected and self._connection.runspace is not None:
            return
        guard_connection(self._connection, self._place)
        end, late = time.monotonic() + _LONGEST_OPENING, False
        while True:
            try:
                if late:
                    self._sleep(_PAUSE)
                self._connection._connect()
                break
            except DeadlineExceeded as over:
                if late:
                    raise SessionError("timeout", f"{self._place} {SLOW_TO_BEGIN}") from over
                raise
            except Exception as error:
                if self._is_opening(error):
                    self._go_on_opening()
                    break
                if not took_too_long(error) or time.monotonic() > end:
                    raise explain(error, self._place) from error
                # Not even the shell was made in time: there is nothing to ask again, so it is begun anew.
                late = True
                self.abandon()
        pool = self._connection.runspace
        if not hasattr(getattr(pool, "_fragmenter", None), "serializer"):
            raise SessionError("connection_plugin", "This collection does not know the installed pypsrp: use 0.9.")
        if not isinstance(pool._fragmenter, OnePassFragmenter):
            pool._fragmenter = OnePassFragmenter.in_place_of(pool._fragmenter)
        pool._fragmenter.serializer = WireSerializer()

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
        pipeline = make_pipeline(statements, self._connection.runspace)
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
        refusals = [refusal(item) for item in pipeline.streams.error]
        values = []
        for item in output:
            value = clixml.parse(item) if isinstance(item, str) and item.startswith("<") else item
            if isinstance(value, PSObject) and any(name.endswith("ErrorRecord") for name in value.types):
                refusals.append(refusal_of_object(value))
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
    def place(self) -> EndpointAddress:
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


def _place(connection: Connection) -> EndpointAddress:
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
    return EndpointAddress(
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


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, ComplexObject):
        return getattr(value, "to_string", None)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
