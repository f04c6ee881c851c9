# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session configurations: which PowerShell answers, with how many bits, and what it lets a client do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

DEFAULT_NAME = "Microsoft.PowerShell"
LANGUAGE_MODES = ("FullLanguage", "RestrictedLanguage", "NoLanguage", "ConstrainedLanguage")
VERSIONS = ("2.0", "3.0", "4.0", "5.1", "7.4")

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
AUDIT_COMMANDS: dict[str, dict[str, t.Any]] = {
    "TLS\\Get-TlsCipherSuite": {},
    "TLS\\Get-TlsEccCurve": {},
    "Microsoft.PowerShell.Utility\\Write-Output": {},
    "Microsoft.PowerShell.Utility\\Select-Object": {},
    "Microsoft.PowerShell.Utility\\Add-Member": {},
    "Microsoft.PowerShell.Utility\\Select-String": {},
    "Microsoft.PowerShell.Utility\\Get-Date": {},
    "Microsoft.PowerShell.Utility\\Get-Variable": {},
    "Microsoft.PowerShell.Management\\Get-ItemProperty": {},
    "Microsoft.PowerShell.Management\\Get-Item": {},
    "Microsoft.PowerShell.Management\\Get-ChildItem": {},
    "Microsoft.PowerShell.Management\\Get-Content": {},
    "Microsoft.PowerShell.Management\\Test-Path": {},
    "Microsoft.PowerShell.Management\\Get-Service": {},
    "CimCmdlets\\Get-CimInstance": {},
    "CimCmdlets\\Invoke-CimMethod": {
        "ClassName": ["StdRegProv"],
        "MethodName": [
            "EnumValues",
            "EnumKey",
            "GetStringValue",
            "GetExpandedStringValue",
            "GetDWORDValue",
            "GetQWORDValue",
            "GetMultiStringValue",
            "GetBinaryValue",
        ],
    },
    "C:\\Windows\\System32\\curl.exe": {},
}
"""What the role capability for auditing makes visible: command → {parameter: allowed values}."""


@dataclass(frozen=True)
class SessionConfiguration:
    """``visible`` ``None``: everything. Else commands, module-qualified or by path, with the values they accept."""

    name: str = DEFAULT_NAME
    version: str = "5.1"
    bits: int = 64
    language_mode: str = "FullLanguage"
    visible: t.Mapping[str, t.Mapping[str, t.Sequence[str]]] | None = None
    restricted: bool = False
    """SessionType RestrictedRemoteServer (JEA): commands that are not visible do not exist."""
    build: str = field(default="", compare=False)

    @property
    def core(self) -> bool:
        """PowerShell 6 and later."""
        return int(self.version.split(".")[0]) >= 6

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
