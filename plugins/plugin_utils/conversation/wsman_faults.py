# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a WS-Man fault of Windows means, in words, by its code.

Names and numbers are those of wsmerror.h of the Windows SDK, which PowerShell repeats for the quotas
(src/Microsoft.PowerShell.Commands.Management/cimSupport/cmdletization/cim/cimChildJobBase.cs).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """``words`` follow the name of the endpoint; ``transient``: the same request may go well a little later."""

    words: str
    transient: bool = False


_ROOM = "has no room for another session"
OPERATION_TIMED_OUT: t.Final = 2150858793
FAULTS: t.Final[dict[int, Fault]] = {
    2150859173: Fault(f"{_ROOM}: this account has as many shells open as it may (MaxShellsPerUser)", True),
    2150859174: Fault(f"{_ROOM}: as many operations are under way as it allows", True),
    2150859175: Fault(f"{_ROOM}: a quota of this account is used up", True),
    2150859176: Fault(f"{_ROOM}: a quota of the system is used up", True),
    2150859179: Fault(f"{_ROOM}: as many users have shells open as it allows (MaxConcurrentUsers)", True),
    2150859236: Fault(f"{_ROOM}: this account has as many shells of the configuration open as it may", True),
    2150859237: Fault(f"{_ROOM}: as many users use the configuration as it allows", True),
    2150859238: Fault(f"{_ROOM}: as many shells of the configuration are open as it allows", True),
    2150859239: Fault(f"{_ROOM}: as many operations of the configuration are under way as it allows", True),
    2150859240: Fault(f"{_ROOM}: this account has as many operations under way as it may", True),
    2150859241: Fault(f"{_ROOM}: as many commands of the shell are under way as it allows", True),
    2150859242: Fault(f"{_ROOM}: it lacks the memory that a session needs at least", True),
    2150858815: Fault(f"{_ROOM}: a quota of WinRM is used up", True),
    OPERATION_TIMED_OUT: Fault("did not begin the session within the operation time-out: it is slow to start", True),
    995: Fault("lost the process of the session in the middle: PowerShell died there, or was ended"),
    2150859177: Fault("takes the request for one of another account than the shell's"),
    2150859180: Fault("allows no remote shells (AllowRemoteShellAccess is off)"),
    2150859161: Fault("wants the request to be sent to another place, which is not done"),
    2150859178: Fault("wants the request to be sent to another place, which is not done"),
    2150859235: Fault("does not allow connections from other machines"),
    2150858752: Fault("does not know the session configuration"),
    2150858843: Fault("no longer knows the session: it was ended there, or WinRM was started anew", True),
}
"""By WSManFault/@Code."""
