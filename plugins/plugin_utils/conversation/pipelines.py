# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A pipeline of pypsrp made of statements: their commands and typed parameters, and what was made of them before."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Command, Statement, UInt32
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.wire_serializer import OPTIONAL_MERGES, Ready

try:
    from pypsrp.complex_objects import Pipeline
    from pypsrp.powershell import PowerShell
    from pypsrp.serializer import TaggedValue
except ImportError:
    if not t.TYPE_CHECKING:
        Pipeline = PowerShell = object

_READY: dict[tuple[t.Any, ...], Ready] = {}
_MOST_READY = 512


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


class CommandPipeline(PowerShell):
    """A pipeline of pypsrp that sends its statements as ``_SharedCommands``, or as they were made before."""

    ready: Ready | None = None

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


def make_pipeline(statements: t.Sequence[Statement], pool: t.Any) -> CommandPipeline:
    """The statements as a pipeline of this runspace pool, not sent yet."""
    pipeline = CommandPipeline(pool)
    pipeline.ready = _ready(statements, pool)
    # pypsrp refuses a pipeline without a command, so one stands for those that are made already.
    known = pipeline.ready.clixml is not None
    for number, statement in enumerate(statements[:1] if known else statements):
        if number:
            pipeline.add_statement()
        for command in statement[:1] if known else statement:
            add_command(pipeline, command)
    return pipeline


def _ready(statements: t.Sequence[Statement], pool: t.Any) -> Ready:
    """What was made of these statements before, for a pool that speaks the same.

    By their text, since 1, True and 1.0 are equal and different on the wire.
    """
    key = (repr(statements), pool.protocol_version, type(pool.host), pool.apartment_state)
    known = _READY.get(key)
    if known is None:
        if len(_READY) >= _MOST_READY:
            _READY.clear()
        known = _READY[key] = Ready()
    return known


def add_command(pipeline: t.Any, command: Command) -> None:
    pipeline.add_cmdlet(command.name)
    # Five objects that say "merge nothing" are half of a command's size. PowerShell takes their absence for that
    # (Command.FromPSObjectForRemoting); see docs/decisions/0009.
    for merge in OPTIONAL_MERGES:
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
