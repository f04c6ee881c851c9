# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the state of an endpoint from its part of a fleet file. Every mistake is one sentence (FleetError)."""

from __future__ import annotations

import datetime
import re
import typing as t
import uuid

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine import (
    accounts,
    conditions,
    connector,
    group_policy,
    messages,
    observed,
    recorded_policy,
    releases,
    role_capability,
    sessions,
)
from ansible_collections.fleetops.tetra.lab.machine.behaviours import Behaviours
from ansible_collections.fleetops.tetra.lab.machine.filesystem import FileSystem
from ansible_collections.fleetops.tetra.lab.machine.registry import (
    DWORD,
    MULTI_SZ,
    SZ,
    TYPES,
    Key,
    Registry,
    Value,
    make_value,
)
from ansible_collections.fleetops.tetra.lab.machine.restarting import LOGON_UI
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import (
    FIPS_KEY,
    LOCAL_KEY,
    POLICY_KEY,
    SCHANNEL_KEY,
    SIGNATURE_KEY,
    default_signatures,
)
from ansible_collections.fleetops.tetra.lab.machine.sessions import SessionConfiguration
from ansible_collections.fleetops.tetra.lab.machine.state import Identity, TetraRoute, WindowsState
from ansible_collections.fleetops.tetra.lab.tls_server import AFTER_HELLO
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

KEYS = (
    "release",
    "build",
    "ubr",
    "kind",
    "edition",
    "computer_name",
    "machine_guid",
    "domain",
    "language",
    "utc_offset_minutes",
    "uptime_hours",
    "policy",
    "local",
    "curves",
    "signatures",
    "schannel",
    "fips",
    "registry",
    "files",
    "denied",
    "denied_files",
    "origin",
    "in_force",
    "connector",
    "account",
    "sessions",
    "powershell",
    "wmi",
    "rsop_logging",
    "behaviours",
    "tetra",
    "winhttp_proxy",
    "pending_reboot",
    "logged_on_users",
    "bitlocker",
    "shutdown_scheduled",
    "shutdown_blocked",
    "battery",
    "tags",
    "write_denied",
    "free_bytes",
    "boot_seconds",
    "refresh",
    "cut_off_by_change",
    "task_scheduler",
    "replication_seconds",
    "gpo_management",
    "conditions",
)
BITLOCKER = ("off", "absent", "tpm", "tpm_pin", "tpm_pin_suspended")
"""``absent``: a server without the feature."""
BATTERIES = ("charging", "discharging", "low")
_CURRENT_VERSION = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
_CRYPTOGRAPHY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography"
_TCPIP = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters"
_COMPUTER_NAME = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\ComputerName"
_INTERNET = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings"
_RPC = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\RpcSs"
_SESSION_MANAGER = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager"
_SERVICING = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
_UPDATE = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update"
_CURL_SINCE = 17134
_SCHANNEL_TREE = (
    "Ciphers",
    "CipherSuites",
    "Hashes",
    "KeyExchangeAlgorithms",
    "Protocols\\SSL 2.0\\Client",
)


