# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write-Output: takes lists apart."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.objects import Byte, items, plain
from ansible_collections.fleetops.tetra.lab.pipeline import Event


def run(call: Call) -> t.Iterator[Event]:
    given = [call.arguments["InputObject"]] if "InputObject" in call.arguments else call.inputs
    for value in given:
        if value is None or call.switch("NoEnumerate"):
            yield output(value)
            continue
        inner = plain(value)
        if isinstance(inner, bytes):
            inner = [Byte(number) for number in inner]
        for item in items(inner if isinstance(inner, list) else value):
            yield output(item)


CMDLETS = (
    Cmdlet(
        "Write-Output",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Commands.WriteOutputCommand",
        {
            "InputObject": Parameter(position=0, mandatory=True, pipeline=True, nullable=True),
            "NoEnumerate": Parameter(switch=True, since=(4,)),
        },
        run,
    ),
)
