# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session configurations: which PowerShell answers, with how many bits, and what it lets a client do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.machine.role_capability import Entry

DEFAULT_NAME = "Microsoft.PowerShell"
LANGUAGE_MODES = ("FullLanguage", "RestrictedLanguage", "NoLanguage", "ConstrainedLanguage")
VERSIONS = ("2.0", "3.0", "4.0", "5.1", "7.4", "7.6")

# Always there in a session of type RestrictedRemoteServer (the proxies of InitialSessionState.CreateRestricted).
RESTRICTED_PROXIES = (
    "Get-Command",
    "Get-FormatData",
    "Select-Object",
    "Get-Help",
    "Measure-Object",
    "Exit-PSSession",
    "Out-Default",
)


@dataclass(frozen=True)
class SessionConfiguration:
    """``visible`` ``None``: everything. Else commands, by module or path, with their parameters and limits."""

    name: str = DEFAULT_NAME
    version: str = "5.1"
    bits: int = 64
    language_mode: str = "FullLanguage"
    visible: t.Mapping[str, Entry] | None = None
    restricted: bool = False
    """SessionType RestrictedRemoteServer (JEA): commands that are not visible do not exist."""
    providers: frozenset[str] | None = None
    """In lower case; ``None``: all."""
    build: str = field(default="", compare=False)

    @property
    def core(self) -> bool:
        """PowerShell 6 and later."""
        return int(self.version.split(".", maxsplit=1)[0]) >= 6

    @property
    def plays(self) -> str:
        """The engine whose answers this session gives: 7.6 is held to a real one (docs/lab.md), 5.1 differs from it
        only where PowerShell's source of 2016 or a recording says so."""
        return "7.6" if self.core else "5.1"

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    @property
    def scripts_allowed(self) -> bool:
        return self.language_mode != "NoLanguage"


def default_sessions(windows_build: int) -> dict[str, SessionConfiguration]:
    """The configurations that Windows PowerShell registers by itself."""
    version = (
        "2.0" if windows_build < 9200 else "3.0" if windows_build < 9600 else "4.0" if windows_build < 10240 else "5.1"
    )
    return {
        DEFAULT_NAME: SessionConfiguration(DEFAULT_NAME, version),
        "Microsoft.PowerShell32": SessionConfiguration("Microsoft.PowerShell32", version, bits=32),
    }