def build(name: str, mapping: t.Mapping[str, t.Any]) -> WindowsState:
    """The state of endpoint ``name``. Keys of ``mapping`` are those of KEYS; see docs/lab-endpoints.md."""
    unknown = sorted(str(key) for key in set(mapping) - set(KEYS))
    if unknown:
        raise FleetError(f"endpoint {name!r}: unknown key {unknown[0]!r}; the known ones are {', '.join(KEYS)}.")
    try:
        return _build(name, mapping)
    except FleetError as error:
        raise FleetError(f"endpoint {name!r}: {error}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FleetError(f"endpoint {name!r}: {error}") from None


def _build(name: str, mapping: t.Mapping[str, t.Any]) -> WindowsState:
    release = releases.find(mapping.get("release"))
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    identity = _identity(name, mapping, release)
    registry = Registry()
    account = str(mapping.get("account", "administrator"))
    if account not in accounts.KINDS:
        raise FleetError(f"account must be one of {', '.join(accounts.KINDS)}, not {account!r}.")
    state = WindowsState(
        identity=identity,
        release=release,
        registry=registry,
        files=FileSystem(),
        account=accounts.Account(account),
        sessions=_sessions(mapping, identity.build),
        behaviours=Behaviours(mapping.get("behaviours"), observed.variants(identity.build, identity.server)),
        boot_time=now - datetime.timedelta(hours=float(mapping.get("uptime_hours", 75))),
        utc_offset=datetime.timedelta(minutes=int(mapping.get("utc_offset_minutes", 540))),
        wmi=str(mapping.get("wmi", "ok")),
        rsop_logging=bool(mapping.get("rsop_logging", True)),
        route=_route(mapping.get("tetra") or {}),
        logged_on_users=[str(user) for user in mapping.get("logged_on_users", [])],
        scheduled_shutdown=0 if mapping.get("shutdown_scheduled") else None,
        bitlocker=str(mapping.get("bitlocker", "off")),
        shutdown_blocked=bool(mapping.get("shutdown_blocked")),
        battery=str(mapping["battery"]) if mapping.get("battery") else None,
    )
    if state.battery not in (None, *BATTERIES):
        raise FleetError(f"battery must be one of {', '.join(BATTERIES)}, not {state.battery!r}.")
    if state.bitlocker not in BITLOCKER:
        raise FleetError(f"bitlocker must be one of {', '.join(BITLOCKER)}, not {state.bitlocker!r}.")
    if state.wmi not in ("ok", "broken", "denied"):
        raise FleetError(f"wmi must be ok, broken or denied, not {state.wmi!r}.")
    _windows(state, mapping)
    _boot(state, mapping)
    if "origin" in mapping:
        origin = mapping["origin"]
        given = {"kind": origin} if isinstance(origin, str) else origin
        if given.get("kind") == "recorded":
            recorded_policy.set_recorded(state, given)
        else:
            group_policy.set_origin(state, given, changed="in_force" in mapping)
    _files(state, mapping)
    installed = mapping.get("connector", {})
    if installed != "absent":
        connector.install(state, connector.Connector.from_mapping(installed or {}))
    conditions.install(state, mapping.get("conditions") or {})
    for path in mapping.get("denied", []):
        _deny(registry, str(path), {"read", "write"})
    for path in mapping.get("write_denied", []):
        _deny(registry, str(path), {"write"})
    _faults(state, mapping)
    return state


def _faults(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> None:
    """What goes wrong when something is changed."""
    seconds = mapping.get("boot_seconds", state.boot_seconds)
    state.boot_seconds = None if seconds == "never" else float(seconds)
    refresh = mapping.get("refresh", "takes")
    if refresh not in ("takes", "ignored"):
        raise FleetError(f"refresh must be takes or ignored, not {refresh!r}.")
    state.refresh_takes = refresh == "takes"
    scheduler = mapping.get("task_scheduler", "running")
    if scheduler not in ("running", "stopped"):
        raise FleetError(f"task_scheduler must be running or stopped, not {scheduler!r}.")
    state.task_scheduler_runs = scheduler == "running"
    state.reachable_with = state.in_force if mapping.get("cut_off_by_change") else None
    replication = mapping.get("replication_seconds", 0)
    state.replication_seconds = None if replication == "never" else float(replication)
    state.gpo_management = bool(mapping.get("gpo_management"))
    free = mapping.get("free_bytes")
    state.files.free_bytes = None if free is None else int(free)


def _identity(name: str, mapping: t.Mapping[str, t.Any], release: Release) -> Identity:
    build_number = int(mapping.get("build", release.builds[-1]))
    server = releases.is_server(release, mapping.get("kind"))
    product = releases.product(release, server, mapping.get("edition"), build_number)
    language = str(mapping.get("language", "en-US"))
    if language not in messages.LANGUAGES:
        raise FleetError(f"language must be one of {', '.join(messages.LANGUAGES)}, not {language!r}.")
    computer = str(mapping.get("computer_name") or re.sub(r"[^A-Za-z0-9-]", "-", name).upper()[:15])
    return Identity(
        computer_name=computer,
        product=product.product,
        caption=product.caption,
        build=build_number,
        ubr=int(mapping.get("ubr", releases.default_ubr(build_number))),
        edition=product.edition,
        display_version=product.display_version,
        server=server,
        language=language,
        domain=mapping.get("domain"),
        machine_guid=str(mapping.get("machine_guid") or uuid.uuid5(uuid.NAMESPACE_DNS, name)),
    )


def _sessions(mapping: t.Mapping[str, t.Any], build_number: int) -> dict[str, SessionConfiguration]:
    found = sessions.default_sessions(build_number)
    if "powershell" in mapping:
        version = str(mapping["powershell"])
        if version not in sessions.VERSIONS:
            raise FleetError(f"powershell must be one of {', '.join(sessions.VERSIONS)}, not {version!r}.")
        for name, bits in ((sessions.DEFAULT_NAME, 64), (f"{sessions.DEFAULT_NAME}32", 32)):
            found[name] = SessionConfiguration(name, version, bits)
    for name, given in (mapping.get("sessions") or {}).items():
        found[str(name)] = _session(str(name), dict(given or {}), found[sessions.DEFAULT_NAME].version)
    return found


def _session(name: str, given: dict[str, t.Any], version: str) -> SessionConfiguration:
    unknown = sorted(set(given) - {"powershell", "bits", "language_mode", "jea", "role", "visible", "external"})
    if unknown:
        raise FleetError(f"session {name}: unknown key {unknown[0]!r}.")
    jea = bool(given.get("jea"))
    mode = str(given.get("language_mode", "NoLanguage" if jea else "FullLanguage"))
    if mode not in sessions.LANGUAGE_MODES:
        raise FleetError(f"session {name}: language_mode must be one of {', '.join(sessions.LANGUAGE_MODES)}.")
    number = str(given.get("powershell", version))
    if number not in sessions.VERSIONS:
        raise FleetError(f"session {name}: powershell must be one of {', '.join(sessions.VERSIONS)}, not {number!r}.")
    bits = int(given.get("bits", 64))
    if bits not in (32, 64):
        raise FleetError(f"session {name}: bits must be 32 or 64.")
    visible: role_capability.Visible | None = None
    providers = None
    if jea:
        chosen = given.get("visible")
        plain = role_capability.Entry()
        if chosen is not None:
            visible = {str(command): plain for command in chosen}
        else:
            role = role_capability.load(role_capability.shipped(str(given.get("role", "audit"))))
            visible, providers = dict(role.visible), role.providers
        visible |= {str(command): plain for command in given.get("external", [])}
    return SessionConfiguration(name, number, bits, mode, visible, jea, providers)


def _route(given: t.Mapping[str, t.Any]) -> TetraRoute:
    known = ("outcome", "proxy", "suites", "curves", "authority", "after_hello", "interrupted")
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise FleetError(f"tetra: unknown key {unknown[0]!r}; the known ones are {', '.join(known)}.")
    after = given.get("after_hello")
    if after is not None and after not in AFTER_HELLO:
        raise FleetError(f"tetra: after_hello must be one of {', '.join(AFTER_HELLO)}, not {after!r}.")
    outcome = str(given.get("outcome", "ok"))
    if outcome not in ("ok", "dns", "refused", "timeout"):
        raise FleetError(f"tetra: outcome must be ok, dns, refused or timeout, not {outcome!r}.")
    proxy = given.get("proxy")
    suites, curves = given.get("suites"), given.get("curves")
    return TetraRoute(
        outcome,
        None if proxy is None else str(proxy),
        None if suites is None else tuple(suites),
        None if curves is None else tuple(curves),
        None if given.get("authority") is None else str(given["authority"]),
        after,
        bool(given.get("interrupted")),
    )


def _windows(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> None:
    """What every Windows has, and the switches of the fleet file."""
    registry, identity = state.registry, state.identity
    product = releases.product(state.release, identity.server, identity.edition, identity.build)
    values: dict[str, t.Any] = {
        "ProductName": identity.product,
        "CurrentBuild": str(identity.build),
        "CurrentBuildNumber": str(identity.build),
        "EditionID": identity.edition,
        "InstallationType": "Server" if identity.server else "Client",
        "DisplayVersion": identity.display_version,
        "ReleaseId": product.release_id,
        "SystemRoot": "C:\\Windows",
    }
    for key in (_CURRENT_VERSION, _CURRENT_VERSION.replace("SOFTWARE\\", "SOFTWARE\\WOW6432Node\\", 1)):
        for name, text in values.items():
            if text is not None:
                registry.set(key, name, Value(SZ, text))
        if identity.build >= 10240:
            registry.set(key, "UBR", Value(DWORD, identity.ubr))
            registry.set(key, "CurrentMajorVersionNumber", Value(DWORD, 10))
    for part in ("ActiveComputerName", "ComputerName"):
        registry.set(f"{_COMPUTER_NAME}\\{part}", "ComputerName", Value(SZ, identity.computer_name))
    registry.set(_CRYPTOGRAPHY, "MachineGuid", Value(SZ, identity.machine_guid))
    registry.set(_TCPIP, "Domain", Value(SZ, identity.domain or ""))
    for name in _SCHANNEL_TREE:
        registry.create(f"{SCHANNEL_KEY}\\{name}")
    # A service that every Windows has (seen under wine as well).
    registry.set(_RPC, "ImagePath", Value(TYPES["REG_EXPAND_SZ"], "%SystemRoot%\\system32\\svchost.exe -k rpcss"))
    registry.set(_RPC, "Start", Value(DWORD, 2))
    registry.set(f"{SCHANNEL_KEY}\\Protocols\\SSL 2.0\\Client", "DisabledByDefault", Value(DWORD, 1))
    registry.set(SCHANNEL_KEY, "EventLogging", Value(DWORD, 1))
    registry.set(FIPS_KEY, "Enabled", Value(DWORD, int(bool(mapping.get("fips")))))
    registry.create("HKEY_USERS\\S-1-5-19\\Software")
    registry.create_volatile(LOGON_UI)
    for path in (
        _SERVICING,
        _UPDATE,
        f"{_INTERNET}\\WinHttp",
        f"{_INTERNET}\\Connections",
        POLICY_KEY.rpartition("\\")[0],
    ):
        registry.create(path)
    registry.set(_SESSION_MANAGER, "BootExecute", Value(MULTI_SZ, ("autocheck autochk *",)))
    registry.set(f"{_INTERNET}\\Connections", "WinHttpSettings", Value(TYPES["REG_BINARY"], _winhttp(mapping)))
    for key, names in (mapping.get("schannel") or {}).items():
        path = f"{SCHANNEL_KEY}\\{key}"
        registry.create(path)
        for name, number in (names or {}).items():
            registry.set(path, name, Value(DWORD, int(number) & 0xFFFFFFFF))
    for path, names in (mapping.get("registry") or {}).items():
        registry.create(path)
        for name, given in (names or {}).items():
            registry.set(path, name, _value(given))
    pending = mapping.get("pending_reboot") or []
    if "servicing" in pending:
        registry.create(f"{_SERVICING}\\RebootPending")
    if "update" in pending:
        registry.create(f"{_UPDATE}\\RebootRequired")
    if "rename" in pending:
        registry.set(
            _SESSION_MANAGER, "PendingFileRenameOperations", Value(MULTI_SZ, ("\\??\\C:\\Windows\\Temp\\x", ""))
        )


def _winhttp(mapping: t.Mapping[str, t.Any]) -> bytes:
    """WinHttpSettings: 12 bytes of head (flags 3 with a proxy, 1 direct), then proxy and bypass with their lengths."""
    given = mapping.get("winhttp_proxy")
    flags = 3 if given else 1
    proxy = str((given or {}).get("server", "")).encode("ascii")
    bypass = str((given or {}).get("bypass", "")).encode("ascii")
    head = b"\x28\x00\x00\x00\x00\x00\x00\x00" + flags.to_bytes(4, "little")
    return head + len(proxy).to_bytes(4, "little") + proxy + len(bypass).to_bytes(4, "little") + bypass + b"\0" * 32


def _value(given: t.Any) -> Value:
    """A value of a fleet file: ``{type, data}``, or plain text, number or list."""
    if isinstance(given, dict):
        return make_value(str(given["type"]), given.get("data"))
    if isinstance(given, list):
        return Value(MULTI_SZ, tuple(str(item) for item in given))
    if isinstance(given, int) and not isinstance(given, bool):
        return Value(DWORD, given & 0xFFFFFFFF)
    return Value(SZ, str(given))


def _boot(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> None:
    """Writes the orders of suites and curves: first those at boot (``in_force``), then those configured now."""
    earlier = mapping.get("in_force")
    if earlier is not None:
        _orders(state, {key: earlier.get(key, mapping.get(key)) for key in ("policy", "local", "curves")})
        state.boot(state.boot_time)
        state.registry.remove_value(POLICY_KEY, "Functions")
        for key in (POLICY_KEY, LOCAL_KEY):
            state.registry.remove_value(key, "EccCurves")
    _orders(state, mapping)
    if earlier is None:
        state.boot(state.boot_time)


def _orders(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> None:
    registry = state.registry
    local = mapping.get("local")
    if isinstance(local, dict):
        registry.set(LOCAL_KEY, "Functions", make_value(str(local["type"]), local.get("data", "")))
    elif local != "absent":
        names = state.release.local_list if local is None else local
        registry.set(LOCAL_KEY, "Functions", Value(MULTI_SZ, tuple(names)))
    policy = mapping.get("policy")
    if isinstance(policy, dict):
        registry.set(POLICY_KEY, "Functions", make_value(str(policy["type"]), policy.get("data", "")))
    elif isinstance(policy, list):
        registry.set(POLICY_KEY, "Functions", Value(SZ, ",".join(policy)))
    elif policy is not None:
        registry.set(POLICY_KEY, "Functions", Value(SZ, str(policy)))
    signatures = mapping.get("signatures", default_signatures(state.release))
    if signatures != "absent":
        registry.set(SIGNATURE_KEY, "Functions", Value(MULTI_SZ, tuple(signatures)))
    curves = mapping.get("curves") or {}
    local_curves = curves.get("local", state.release.curves)
    if not state.release.suffixed and local_curves != "absent":
        registry.set(LOCAL_KEY, "EccCurves", Value(MULTI_SZ, tuple(local_curves)))
    if "policy" in curves:
        registry.set(POLICY_KEY, "EccCurves", Value(MULTI_SZ, tuple(curves["policy"])))


def _files(state: WindowsState, mapping: t.Mapping[str, t.Any]) -> None:
    old = state.boot_time - datetime.timedelta(days=200)
    for name in ("ntdll.dll", "whoami.exe", "sfc.exe", "shutdown.exe", "gpupdate.exe", "schtasks.exe", "certutil.exe"):
        for folder in ("System32", "SysWOW64"):
            state.files.write(f"C:\\Windows\\{folder}\\{name}", b"MZ", old)
    if state.identity.build >= _CURL_SINCE:
        for folder in ("System32", "SysWOW64"):
            state.files.write(f"C:\\Windows\\{folder}\\curl.exe", b"MZ", old)
    state.files.make_folder("C:\\ProgramData")
    state.files.make_folder("C:\\Windows\\Temp")
    for path, given in (mapping.get("files") or {}).items():
        content = bytes.fromhex(given["hex"]) if isinstance(given, dict) else str(given).encode()
        state.files.write(str(path), content, old)
    for path in mapping.get("denied_files", []):
        file = state.files.find(str(path))
        if file is None:
            raise FleetError(f"denied_files: {path} does not exist on this endpoint.")
        file.denied = True


def _deny(registry: Registry, path: str, access: set[str]) -> None:
    key: Key = registry.create(path)
    key.denied |= access
