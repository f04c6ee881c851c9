# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector section of an image: services and install folder from the hives, state from the connector's files."""

from __future__ import annotations

import ntpath
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils import facts
from ansible_collections.fleetops.tetra.plugins.module_utils.connector import paths
from ansible_collections.fleetops.tetra.plugins.module_utils.image.registry import OfflineRegistry
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import UnreadableFileError
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import FileTree

_SERVICES_KEY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services"
_START_MODES = {0: "Boot", 1: "System", 2: "Auto", 3: "Manual", 4: "Disabled"}
HIVES_ONLY = "The folder holds the hives only."


@dataclass(frozen=True)
class Installed:
    """What an image says about the connector."""

    section: dict[str, t.Any]
    """The facts section ``connector``."""
    policy_proxy: dict[str, t.Any]
    """``proxy.policy`` of the facts: the proxy in the connector's policy."""


def read(registry: OfflineRegistry, tree: FileTree, hives_only: bool) -> Installed:
    """Read the connector's registry values and files."""
    no_proxy = facts.section(facts.NOT_READ, "Not asked.", server=None, port=None, type=None)
    found = facts.empty_section("connector", facts.NOT_READ, HIVES_ONLY)
    service, layout = _service(registry)
    install_dir = registry.text(paths.REGISTRY_KEY, "InstallDir")
    if layout is None and install_dir is not None and not hives_only:
        layout = _newest(tree, install_dir)
    found["service"] = service
    if layout is None and install_dir is None and service["status"] == facts.ABSENT:
        reason = "The connector is not installed in this image."
        found = facts.empty_section("connector", facts.ABSENT, reason)
        found["service"] = service
        return Installed(found, facts.section(facts.ABSENT, reason, server=None, port=None, type=None))
    found.update(
        status=facts.OK,
        reason=None,
        version=layout.version if layout is not None else None,
        install_dir=layout.install_dir if layout is not None else install_dir,
        folder=layout.folder if layout is not None else None,
    )
    return Installed(found, no_proxy)


def _service(registry: OfflineRegistry) -> tuple[dict[str, t.Any], paths.Layout | None]:
    services = registry.key(_SERVICES_KEY)
    for key in services.subkeys() if services is not None else ():
        if not key.name.upper().startswith("CISCOAMP"):
            continue
        image = key.value("ImagePath")
        image_path = image.data if image is not None and isinstance(image.data, str) else None
        if not paths.is_connector_service(key.name, image_path):
            continue
        start = key.value("Start")
        mode = start.data if start is not None and isinstance(start.data, int) else None
        section = facts.section(
            facts.OK, name=key.name, state=None, start_mode=_START_MODES.get(mode) if mode is not None else None
        )
        return section, paths.from_service_image(image_path or "")
    reason = "The image has no service of the connector."
    return facts.section(facts.ABSENT, reason, name=None, state=None, start_mode=None), None


def _newest(tree: FileTree, install_dir: str) -> paths.Layout | None:
    folder = volume_path(install_dir)
    if folder is None:
        return None
    names = []
    try:
        for entry in tree.entries(folder):
            if entry.is_folder and tree.find(f"{folder}/{entry.name}/sfc.exe") is not None:
                names.append(entry.name)
    except UnreadableFileError:
        return None
    return paths.from_version_folders(install_dir, names)


def volume_path(path: str) -> str | None:
    r"""A path such as ``C:\Program Files\Cisco\AMP`` relative to its volume; None for a path that names no drive."""
    drive, rest = ntpath.splitdrive(path)
    if len(drive) != 2 or drive[1] != ":":
        return None
    parts = [part for part in rest.replace("\\", "/").split("/") if part]
    return None if any(part in (".", "..") for part in parts) else "/".join(parts)
