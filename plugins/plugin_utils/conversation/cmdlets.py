# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Every cmdlet that the collection sends: the module it is called by, and whether it only looks.

A plain name may be answered by a function or an alias of a site's profile; a name with its module reaches the cmdlet,
and is the name that a JEA role file has to list, letter for letter.
"""

from __future__ import annotations

CORE = "Microsoft.PowerShell.Core"
MANAGEMENT = "Microsoft.PowerShell.Management"
UTILITY = "Microsoft.PowerShell.Utility"
CIM = "CimCmdlets"
TLS = "TLS"
GROUP_POLICY = "GroupPolicy"

READS = {
    "ForEach-Object": CORE,
    "Get-ChildItem": MANAGEMENT,
    "Get-Content": MANAGEMENT,
    "Get-Item": MANAGEMENT,
    "Get-ItemProperty": MANAGEMENT,
    "Get-Process": MANAGEMENT,
    "Get-Service": MANAGEMENT,
    "Get-WmiObject": MANAGEMENT,
    "Get-Date": UTILITY,
    "Get-Variable": UTILITY,
    "Select-Object": UTILITY,
    "Select-String": UTILITY,
    "Write-Output": UTILITY,
    "Get-CimInstance": CIM,
    "Get-TlsCipherSuite": TLS,
    "Get-TlsEccCurve": TLS,
    "Get-GPO": GROUP_POLICY,
    "Get-GPRegistryValue": GROUP_POLICY,
}
"""Cmdlet → module. ``ForEach-Object`` is sent with the names of two getters of a registry key only."""

WRITES = {
    "Move-Item": MANAGEMENT,
    "New-Item": MANAGEMENT,
    "Remove-Item": MANAGEMENT,
    "Remove-ItemProperty": MANAGEMENT,
    "Set-Content": MANAGEMENT,
    "Set-ItemProperty": MANAGEMENT,
    "Invoke-CimMethod": CIM,
    "Disable-TlsCipherSuite": TLS,
    "Enable-TlsCipherSuite": TLS,
    "Remove-GPRegistryValue": GROUP_POLICY,
    "Set-GPRegistryValue": GROUP_POLICY,
}
"""Cmdlet → module. Of ``Invoke-CimMethod`` the methods of ``READING_METHODS`` only look."""

READING_METHODS = frozenset({"EnumKey", "EnumValues", "GetDWORDValue", "GetStringValue", "GetKeyProtectors"})
READING_PROGRAMS = frozenset({"curl.exe"})
"""Programs that change nothing on the endpoint, by file name in lower case."""

_MODULES = {name.lower(): f"{module}\\{name}" for name, module in {**READS, **WRITES}.items()}
_READS = frozenset(name.lower() for name in READS)


def qualified(name: str) -> str:
    """The name that is sent: a cmdlet with its module, a program or a name with its module as it is.

    Raises ValueError for a plain name that is not listed here, since anything could answer to it.
    """
    if "\\" in name or bare(name).endswith(".exe"):
        return name
    try:
        return _MODULES[name.lower()]
    except KeyError:
        raise ValueError(f"{name} has no module in conversation/cmdlets.py: list it there.") from None


def bare(name: str) -> str:
    """The last part of a command's name, in lower case."""
    return name.rpartition("\\")[2].lower()


def only_reads(name: str, method: object = None) -> bool:
    """Whether a command changes nothing; ``method``: MethodName of Invoke-CimMethod. What is not listed writes."""
    last = bare(name)
    return last in _READS or last in READING_PROGRAMS or (last == "invoke-cimmethod" and method in READING_METHODS)
