# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cmdlet of the lab is: its parameters, and the call that its handler sees."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.machine.messages import message
from ansible_collections.fleetops.tetra.lab.machine.objects import items, plain, to_text
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.lab.pipeline import ErrorDetails, Event, NonTerminatingError, Output

Handler = t.Callable[["Call"], t.Iterator[Event]]


class TerminateError(Exception):
    """A terminating error: the pipeline ends, later statements included."""

    def __init__(self, details: ErrorDetails) -> None:
        super().__init__(details.message)
        self.details = details


@dataclass(frozen=True)
class Parameter:
    """``since``/``until``: PowerShell versions that have it; ``core``: only (True) or never (False) in 6 and later."""

    switch: bool = False
    position: int | None = None
    mandatory: bool = False
    pipeline: bool = False
    """Takes pipeline input; a mandatory one is then satisfied by input."""
    values: tuple[str, ...] = ()
    enumeration: bool = False
    """``values`` are those of a .NET enumeration (another one cannot be converted), not of a ValidateSet."""
    aliases: tuple[str, ...] = ()
    nullable: bool = False
    """Takes null and empty texts and lists."""
    since: tuple[int, ...] = (0,)
    core: bool | None = None


@dataclass(frozen=True)
class Cmdlet:
    """``identity``: the .NET class that stands in FullyQualifiedErrorId."""

    name: str
    module: str
    identity: str
    parameters: t.Mapping[str, Parameter]
    run: Handler
    since: tuple[int, ...] = (0,)
    core: bool | None = None
    available: t.Callable[[WindowsState, SessionConfiguration], bool] = lambda state, session: True
    one_of: tuple[str, ...] = ()
    """Exactly one of these parameters has to be given."""


@dataclass
class RunspaceVariables:
    """What outlives a pipeline in the runspace."""

    last_exit_code: int | None = None


@dataclass
class Call:
    """One command of a running pipeline. ``arguments`` have the parameters' own spelling; ``inputs`` came in."""

    cmdlet: Cmdlet
    arguments: dict[str, t.Any]
    inputs: list[t.Any]
    state: WindowsState
    session: SessionConfiguration
    variables: RunspaceVariables
    unmatched: t.Callable[[str], None] = field(default=lambda text: None)
    has_input: bool = False
    start_native: t.Callable[[str, list[str]], t.Generator[Event, t.Any, None] | None] | None = None
    command_names: t.Callable[[], list[Cmdlet]] = field(default=list)

    def has(self, name: str) -> bool:
        return self.arguments.get(name) is not None

    def switch(self, name: str) -> bool:
        return bool(self.arguments.get(name))

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name)
        return default if value is None else to_text(value)

    def texts(self, name: str) -> list[str]:
        return [to_text(plain(value)) for value in items(self.arguments.get(name))]

    def number(self, name: str, default: int) -> int:
        value = self.arguments.get(name)
        if value is None:
            return default
        try:
            return int(plain(value))
        except (TypeError, ValueError):
            raise TerminateError(self.conversion(name, value)) from None

    def conversion(self, name: str, value: t.Any) -> ErrorDetails:
        """A value of the wrong type."""
        return self.error(
            "cannot_convert",
            name,
            to_text(value),
            error_id="CannotConvertArgumentNoMessage",
            category="InvalidArgument",
            exception="System.Management.Automation.ParameterBindingException",
        )

    def transformation(self, name: str, value: t.Any) -> ErrorDetails:
        """A value that a parameter's own converter refuses."""
        return self.error(
            "cannot_convert",
            name,
            to_text(value),
            error_id="ParameterArgumentTransformationError",
            category="InvalidData",
            exception="System.Management.Automation.ParameterBindingArgumentTransformationException",
        )

    def error(
        self,
        key: str,
        *arguments: object,
        error_id: str,
        category: str,
        exception: str,
        target: t.Any = None,
        target_name: str | None = None,
        target_type: str | None = None,
    ) -> ErrorDetails:
        """Error details with the text in the endpoint's language and this cmdlet in the error id."""
        return ErrorDetails(
            message=message(self.state.identity.language, key, *arguments),
            error_id=f"{error_id},{self.cmdlet.identity}",
            category=category,
            exception=exception,
            command=self.cmdlet.name,
            target=target,
            target_name=target_name if target_name is not None else to_text(target),
            target_type=target_type if target_type is not None else ("String" if isinstance(target, str) else ""),
        )

    def path_not_found(self, path: str) -> NonTerminatingError:
        return NonTerminatingError(
            self.error(
                "path_not_found",
                path,
                error_id="PathNotFound",
                category="ObjectNotFound",
                exception="System.Management.Automation.ItemNotFoundException",
                target=path,
            )
        )


def output(value: t.Any) -> Output:
    return Output(value)


def forwarded(
    execution: t.Generator[Event, t.Any, None], pass_on: t.Callable[[Event], Event | None] = lambda event: event
) -> t.Generator[Event, t.Any, None]:
    """The events of an execution, each as ``pass_on`` has it (None: not at all); answers to them go back into it."""
    reply: t.Any = None
    while True:
        try:
            event = execution.send(reply)
        except StopIteration:
            return
        passed = pass_on(event)
        reply = (yield passed) if passed is not None else None
