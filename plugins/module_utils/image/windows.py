# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From an opened Windows volume to the facts document.

What only a running system can tell stays ``not_read``. Everything else is what the next start of the image will find.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.image import connector, proxy
from ansible_collections.fleetops.tetra.plugins.module_utils.image.hive import Hive
from ansible_collections.fleetops.tetra.plugins.module_utils.image.registry import OfflineRegistry
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    ImageError,
    Source,
    UnreadableFileError,
    read_all,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import FileTree
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import gpt_ini, local_gpo

CONFIG = "Windows/System32/config"
MACHINE_POL = "Windows/System32/GroupPolicy/Machine/Registry.pol"
GPT_INI = "Windows/System32/GroupPolicy/gpt.ini"
POLICY_ARCHIVE = "ProgramData/ntuser.pol"
POL_LIMIT = 16 * 1024 * 1024
GPT_LIMIT = 64 * 1024

NOT_RUNNING = "Only a running Windows can tell; this is an image."

_VERSION_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_PRODUCT_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ProductOptions"
_CRYPTOGRAPHY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography"
_TCPIP_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
_NAME_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"
_ENVIRONMENT_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
_CBS_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending"
_UPDATE_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
_SESSION_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Session Manager"


class Windows:
    """A Windows found on a volume, with its two hives open."""

    def __init__(self, tree: FileTree) -> None:
        """:raises ImageError: no Windows here, or hives that cannot be trusted."""
        self._tree = tree
        tree.fetch([CONFIG + "/SYSTEM*", CONFIG + "/SOFTWARE*", MACHINE_POL, GPT_INI, POLICY_ARCHIVE])
        self.hives_only = tree.find(CONFIG) is None and tree.find("SYSTEM") is not None
        """The folder holds the hive files themselves and not a volume."""
        system = self._hive("SYSTEM")
        software = self._hive("SOFTWARE")
        self.registry = OfflineRegistry(system, software)
        self.recovered = [*system.recovered_from, *software.recovered_from]
        """Transaction logs that had to be applied."""

    def _hive(self, name: str) -> Hive:
        folder = "" if self.hives_only else CONFIG + "/"
        file = self._tree.find(folder + name)
        if file is None or file.is_folder:
            raise ImageError(
                f"There is no hive {name}, so no Windows can be judged here: give the root of a Windows volume, or a "
                "folder with its hives."
            )
        logs: list[tuple[str, Source]] = []
        for suffix in (".LOG1", ".LOG2", ".LOG"):
            log = self._tree.find(folder + name + suffix)
            if log is not None and not log.is_folder and log.size:
                logs.append((log.name, self._tree.open(log)))
        return Hive(self._tree.open(file), name, logs)

    def facts(self, host: str, collected_at: str) -> d.Facts:
        """The facts document.

        :param host: the name under which this image is reported.
        :param collected_at: UTC, ``YYYY-MM-DDTHH:MM:SSZ``.
        """
        registry = self.registry
        document = facts.empty_facts(host, "image", collected_at)
        unread = facts.empty_facts(host, "image", collected_at, facts.NOT_READ, NOT_RUNNING)
        document["cipher_suites"], document["probe"], document["psrp"] = (
            unread["cipher_suites"],
            unread["probe"],
            unread["psrp"],
        )
        document["os"] = self._os()
        document["local_order"] = registry.value_fact(facts.LOCAL_KEY, facts.SUITES_VALUE)
        document["policy_order"] = registry.value_fact(facts.POLICY_KEY, facts.SUITES_VALUE)
        document["curves"] = {
            **facts.section(facts.OK),
            "policy": registry.value_fact(facts.POLICY_KEY, facts.CURVES_VALUE),
            "local": registry.value_fact(facts.LOCAL_KEY, facts.CURVES_VALUE),
            "cmdlet": {**facts.section(facts.NOT_READ, NOT_RUNNING), "names": []},
        }
        document["signature_algorithms"] = {
            **facts.section(facts.OK),
            "policy": registry.value_fact(facts.SIGNATURE_POLICY_KEY, facts.SUITES_VALUE),
            "local": registry.value_fact(facts.SIGNATURE_LOCAL_KEY, facts.SUITES_VALUE),
        }
        document["schannel"] = {
            **facts.section(facts.OK),
            "keys": {key: registry.key_fact(facts.schannel_path(key)) for key in facts.SCHANNEL_KEYS},
            "winhttp_default_secure_protocols": registry.value_fact(facts.WINHTTP_KEY, facts.WINHTTP_VALUE),
        }
        document["fips"] = self._fips()
        document["policy_origin"] = self._policy_origin()
        document["reboot"] = self._reboot()
        installed = connector.read(registry, self._tree, self.hives_only)
        document["connector"] = installed.section
        document["proxy"] = {
            **facts.section(facts.OK),
            "winhttp": proxy.winhttp_section(registry),
            "policy": installed.policy_proxy,
        }
        return document

    def _os(self) -> d.Os:
        registry = self.registry
        build = registry.text(_VERSION_KEY, "CurrentBuildNumber") or registry.text(_VERSION_KEY, "CurrentBuild")
        installation = registry.text(_VERSION_KEY, "InstallationType")
        product_type = registry.text(_PRODUCT_KEY, "ProductType")
        section: d.Os = {
            **facts.section(facts.OK),
            "product": registry.text(_VERSION_KEY, "ProductName"),
            "build": int(build)
            if build is not None and build.isascii() and build.isdigit() and len(build) < 10
            else None,
            "ubr": registry.number(_VERSION_KEY, "UBR"),
            "edition": registry.text(_VERSION_KEY, "EditionID"),
            "display_version": registry.text(_VERSION_KEY, "DisplayVersion")
            or registry.text(_VERSION_KEY, "ReleaseId"),
            "kind": _kind(installation, product_type),
            "computer_name": registry.text(_NAME_KEY, "ComputerName"),
            "domain": registry.text(_TCPIP_KEY, "Domain") or None,
            "machine_guid": registry.text(_CRYPTOGRAPHY_KEY, "MachineGuid") or None,
            "architecture": registry.text(_ENVIRONMENT_KEY, "PROCESSOR_ARCHITECTURE"),
        }
        if section["build"] is None:
            why = "The hive SOFTWARE does not tell the build number of Windows."
            section["status"], section["reason"] = facts.ERROR, why
        return section

    def _fips(self) -> d.Fips:
        value = self.registry.value_fact(facts.FIPS_KEY, facts.FIPS_VALUE)
        if value["status"] == facts.ABSENT:
            return {**facts.section(facts.OK), "enabled": False, "value": value}
        if value["status"] == facts.OK and isinstance(value["data"], int):
            return {**facts.section(facts.OK), "enabled": value["data"] != 0, "value": value}
        return {**facts.section(facts.ERROR, "The value Enabled is no number."), "enabled": None, "value": value}

    def _policy_origin(self) -> d.PolicySources:
        registry = self.registry
        unread = facts.empty_facts("", "image", reason=NOT_RUNNING)["policy_origin"]
        mdm: d.Mdm = {
            **facts.section(facts.OK),
            "values": [registry.value_fact(key, name) for key, name in facts.MDM_PLACES],
            "mdm_wins_over_gp": registry.value_fact(facts.MDM_CONFLICT_KEY, facts.MDM_CONFLICT_VALUE),
        }
        return {
            **facts.section(facts.OK),
            "rsop": unread["rsop"],
            "local_gpo": self._local_gpo(),
            "mdm": mdm,
            "archive": self._archive(),
            "lgpo_processing_disabled": registry.value_fact(facts.LGPO_KEY, facts.LGPO_VALUE),
        }

    def _local_gpo(self) -> d.LocalGpo:
        path = "Registry.pol" if self.hives_only else MACHINE_POL
        try:
            file = self._tree.find(path)
            if file is None:
                if self.hives_only:
                    return local_gpo.unread_local_gpo(facts.NOT_READ, "The folder holds hives, but no Registry.pol.")
                return local_gpo.unread_local_gpo(facts.ABSENT, "There is no Registry.pol.")
            if file.is_folder:
                return local_gpo.unread_local_gpo(facts.ERROR, f"{file.path} is a folder.")
            data = read_all(self._tree.open(file), POL_LIMIT, file.path)
        except ImageError as error:
            return local_gpo.unread_local_gpo(facts.ERROR, str(error))
        return local_gpo.local_gpo_section(data, modified=file.modified)

    def notes(self) -> list[str]:
        """Sentences about control sets and the local policy that a reader of the result should know."""
        said = [self.registry.note] if self.registry.note else []
        return [*said, *self._policy_notes()]

    def _policy_notes(self) -> list[str]:
        pol = None if self.hives_only else self._tree.find(MACHINE_POL)
        if pol is None or not pol.size:
            return []
        try:
            file = self._tree.find(GPT_INI)
            if file is None:
                return ["There is no gpt.ini beside the local policy; Windows may not apply its Registry.pol."]
            gpt = gpt_ini.parse(read_all(self._tree.open(file), GPT_LIMIT, file.path))
            extensions = {guid.upper() for group in gpt.machine_extensions for guid in group[:1]}
            if gpt_ini.REGISTRY_EXTENSION not in extensions:
                return ["gpt.ini does not name the extension that applies Registry.pol; Windows may pass over it."]
            if not gpt.machine_version:
                return ["The version of the computer half in gpt.ini is 0; Windows may not apply Registry.pol."]
        except (ImageError, gpt_ini.GptIniError) as error:
            return [f"gpt.ini could not be read: {str(error).rstrip('.')}."]
        return []

    def _archive(self) -> d.Archive:
        path = r"C:\ProgramData\ntuser.pol"
        if self.hives_only:
            return {**facts.section(facts.NOT_READ, "The folder holds the hives only."), "path": None, "modified": None}
        try:
            file = self._tree.find(POLICY_ARCHIVE)
        except UnreadableFileError as error:
            return {**facts.section(facts.ERROR, str(error)), "path": path, "modified": None}
        if file is None:
            return {
                **facts.section(facts.ABSENT, "There is no archive of applied policies."),
                "path": path,
                "modified": None,
            }
        return {**facts.section(facts.OK), "path": path, "modified": file.modified}

    def _reboot(self) -> d.Reboot:
        registry = self.registry
        return {
            **facts.section(facts.OK),
            "last_boot": None,
            "pending": {
                "component_based_servicing": registry.key(_CBS_KEY) is not None,
                "windows_update": registry.key(_UPDATE_KEY) is not None,
                "file_rename": bool(registry.data(_SESSION_KEY, "PendingFileRenameOperations")),
            },
            "changed_by_us": None,
            "mark": registry.value_fact(facts.OUR_KEY, facts.CHANGED_AT),
        }


def _kind(installation: str | None, product_type: str | None) -> t.Literal["client", "server"] | None:
    """``client`` or ``server`` by the installation type, or by the product type of releases that have no such value."""
    if installation is not None:
        return "client" if installation == "Client" else "server"
    if product_type is None:
        return None
    return "client" if product_type.upper() == "WINNT" else "server"
