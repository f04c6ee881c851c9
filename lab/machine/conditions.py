# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies around an endpoint and beside its TLS settings: roots, revocation, clock, firewall, captures, events.

Given in a fleet file as ``conditions``; see docs/lab-endpoints.md.
"""

from __future__ import annotations

import datetime
import struct
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine.registry import BINARY, DWORD, SZ, Value

if t.TYPE_CHECKING:
    from ansible_collections.fleetops.tetra.lab.machine.state import WindowsState

ROOT_STORE = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SystemCertificates\\ROOT\\Certificates"
IDENTRUST = "DF717EAA4AD94EC9558499602D48DE5FBCF03A25"
"""Thumbprint of IdenTrust Commercial Root CA 1 (github.com/CiscoSecurity/amp-05-health-checker-windows)."""
ROOT_POLICY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\SystemCertificates\\AuthRoot"
FIREWALL = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"
HOSTS = "C:\\Windows\\System32\\drivers\\etc\\hosts"
IMMUNET = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Immunet Protect"
PAC = "http://wpad.example.com/proxy.pac"
INTERNET_CONNECTIONS = (
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections"
)
TOOLS = ("pktmon", "pktmon-2004", "netsh")
KEYS = (
    "roots", "root_update", "revocation", "clock_minutes_ahead", "free_megabytes", "isolated", "firewall", "hosts",
    "capture_tool", "capture_fault", "corrupt_definitions", "no_attempt", "curl_version", "loses_program",
    "capi2", "policy_arrives", "pac",
)  # fmt: skip


@dataclass
class Captured:
    """A capture under way, or ended: ``conversations`` are what went over the wire meanwhile."""

    tool: str
    path: str
    running: bool = True
    conversations: list[Conversation] = field(default_factory=list)


@dataclass
class LoggedEvent:
    """An event of Windows' logs. ``data``: names and values in order."""

    time: datetime.datetime
    log: str
    provider: str
    id: int
    data: tuple[tuple[str, str], ...] = ()
    xml: str = ""
    """What stands in UserData, for providers that write nested XML."""


@dataclass
class Conditions:
    """``root_update``: on, off (by policy) or blocked (its server cannot be reached). ``revocation``: ok or blocked.

    ``capture_tool``: pktmon (new option letters), pktmon-2004 (old ones) or netsh only. ``capture_fault``: busy
    (somebody captures already), denied, empty, or nothing.
    """

    roots: str = "present"
    root_update: str = "on"
    revocation: str = "ok"
    capture_tool: str = "pktmon"
    capture_fault: str = ""
    corrupt_definitions: bool = False
    no_attempt: bool = False
    curl_version: str = "8.7.1"
    capture: Captured | None = None
    foreign_capture: bool = False
    capi2: bool = False
    """Whether Windows' log of certificate checks is on; it is off by default."""
    policy_arrives: bool = False
    """Whether a new policy of the console arrives with the next update, which ends debug logging."""
    pac: str = ""
    """A proxy script, which Windows' setting then names."""
    events: list[LoggedEvent] = field(default_factory=list)
    bundles: int = 0


