# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a session configuration of a site lets the audit do: tried command by command; no list tells it for certain.

Each command is sent once as the audit sends it. That it finds nothing is an answer; a command that is not there, or
refuses its parameters, is lacking. Two questions that no role of ``docs/jea`` allows tell a session that is more.
"""

from __future__ import annotations

import ntpath
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Asker,
    Refusal,
    Statement,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import details, registry, survey
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Question, Reply, ask_all

_OF_WINDOWS = ("microsoft.powershell", "microsoft.powershell32", "powershell.")
"""Session configurations that Windows and PowerShell 7 register themselves, which limit nothing."""
_LOG = r"C:\Program Files\Cisco\AMP\8.4.0\sfc.exe.log"
"""As good as any: whether it is there does not matter."""
_REFUSED = ("ParameterArgumentValidationError", "NamedParameterNotFound", "AmbiguousParameterSet", "CannotConvert")


def is_of_a_site(configuration: str | None) -> bool:
    """Whether a session configuration was made by somebody, and so may limit what is asked."""
    name = (configuration or "").lower().rpartition("/")[2]
    return bool(name) and not (name in _OF_WINDOWS[:2] or name.startswith(_OF_WINDOWS[2]))


def questions(surveyed: survey.Survey, shell: details.Shell) -> list[Question]:
    """One question for each command of the audit that this endpoint can have, by the command's name."""
    pol = local_gpo.MACHINE_POL
    parent = registry.provider_path(survey.SCHANNEL_PARENTS[0])
    asked: dict[str, Statement] = {
        "Write-Output": (command("Write-Output", InputObject="fleetops.tetra"),),
        "Select-Object": (command("Write-Output", InputObject="fleetops.tetra"), registry.select("Length")),
        "Get-ItemProperty": registry.values_question(
            "", [survey.CURRENT_VERSION_KEY], ["CurrentBuildNumber"]
        ).statement,
        "Get-Item": (registry.going_on("Get-Item", LiteralPath=pol, Force=True), registry.select("FullName")),
        "Get-ChildItem": (registry.going_on("Get-ChildItem", LiteralPath=parent), registry.select("PSChildName")),
        "Get-Content": _content(pol, shell),
        "Get-Service": (registry.going_on("Get-Service", Name="CiscoAMP"), registry.select("Name")),
        "Select-String": (
            registry.going_on(
                "Select-String", LiteralPath=_LOG, Pattern=["Tetra"], SimpleMatch=True, CaseSensitive=True
            ),
            command("Select-Object", ExpandProperty="Line"),
            command("Select-Object", Last=1),
        ),
        "Get-CimInstance": (
            registry.going_on("Get-CimInstance", ClassName="Win32_OperatingSystem", Property=["LastBootUpTime"]),
            registry.select("LastBootUpTime"),
        ),
        "Invoke-CimMethod": registry.enum_values_statement(facts.POLICY_KEY),
    }
    if surveyed.build is None or surveyed.build >= details.FIRST_BUILD_WITH_TLS_CMDLETS:
        asked["Get-TlsCipherSuite"] = (
            command("Get-TlsCipherSuite"),
            command("Write-Output"),
            registry.select("CipherSuite"),
        )
        asked["Get-TlsEccCurve"] = (command("Get-TlsEccCurve"), command("Write-Output"))
    return [Question(name, statement) for name, statement in asked.items()]


def _content(path: str, shell: details.Shell) -> Statement:
    how: dict[str, t.Any] = {"AsByteStream": True} if shell.is_core else {"Encoding": "Byte"}
    return registry.going_on("Get-Content", LiteralPath=path, Raw=True, **how), registry.select("Length")


def lacking(asker: Asker, surveyed: survey.Survey, shell: details.Shell) -> list[str]:
    """The commands of the audit that the session does not have or does not take as the audit sends them, sorted."""
    replies = ask_all(asker, questions(surveyed, shell), shell.runs_batches)
    return sorted(name for name, reply in replies.items() if any(map(_is_lacking, reply.refusals)) or _is_mute(reply))


def _is_lacking(refusal: Refusal) -> bool:
    return refusal.is_missing_command or refusal.error_id.startswith(_REFUSED)


def _is_mute(reply: Reply) -> bool:
    return not reply.complete and not reply.refusals


def beyond_the_roles(asker: Asker, surveyed: survey.Survey) -> list[str]:
    """What the session answers although no role for reading lets it: a reader's words, empty where it holds."""
    folder = ntpath.join(surveyed.system_root, "System32", "config")
    replies = ask_all(
        asker,
        [
            Question("command", (command("Get-Date"), registry.select("Kind"))),
            Question(
                "path", (registry.going_on("Get-Item", LiteralPath=folder, Force=True), registry.select("FullName"))
            ),
        ],
    )
    told = {"command": "Get-Date", "path": f"Get-Item of {folder}"}
    return [words for name, words in told.items() if replies[name].values]
