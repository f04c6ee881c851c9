# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What each Windows release can do in TLS: suites, curves, protocol defaults of the client role.

Sources: Microsoft's pages per release (see ``windows_suite_tables.py``), "Protocols in TLS/SSL (Schannel SSP)",
"TLS Elliptic Curves in Windows 10 ..." and "TLS supported groups in Windows 11 24H2 and later" (repository
MicrosoftDocs/win32, folder desktop-src/SecAuthN). Build numbers are common knowledge, not from those pages.
"""

from __future__ import annotations

import typing as t
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_suite_tables import (
    DEFAULT,
    EXPLICIT_ONLY,
    PSK,
    SUPPORTED_NOT_DEFAULT,
)

SOURCE = "https://learn.microsoft.com/windows/win32/secauthn/cipher-suites-in-schannel"

ProtocolDefault = t.Literal["enabled", "disabled_by_default", "unsupported"]

_NIST = ("NistP256", "NistP384")
_25519 = ("curve25519", "NistP256", "NistP384")


@dataclass(frozen=True)
class Release:
    """One Windows release. Suite names are spelled as the release spells them (with curve suffix before Windows 10)."""

    key: str
    table: str
    """The block of ``windows_suite_tables`` that describes it."""
    client: str | None
    """Name of the client product, ``None`` where there is none."""
    server: str | None
    builds: tuple[int, ...]
    tls12_client: ProtocolDefault
    tls13_client: ProtocolDefault
    curves: tuple[str, ...]
    """Curves enabled by default, in order; before Windows 10 those that the suite names carry."""
    default: tuple[str, ...]
    """Enabled by default, in order."""
    supported: frozenset[str]
    """Everything that the release can use, defaults included."""
    explicit_only: frozenset[str]
    """Listed, but offered only when an application asks for it (NULL, SSL 2.0 and pre-shared-key suites)."""
    suffixed: bool
    """Suite names carry the curve (Windows 7 to 8.1)."""
    has_cmdlets: bool
    """``Get-TlsCipherSuite`` and ``Get-TlsEccCurve`` exist (Windows 10 and Server 2016, and later)."""
    local_list: tuple[str, ...]
    """What a real host of this release holds in its local list: from 1709 on also the TLS 1.3 and the pre-shared-key
    names, whether the release can use them or not."""

    def title(self, kind: str | None = None) -> str:
        """The product's name; ``kind`` is ``client``, ``server`` or ``None`` (both)."""
        names = {"client": self.client, "server": self.server}
        chosen = names.get(kind or "")
        if chosen:
            return chosen
        return " / ".join(name for name in (self.client, self.server) if name)


@dataclass(frozen=True)
class Match:
    """The release that a build number stands for. ``exact`` false: the build is not in the tables; ``note`` says so."""

    release: Release
    exact: bool
    note: str | None


