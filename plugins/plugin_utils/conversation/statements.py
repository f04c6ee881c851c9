# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What is asked of an endpoint and what it answers, in plain types.

A question is a statement: cmdlets or native commands with typed parameters, joined by a pipe. There is no script text
in it. Several statements make a batch, which travels as one pipeline. Answers are plain Python and ``PSObject`` for an
object with properties. This file knows neither pypsrp nor a network.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import ErrorKind
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import bare, only_reads, qualified


@dataclass(frozen=True)
class UInt32:
    """A number that Windows takes as UInt32."""

    value: int


@dataclass(frozen=True)
class Command:
    """One cmdlet or native command. A parameter named ``None`` is positional; the value ``None`` makes a switch."""

    name: str
    parameters: tuple[tuple[str | None, t.Any], ...] = ()
    merge_errors: bool = False
    """Errors go into the output (``2>&1``), which for a native command is its error stream."""


Statement = tuple[Command, ...]
"""Commands joined by ``|``."""


def command(name: str, *positional: t.Any, **named: t.Any) -> Command:
    """``command("Get-Item", LiteralPath=...)``; a value of True makes a switch. The cmdlet is called by its module.

    Raises ValueError for a cmdlet that ``cmdlets`` does not list.
    """
    parameters: list[tuple[str | None, t.Any]] = [(None, value) for value in positional]
    parameters.extend((key, None if value is True else value) for key, value in named.items())
    return Command(qualified(name), tuple(parameters))


class WriteNotFirstError(Exception):
    """A batch was built that could write although a statement before it failed: a fault of the collection."""


def writes_stand_first(statements: t.Sequence[Statement]) -> None:
    """Raises WriteNotFirstError where a statement behind another one changes something.

    After a terminating error the client sees a batch end, while the engine runs all later statements unseen (seen on
    7.6). So what writes stands alone, or first with nothing but reading behind it.
    """
    for statement in statements[1:]:
        for part in statement:
            if not only_reads(part.name, dict(part.parameters).get("MethodName")):
                raise WriteNotFirstError(f"{bare(part.name)} writes, and stands behind a statement that can fail.")


@dataclass(frozen=True)
class PSObject:
    """An object of the endpoint: its type names and its properties."""

    types: tuple[str, ...]
    properties: t.Mapping[str, t.Any]
    text: str | None = None

    def get(self, name: str) -> t.Any:
        """A property, or None where the object has none of that name. Names compare as Windows compares them."""
        if name in self.properties:
            return self.properties[name]
        wanted = name.casefold()
        return next((value for key, value in self.properties.items() if key.casefold() == wanted), None)


CATEGORIES = (
    "NotSpecified",
    "OpenError",
    "CloseError",
    "DeviceError",
    "DeadlockDetected",
    "InvalidArgument",
    "InvalidData",
    "InvalidOperation",
    "InvalidResult",
    "InvalidType",
    "MetadataError",
    "NotImplemented",
    "NotInstalled",
    "ObjectNotFound",
    "OperationStopped",
    "OperationTimeout",
    "SyntaxError",
    "ParserError",
    "PermissionDenied",
    "ResourceBusy",
    "ResourceExists",
    "ResourceUnavailable",
    "ReadError",
    "WriteError",
    "FromStdErr",
    "SecurityError",
    "ProtocolError",
    "ConnectionError",
    "AuthenticationError",
    "LimitsExceeded",
    "QuotaExceeded",
    "NotEnabled",
)
"""System.Management.Automation.ErrorCategory by number."""

_DENIED = {"PermissionDenied", "SecurityError"}
_ABSENT = frozenset({"PathNotFound", "NoServiceFoundForGivenName", "NoProcessFoundForGivenName"})
"""Error ids that say of the very target that there is no such thing. A missing drive or provider (DriveNotFound,
ProviderNotFound) has the same category and says nothing about what was asked for."""
_MISSING_COMMANDS = ("CommandNotFoundException", "CouldNotAutoLoadModule")
"""The second for a name with a module that is not there (seen on 7.6)."""


def plain_target(target: str | None) -> str | None:
    """A target in lower case, without the provider that may stand in front."""
    return target.rpartition("::")[2].lower() if target is not None else None


@dataclass(frozen=True)
class Refusal:
    """An error of the endpoint, by what does not depend on its language."""

    category: str
    error_id: str
    """FullyQualifiedErrorId."""
    command: str | None = None
    target: str | None = None

    @property
    def is_denied(self) -> bool:
        # 0x80041003 WBEM_E_ACCESS_DENIED and 0x80070005 E_ACCESSDENIED come with the category of the CIM layer.
        return (
            self.category in _DENIED
            or "UnauthorizedAccess" in self.error_id
            or "0x80041003" in self.error_id
            or "0x80070005" in self.error_id
        )

    @property
    def is_missing(self) -> bool:
        """The target does not exist. Whether it is what was asked for, ``proves_absence`` tells."""
        return self.error_id.partition(",")[0] in _ABSENT and self.target is not None

    def proves_absence(self, asked: t.Collection[str]) -> bool:
        """Whether the endpoint said of one of these very paths or names (in lower case) that it does not exist."""
        return self.is_missing and plain_target(self.target) in asked

    @property
    def is_program_text(self) -> bool:
        """What a program wrote to its error stream. Any other error of a program means that it did not run."""
        return self.error_id.startswith("NativeCommandError")

    @property
    def is_missing_command(self) -> bool:
        return any(name in self.error_id for name in _MISSING_COMMANDS)

    def sentence(self) -> str:
        """The refusal for a reader, without any text of the endpoint's language."""
        what = f"{self.command}: " if self.command else ""
        return f"{what}{self.category} ({self.error_id})."


@dataclass(frozen=True)
class Answer:
    """What one pipeline gave."""

    output: list[t.Any]
    refusals: list[Refusal] = field(default_factory=list)
    failed: bool = False
    """PowerShell called the pipeline *Failed*. Where a first statement ends with a terminating error it is *Completed*
    all the same; and either way the engine has run the later statements, whose output is lost (seen on 7.6)."""


def exit_code(answer: Answer) -> int | None:
    """The exit code of a program, from the answer to it and to ``Get-Variable LASTEXITCODE`` behind it.

    None where the program did not start (missing, or refused by AppLocker): the variable then still holds the code of
    an earlier one (seen on 7.6). What a program writes to its error stream is no such error.
    """
    if any(not refusal.is_program_text for refusal in answer.refusals):
        return None
    last = answer.output[-1] if answer.output else None
    return int(last) if isinstance(last, int) and not isinstance(last, bool) else None


class Asker(t.Protocol):
    """Whatever can put statements to an endpoint; the session is one, a recording another."""

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        """Runs the statements as one pipeline; what writes stands first (``writes_stand_first``). Raises SessionError
        when the conversation is lost, and AnswerError when this pipeline's answer cannot be read."""

    def version_table(self) -> dict[str, t.Any]:
        """PSVersionTable of the session, with plain values."""

    def configuration(self) -> str | None:
        """The name of the session configuration."""


class SessionError(Exception):
    """The conversation with an endpoint is lost, or never began. ``kind`` is one of ``error.kind``; the message is one
    sentence without secrets. ``transient``: the same may go well a little later."""

    def __init__(self, kind: ErrorKind, message: str, transient: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.transient = transient


class AnswerError(SessionError):
    """One answer had a shape that cannot be read; the conversation goes on."""

    def __init__(self, message: str) -> None:
        super().__init__("answer", message)
