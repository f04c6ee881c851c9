# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cisco Secure Endpoint on a simulated endpoint: folders, service, policy, definitions and the lines of its log.

Lines of a failing update are those of Cisco's note; lines of success follow their form (inferred, see behaviours).
"""

from __future__ import annotations

import datetime
import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine.registry import DWORD, EXPAND_SZ, SZ, Value
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import Offer
from ansible_collections.fleetops.tetra.lab.machine.state import Service, WindowsState
from ansible_collections.fleetops.tetra.lab.machine.tetra_servers import ACCEPTED

ROOT = "C:\\Program Files\\Cisco\\AMP"
REGISTRY_KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Immunet Protect"
SERVICES_KEY = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services"
CLOUD_SERVER = "tetra-defs.amp.cisco.com"
_NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
_START = {"Auto": 2, "Manual": 3, "Disabled": 4}
LOGS = ("auto", "updated", "up_to_date", "failed", "never", "none")
KEYS = (
    "version",
    "tetra",
    "skiptetra",
    "update_server",
    "policy_readable",
    "service",
    "start_mode",
    "log",
    "log_code",
    "log_readable",
    "log_minutes_ago",
    "definitions",
    "proxy",
    "damaged",
)


@dataclass
class Connector:
    """``log``: one of LOGS, or the lines themselves. ``log_code``: the code of a failure. ``log_minutes_ago``: how old
    the last update attempt is."""

    version: str = "7.5.3.20938"
    tetra: bool = True
    skiptetra: bool = False
    update_server: str = CLOUD_SERVER
    policy_readable: bool | None = None
    service: str = "Running"
    start_mode: str = "Auto"
    log: str | list[str] = "auto"
    log_code: int = -3000
    log_readable: bool = True
    log_minutes_ago: float = 25
    definitions: str | None = "71:93412"
    proxy: dict[str, t.Any] = field(default_factory=dict)
    damaged: bool = False
    """The program files of the service are gone."""

    @classmethod
    def from_mapping(cls, mapping: t.Mapping[str, t.Any]) -> Connector:
        unknown = sorted(set(mapping) - set(KEYS))
        if unknown:
            raise FleetError(f"connector: unknown key {unknown[0]!r}; the known ones are {', '.join(KEYS)}.")
        made = cls(**mapping)
        if isinstance(made.log, str) and made.log not in LOGS:
            raise FleetError(f"connector: log must be one of {', '.join(LOGS)} or a list of lines, not {made.log!r}.")
        return made

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))

    @property
    def folder(self) -> str:
        """Up to 7.3 the version folder has three numbers, from 7.4 on four."""
        parts = self.version.split(".")
        return f"{ROOT}\\{'.'.join(parts[:3] if self.number < (7, 4) else parts)}"

    @property
    def service_name(self) -> str:
        return "CiscoAMP" if self.number >= (8,) else f"CiscoAMP_{'.'.join(self.version.split('.')[:3])}"

    @property
    def hides_policy(self) -> bool:
        """policy.xml is not readable locally from 8.1.3 on."""
        return self.number >= (8, 1, 3) if self.policy_readable is None else not self.policy_readable


def install(state: WindowsState, connector: Connector) -> None:
    """Puts the connector onto the endpoint: registry, service, files, log."""
    moment = state.boot_time - datetime.timedelta(days=40)
    image = f"{connector.folder}\\sfc.exe"
    state.registry.set(REGISTRY_KEY, "InstallDir", Value(SZ, ROOT))
    state.registry.set(REGISTRY_KEY, "guid", Value(SZ, "00000000-0000-4000-8000-000000000001"))
    name = connector.service_name
    display = f"Cisco Secure Endpoint {connector.version}"
    state.services[name] = Service(name, display, f'"{image}"', connector.service, connector.start_mode)
    key = f"{SERVICES_KEY}\\{name}"
    state.registry.set(key, "ImagePath", Value(EXPAND_SZ, f'"{image}"'))
    state.registry.set(key, "DisplayName", Value(SZ, display))
    state.registry.set(key, "Start", Value(DWORD, _START[connector.start_mode]))
    driver = f"{SERVICES_KEY}\\CiscoAMPCEFWDriver"
    state.registry.set(driver, "ImagePath", Value(EXPAND_SZ, "\\SystemRoot\\System32\\drivers\\CiscoAMPCEFWDriver.sys"))
    if not connector.damaged:
        state.files.write(image, b"MZ", moment)
        state.files.write(f"{connector.folder}\\ipsupporttool.exe", b"MZ", moment)
    policy = state.files.write(f"{ROOT}\\policy.xml", policy_xml(connector), moment)
    policy.denied = connector.hides_policy
    state.files.write(f"{ROOT}\\local.xml", local_xml(connector), moment)
    if not connector.skiptetra:
        state.files.make_folder(f"{ROOT}\\tetra\\plugins")
    write_log(state, connector)


def policy_xml(connector: Connector) -> bytes:
    proxy = "".join(f"<{name}>{value}</{name}>" for name, value in connector.proxy.items())
    enabled = int(connector.tetra)
    text = f"""<?xml version="1.0" encoding="utf-8"?>
