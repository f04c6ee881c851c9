# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Variable for the variables that a reader may want."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.call import Call, Cmdlet, Parameter, output
from ansible_collections.fleetops.tetra.lab.machine.filesystem import is_pattern
from ansible_collections.fleetops.tetra.lab.machine.objects import PSObj, enumeration
from ansible_collections.fleetops.tetra.lab.machine.version_table import version_table
from ansible_collections.fleetops.tetra.lab.pipeline import Event, NonTerminatingError

_MODES = {"FullLanguage": 0, "RestrictedLanguage": 1, "NoLanguage": 2, "ConstrainedLanguage": 3}


def _variables(call: Call) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {
        "ErrorActionPreference": enumeration("System.Management.Automation.ActionPreference", 2, "Continue"),
        "ExecutionContext": _execution_context(call),
        "PSVersionTable": version_table(call.state, call.session),
        "PSCulture": "en-US",
        "ShellId": "Microsoft.PowerShell",
    }
    if call.variables.last_exit_code is not None:
        found["LASTEXITCODE"] = call.variables.last_exit_code
    if call.session.core:
        found.update({"IsWindows": True, "IsCoreCLR": True})
    return found


def _execution_context(call: Call) -> PSObj:
    mode = call.session.language_mode
    state = PSObj(
        ("System.Management.Automation.SessionState", "System.Object"),
        props={"LanguageMode": enumeration("System.Management.Automation.PSLanguageMode", _MODES[mode], mode)},
        text="System.Management.Automation.SessionState",
    )
    return PSObj(
        ("System.Management.Automation.EngineIntrinsics", "System.Object"),
        props={"SessionState": state},
        text="System.Management.Automation.EngineIntrinsics",
    )


def run(call: Call) -> t.Iterator[Event]:
    variables = _variables(call)
    for wanted in call.texts("Name") or ["*"]:
        found = [name for name in variables if fnmatch.fnmatchcase(name.lower(), wanted.lower())]
        if not found and not is_pattern(wanted):
            yield NonTerminatingError(
                call.error(
                    "variable_missing",
                    wanted,
                    error_id="VariableNotFound",
                    category="ObjectNotFound",
                    exception="System.Management.Automation.ItemNotFoundException",
                    target=wanted,
                )
            )
        for name in found:
            if call.switch("ValueOnly"):
                yield output(variables[name])
            else:
                yield output(
                    PSObj(
                        ("System.Management.Automation.PSVariable", "System.Object"),
                        props={"Name": name, "Description": "", "Value": variables[name]},
                        text="System.Management.Automation.PSVariable",
                    )
                )


CMDLETS = (
    Cmdlet(
        "Get-Variable",
        "Microsoft.PowerShell.Utility",
        "Microsoft.PowerShell.Commands.GetVariableCommand",
        {
            "Name": Parameter(position=0, pipeline=True),
            "ValueOnly": Parameter(switch=True),
            "Scope": Parameter(values=("Global", "Local", "Script", "0")),
        },
        run,
    ),
)
