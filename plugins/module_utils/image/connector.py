# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The connector section of an image: services and install folder from the hives, state from the connector's files."""

from __future__ import annotations

import fnmatch
import io
import ntpath
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import (
    local_xml,
    log,
    log_files,
    paths,
    policy_xml,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.connector.xml_paths import XmlError
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.image.registry import OfflineRegistry
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import ImageError, read_all
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import File, FileTree

XML_LIMIT = 16 * 1024 * 1024
LOG_LIMIT = 16 * 1024 * 1024
"""Bytes from the end of the log that are searched for the last definition update."""

_SERVICES_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"
_TIME_ZONE_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
_START_MODES = {0: "Boot", 1: "System", 2: "Auto", 3: "Manual", 4: "Disabled"}
_NOT_INSTALLED = "No service of the connector is installed."
_HIVES_ONLY = "The folder holds the hives only."
_SYSTEM_DRIVE = "C:"


@dataclass(frozen=True)
class Installed:
    """What an image says about the connector."""

    section: d.Connector
    """The facts section ``connector``."""
    policy_proxy: d.PolicyProxy
    """``proxy.policy`` of the facts: the proxy in the connector's policy."""


def read(registry: OfflineRegistry, tree: FileTree, hives_only: bool) -> Installed:
    """Read the connector's registry values and files."""
    service = _service(registry)
    install_dir = registry.text(paths.REGISTRY_KEY, "InstallDir")
    if service is None:
        none = facts.empty_facts("", "image", status=facts.ABSENT, reason=_NOT_INSTALLED)["connector"]
        return Installed({**none, "install_dir": install_dir}, _no_proxy(facts.NOT_READ, _NOT_INSTALLED))
    name, layout, start_mode = service
    files = _Files(tree, install_dir or layout.install_dir, layout, hives_only)
    policy = files.read("policy.xml")
    local = files.read("local.xml")
    section: d.Connector = {
        **facts.section(facts.OK),
        "version": layout.version,
        "install_dir": install_dir or layout.install_dir,
        "folder": layout.folder,
        "service": {**facts.section(facts.OK), "name": name, "state": None, "start_mode": start_mode},
        "tetra": _tetra(policy, local),
        "definitions": local_xml.definitions_section(local.data)
        if local.data is not None
        else {**facts.section(local.status, local.reason), "version": None},
        "last_update": _last_update(files, registry),
    }
    if policy.data is not None:
        return Installed(section, policy_xml.proxy_section(policy.data))
    return Installed(section, _no_proxy(policy.status, policy.reason))


def _no_proxy(status: d.Status, reason: str | None) -> d.PolicyProxy:
    return {**facts.section(status, reason), "server": None, "port": None, "type": None}


def _service(registry: OfflineRegistry) -> tuple[str, paths.Layout, str | None] | None:
    """(name, layout, start mode) of the connector's service."""
    services = registry.key(_SERVICES_KEY)
    for key in services.subkeys() if services is not None else ():
        if not key.name.upper().startswith("CISCOAMP"):
            continue
        image = key.value("ImagePath")
        image_path = image.data if image is not None and isinstance(image.data, str) else None
        if image_path is None or not paths.is_connector_service(key.name, image_path):
            continue
        layout = paths.from_service_image(image_path)
        start = key.value("Start")
        mode = start.data if start is not None and isinstance(start.data, int) else None
        if layout is not None:
            return key.name, layout, _START_MODES.get(mode) if mode is not None else None
    return None


@dataclass(frozen=True)
class _Content:
    """The bytes of a file, or why there are none."""

    data: bytes | None
    status: d.Status = facts.OK
    reason: str | None = None


class _Files:
    """The connector's files in the image."""

    def __init__(self, tree: FileTree, install_dir: str, layout: paths.Layout, hives_only: bool) -> None:
        self._tree = tree
        self._root = volume_path(install_dir)
        self._folder = volume_path(layout.folder)
        self._unread: str | None = None
        if hives_only:
            self._unread = _HIVES_ONLY
        elif self._root is None or self._folder is None:
            self._unread = f"The connector lies in {install_dir}, which is not on the volume of Windows."
        else:
            tree.fetch([f"{self._root}/policy.xml", f"{self._root}/local.xml", f"{self._folder}/sfc.exe*.log*"])

    def read(self, name: str) -> _Content:
        """A file of the install folder."""
        if self._unread is not None:
            return _Content(None, facts.NOT_READ, self._unread)
        path = f"{self._root}/{name}"
        try:
            file = self._tree.find(path)
            if file is None or file.is_folder:
                return _Content(None, facts.ABSENT, f"There is no {name}.")
            return _Content(read_all(self._tree.open(file), XML_LIMIT, path))
        except ImageError as error:
            return _Content(None, facts.ERROR, str(error))

    def logs(self) -> list[File] | _Content:
        """The log files, oldest first."""
        if self._unread is not None or self._folder is None:
            return _Content(None, facts.NOT_READ, self._unread)
        try:
            entries = self._tree.entries(self._folder)
        except ImageError as error:
            return _Content(None, facts.ERROR, str(error))
        found = [
            file for file in entries if not file.is_folder and fnmatch.fnmatchcase(file.name.lower(), "sfc.exe*.log*")
        ]
        return sorted(found, key=lambda file: (file.modified or "", file.name))

    def tail(self, files: list[File]) -> bytes:
        """The last bytes of the files together, at most ``LOG_LIMIT``."""
        parts: list[bytes] = []
        left = LOG_LIMIT
        for file in reversed(files):
            source = self._tree.open(file)
            length = min(left, source.size)
            parts.append(source.read_at(source.size - length, length))
            left -= length
            if not left:
                break
        return b"\n".join(reversed(parts))


def _tetra(policy: _Content, local: _Content) -> d.Tetra:
    skipped: bool | None = None
    if local.data is not None:
        try:
            skipped = local_xml.read_local(local.data).skip_tetra
        except XmlError:
            skipped = None
    if policy.data is not None:
        return policy_xml.tetra_section(policy.data, skipped)
    if skipped:
        # Installed without Tetra: no policy can switch it on.
        return {**facts.section(facts.OK), "enabled": False, "update_server": None}
    return {**facts.section(policy.status, policy.reason), "enabled": None, "update_server": None}


def _last_update(files: _Files, registry: OfflineRegistry) -> d.LastUpdate:
    found = files.logs()
    if isinstance(found, _Content):
        return {**facts.section(found.status, found.reason), "result": None, "code": None, "time": None, "line": None}
    if not found:
        return {
            **facts.section(facts.ABSENT, "There is no sfc.exe.log."),
            "result": None,
            "code": None,
            "time": None,
            "line": None,
        }
    try:
        lines = log_files.lines_of(io.BytesIO(files.tail(found)))
        modified = datetime.fromisoformat(found[-1].modified) if found[-1].modified is not None else None
        return log.last_update_section(lines, modified, _utc_offset(registry))
    except ImageError as error:
        return {**facts.section(facts.ERROR, str(error)), "result": None, "code": None, "time": None, "line": None}


def _utc_offset(registry: OfflineRegistry) -> int | None:
    """Local time minus UTC in minutes, as the image was last set."""
    bias = registry.number(_TIME_ZONE_KEY, "ActiveTimeBias")
    if bias is None:
        return None
    offset = -(bias - (1 << 32) if bias >= 1 << 31 else bias)
    return offset if abs(offset) <= 15 * 60 else None


def volume_path(path: str) -> str | None:
    r"""A path such as ``C:\Program Files\Cisco\AMP`` relative to the volume of Windows.

    None for a path on another drive, or one that could not be told from a pattern.
    """
    drive, rest = ntpath.splitdrive(path)
    if drive.upper() != _SYSTEM_DRIVE or any(sign in rest for sign in "*?[]"):
        return None
    parts = [part for part in rest.replace("\\", "/").split("/") if part]
    return None if not parts or any(part in (".", "..") for part in parts) else "/".join(parts)
