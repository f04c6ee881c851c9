# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A domain as plain data: what was read of its directory and its SYSVOL, and what was not."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.domain.links import Link
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.security import Descriptor
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.registry_pol import RegistryPol

Kind = t.Literal["site", "domain", "ou"]
REGISTRY_EXTENSION: t.Final = "{35378eac-683f-11d2-a89a-00c04fbbcfa2}"
"""The client-side extension that reads Registry.pol (MS-GPREG 1.9); a GPO that does not name it is skipped by it."""


@dataclass(frozen=True)
class Container:
    """A place that GPOs are linked at. ``name`` is its distinguished name, ``key`` the same as it is compared."""

    name: str
    key: str
    kind: Kind
    links: tuple[Link, ...] = ()
    blocks: bool = False
    unread: str | None = None
    """Why its links are not known."""


@dataclass(frozen=True)
class Sysvol:
    """The computer half of a GPO as SYSVOL holds it."""

    pol: RegistryPol = field(default_factory=RegistryPol)
    version: int | None = None
    """The number of GPT.INI: the computer half in its low 16 bits."""
    preferences: tuple[tuple[str, str, str], ...] = ()
    """Registry preferences that touch what the verdict knows: (action, key, value name)."""
    unread: str | None = None
    """Why it is not known; a sentence's end."""


@dataclass(frozen=True)
class Gpo:
    """One ``groupPolicyContainer`` and its folder in SYSVOL."""

    key: str
    guid: str
    name: str
    path: str | None = None
    version: int | None = None
    flags: int = 0
    extensions: str = ""
    wmi_filter: str | None = None
    security: Descriptor | None = None
    """None where it could not be read."""
    changed_at: str | None = None
    sysvol: Sysvol = field(default_factory=Sysvol)

    @property
    def computer_half_is_off(self) -> bool:
        return bool(self.flags & 2)

    @property
    def has_registry_extension(self) -> bool:
        return REGISTRY_EXTENSION in self.extensions.lower()


@dataclass(frozen=True)
class Computer:
    """One computer account."""

    name: str
    """Its name without the dollar sign."""
    dn: str
    dns_name: str | None = None
    system: str | None = None
    """``operatingSystem``, such as ``Windows Server 2022 Standard``."""
    system_version: str | None = None
    """``operatingSystemVersion``, such as ``10.0 (20348)``."""
    sids: frozenset[str] | None = None
    """Its own SID and those of its groups, nested ones too; None where they could not be read."""
    site: str | None = None
    """Key of its site's distinguished name, where it is known."""
    last_logon: str | None = None
    enabled: bool = True
    is_controller: bool = False


@dataclass(frozen=True)
class Domain:
    """Everything that one run has read of one domain. Keys are those of distinguished names."""

    name: str
    containers: t.Mapping[str, Container]
    gpos: t.Mapping[str, Gpo]
    computers: tuple[Computer, ...] = ()
    sites_known: bool = False
    """Whether it is known for each computer which site it belongs to."""