# key, table, client product, server product, builds, TLS 1.2 client, TLS 1.3 client, curves
_ROWS: tuple[
    tuple[str, str, str | None, str | None, tuple[int, ...], ProtocolDefault, ProtocolDefault, tuple[str, ...]], ...
] = (
    (
        "7_2008r2",
        "win7_2008r2_and_win81_2012r2",
        "Windows 7",
        "Windows Server 2008 R2",
        (7600, 7601),
        "disabled_by_default",
        "unsupported",
        _NIST,
    ),
    ("8_2012", "win8_2012", "Windows 8", "Windows Server 2012", (9200,), "enabled", "unsupported", _NIST),
    (
        "8.1_2012r2",
        "win7_2008r2_and_win81_2012r2",
        "Windows 8.1",
        "Windows Server 2012 R2",
        (9600,),
        "enabled",
        "unsupported",
        _NIST,
    ),
    ("10_1507", "win10_1507", "Windows 10 1507", None, (10240,), "enabled", "unsupported", _NIST),
    ("10_1511", "win10_1511", "Windows 10 1511", None, (10586,), "enabled", "unsupported", _NIST),
    (
        "10_1607_2016",
        "win10_1607_2016",
        "Windows 10 1607",
        "Windows Server 2016",
        (14393,),
        "enabled",
        "unsupported",
        _25519,
    ),
    ("10_1703", "win10_1703", "Windows 10 1703", None, (15063,), "enabled", "unsupported", _25519),
    (
        "10_1709",
        "win10_1709_to_21h2_2019",
        "Windows 10 1709",
        "Windows Server 1709",
        (16299,),
        "enabled",
        "unsupported",
        _25519,
    ),
    (
        "10_1803",
        "win10_1709_to_21h2_2019",
        "Windows 10 1803",
        "Windows Server 1803",
        (17134,),
        "enabled",
        "unsupported",
        _25519,
    ),
    (
        "10_1809_2019",
        "win10_1709_to_21h2_2019",
        "Windows 10 1809",
        "Windows Server 2019",
        (17763,),
        "enabled",
        "unsupported",
        _25519,
    ),
    (
        "10_1903",
        "win10_1709_to_21h2_2019",
        "Windows 10 1903",
        "Windows Server 1903",
        (18362,),
        "enabled",
        "unsupported",
        _25519,
    ),
    (
        "10_1909",
        "win10_1709_to_21h2_2019",
        "Windows 10 1909",
        "Windows Server 1909",
        (18363,),
        "enabled",
        "unsupported",
        _25519,
    ),
    (
        "10_2004",
        "win10_1709_to_21h2_2019",
        "Windows 10 2004",
        "Windows Server 2004",
        (19041,),
        "enabled",
        "unsupported",
        _25519,
    ),
    (
        "10_20h2",
        "win10_1709_to_21h2_2019",
        "Windows 10 20H2",
        "Windows Server 20H2",
        (19042,),
        "enabled",
        "unsupported",
        _25519,
    ),
    ("10_21h1", "win10_1709_to_21h2_2019", "Windows 10 21H1", None, (19043,), "enabled", "unsupported", _25519),
    ("10_21h2", "win10_1709_to_21h2_2019", "Windows 10 21H2", None, (19044,), "enabled", "unsupported", _25519),
    ("10_22h2", "win10_22h2", "Windows 10 22H2", None, (19045,), "enabled", "unsupported", _25519),
    ("2022", "win11_21h2_2022", None, "Windows Server 2022", (20348,), "enabled", "enabled", _25519),
    ("11_21h2", "win11_21h2_2022", "Windows 11 21H2", None, (22000,), "enabled", "enabled", _25519),
    ("11_22h2", "win11_22h2plus_2025", "Windows 11 22H2", None, (22621,), "enabled", "enabled", _25519),
    ("11_23h2", "win11_22h2plus_2025", "Windows 11 23H2", None, (22631,), "enabled", "enabled", _25519),
    ("server_23h2", "win11_22h2plus_2025", None, "Windows Server 23H2", (25398,), "enabled", "enabled", _25519),
    (
        "11_24h2_2025",
        "win11_22h2plus_2025",
        "Windows 11 24H2",
        "Windows Server 2025",
        (26100,),
        "enabled",
        "enabled",
        _25519,
    ),
    ("11_25h2", "win11_22h2plus_2025", "Windows 11 25H2", None, (26200,), "enabled", "enabled", _25519),
)

_TLS13_NAMES = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")
_LISTS_TLS13_FROM_BUILD = 16299
_PSK_FROM_BUILD = 14393


def _release(row: tuple[t.Any, ...]) -> Release:
    key, table, client, server, builds, tls12, tls13, curves = row
    build = builds[0]
    psk = PSK if build >= _PSK_FROM_BUILD else ()
    default = DEFAULT[table]
    local = default
    if build >= _LISTS_TLS13_FROM_BUILD:
        local = tuple(name for name in _TLS13_NAMES if name not in default) + default + PSK
    return Release(
        key=key,
        table=table,
        client=client,
        server=server,
        builds=builds,
        tls12_client=tls12,
        tls13_client=tls13,
        curves=curves,
        default=default,
        supported=frozenset(default) | frozenset(SUPPORTED_NOT_DEFAULT[table]) | frozenset(psk),
        explicit_only=frozenset(EXPLICIT_ONLY[table]) | frozenset(PSK),
        suffixed=build < 10240,
        has_cmdlets=build >= 10240,
        local_list=local,
    )


RELEASES: tuple[Release, ...] = tuple(_release(row) for row in _ROWS)
BY_KEY: dict[str, Release] = {release.key: release for release in RELEASES}
_BY_BUILD: dict[int, Release] = {build: release for release in RELEASES for build in release.builds}
_BUILDS: tuple[int, ...] = tuple(sorted(_BY_BUILD))
OLDEST_BUILD = _BUILDS[0]


@lru_cache(maxsize=1024)
def release_for(build: int | None, kind: str | None = None) -> Match | None:
    """The release of a build number (``CurrentBuildNumber``), ``None`` when it is unknown or older than Windows 7.

    ``kind`` is ``client``, ``server`` or ``None``; it only words the note. A build between two known ones counts as the
    older of the two, a newer one as the newest: the result then carries a note, because the tables do not name it.
    """
    if build is None or isinstance(build, bool) or build < OLDEST_BUILD:
        return None
    known = _BY_BUILD.get(build)
    if known is not None:
        return Match(known, True, None)
    nearest = _BY_BUILD[_BUILDS[bisect_right(_BUILDS, build) - 1]]
    title = nearest.title(kind)
    return Match(nearest, False, f"Windows build {build} is not in the tables; it is judged like {title}.")
