# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of Windows that the engine lacks, as script functions: enough for tests of what has no part in them."""

from __future__ import annotations

_FOLDER = "C:\\Program Files\\PowerShell\\Modules"
_MANIFEST = "@{{ ModuleVersion = '9.0'; GUID = '{guid}'; RootModule = '{name}.psm1'; FunctionsToExport = '*' }}"
_TLS = """
function Get-TlsCipherSuite { [CmdletBinding()] param($Name)
  @{ TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 49200; TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 49199 }.GetEnumerator() |
    ForEach-Object { [pscustomobject]@{ Name = $_.Key; CipherSuite = [uint32]$_.Value; Protocols = @([uint32]771) } } }
function Get-TlsEccCurve { [CmdletBinding()] param() 'curve25519', 'NistP256', 'NistP384' }
"""
_BOOT = """
function Get-CimInstance { [CmdletBinding()] param($ClassName, $Namespace, $Filter, $Property)
  if ($ClassName -eq 'Win32_OperatingSystem') {
    [pscustomobject]@{ LastBootUpTime = [datetime]::new(2026, 11, 1, 0, 0, 0, 'Utc'); CurrentTimeZone = 0 } } }
"""
WMI_DENIED = """
function Invoke-CimMethod { [CmdletBinding()] param($ClassName, $Namespace, $MethodName, $Arguments)
  $PSCmdlet.WriteError([Management.Automation.ErrorRecord]::new(
    [Exception]::new('Access denied'), 'HRESULT 0x80041003', 'PermissionDenied', 'StdRegProv')) }
"""


def files(wmi: str = "") -> dict[str, bytes]:
    """What to write into a machine; ``wmi``: the text of Invoke-CimMethod (default: a command that does not exist)."""
    made = {}
    for number, (name, text) in enumerate({"TLS": _TLS, "CimCmdlets": _BOOT + wmi}.items()):
        guid = f"7a1c0000-0000-4000-8000-00000000000{number}"
        made[f"{_FOLDER}\\{name}\\{name}.psd1"] = _MANIFEST.format(guid=guid, name=name).encode()
        made[f"{_FOLDER}\\{name}\\{name}.psm1"] = text.encode()
    return made