<Signature xmlns="{_NAMESPACE}"><Object><config>
<agent><scansettings><tetra><enable>{enabled}</enable><updater><enable>{enabled}</enable>
<server>{connector.update_server}</server><interval>3600</interval></updater></tetra></scansettings>
<log><level>0</level></log></agent>
<ui><enable>1</enable><log><level>0</level></log></ui>
<proxy>{proxy}</proxy>
<janus><policy><uuid>00000000-0000-4000-8000-0000000000aa</uuid><name>Protect</name><serial_number>42</serial_number></policy></janus>
</config></Object></Signature>
"""
    return text.encode()


def new_policy(state: WindowsState) -> None:
    """A newer policy of the console arrives; debug logging that was switched on by hand ends."""
    file = state.files.find(f"{ROOT}\\policy.xml")
    if file is not None:
        file.data = file.data.replace(b"<serial_number>42<", b"<serial_number>43<")
    state.debug_logging = False


def local_xml(connector: Connector) -> bytes:
    definitions = ""
    if connector.definitions is not None and connector.tetra and not connector.skiptetra:
        document = json.dumps({"engineDefinitions": [{"defVersion": connector.definitions}]})
        definitions = f"<engine><stats><definitions>{document}</definitions></stats></engine>"
    skip = "<install><switches><skiptetra>1</skiptetra></switches></install>" if connector.skiptetra else ""
    agent = f"<agent><uuid>00000000-0000-4000-8000-000000000001</uuid>{definitions}</agent>"
    return f"<config>{agent}{skip}</config>\n".encode()


def reaches(offered: Offer) -> bool:
    """Whether some suite of the offer is one that Tetra accepts."""
    return any(name in ACCEPTED for name in offered.suites)


def write_log(state: WindowsState, connector: Connector) -> None:
    """The log as the last update attempt left it."""
    path = f"{connector.folder}\\sfc.exe.log"
    moment = state.now() - datetime.timedelta(minutes=connector.log_minutes_ago)
    if isinstance(connector.log, list):
        state.files.write(path, "".join(f"{line}\r\n" for line in connector.log).encode(), moment)
        return
    if connector.log == "none":
        return
    kind = connector.log
    if kind == "auto":
        kind = "updated" if reaches(state.offer()) and state.route.outcome == "ok" else "failed"
    messages = _NOISE if kind == "never" else [*_NOISE, *update_messages(kind, connector.log_code)]
    file = state.files.write(path, b"".join(line(state, moment, one) for one in messages), moment)
    file.denied = not connector.log_readable


def line(state: WindowsState, moment: datetime.datetime, message: str) -> bytes:
    """One line of the log: milliseconds since boot, local time without year, thread."""
    ticks = max(0, int((moment - state.boot_time).total_seconds() * 1000))
    local = state.local(moment)
    stamp = f"{local:%b} {local.day:02d} {local:%H:%M:%S}"
    return f"({ticks}, +0 ms) {stamp} [11944]: {message}\r\n".encode()


def fetches_definitions(state: WindowsState) -> bool:
    """Whether Tetra is installed and on."""
    policy, local = state.files.find(f"{ROOT}\\policy.xml"), state.files.find(f"{ROOT}\\local.xml")
    off = policy is None or b"<tetra><enable>0" in policy.data
    return not off and not (local is not None and b"<skiptetra>1" in local.data)


def log_update(state: WindowsState, folder: str, kind: str) -> None:
    """Adds the lines of an update that ended now. A second one after a success finds nothing new."""
    path = f"{folder}\\sfc.exe.log"
    present = state.files.find(path)
    before = present.data if present else b""
    if kind == "updated" and b"bUpdated = TRUE" in before:
        kind = "up_to_date"
    now = state.now()
    lines = b"".join(line(state, now, message) for message in update_messages(kind))
    state.files.write(path, before + lines, now)


_STATISTICS = (
    "AVStat::CopyInternal : engine - 2, defs - 0, first failure - never, "
    "last err code - 4294964296, last upd success - never"
)
_NOISE = [
    "NFMMemCache::Get: rip: 3232238593",
    "Query::LookupExecute: attempting lookup with cloud",
    "Config::IsUploadEventEnabled: returns 1, 1",
]


def update_messages(kind: str, code: int = -3000) -> list[str]:
    """The messages of one update attempt: ``updated``, ``up_to_date``, ``failed`` (with that code)."""
    folder = f"{ROOT}\\tetra"
    if kind == "failed":
        return [
            f"TetraUpdateInterface::update updateDir: {folder}, 20, {code}, {code}, 0, 0, 0",
            f"ERROR: TetraUpdateInterface::update Update failed with error {code}",
            "PipeSend: sending message to user interface: 26, id: 0",
            "TetraUpdaterInit defInit: 0, bUpdate: 0",
            "TetraUpdaterInit bUpdate: 0, bReload: 0",
            "FASharedPtr<class TetraUpdateInterface>::ReleaseInstance count: 1",
            f"PerformTetraUpdate: bUpdated = FALSE, state: 20, status: {code}",
            "PerformTetraUpdate: sig count: 0, version: 0",
            _STATISTICS,
        ]
    updated = kind == "updated"
    return [
        f"TetraUpdateInterface::update updateDir: {folder}, 20, 0, 0, 0, 0, 0",
        f"TetraUpdaterInit defInit: 1, bUpdate: {int(updated)}",
        f"PerformTetraUpdate: bUpdated = {'TRUE' if updated else 'FALSE'}, state: 20, status: 0",
        "PerformTetraUpdate: sig count: 8123456, version: 93412",
    ]
