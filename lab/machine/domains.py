# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains of the simulated fleet: their group policy objects, shared by the endpoints that they govern.

One process holds one set of domains by name. A management host (``gpo_management: true``) changes a GPO with the
cmdlets of the GroupPolicy module; each endpoint follows at its next policy refresh, provided that its own domain
controller has the change by then (``replication_seconds``).
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.machine.registry import Value

_SPACE = uuid.UUID("5b0ec1f0-3f4e-4d55-9f4a-6f2d1d7a9c10")


STATUSES = ("AllSettingsDisabled", "UserSettingsDisabled", "ComputerSettingsDisabled", "AllSettingsEnabled")
"""Microsoft.GroupPolicy.GpoStatus by number."""
Settings = dict[tuple[str, str], tuple[str, str, Value | None]]
"""By (key, value name) in lower case: (key, value name, value); the key has its hive in full. None stands for a policy
that is *Disabled*: Windows takes the value away."""


@dataclass
class DomainGpo:
    """``values`` and ``version`` are those of the PDC emulator; ``seen`` tells what another domain controller has."""

    name: str
    guid: str
    values: Settings = field(default_factory=dict)
    version: int = 1
    status: str = "AllSettingsEnabled"
    """One of ``STATUSES``."""
    _history: list[tuple[float, int, Settings]] = field(default_factory=list)

    def set(self, key: str, name: str, value: Value | None) -> None:
        """Changes the GPO where the value differs; a change counts the version up."""
        if self.values.get((key.lower(), name.lower())) != (key, name, value):
            self._remember()
            self.begin_with(key, name, value)

    def begin_with(self, key: str, name: str, value: Value | None) -> None:
        """What the GPO holds from the beginning, on all domain controllers."""
        place = (key.lower(), name.lower())
        if self.values.get(place) != (key, name, value):
            self.values[place] = (key, name, value)
            self.version += 1

    def remove(self, key: str, name: str) -> bool:
        """Whether the GPO had such a value."""
        if (key.lower(), name.lower()) not in self.values:
            return False
        self._remember()
        del self.values[key.lower(), name.lower()]
        self.version += 1
        return True

    def seen(self, replication_seconds: float | None) -> tuple[int, Settings]:
        """(version, values) on a domain controller that gets each change so many seconds later; None for never."""
        for changed_at, version, values in self._history:
            if replication_seconds is None or time.monotonic() < changed_at + replication_seconds:
                return version, values
        return self.version, self.values

    def _remember(self) -> None:
        self._history.append((time.monotonic(), self.version, dict(self.values)))


@dataclass
class Domain:
    """A domain by its DNS name."""

    name: str
    gpos: dict[str, DomainGpo] = field(default_factory=dict)
    """By GUID in upper case with braces."""

    def gpo(self, name: str, guid: str | None = None) -> DomainGpo:
        """The GPO of that name, made where it is missing; its GUID follows from the name unless given."""
        known = self.find(guid or name)
        if known is None:
            number = guid or "{" + str(uuid.uuid5(_SPACE, f"{self.name}/{name}")).upper() + "}"
            known = self.gpos[number.upper()] = DomainGpo(name, number.upper())
        return known

    def find(self, name_or_guid: str) -> DomainGpo | None:
        wanted = name_or_guid.upper()
        guid = wanted if wanted.startswith("{") else f"{{{wanted}}}"
        if guid in self.gpos:
            return self.gpos[guid]
        return next((gpo for gpo in self.gpos.values() if gpo.name.upper() == wanted), None)

    def distinguished(self, gpo: DomainGpo) -> str:
        """The GPO's directory name, as RSoP shows it."""
        parts = ",".join(f"DC={part}" for part in self.name.split("."))
        return f"CN={gpo.guid},CN=Policies,CN=System,{parts}"


_domains: dict[str, Domain] = {}


def domain(name: str) -> Domain:
    """The domain of that name in this process."""
    return _domains.setdefault(name.lower(), Domain(name.lower()))


def forget() -> None:
    """Forgets all domains; for tests that need to begin anew."""
    _domains.clear()
