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
from dataclasses import dataclass, field, replace

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import paths
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject, plain_target
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import NOT_ASKED, Question, Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    Listed,
    RegistryAnswers,
    children_question,
    going_on,
    items_question,
    listing,
    provider_path,
    select,
    values_question,
)

CURRENT_VERSION_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
COMPUTER_NAME_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName"
CRYPTOGRAPHY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography"
"""Its value MachineGuid is made when Windows is set up."""
TCPIP_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
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
    facts.SIGNATURE_POLICY_KEY: (facts.SUITES_VALUE,),
    facts.SIGNATURE_LOCAL_KEY: (facts.SUITES_VALUE,),
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
CANARY = (CURRENT_VERSION_KEY, "CurrentBuildNumber")
"""A key and a value that every Windows has: where they are not shown, the session's word that something is missing does
not count."""
CANARY_SERVICE = "RpcSs"
"""A service that every Windows has."""
_SERVICE_PATHS = tuple(f"{SERVICES_KEY}\\{name}" for name in (CANARY_SERVICE, "CiscoAMP*", CANARY_SERVICE))
DOUBT = "The session does not show what every Windows has, so what it says to be missing is not known."
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
                # A pattern that fits nothing gives nothing, and no error; the service on both sides tells that nothing
                # was left out in between.
                going_on("Get-ItemProperty", Path=[provider_path(path) for path in _SERVICE_PATHS]),
                select("PSChildName", "ImagePath", "Start"),
            ),
            frozenset({SERVICES_KEY.lower(), *map(str.lower, _SERVICE_PATHS)}),
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
    parents: dict[str, Listed] = field(default_factory=dict)
    """What the keys of ``to_list`` say of themselves, by path in lower case."""
    schannel_values: RegistryAnswers = field(default_factory=lambda: RegistryAnswers(NOT_ASKED))

    @classmethod
    def read(cls, replies: t.Mapping[str, Reply]) -> Survey:
        environment: dict[str, str] = {}
        for obj in replies["environment"].values:
            if isinstance(obj, PSObject) and isinstance(obj.get("Name"), str) and isinstance(obj.get("Value"), str):
                environment[obj.get("Name").lower()] = obj.get("Value")
        survey = cls(
            RegistryAnswers(replies["values"]), replies["schannel"], replies["items"], replies["services"], environment
        )
        if survey.build is None:
            survey.doubt()
        return survey

    def doubt(self) -> None:
        """From now on nothing that was asked so far is absent."""
        self.registry.doubt(DOUBT)
        self.schannel = replace(self.schannel, doubt=DOUBT)
        self.items = replace(self.items, doubt=DOUBT)

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

    def passed_over(self) -> dict[str, tuple[str, ...]]:
        """Keys whose values were not handed over although nothing was said against these very keys."""
        return {key: names for key, names in _VALUES.items() if self.registry.is_cut(key)}

    def to_list(self) -> list[str]:
        """The keys whose own lists prove what is absent: those that the endpoint did not refuse by name."""
        parents = [parent for parent in SCHANNEL_PARENTS if self.schannel.refused(parent) is None]
        return [*self.registry.open_keys(KEYS), *parents]

    def settle(self, names: Reply) -> None:
        """Takes in the lists of ``to_list``."""
        self.parents = listing(names)
        about = self.parents.get(CANARY[0].lower())
        if about is None or not about.has(CANARY[1]):
            self.doubt()
        self.registry.settle(names)

    def take_schannel_values(self, reply: Reply) -> None:
        self.schannel_values = RegistryAnswers(reply)

    def schannel_passed_over(self) -> dict[str, tuple[str, ...]]:
        """Like ``passed_over``, for the Schannel keys that the second pipeline asked."""
        answers, keys = self.schannel_values, map(facts.schannel_path, facts.SCHANNEL_KEYS)
        return {key: facts.SCHANNEL_VALUES for key in keys if answers.was_asked(key) and answers.is_cut(key)}

    def schannel_keys(self) -> dict[str, Listed]:
        """Full path in lower case → what the key says of itself, for all keys right below the parents."""
        return listing(self.schannel)

    def all_listed(self, parent: str) -> bool:
        """Whether every key below a parent of Schannel keys was named, so that another one does not exist."""
        about = self.parents.get(parent.lower())
        named = {*self.schannel_keys(), *(plain_target(refusal.target) or "" for refusal in self.schannel.refusals)}
        below = [path for path in named if path.rpartition("\\")[0] == parent.lower()]
        return about is not None and about.keys == len(below) and self.schannel.doubt is None

    def shows_services(self) -> bool:
        """Whether the service that every Windows has came back on both sides of those that were asked for."""
        shown = [
            isinstance(obj, PSObject)
            and str(obj.get("PSChildName")).lower() == CANARY_SERVICE.lower()
            and isinstance(obj.get("ImagePath"), str)
            for obj in self.services.values
        ]
        return len(shown) > 1 and shown[0] and shown[-1]

    def connector_service(self) -> tuple[str, str, int | None] | None:
        """(name, image path, start) of the connector's service."""
        for obj in self.services.values:
            if not isinstance(obj, PSObject):
                continue
            name, image, start = obj.get("PSChildName"), obj.get("ImagePath"), obj.get("Start")
            if isinstance(name, str) and isinstance(image, str) and paths.is_connector_service(name, image):
                return name, image, start if isinstance(start, int) else None
        return None
