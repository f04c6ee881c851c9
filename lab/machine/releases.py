# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers that a Windows release shows of itself."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import BY_KEY, RELEASES, Release

_UBR = {7601: 27670, 9200: 25273, 9600: 22371, 10240: 21014, 14393: 8246, 17763: 7678, 19045: 6332, 20348: 4052,
        22631: 5768, 26100: 4946}  # fmt: skip
_FIRST_WITH_DISPLAY_VERSION = 19042
_FIRST_WINDOWS_11 = 22000


@dataclass(frozen=True)
class Product:
    """``product`` is ProductName of the registry, ``caption`` the name that WMI gives."""

    product: str
    caption: str
    edition: str
    display_version: str | None
    release_id: str | None


def find(key: object) -> Release:
    """The release of a fleet file's ``release``: a key of the tables or a build number."""
    if isinstance(key, int) and not isinstance(key, bool):
        for release in RELEASES:
            # YAML reads an unquoted 10_1507 as the number 101507.
            if key in release.builds or str(key) == release.key.replace("_", ""):
                return release
    elif isinstance(key, str) and key in BY_KEY:
        return BY_KEY[key]
    raise FleetError(f"release {key!r} is not known; the known ones are {', '.join(BY_KEY)}.")


def default_ubr(build: int) -> int:
    return _UBR.get(build, 1000)


def is_server(release: Release, kind: object) -> bool:
    """Whether the endpoint is a server; ``kind`` is ``client``, ``server`` or ``None`` for what the release has."""
    if kind not in (None, "client", "server"):
        raise FleetError(f"kind must be client or server, not {kind!r}.")
    title = {"client": release.client, "server": release.server}
    if kind is None:
        return release.client is None
    if title[str(kind)] is None:
        raise FleetError(f"release {release.key} has no {kind} edition.")
    return kind == "server"


def product(release: Release, server: bool, edition: str | None, build: int) -> Product:
    """What such an installation calls itself."""
    name = (release.server if server else release.client) or ""
    edition = edition or ("ServerStandard" if server else "Enterprise")
    suffix = edition.removeprefix("Server")
    version = name.rpartition(" ")[2]
    display = version if build >= _FIRST_WITH_DISPLAY_VERSION and version[:2].isdigit() and "H" in version else None
    if server:
        year = name.removeprefix("Windows ")
        display = {20348: "21H2", 26100: "24H2"}.get(build, display)
        # The second model found that Server 2016 and 2019 had none here: they carry the number of their Windows 10.
        release_id = {14393: "1607", 17763: "1809"}.get(build, "2009" if display else None)
        return Product(f"Windows {year} {suffix}", f"Microsoft Windows {year} {suffix}", edition, display, release_id)
    family = "Windows 11" if build >= _FIRST_WINDOWS_11 else " ".join(name.split(" ")[:2])
    shown = "Windows 10" if build >= _FIRST_WINDOWS_11 else family  # Windows 11 kept the old ProductName
    release_id = None if build < 10586 else "2009" if display else version
    return Product(f"{shown} {suffix}", f"Microsoft {family} {suffix}", edition, display, release_id)
