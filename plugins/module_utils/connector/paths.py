# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Where the connector lies: install folder, version folder, files, and which service is its own.

Sources: Cisco's public tools and notes. The version folder is best taken from the image path of the service; old
folders are left behind by upgrades. Up to 7.3 the folder has three numbers, from 7.4 on four.
"""

from __future__ import annotations

import dataclasses
import ntpath
import re
import typing as t

DEFAULT_INSTALL_DIR = r"C:\Program Files\Cisco\AMP"
REGISTRY_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Immunet Protect"
"""Value ``InstallDir``; read it in the 64-bit view. The key also holds identity secrets: read no other value."""

_SERVICE = re.compile(r"CiscoAMP(_\d+(\.\d+){2,3})?", re.IGNORECASE)
_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){2,3}")
_EXECUTABLE = re.compile(r'^\s*(?:"([^"]+\\sfc\.exe)"|(.*?\\sfc\.exe))(?=\s|"|$)', re.IGNORECASE)


def parse_version(text: str) -> tuple[int, ...] | None:
    """``8.6.1.30582`` as numbers, three or four of them; ``None`` for anything else. Compare versions this way only."""
    return tuple(int(part) for part in text.split(".")) if _VERSION.fullmatch(text) else None


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one installed connector."""

    install_dir: str
    folder: str
    """The version folder, a full path."""
    version: str | None
    """The version as the folder names it, or ``None`` where the folder has another name."""

    @property
    def executable(self) -> str:
        """``sfc.exe`` by its full path: System32 has another program of that name."""
        return ntpath.join(self.folder, "sfc.exe")

    @property
    def log(self) -> str:
        return ntpath.join(self.folder, "sfc.exe.log")

    @property
    def log_pattern(self) -> str:
        """The log and its rotated siblings. How they are named is not documented."""
        return ntpath.join(self.folder, "sfc.exe*.log*")

    @property
    def policy_xml(self) -> str:
        return ntpath.join(self.install_dir, "policy.xml")

    @property
    def local_xml(self) -> str:
        return ntpath.join(self.install_dir, "local.xml")

    @property
    def tetra_dir(self) -> str:
        return ntpath.join(self.install_dir, "tetra")


def from_service_image(image_path: str) -> Layout | None:
    r"""The layout that a service's image path names; ``None`` where the path does not end in ``\sfc.exe``.

    The path may be quoted, carry arguments, or start with ``\??\``. Variables such as ``%ProgramFiles%`` are kept.
    """
    match = _EXECUTABLE.match(image_path)
    if match is None:
        return None
    executable = (match.group(1) or match.group(2)).removeprefix("\\??\\")
    folder = ntpath.dirname(executable)
    name = ntpath.basename(folder)
    install_dir = ntpath.dirname(folder)
    if not name or not install_dir:
        return None
    return Layout(install_dir, folder, name if parse_version(name) else None)


def from_version_folders(install_dir: str, folders: t.Iterable[str]) -> Layout | None:
    """The layout by the highest version among folder names **that hold sfc.exe**; ``None`` where none is a version.

    Second choice, for images without a readable service.
    """
    versions = [(parsed, name) for name in folders if (parsed := parse_version(name))]
    if not versions:
        return None
    name = max(versions)[1]
    return Layout(install_dir.rstrip("\\"), ntpath.join(install_dir.rstrip("\\"), name), name)


def has_connector_name(name: str) -> bool:
    """Whether a service is called as the connector's is; its image has the last word."""
    return _SERVICE.fullmatch(name) is not None


def is_connector_service(name: str, image_path: str | None) -> bool:
    r"""Whether a service is the connector: its name, and its image ends in ``\sfc.exe``.

    The name alone is not enough: kernel drivers are called ``CiscoAMPCEFWDriver`` and the like.
    """
    if _SERVICE.fullmatch(name) is None or image_path is None:
        return False
    return from_service_image(image_path) is not None
