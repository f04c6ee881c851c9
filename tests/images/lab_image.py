# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a simulated endpoint as the files of a Windows volume: the same machine, switched off."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState
from ansible_collections.fleetops.tetra.tests.images.hives import Keys, write_hive

_SYSTEM = "HKEY_LOCAL_MACHINE\\SYSTEM"
_SOFTWARE = "HKEY_LOCAL_MACHINE\\SOFTWARE"
_CURRENT = _SYSTEM + "\\CurrentControlSet"


def write_state(state: WindowsState, root: Path) -> Path:
    """Write registry and files of a simulated endpoint below ``root``."""
    config = root / "Windows" / "System32" / "config"
    config.mkdir(parents=True)
    system: Keys = {"Select": {"Current": ("REG_DWORD", 1), "Default": ("REG_DWORD", 1)}, "ControlSet001": {}}
    software: Keys = {}
    for path, values in state.registry.dump().items():
        keys = {name: _stored(kind, data) for name, (kind, data) in values.items()}
        if path.startswith(_CURRENT + "\\"):
            system["ControlSet001" + path[len(_CURRENT) :]] = keys
        elif path.startswith(_SYSTEM + "\\") and path != _CURRENT:
            system[path[len(_SYSTEM) + 1 :]] = keys
        elif path.startswith(_SOFTWARE + "\\"):
            software[path[len(_SOFTWARE) + 1 :]] = keys
    # The lab answers these from elsewhere (a variable of the process, WMI); Windows keeps them here.
    environment = system.setdefault(r"ControlSet001\Control\Session Manager\Environment", {})
    environment.setdefault("PROCESSOR_ARCHITECTURE", ("REG_SZ", "AMD64"))
    bias = -int(state.utc_offset.total_seconds() // 60) & 0xFFFFFFFF
    system.setdefault(r"ControlSet001\Control\TimeZoneInformation", {})["ActiveTimeBias"] = ("REG_DWORD", bias)
    write_hive(config / "SYSTEM", system)
    write_hive(config / "SOFTWARE", software)
    for file in state.files:
        if not file.path.upper().startswith("C:\\") or len(file.data) > 1 << 20:
            continue
        place = root.joinpath(*file.path[3:].split("\\"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
        os.utime(place, (file.modified.timestamp(), file.modified.timestamp()))
    return root


def _stored(kind: str, data: t.Any) -> tuple[str, t.Any]:
    if kind in ("REG_BINARY", "REG_NONE"):
        return "REG_BINARY", bytes.fromhex(data)
    return kind, list(data) if kind == "REG_MULTI_SZ" else data
