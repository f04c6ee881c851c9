# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a simulated endpoint without a wire."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.pipeline import (
    Blocking,
    Caller,
    Command,
    ErrorDetails,
    NonTerminatingError,
    Output,
    Statement,
    TerminatingError,
)


@dataclass
class Reply:
    output: list[t.Any] = field(default_factory=list)
    errors: list[ErrorDetails] = field(default_factory=list)
    end: ErrorDetails | None = None

    def rows(self, *names: str) -> list[tuple[t.Any, ...]]:
        return [tuple(getattr(value, name) for name in names) for value in self.output]


def command(name: str, *positional: t.Any, **named: t.Any) -> Command:
    """A command with named parameters; True stands for a switch."""
    given: list[tuple[str | None, t.Any]] = [(key, None if value is True else value) for key, value in named.items()]
    return Command(name, parameters=(*given, *((None, value) for value in positional)))


class Asked:
    """An endpoint and the way to ask it."""

    def __init__(self, **mapping: t.Any) -> None:
        self.endpoint = Endpoint.from_mapping("pc", {"release": "10_21h2", **mapping})
        self.state = self.endpoint.state

    def __call__(self, *statements: Statement | Command, configuration: str = "Microsoft.PowerShell") -> Reply:
        made = [(one,) if isinstance(one, Command) else one for one in statements]
        events = self.endpoint.invoke(made, Caller("lab", configuration))
        reply, result = Reply(), None
        while True:
            try:
                event = events.send(result)
            except StopIteration:
                return reply
            result = event.work() if isinstance(event, Blocking) else None
            if isinstance(event, Output):
                reply.output.append(event.wire())
            elif isinstance(event, NonTerminatingError):
                reply.errors.append(event.details)
            elif isinstance(event, TerminatingError):
                reply.end = event.details


@pytest.fixture
def windows() -> type[Asked]:
    return Asked
