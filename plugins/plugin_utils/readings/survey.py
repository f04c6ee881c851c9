# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The first pipeline: what exists on this endpoint. Only questions that every Windows answers.

The second pipeline is composed from the answers, so that a healthy endpoint needs two.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import paths
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Thing
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Question, Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    RegistryAnswers,
    children_question,
    going_on,
    items_question,
    key_names,
    provider_path,
    select,
    values_question,
)

CURRENT_VERSION_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
COMPUTER_NAME_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName"
WINHTTP_PROXY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
WINHTTP_PROXY_VALUE = "WinHttpSettings"
SERVICES_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"

SERVICING_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending"
WINDOWS_UPDATE_KEY = (
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
)
SESSION_MANAGER_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager"
RENAMES_VALUE = "PendingFileRenameOperations"
ELEVATION_KEY = r"HKEY_USERS\S-1-5-19"
"""The hive of LocalService: only a full administrator may open it."""

_VALUES: dict[str, tuple[str, ...]] = {
    CURRENT_VERSION_KEY: (
        "ProductName",
        "CurrentBuildNumber",
        "UBR",
        "EditionID",
        "DisplayVersion",
        "ReleaseId",
        "InstallationType",
    ),
    facts.POLICY_KEY: (facts.SUITES_VALUE, facts.CURVES_VALUE, facts.MINIMUM_TLS_VALUE),
    facts.LOCAL_KEY: (facts.SUITES_VALUE, facts.CURVES_VALUE),
    facts.FIPS_KEY: (facts.FIPS_VALUE,),
    facts.WINHTTP_KEY: (facts.WINHTTP_VALUE,),
    facts.MDM_KEY: facts.MDM_VALUES,
    facts.MDM_CONFLICT_KEY: (facts.MDM_CONFLICT_VALUE,),
    facts.LGPO_KEY: (facts.LGPO_VALUE,),
    # The key of the connector holds its identity as well: no other value of it may travel.
    paths.REGISTRY_KEY: ("InstallDir",),
    WINHTTP_PROXY_KEY: (WINHTTP_PROXY_VALUE,),
    COMPUTER_NAME_KEY: ("ComputerName",),
    facts.OUR_KEY: (facts.CHANGED_AT,),
}
KEYS = tuple(_VALUES)
_ITEM_KEYS = (SERVICING_KEY, WINDOWS_UPDATE_KEY, SESSION_MANAGER_KEY, ELEVATION_KEY)
SCHANNEL_PARENTS = tuple(dict.fromkeys(facts.schannel_path(key).rpartition("\\")[0] for key in facts.SCHANNEL_KEYS))


def questions() -> list[Question]:
    """The first pipeline."""
    names = list(dict.fromkeys(name for values in _VALUES.values() for name in values))
    return [
        # The first statement of a pipeline travels twice, so a small one comes first.
        Question(
            "environment",
            (
                going_on("Get-ChildItem", Path=["Env:PROCESSOR_ARCH*", "Env:SystemRoot*", "Env:ProgramData*"]),
                select("Name", "Value"),
            ),
        ),
        values_question("values", KEYS, names),
        children_question("schannel", SCHANNEL_PARENTS),
        items_question("items", _ITEM_KEYS),
        Question(
            "services",
            (
                going_on("Get-ItemProperty", Path=provider_path(f"{SERVICES_KEY}\\CiscoAMP*")),
                select("PSChildName", "ImagePath", "Start"),
            ),
            frozenset({f"{SERVICES_KEY}\\CiscoAMP*".lower(), SERVICES_KEY.lower()}),
        ),
    ]


@dataclass
class Survey:
    """The answers of the first pipeline."""

    registry: RegistryAnswers
    schannel: Reply
    items: Reply
    services: Reply
    environment: dict[str, str]
    """Names in lower case; empty where the endpoint does not show its environment."""

    @classmethod
    def read(cls, replies: t.Mapping[str, Reply]) -> Survey:
        environment: dict[str, str] = {}
        for thing in replies["environment"].values:
            if isinstance(thing, Thing) and isinstance(thing.get("Name"), str) and isinstance(thing.get("Value"), str):
                environment[thing.get("Name").lower()] = thing.get("Value")
        return cls(
            RegistryAnswers(replies["values"]), replies["schannel"], replies["items"], replies["services"], environment
        )

    @property
    def build(self) -> int | None:
        text = self.registry.data(CURRENT_VERSION_KEY, "CurrentBuildNumber")
        return int(text) if isinstance(text, str) and text.isdigit() and len(text) < 10 else None

    @property
    def process_bits(self) -> t.Literal[32, 64] | None:
        """How wide the PowerShell process is: a 32-bit one sees another part of the registry and another System32."""
        architecture = self.environment.get("processor_architecture")
        if architecture is None:
            return None
        return 32 if architecture.lower() == "x86" else 64

    @property
    def is_redirected(self) -> bool:
        """A 32-bit process on a 64-bit Windows."""
        return self.process_bits == 32 and "processor_architew6432" in self.environment

    @property
    def system_root(self) -> str:
        return self.environment.get("systemroot", r"C:\Windows").rstrip("\\")

    @property
    def program_data(self) -> str:
        return self.environment.get("programdata", r"C:\ProgramData").rstrip("\\")

    def schannel_keys(self) -> dict[str, list[str]]:
        """Full path in lower case → names of its values, for all keys right below the parents."""
        return {path.lower(): names for path, names in key_names(self.schannel).items()}

    def connector_service(self) -> tuple[str, str, int | None] | None:
        """(name, image path, start) of the connector's service."""
        for thing in self.services.values:
            if not isinstance(thing, Thing):
                continue
            name, image, start = thing.get("PSChildName"), thing.get("ImagePath"), thing.get("Start")
            if isinstance(name, str) and isinstance(image, str) and paths.is_connector_service(name, image):
                return name, image, start if isinstance(start, int) else None
        return None
