# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes between the PSRP server and a simulated Windows: commands in, events out.

The server (``lab/server``) knows WS-Man and PSRP and nothing of Windows; the machine (``lab/machine``) knows Windows
and nothing of the wire. Both know this file.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """One command of a pipeline, as the client sent it."""

    name: str
    """Cmdlet, native command, or the whole text when ``is_script``."""
    is_script: bool = False
    parameters: tuple[tuple[str | None, t.Any], ...] = ()
    """(name, value) in order; name ``None`` is a positional argument; value ``None`` after a name is a switch.
    Values are plain Python (str, int, bool, bytes, list, dict); unsigned and other typed integers arrive as int."""
    merge_errors: bool = False
    """Errors of this command go to its output stream (``2>&1``)."""


Statement = tuple[Command, ...]
"""Commands joined by ``|``."""


@dataclass(frozen=True)
class ErrorDetails:
    """What an ErrorRecord says. Category names are those of System.Management.Automation.ErrorCategory."""

    message: str
    error_id: str
    """FullyQualifiedErrorId, e.g. ``PathNotFound,Microsoft.PowerShell.Commands.GetItemPropertyCommand``."""
    category: str = "NotSpecified"
    exception: str = "System.Management.Automation.RuntimeException"
    command: str | None = None
    target: t.Any = None
    target_name: str = ""
    target_type: str = ""


@dataclass(frozen=True)
class Clixml:
    """One object already serialised, sent byte for byte: recorded answers of a real Windows."""

    data: bytes


@dataclass(frozen=True)
class Output:
    """One object on the output stream; ``value`` is anything psrpcore can serialise, or a ``Clixml``.

    With ``convert`` the value is the machine's own (it must be picklable, and equal pickles must mean equal content);
    the server calls ``convert`` only for values that it has not sent before.
    """

    value: t.Any
    convert: t.Callable[[t.Any], t.Any] | None = None

    def wire(self) -> t.Any:
        """What psrpcore serialises."""
        return self.value if self.convert is None else self.convert(self.value)


@dataclass(frozen=True)
class NonTerminatingError:
    details: ErrorDetails


@dataclass(frozen=True)
class TerminatingError:
    """Ends the whole pipeline, later statements included; the pipeline state becomes Failed."""

    details: ErrorDetails


@dataclass(frozen=True)
class Wait:
    """The endpoint needs this many seconds before it goes on."""

    seconds: float


@dataclass(frozen=True)
class Blocking:
    """Work that blocks (a real handshake); the server runs it off the event loop and sends the result back in."""

    work: t.Callable[[], t.Any]


@dataclass(frozen=True)
class HostExit:
    """Host call SetShouldExit."""

    code: int


@dataclass(frozen=True)
class Restart:
    """The endpoint restarts: after so many seconds it drops every connection and nothing listens, then it is back.

    ``down`` and ``up`` are called at these two moments, so that the machine can lose and renew what a boot does.
    """

    after: float
    duration: float | None
    """Seconds until it is back; ``None`` for an endpoint that never comes back."""
    wanted: t.Callable[[], bool] = lambda: True
    """Asked when the time has come: False where the restart was called off meanwhile."""
    down: t.Callable[[], None] | None = None
    up: t.Callable[[], None] | None = None
    answers: t.Callable[[], bool] = lambda: True
    """Asked when it is up: False where it runs and cannot be reached any more."""


Event = Output | NonTerminatingError | TerminatingError | Wait | Blocking | HostExit | Restart


@dataclass(frozen=True)
class Caller:
    """Who asks, and through which session configuration."""

    user: str
    configuration: str = "Microsoft.PowerShell"
    extra: dict[str, t.Any] = field(default_factory=dict)
    """``input``: the objects that the client piped in, once it has ended its input (list, empty without input)."""


class Machine(t.Protocol):
    """One simulated Windows endpoint.

    Some methods are optional: ``has_configuration(name) -> bool`` (which session configurations there are; without it
    only Microsoft.PowerShell and those of the transport), ``make_shell(shell_id, resource_uri, caller, host)`` (a
    shell of its own kind in the place of ``lab/server/shell.py``; then nothing is invoked), ``close()`` (the fleet
    stops), and for what a machine does of its own accord ``due_in() -> float | None`` (seconds until then) and
    ``wake() -> Restart | None`` (does it).
    """

    def application_private_data(self, caller: Caller) -> dict[str, t.Any]:
        """``{"PSVersionTable": {name: value}}`` that the runspace announces when it opens; versions may be plain text.
        ``PSRemotingProtocolVersion`` (default 2.3) is also the protocol version that the server negotiates."""

    def invoke(self, statements: t.Sequence[Statement], caller: Caller) -> t.Generator[Event, t.Any, None]:
        """Runs one pipeline. The generator receives the result of a ``Blocking`` by ``send``."""
