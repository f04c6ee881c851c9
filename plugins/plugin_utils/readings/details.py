# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The second pipeline: what the survey showed to be there, and the questions that not every Windows answers.

The safest come first and the most fragile last: a command that an endpoint does not have ends the rest of its batch.
"""

from __future__ import annotations

import ntpath
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import paths
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Command, Statement, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Question
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    dword_statement,
    enum_values_statement,
    going_on,
    items_question,
    select,
    values_question,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import CRYPTOGRAPHY_KEY, TCPIP_KEY, Survey

FIRST_BUILD_WITH_TLS_CMDLETS = 10240
LOG_LINES = 40
"""Log lines that name the definition update; one update writes about ten."""
FILES = ("local_gpo_file", "local_gpo_bytes", "archive", "local_xml", "policy_xml", "log_file", "log_lines")
"""The questions about files. One about a file that every Windows has goes with them."""
RSOP_NAMESPACE = "root/rsop/computer"


@dataclass(frozen=True)
class Shell:
    """Which PowerShell answers, by its PSVersionTable."""

    version: str | None
    edition: str | None

    @property
    def major(self) -> int:
        head = (self.version or "").partition(".")[0]
        return int(head) if head.isdigit() else 5

    @property
    def is_core(self) -> bool:
        return self.edition == "Core" or self.major >= 6

    @property
    def has_cim(self) -> bool:
        return self.major >= 3

    @property
    def runs_batches(self) -> bool:
        """PowerShell 2.0 runs one statement of a pipeline only."""
        return self.major >= 3


@dataclass(frozen=True)
class Plan:
    """What the second pipeline asks, and the places that its answers are about."""

    questions: list[Question]
    connector: paths.Layout | None
    registry_pol: str
    archive: str


def compose(survey: Survey, shell: Shell, as_image: bool = False) -> Plan:
    """The second pipeline for this endpoint. For the build machine of an image (``as_image``) the local policy is read
    even where the registry holds none, since it may not be applied yet."""
    layout = connector_layout(survey)
    system32 = ntpath.join(survey.system_root, "Sysnative" if survey.is_redirected else "System32")
    registry_pol = local_gpo.MACHINE_POL.replace(r"C:\Windows\System32", system32, 1)
    archive = ntpath.join(survey.program_data, "ntuser.pol")
    asked: list[Question] = []
    asked.append(items_question("names", survey.to_list()))
    asked.extend(_schannel(survey, shell))
    policy_set = any(
        survey.registry.data(facts.POLICY_KEY, value) is not None for value in (facts.SUITES_VALUE, facts.CURVES_VALUE)
    )
    if policy_set or as_image:
        asked.append(_file("local_gpo_file", registry_pol))
        asked.append(_bytes("local_gpo_bytes", registry_pol, shell))
        asked.append(_file("archive", archive))
    if layout is not None:
        asked.append(_bytes("local_xml", layout.local_xml, shell))
        asked.append(_bytes("policy_xml", layout.policy_xml, shell))
        asked.append(_file("log_file", layout.log))
        asked.append(_log(layout.log))
    asked.append(Question("os", _operating_system(shell), frozenset({"win32_operatingsystem"})))
    if policy_set and shell.has_cim:
        asked.append(Question("policy_types", enum_values_statement(facts.POLICY_KEY)))
        asked.extend(_rsop())
    if survey.build is None or survey.build >= FIRST_BUILD_WITH_TLS_CMDLETS:
        asked.append(
            Question(
                "suites",
                (command("Get-TlsCipherSuite"), command("Write-Output"), select("Name", "CipherSuite", "Protocols")),
            )
        )
        asked.append(Question("curves", (command("Get-TlsEccCurve"), command("Write-Output"))))
    if any(question.name in FILES for question in asked):
        asked.append(_file("file_canary", ntpath.join(system32, "ntdll.dll")))
    service = survey.connector_service()
    if service is not None:
        asked.append(
            Question(
                "service",
                (going_on("Get-Service", Name=service[0]), select("Name", "Status")),
                frozenset({service[0].lower()}),
            )
        )
    # Last, and by itself: a restricted session of an earlier release refuses it.
    asked.append(values_question("identity", [CRYPTOGRAPHY_KEY, TCPIP_KEY], ["MachineGuid", "Domain"]))
    return Plan(asked, layout, registry_pol, archive)


def connector_layout(survey: Survey) -> paths.Layout | None:
    """The folders of the connector, by its service's image path."""
    service = survey.connector_service()
    return paths.from_service_image(service[1]) if service is not None else None


