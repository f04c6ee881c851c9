# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PSVersionTable of a session."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.lab.machine.objects import OBJECT_ARRAY, Version, array
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState

_COMPATIBLE = ("1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0", "7.0")


_PATCHES = {"7.6": 9}
"""Of which patch the recorded answers are."""


def version_table(state: WindowsState, session: SessionConfiguration) -> dict[str, t.Any]:
    """By name, as the version of PowerShell has it. PowerShell 2.0 has no PSEdition."""
    build = f"10.0.{state.identity.build}.{state.identity.ubr}"
    if session.core:
        full = f"{session.version}.{_PATCHES.get(session.version, 6)}"
        return {
            "PSVersion": full,
            "PSEdition": "Core",
            "GitCommitId": full,
            "OS": f"Microsoft Windows 10.0.{state.identity.build}",
            "Platform": "Win32NT",
            "PSCompatibleVersions": array([Version(one) for one in _COMPATIBLE], OBJECT_ARRAY),
            "PSRemotingProtocolVersion": Version("2.3"),
            "SerializationVersion": Version("1.1.0.1"),
            "WSManStackVersion": Version("3.0"),
        }
    known = {
        "2.0": ("2.0", "6.1.7601.17514", "2.0", "2.1", "2.0.50727.5485"),
        "3.0": ("3.0", "6.2.9200.22198", "3.0", "2.2", "4.0.30319.42000"),
        "4.0": ("4.0", "6.3.9600.20719", "3.0", "2.2", "4.0.30319.42000"),
    }
    version, own_build, stack, protocol, clr = known.get(
        session.version, (f"5.1.{state.identity.build}.{state.identity.ubr}", build, "3.0", "2.3", "4.0.30319.42000")
    )
    number = session.number
    compatible = [one for one in _COMPATIBLE if tuple(map(int, one.split("."))) <= number]
    table: dict[str, t.Any] = {
        "PSVersion": Version(version),
        "PSCompatibleVersions": array([Version(one) for one in compatible], OBJECT_ARRAY),
        "BuildVersion": Version(own_build),
        "CLRVersion": Version(clr),
        "WSManStackVersion": Version(stack),
        "PSRemotingProtocolVersion": Version(protocol),
        "SerializationVersion": Version("1.1.0.1"),
    }
    if number >= (5, 1):
        table["PSEdition"] = "Desktop"
    return table