def install(state: WindowsState, given: t.Mapping[str, t.Any]) -> None:
    """Puts the conditions into the endpoint's state. Raises FleetError."""
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise FleetError(f"conditions: unknown key {unknown[0]!r}; the known ones are {', '.join(KEYS)}.")
    around = state.conditions
    for name in ("roots", "root_update", "revocation", "capture_tool", "capture_fault", "curl_version"):
        setattr(around, name, str(given.get(name, getattr(around, name))))
    if around.capture_tool not in TOOLS:
        raise FleetError(f"conditions: capture_tool must be one of {', '.join(TOOLS)}, not {around.capture_tool!r}.")
    around.corrupt_definitions = bool(given.get("corrupt_definitions"))
    around.pac = str(given.get("pac", ""))
    if around.pac:
        state.registry.set(INTERNET_CONNECTIONS, "WinHttpSettings", Value(BINARY, _settings_with_script()))
    around.capi2 = bool(given.get("capi2"))
    around.policy_arrives = bool(given.get("policy_arrives"))
    around.no_attempt = bool(given.get("no_attempt"))
    around.foreign_capture = around.capture_fault == "busy"
    state.registry.create(ROOT_STORE)
    if around.roots == "present":
        state.registry.create(f"{ROOT_STORE}\\{IDENTRUST}")
    if around.root_update == "off":
        state.registry.set(ROOT_POLICY, "DisableRootAutoUpdate", Value(DWORD, 1))
    state.clock_ahead = datetime.timedelta(minutes=float(given.get("clock_minutes_ahead", 0)))
    state.free_megabytes = int(given.get("free_megabytes", 60_000))
    if given.get("isolated"):
        state.registry.set(IMMUNET, "unlock_code", Value(SZ, "secret-unlock"))
    state.registry.create(f"{FIREWALL}\\FirewallRules")
    for number, text in enumerate(given.get("firewall", [])):
        state.registry.set(f"{FIREWALL}\\FirewallRules", f"{{rule-{number}}}", Value(SZ, str(text)))
    for name in ("Domain", "Standard", "Public"):
        state.registry.set(f"{FIREWALL}\\{name}Profile", "EnableFirewall", Value(DWORD, 1))
    old = state.boot_time - datetime.timedelta(days=200)
    lines = ["# hosts", *map(str, given.get("hosts", []))]
    state.files.write(HOSTS, "".join(f"{line}\r\n" for line in lines).encode(), old)
    tools = ["netsh.exe", "wevtutil.exe"]
    if around.capture_tool != "netsh" and state.identity.build >= 17763:
        tools.append("PktMon.exe")
    for name in tools:
        state.files.write(f"C:\\Windows\\System32\\{name}", b"MZ", old)


def _settings_with_script() -> bytes:
    """WinHttpSettings: version, counter, flags (1 direct, 4 script), then three strings with their lengths."""
    return struct.pack("<IIIIII", 0x28, 1, 5, 0, 0, len(PAC)) + PAC.encode("ascii")


def trusts(state: WindowsState) -> bool:
    """Whether the root of the servers' certificate is there, or Windows can fetch it."""
    around = state.conditions
    return state.registry.find(f"{ROOT_STORE}\\{IDENTRUST}") is not None or around.root_update == "on"


def firewall_blocks(state: WindowsState, program: str) -> bool:
    """Whether an outbound rule blocks this program on port 443."""
    key = state.registry.find(f"{FIREWALL}\\FirewallRules")
    for _name, value in key.values.values() if key is not None else ():
        text = str(value.data)
        if "Action=Block" in text and "Dir=Out" in text and "Active=TRUE" in text:
            app = next((part.partition("=")[2] for part in text.split("|") if part.startswith("App=")), None)
            if app is None or app.lower().endswith(program.lower()):
                return True
    return False


def pinned(state: WindowsState) -> str | None:
    """The address to which the hosts file leads the definition servers' names."""
    file = state.files.find(HOSTS)
    for line in (file.data if file else b"").decode("utf-8", "replace").splitlines():
        words = line.partition("#")[0].split()
        if any(word.lower().startswith("tetra-defs.") for word in words[1:]):
            return words[0]
    return None


def log_event(state: WindowsState, number: int, *data: tuple[str, str]) -> None:
    """An event of Schannel in the System log; Windows 11 21H2 puts the calling process in front."""
    if state.identity.build >= 22000:
        data = (
            ("CallerProcessId", "4711"),
            ("CallerProcessImageName", "C:\\Program Files\\Cisco\\AMP\\8.2.4.30130\\sfc.exe"),
            *data,
        )
    state.conditions.events.append(LoggedEvent(state.now(), "System", "Schannel", number, data))


def log_certificate_check(state: WindowsState, result: str) -> None:
    """Event 30 of CAPI2 (verify chain policy), where its log is on; shape as recorded at pastebin.com/i3Lm2u76."""
    if not state.conditions.capi2:
        return
    xml = (
        "<CertVerifyCertificateChainPolicy><Policy type='CERT_CHAIN_POLICY_SSL'/>"
        "<SSLAdditionalPolicyInfo authType='server' serverName='tetra-defs.amp.cisco.com'/>"
        f"<EventAuxInfo ProcessName='sfc.exe'/><Result value='{result}'>refused</Result>"
        "</CertVerifyCertificateChainPolicy>"
    )
    provider, log = "Microsoft-Windows-CAPI2", "Microsoft-Windows-CAPI2/Operational"
    state.conditions.events.append(LoggedEvent(state.now(), log, provider, 30, xml=xml))
