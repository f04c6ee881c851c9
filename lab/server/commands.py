# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline that a client sent, as plain Python for the machine."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import typing as t
import uuid

from psrpcore import PowerShell
from psrpcore.types import PipelineResultTypes, PSObject

from ansible_collections.fleetops.tetra.lab.pipeline import Command, Statement


@dataclasses.dataclass(frozen=True)
class Creation:
    """What a CREATE_PIPELINE message asks for."""

    statements: tuple[Statement, ...]
    no_input: bool


def to_statements(pipeline: PowerShell, batches: bool) -> tuple[Statement, ...]:
    """The statements of a CREATE_PIPELINE message.

    ``batches=False``: a server of protocol 2.1 (PowerShell 2.0) knows nothing of further statements and runs the first
    one only. That is inferred from the version history; nobody recorded it.
    """
    statements: list[Statement] = []
    commands: list[Command] = []
    for command in pipeline.commands:
        commands.append(
            Command(
                name=str(command.command_text),
                is_script=bool(command.is_script),
                parameters=tuple(
                    (None if name is None else str(name), to_plain(value)) for name, value in command.parameters
                ),
                merge_errors=_merges_errors(command),
            )
        )
        if command.end_of_statement:
            statements.append(tuple(commands))
            commands = []
    if commands:
        statements.append(tuple(commands))
    return tuple(statements if batches else statements[:1])


def to_plain(value: t.Any) -> t.Any:
    """A deserialised value as str, int, float, bool, bytes, list, dict or None.

    A composite object becomes the mapping of its properties; times, identifiers and decimals stay what they are.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (datetime.datetime, datetime.timedelta, uuid.UUID, decimal.Decimal)):
        return value
    if isinstance(value, dict):
        return {to_plain(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, PSObject):
        known = value.PSObject
        properties = [*known.adapted_properties, *known.extended_properties]
        return {prop.name: to_plain(prop.get_value(value)) for prop in properties}
    return value


def _merges_errors(command: t.Any) -> bool:
    to_output = PipelineResultTypes.Output
    return bool(
        command.merge_error == to_output
        or (command.merge_my == PipelineResultTypes.Error and command.merge_to == to_output)
    )
