# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one simulated Windows: what a cmdlet reads and a remediation changes.

Orders of suites and curves exist twice: as configured (registry) and in force since boot. ``boot`` puts the one into
the other.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.machine.accounts import Account
from ansible_collections.fleetops.tetra.lab.machine.behaviours import Behaviours
from ansible_collections.fleetops.tetra.lab.machine.conditions import Conditions
from ansible_collections.fleetops.tetra.lab.machine.domains import DomainGpo
from ansible_collections.fleetops.tetra.lab.machine.filesystem import FileSystem
from ansible_collections.fleetops.tetra.lab.machine.registry import Registry
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import (
    Configuration,
    ConfiguredLists,
    Offer,
    configured_lists,
    offer,
)
from ansible_collections.fleetops.tetra.lab.machine.scheduled_tasks import ScheduledTask
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release


@dataclass
class Service:
    """``state``: Running, Stopped; ``start_mode``: Auto, Manual, Disabled."""

    name: str
    display_name: str
    path: str
    state: str = "Running"
    start_mode: str = "Auto"


@dataclass
class RsopRow:
    """A row of RSOP_RegistryPolicySetting."""

    key: str
    value_name: str
    type: int
    data: bytes
    gpo_id: str
    som_id: str
    precedence: int = 1
    deleted: bool = False
    created: datetime.datetime | None = None


@dataclass
class Gpo:
    """A row of RSOP_GPO."""

    id: str
    name: str
    guid: str
    enabled: bool = True


@dataclass
class Identity:
    """What Windows says about itself."""

    computer_name: str
    product: str
    """ProductName of the registry: still "Windows 10 ..." on Windows 11."""
    caption: str
    build: int
    ubr: int
    edition: str
    display_version: str | None
    server: bool
    language: str = "en-US"
    domain: str | None = None
    machine_guid: str = ""


@dataclass
class TetraRoute:
    """How the endpoint's way to the update server ends before TLS: ``ok``, ``dns``, ``refused``, ``timeout``.

    ``proxy``: None for direct, else ``ok``, ``dns`` or an HTTP status with which the proxy answers CONNECT.
    ``suites``: what this server accepts, None for what Tetra accepts.
    """

    outcome: str = "ok"
    proxy: str | None = None
    suites: tuple[str, ...] | None = None
    curves: tuple[str, ...] | None = None
    authority: str | None = None
    """Who issued the certificate that the endpoint is shown; ``None`` for Cisco's."""
    after_hello: str | None = None
    """What comes in place of the server's answer: one of ``tls_server.AFTER_HELLO``."""
    interrupted: bool = False
    """The download breaks off."""


@dataclass
class WindowsState:
    """Everything about one endpoint. Times are UTC."""

    identity: Identity
    release: Release
    registry: Registry
    files: FileSystem
    account: Account
    sessions: dict[str, SessionConfiguration]
    behaviours: Behaviours
    boot_time: datetime.datetime
    utc_offset: datetime.timedelta
    services: dict[str, Service] = field(default_factory=dict)
    wmi: str = "ok"
    """``ok``, ``broken``, ``denied``."""
    rsop_logging: bool = True
    rsop_rows: list[RsopRow] = field(default_factory=list)
    gpos: list[Gpo] = field(default_factory=list)
    domain_gpos: list[DomainGpo] = field(default_factory=list)
    """The domain's policies that govern this endpoint, the winning one first."""
    replication_seconds: float | None = 0.0
    """How much later this endpoint's domain controller has a change of a GPO; ``None`` for never."""
    gpo_management: bool = False
    """Has the GroupPolicy module, so GPOs can be changed here."""
    processed_versions: tuple[int, ...] = (0,)
    """Versions of the local and the domain's policies at the last processing."""
    applied_policies: list[tuple[str, str]] = field(default_factory=list)
    """(key, value name) in lower case of what policy wrote."""
    policy_comes_back: bool = False
    refresh_takes: bool = True
    boot_seconds: float | None = 5.0
    """How long a restart takes; ``None`` for an endpoint that never comes back."""
    scheduled_shutdown: int | None = None
    """The number of the restart that somebody ordered and that has not begun."""
    debug_logging: bool = False
    tasks: dict[str, ScheduledTask] = field(default_factory=dict)
    """Registered tasks, by name in lower case."""
    task_scheduler_runs: bool = True
    restart_at: datetime.datetime | None = None
    """When the restart comes that a task ordered."""
    clock_ahead: datetime.timedelta = datetime.timedelta()
    """Time that has passed here and nowhere else."""
    off: bool = False
    """Shut down and not up again."""
    reachable_with: ConfiguredLists | None = None
    """Only with these orders in force does the endpoint answer the network after a boot; ``None``: with any."""
    route: TetraRoute = field(default_factory=TetraRoute)
    in_force: ConfiguredLists = field(default_factory=lambda: ConfiguredLists((), False, ()))
    logged_on_users: list[str] = field(default_factory=list)
    shutdown_blocked: bool = False
    """An application with an unsaved document keeps a shutdown without force from going on."""
    battery: str | None = None
    """``charging``, ``discharging`` or ``low``; ``None`` without one."""
    conditions: Conditions = field(default_factory=Conditions)
    free_megabytes: int = 60_000
    bitlocker: str = "off"
    """How the system volume is unlocked at startup; one of ``build.BITLOCKER``."""

    @property
    def configuration(self) -> Configuration:
        return Configuration(self.release, self.registry, self.behaviours)

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC).replace(microsecond=0) + self.clock_ahead

    def local(self, moment: datetime.datetime) -> datetime.datetime:
        """The moment in the endpoint's own time zone."""
        return moment.astimezone(datetime.timezone(self.utc_offset))

    def boot(self, moment: datetime.datetime) -> None:
        """A start of Windows: the configured orders come into force."""
        self.boot_time = moment
        self.in_force = configured_lists(self.configuration)

    def lists_in_force(self) -> ConfiguredLists:
        """The orders that count for a program that starts now."""
        configured = configured_lists(self.configuration)
        at_once = self.behaviours["local_list_in_force"] == "at_once"
        if at_once and not self.in_force.from_policy and not configured.from_policy:
            return ConfiguredLists(configured.suites, False, self.in_force.curves)
        return self.in_force

    def offer(self) -> Offer:
        """What a Schannel client of this endpoint offers now."""
        return offer(self.configuration, self.lists_in_force())

    def dump(self) -> dict[str, t.Any]:
        """Registry and files, for comparing whole states."""
        return {"registry": self.registry.dump(), "files": self.files.dump()}
