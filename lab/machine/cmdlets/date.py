# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Date: the endpoint's clock, in its own time zone."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, output
from ansible_collections.fleetops.tetra.lab.pipeline import Event


def run(call: Call) -> t.Iterator[Event]:
    yield output(call.state.local(call.state.now()))


CMDLETS = (Cmdlet("Get-Date", "Microsoft.PowerShell.Utility", "Microsoft.PowerShell.Commands.GetDateCommand", {}, run),)
