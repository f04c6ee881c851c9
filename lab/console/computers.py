# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Computers of the simulated console, as rows of ``GET /v1/computers``.

The shape is that of recorded answers of 2022 (keys, time suffixes, a leading blank in ``internal_ips``); names and
values are made up. Only the status ``Definitions Outdated`` was ever seen; for a fresh computer the lab says a word of
its own, which the product must not take for evidence.
"""

from __future__ import annotations

import datetime
import hashlib
import typing as t
from dataclasses import dataclass, field

FRESH_WORD = "Definitions Current (lab)"
OUTDATED_WORD = "Definitions Outdated"
OUTDATED_AFTER = datetime.timedelta(hours=24)
Log = t.Callable[[], bytes]
"""What stands in the connector's log at this moment."""


def guid_of(*parts: object) -> str:
    """A GUID that is the same for the same parts."""
    digits = hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


@dataclass
class SimulatedComputer:
    """One computer. Its definitions become fresh when its connector's log tells of one more successful update."""

    hostname: str
    updated_at: datetime.datetime | None
    last_seen: datetime.datetime
    policy: str = "Protect"
    groups: tuple[str, ...] = ("Workstations",)
    connector_version: str = "7.5.3.20938"
    operating_system: str = "Windows 10"
    os_version: str = "10.0.19045.3803"
    guid: str = ""
    demo: bool = False
    log: Log | None = None
    more: dict[str, t.Any] = field(default_factory=dict)
    _updates: int = 0

    def __post_init__(self) -> None:
        self.guid = self.guid or guid_of("computer", self.hostname)
        if self.log is not None:
            self._updates = _successes(self.log())

    def row(self, now: datetime.datetime, api: str) -> dict[str, t.Any]:
        """The row as the console answers it now."""
        if self.log is not None:
            seen = _successes(self.log())
            if seen > self._updates:
                self.updated_at = self.last_seen = now
            self._updates = seen
        row: dict[str, t.Any] = {
            "connector_guid": self.guid,
            "hostname": self.hostname,
            "windows_processor_id": guid_of("cpu", self.hostname)[:15],
            "active": True,
            "links": {"computer": f"{api}/v1/computers/{self.guid}", "group": f"{api}/v1/groups/{guid_of('group')}"},
            "connector_version": self.connector_version,
            "operating_system": self.operating_system,
            "os_version": self.os_version,
            "internal_ips": [" 10.0.0.7"],
            "external_ip": "203.0.113.7",
            "group_guid": guid_of("group", self.groups[0]) if self.groups else None,
            "install_date": "2022-03-01T17:46:01Z",
            "network_addresses": [
                {"mac": ":".join(guid_of("mac", self.hostname)[i : i + 2] for i in (0, 2, 4, 6, 9, 11)), "ip": ""}
            ],
            "policy": {"guid": guid_of("policy", self.policy), "name": self.policy},
            "groups": [{"guid": guid_of("group", name), "name": name} for name in self.groups],
            "last_seen": self.last_seen.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "faults": [],
            "isolation": {"available": False, "status": "not_isolated"},
            "orbital": {"status": "not_enabled"},
        }
        if self.demo:
            row["demo"] = True
        if self.updated_at is not None:
            row["av_update_definitions"] = {
                "status": OUTDATED_WORD if now - self.updated_at > OUTDATED_AFTER else FRESH_WORD,
                "detection_engine": "TETRA 64 bit (lab)",
                "version": str(90000 + int(self.updated_at.timestamp()) // 21600 % 10000),
                "updated_at": self.updated_at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            }
        row.update(self.more)
        return row


def _successes(log: bytes) -> int:
    return log.count(b"bUpdated = TRUE, state: 20, status: 0")
