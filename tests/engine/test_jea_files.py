# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of ``docs/jea`` as an administrator rolls them out: the engine's own check of them, and its own way from
the session configuration over its RoleDefinitions to the role in its module (CreateFromSessionConfigurationFile).

The attacks (test_jea_attacks) run on a role put into one file, since ``pwsh -ConfigurationFile`` takes no
RoleDefinitions; here it is seen that the chain makes the same commands of it.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import role_capability
from ansible_collections.fleetops.tetra.tests.engine.conftest import MakeEngine

JEA = pathlib.Path(__file__).resolve().parents[2] / "docs" / "jea"
ROLES = ("audit", "diagnose", "repair")
_MODULES = "C:\\Program Files\\PowerShell\\Modules"
_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"


def rolled_out() -> dict[str, bytes]:
    """As docs/jea/README.md says: a module with the role beside a manifest, and the session configuration."""
    files = {}
    for name in ROLES:
        module = f"FleetopsTetra{name.capitalize()}"
        stem = f"fleetops.tetra.{name}"
        manifest = f"@{{ ModuleVersion = '1.0'; GUID = '7a1c0000-0000-4000-8000-00000000001{ROLES.index(name)}' }}"
        files[f"{_MODULES}\\{module}\\{module}.psd1"] = manifest.encode()
        files[f"{_MODULES}\\{module}\\RoleCapabilities\\{stem}.psrc"] = (JEA / f"{stem}.psrc").read_bytes()
        files[f"C:\\jea\\{stem}.pssc"] = (JEA / f"{stem}.pssc").read_bytes()
    return files


_OPEN = """
$state = [initialsessionstate]::CreateFromSessionConfigurationFile('C:\\jea\\fleetops.tetra.{name}.pssc', {{ $true }})
$global:space = [runspacefactory]::CreateRunspace($state); $space.Open()
function global:Send([object[]]$Commands) {{
  $shell = [powershell]::Create(); $shell.Runspace = $space
  foreach ($one in $Commands) {{
    $null = $shell.AddCommand($one.Name); if ($one.With) {{ $null = $shell.AddParameters($one.With) }} }}
  try {{ $shell.Invoke() | ForEach-Object {{ "$_" }} }}
  catch {{ "failed $($_.Exception.InnerException.GetType().Name)" }}
  $shell.Streams.Error | ForEach-Object {{ "error $($_.FullyQualifiedErrorId)" }} }}
$state.Commands | Where-Object Visibility -eq 'Public' | ForEach-Object {{ $_.Name }}
"""


@pytest.mark.long_engine
def test_the_engine_takes_the_files_and_makes_the_same_commands_of_the_chain(engine: MakeEngine) -> None:
    with engine(keys={_KEY: {"CurrentBuildNumber": ("REG_SZ", "19045")}}, files=rolled_out()) as one:
        for name in ROLES:
            path = f"C:\\jea\\fleetops.tetra.{name}.pssc"
            assert one.script(f"Test-PSSessionConfigurationFile -Path '{path}'") == [True]
            made = {str(command).lower() for command in one.script(_OPEN.format(name=name))}
            wanted = role_capability.load(role_capability.shipped(name)).visible
            functions = {command.lower() for command, entry in wanted.items() if entry.kind == "function"}
            assert functions <= made, functions - made
            # Beside the role: what every restricted session has.
            usual = {"clear-host", "cls", "clear", "exit-pssession", "exsn", "get-command", "gcm", "get-formatdata",
                     "get-help", "measure-object", "measure", "out-default", "select-object", "select"}  # fmt: skip
            assert {one for one in made - functions - usual if "\\" in one or ".exe" in one} <= {
                "microsoft.powershell.utility\\write-output",
                "microsoft.powershell.utility\\select-object",
            }
            asked = (
                "Send @{ Name = 'Microsoft.PowerShell.Management\\Get-ItemProperty'; With = @{ LiteralPath = "
                f"'Registry::{_KEY}' }} }}, @{{ Name = 'Microsoft.PowerShell.Utility\\Select-Object'; With = "
                "@{ Property = @('CurrentBuildNumber') } }"
            )
            assert one.script(asked) == ["@{CurrentBuildNumber=19045}"]
            for hostile in (
                "@{ Name = 'Microsoft.PowerShell.Management\\Get-ItemProperty'; With = @{ LiteralPath = 'HKLM:' } }",
                "@{ Name = 'Get-Date' }",
                "@{ Name = 'Microsoft.PowerShell.Management\\Get-Content'; With = @{ LiteralPath = 'C:\\jea\\x' } }",
            ):
                (told,) = one.script(f"Send {hostile}")
                assert told.startswith(("failed CommandNotFound", "failed ParameterBinding", "error ")), (hostile, told)


@pytest.mark.long_engine
def test_a_damaged_file_is_refused_by_the_engine(engine: MakeEngine) -> None:
    text = (JEA / "fleetops.tetra.audit.pssc").read_text().replace("RestrictedRemoteServer", "NoSuchType")
    files: dict[str, t.Any] = {"C:\\jea\\broken.pssc": text.encode()}
    with engine(files=files) as one:
        assert one.script("Test-PSSessionConfigurationFile -Path 'C:\\jea\\broken.pssc'") == [False]