def _schannel(survey: Survey, shell: Shell) -> t.Iterator[Question]:
    present = survey.schannel_keys()
    found: list[str] = []
    slashed: dict[str, list[str]] = {}
    for key in facts.SCHANNEL_KEYS:
        path = facts.schannel_path(key)
        about = present.get(path.lower())
        if about is not None and (names := needed(about.names)):
            found.append(path)
            if "/" in key:
                slashed[path] = names
    if found:
        yield values_question("schannel_values", found, facts.SCHANNEL_VALUES)
    # StdRegProv is a second witness for the keys that the provider could not address before.
    if shell.has_cim:
        for path, values in slashed.items():
            yield Question(f"enum:{path}", enum_values_statement(path))
            for value in values:
                yield Question(f"dword:{path}:{value}", dword_statement(path, value))


def needed(names: t.Iterable[str]) -> list[str]:
    """Those of a Schannel key's value names that count, as ``facts.SCHANNEL_VALUES`` spells them."""
    found = {name.lower() for name in names}
    return [name for name in facts.SCHANNEL_VALUES if name.lower() in found]


def _file(name: str, path: str) -> Question:
    statement = (
        going_on("Get-Item", LiteralPath=path, Force=True),
        select("FullName", "Length", "LastWriteTimeUtc"),
    )
    return Question(name, statement, frozenset({path.lower()}))


def _bytes(name: str, path: str, shell: Shell) -> Question:
    how: dict[str, t.Any]
    if shell.is_core:
        how = {"AsByteStream": True, "Raw": True}
    elif shell.major >= 3:
        how = {"Encoding": "Byte", "Raw": True}
    else:
        how = {"Encoding": "Byte", "ReadCount": 0}
    # No target of its own: a file that is missing is named by other questions of the batch as well.
    return Question(name, (going_on("Get-Content", LiteralPath=path, **how),), frozenset({path.lower()}))


def _log(path: str) -> Question:
    statement = (
        going_on("Select-String", LiteralPath=path, Pattern=["Tetra", "AVStat"], SimpleMatch=True, CaseSensitive=True),
        command("Select-Object", ExpandProperty="Line"),
        command("Select-Object", Last=LOG_LINES),
    )
    return Question("log_lines", statement, frozenset({path.lower()}))


def _operating_system(shell: Shell) -> Statement:
    fields = ["LastBootUpTime", "CurrentTimeZone"]
    if shell.has_cim:
        reader = going_on("Get-CimInstance", ClassName="Win32_OperatingSystem", Property=fields)
    else:
        reader = going_on("Get-WmiObject", Class="Win32_OperatingSystem", Property=fields)
    return (reader, select(*fields))


def _rsop() -> t.Iterator[Question]:
    def rows(class_name: str, **more: t.Any) -> Command:
        return going_on("Get-CimInstance", Namespace=RSOP_NAMESPACE, ClassName=class_name, **more)

    yield Question(
        "rsop_rows",
        (
            rows("RSOP_RegistryPolicySetting", Filter="valueName LIKE '%Functions' OR valueName LIKE '%EccCurves'"),
            select(
                "registryKey",
                "valueName",
                "valueType",
                "value",
                "precedence",
                "GPOID",
                "SOMID",
                "deleted",
                "creationTime",
            ),
        ),
        frozenset({"rsop_registrypolicysetting"}),
    )
    yield Question(
        "rsop_gpos", (rows("RSOP_GPO"), select("id", "name", "guidName", "enabled")), frozenset({"rsop_gpo"})
    )
