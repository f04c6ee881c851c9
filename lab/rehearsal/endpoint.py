# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the facts of a real endpoint to the definition of a simulated one (an endpoint of a fleet file).

What was read is laid down as it was. What could not be read is named, and refuses to be read again where the lab can do
that; it is never made up. What has to be taken somehow, so that there is an endpoint at all, is named as an assumption.
"""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.machine import connector as connectors
from ansible_collections.fleetops.tetra.lab.machine import group_policy, recorded_policy, releases, sessions
from ansible_collections.fleetops.tetra.lab.machine.registry import TYPES
from ansible_collections.fleetops.tetra.lab.machine.schannel_model import LOCAL_KEY, POLICY_KEY
from ansible_collections.fleetops.tetra.lab.rehearsal import in_force

Facts = t.Mapping[str, t.Any]
SCHEMA = "fleetops.tetra/facts/1"
AS_AUDITED, ADMINISTRATOR = "as_audited", "administrator"
BOOT_SECONDS = 1
_UNCERTAIN_TYPE = "REG_SZ_OR_EXPAND_SZ"
_UNREAD = ("denied", "error", "not_read", "unsupported")
_OUTCOMES = {"dns": "dns", "connect": "refused", "timeout": "timeout"}
_CURL_NO_PROXY_NAME = 5
_PROXY_REFUSES = "407"
"""Which status a proxy answered was not always recorded; any but 200 ends the same."""
_NOT_ASKED_WITHOUT_POLICY = "nothing to attribute"


class CannotRehearse(Exception):
    """These facts do not make an endpoint; the message is one sentence."""


@dataclass
class Rehearsed:
    """One endpoint of a rehearsal."""

    name: str
    definition: dict[str, t.Any]
    """As an endpoint of a fleet file."""
    unread: list[str] = field(default_factory=list)
    """What the audit could not read, one sentence each."""
    assumed: list[str] = field(default_factory=list)
    """What the rehearsal takes for granted, one sentence each."""


def rehearsed(
    facts: Facts, verdict: t.Mapping[str, t.Any], now: datetime.datetime, account: str = AS_AUDITED
) -> Rehearsed:
    """The endpoint as the facts show it; times keep their distance from the audit.

    verdict: the verdict of the same record, for whether the configured order was held to be in force.
    now: the moment at which the endpoint begins to live. account: AS_AUDITED gives the account the rights that it had
    in the audit, ADMINISTRATOR full ones. Raises CannotRehearse.
    """
    if facts.get("schema") != SCHEMA:
        raise CannotRehearse(f"its facts are {facts.get('schema')!r}, not {SCHEMA}.")
    try:
        made = _Maker(facts, now, account).make()
        in_force.explain(made.definition, facts, verdict, made.assumed)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise CannotRehearse(f"its facts are damaged ({type(problem).__name__}: {problem}).") from None
    except FleetError as problem:
        raise CannotRehearse(f"the lab cannot be such an endpoint: {str(problem).rstrip('.')}.") from None
    return made


class _Maker:
    def __init__(self, facts: Facts, now: datetime.datetime, account: str) -> None:
        self._facts = facts
        self._collected = moment_of(facts["collected_at"])
        self._shift = now - self._collected
        self._account = account
        self.made = Rehearsed(str(facts["host"]), {"transport": {}, "boot_seconds": BOOT_SECONDS})
        self._registry: dict[str, dict[str, t.Any]] = {}
        self._denied: list[str] = []

    def make(self) -> Rehearsed:
        definition = self.made.definition
        self._windows()
        self._session()
        self._orders()
        self._schannel()
        self._origin()
        self._reboot()
        self._connector()
        self._way_to_the_server()
        definition["registry"] = self._registry
        if self._denied:
            definition["denied"] = list(dict.fromkeys(self._denied))
        self.made.assumed.append("Nobody is logged on, no restart is held by a role, and there is room on the disk.")
        return self.made

    # Helpers --------------------------------------------------------------------------------------------------------

    def _ago(self, time: t.Any) -> float | None:
        """Seconds from that time to the audit."""
        return None if not time else (self._collected - moment_of(time)).total_seconds()

    def _unread(self, what: str, section: t.Mapping[str, t.Any]) -> None:
        reason = str(section.get("reason") or section.get("status"))
        self.made.unread.append(f"{what}: {section.get('status')} ({reason.rstrip('.')}).")

    def _was_read(self, what: str, section: t.Mapping[str, t.Any]) -> bool:
        """Whether it was read, be it there or not; notes it where it was not."""
        if section["status"] not in _UNREAD:
            return True
        if _NOT_ASKED_WITHOUT_POLICY not in str(section.get("reason")):
            self._unread(what, section)
        return False

    def _plain(self, value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        kind = str(value["type"])
        if kind == _UNCERTAIN_TYPE:
            self.made.assumed.append(f"{value.get('name') or 'A value'} is REG_SZ, not REG_EXPAND_SZ.")
            kind = "REG_SZ"
        if kind not in TYPES:
            raise ValueError(f"{kind} is no type of the registry")
        return {"type": kind, "data": value["data"]}

    def _value(self, what: str, value: t.Mapping[str, t.Any]) -> None:
        """Lays a registry value down as it was found, or makes its key refuse where it could not be read."""
        if not self._was_read(what, value):
            self._denied.append(str(value["path"]))
        elif value["status"] == "ok":
            self._registry.setdefault(str(value["path"]), {})[str(value["name"])] = self._plain(value)

    # Sections -------------------------------------------------------------------------------------------------------

    def _windows(self) -> None:
        os = self._facts["os"]
        if os["status"] != "ok" or not isinstance(os["build"], int):
            raise CannotRehearse(f"its Windows release is not known ({os.get('reason') or os['status']}).")
        release = releases.find(os["build"])
        definition = self.made.definition
        definition.update(release=release.key, build=os["build"], utc_offset_minutes=0)
        titles = {"client": release.client, "server": release.server}
        if os["kind"] is not None and titles.get(str(os["kind"])) is not None:
            definition["kind"] = os["kind"]
        if isinstance(os["ubr"], int):
            definition["ubr"] = os["ubr"]
        for name in ("edition", "computer_name"):
            if isinstance(os[name], str):
                definition[name] = os[name]

    def _session(self) -> None:
        psrp, definition = self._facts["psrp"], self.made.definition
        if self._account == ADMINISTRATOR:
            return
        version = str(psrp.get("powershell_version") or "")
        number = "7.4" if psrp.get("edition") == "Core" else ".".join(version.split(".")[:2])
        name = psrp.get("configuration_name") or sessions.DEFAULT_NAME
        usual = sessions.default_sessions(int(definition["build"]))
        if name in usual and number in sessions.VERSIONS and number != usual[name].version:
            definition["powershell"] = number
        elif name not in usual:
            given: dict[str, t.Any] = {"bits": psrp.get("process_bits") or 64}
            if number in sessions.VERSIONS:
                given["powershell"] = number
            definition["sessions"] = {name: given}
            self.made.assumed.append(f"The session configuration {name} allows what a full session allows.")
        if name != sessions.DEFAULT_NAME:
            definition["transport"]["configurations"] = [name]
        statuses = [self._facts["reboot"], self._facts["policy_origin"]["rsop"]]
        refused = any(one["status"] == "denied" for one in statuses)
        if psrp.get("administrator") is False:
            definition["account"] = "user" if refused else "filtered"
        elif refused:
            definition["wmi"] = "denied"
        if any(one["status"] == "error" for one in statuses):
            definition["wmi"] = "broken"

    def _orders(self) -> None:
        facts, definition = self._facts, self.made.definition
        policy, local = facts["policy_order"], facts["local_order"]
        if not self._was_read("The policy's suite list", policy):
            self._denied.append(POLICY_KEY)
        elif policy["status"] == "ok":
            definition["policy"] = self._plain(policy)
        if not self._was_read("The local suite list", local):
            self._denied.append(LOCAL_KEY)
        else:
            definition["local"] = self._plain(local) if local["status"] == "ok" else "absent"
        curves: dict[str, t.Any] = {"local": "absent"}
        for which, key in (("policy", POLICY_KEY), ("local", LOCAL_KEY)):
            value = facts["curves"][which]
            if not self._was_read(f"The {'policy' if which == 'policy' else 'local'} curve list", value):
                self._denied.append(key)
                curves.pop(which, None)
            elif value["status"] == "ok" and value["type"] == "REG_MULTI_SZ":
                curves[which] = list(value["data"])
            elif value["status"] == "ok":
                self._value(f"The {which} curve list", value)
        definition["curves"] = curves
        signatures = facts["signature_algorithms"]
        for name, which in (("The list of signature algorithms", "local"), ("Its twin below Policies", "policy")):
            value = signatures[which]
            if not self._was_read(name, value):
                self._denied.append(str(value["path"]))
            elif which == "local" and value["status"] == "absent":
                definition["signatures"] = "absent"
            elif which == "local" and value["status"] == "ok" and isinstance(value["data"], list):
                definition["signatures"] = list(value["data"])
            elif value["status"] == "ok":
                self._value(name, value)

    def _schannel(self) -> None:
        schannel = self._facts["schannel"]
        for name, key in schannel["keys"].items():
            if not self._was_read(f"SCHANNEL\\{name}", key):
                self._denied.append(str(key["path"]))
            elif key["status"] == "ok":
                values = {one: self._plain({"name": one, **value}) for one, value in key["values"].items()}
                self._registry.setdefault(str(key["path"]), {}).update(values)
        self._value("WinHttp DefaultSecureProtocols", schannel["winhttp_default_secure_protocols"])
        self._value("FIPS mode", self._facts["fips"]["value"])

    def _origin(self) -> None:
        origin, definition = self._facts["policy_origin"], self.made.definition
        rsop, local, archive = origin["rsop"], origin["local_gpo"], origin["archive"]
        recorded: dict[str, t.Any] = {"kind": "recorded"}
        if self._was_read("The resultant set of policy", rsop) and rsop["status"] == "ok":
            recorded["gpos"] = [dict(gpo) for gpo in rsop["gpos"]]
            recorded["rows"] = [
                {**{name: value for name, value in row.items() if name != "created"},
                 "seconds_ago": self._ago(row["created"])}
                for row in rsop["rows"]
            ]  # fmt: skip
            if not rsop["gpos"] and not rsop["rows"]:
                definition["rsop_logging"] = False  # with logging there is at least the local group policy
        if self._was_read("The local group policy", local) and local["status"] == "ok":
            recorded["local"] = {
                "entries": [dict(entry) for entry in local["entries"]],
                "others": max(0, int(local["entry_count"]) - len(local["entries"])),
                "seconds_ago": self._ago(local["modified"]) or 0.0,
            }
            path = str(local["path"] or group_policy.REGISTRY_POL)
            if path.lower() != group_policy.REGISTRY_POL.lower():
                self.made.assumed.append(f"Windows lies on drive C, not where {path} is.")
            if recorded["local"]["others"]:
                others = f"{recorded['local']['others']} other settings of the local group policy"
                self.made.assumed.append(f"{others} were counted, not read; placeholders stand for them.")
        elif local["status"] == "denied":
            recorded["local"] = {"denied": True}
        if archive["status"] == "ok":
            recorded["archive_seconds_ago"] = self._ago(archive["modified"]) or 0.0
        if len(recorded) > 1:
            definition["origin"] = recorded
        for value in origin["mdm"]["values"]:
            self._value("The MDM policy", value)
        self._value("MDMWinsOverGP", origin["mdm"]["mdm_wins_over_gp"])
        self._value("DisableLGPOProcessing", origin["lgpo_processing_disabled"])

    def _reboot(self) -> None:
        reboot, definition = self._facts["reboot"], self.made.definition
        self._was_read("Restart and pending restarts", reboot)
        ago = self._ago(reboot["last_boot"])
        if ago is not None:
            definition["uptime_hours"] = ago / 3600
        names = {"component_based_servicing": "servicing", "windows_update": "update", "file_rename": "rename"}
        pending = [short for name, short in names.items() if reboot["pending"].get(name) is True]
        if pending:
            definition["pending_reboot"] = pending
        if reboot["changed_by_us"]:
            changed = moment_of(reboot["changed_by_us"]) + self._shift
            key = "HKEY_LOCAL_MACHINE\\SOFTWARE\\fleetops.tetra"
            self._registry[key] = {"ChangedAt": {"type": "REG_SZ", "data": f"{changed:%Y-%m-%dT%H:%M:%SZ}"}}

    def _connector(self) -> None:
        section, definition = self._facts["connector"], self.made.definition
        if section["status"] == "absent":
            definition["connector"] = "absent"
            return
        made: dict[str, t.Any] = {}
        if not self._was_read("Cisco Secure Endpoint", section):
            self.made.assumed.append("Cisco Secure Endpoint is installed with its usual settings.")
        if section["version"]:
            made["version"] = str(section["version"])
        if section["install_dir"] and str(section["install_dir"]).lower() != connectors.ROOT.lower():
            self.made.assumed.append(f"The connector lies in {connectors.ROOT}, not in {section['install_dir']}.")
        service = section["service"]
        if self._was_read("The connector's service", service) and service["status"] == "ok":
            made.update(
                {
                    key: str(service[name])
                    for key, name in (("service", "state"), ("start_mode", "start_mode"))
                    if service[name]
                }
            )
        tetra = section["tetra"]
        made["policy_readable"] = self._was_read("The connector's policy", tetra)
        if tetra["enabled"] is not None:
            made["tetra"] = bool(tetra["enabled"])
        if tetra["update_server"]:
            made["update_server"] = escape(str(tetra["update_server"]))
        version = section["definitions"]["version"]
        made["definitions"] = f"71:{version}" if version else None
        self._last_update(section["last_update"], made)
        policy = self._facts["proxy"]["policy"]
        if policy["status"] == "ok" and policy["server"]:
            made["proxy"] = {key: escape(str(policy[key])) for key in ("server", "port", "type") if policy[key]}
        definition["connector"] = made

    def _last_update(self, update: t.Mapping[str, t.Any], made: dict[str, t.Any]) -> None:
        if not self._was_read("The connector's log", update):
            made.update(log="never", log_readable=False)
            return
        made["log"] = str(update["result"] or ("none" if update["status"] == "absent" else "never"))
        if update["code"] is not None and made["log"] == "failed":
            made["log_code"] = int(update["code"])
        ago = self._ago(update["time"])
        if ago is not None:
            made["log_minutes_ago"] = ago / 60

    def _way_to_the_server(self) -> None:
        probe, proxy, definition = self._facts["probe"], self._facts["proxy"], self.made.definition
        winhttp = proxy["winhttp"]
        if self._was_read("The proxy of WinHTTP", winhttp) and winhttp["server"]:
            definition["winhttp_proxy"] = {"server": str(winhttp["server"]), "bypass": str(winhttp["bypass"] or "")}
        route: dict[str, t.Any] = {}
        if "winhttp_proxy" in definition or (proxy["policy"]["status"] == "ok" and proxy["policy"]["server"]):
            route["proxy"] = "ok"
        outcome = probe["outcome"] if probe["status"] == "ok" else None
        if outcome == "proxy":
            route["proxy"] = "dns" if probe["exit_code"] == _CURL_NO_PROXY_NAME else _PROXY_REFUSES
        elif outcome == "connect" and probe["via_proxy"]:
            route["proxy"] = "refused"
        elif outcome in _OUTCOMES:
            route = {"outcome": _OUTCOMES[outcome]}
        elif outcome is None:
            self.made.assumed.append("The way to the update server is free: no handshake was made by the endpoint.")
        if outcome is not None:
            definition["inventory"] = {"tetra_probe": True}
        if route:
            definition["tetra"] = route


def domains_of(definition: t.Mapping[str, t.Any]) -> set[str]:
    """The domains whose GPOs govern the endpoint."""
    origin = definition.get("origin") or {}
    ids = [str(row["gpo_id"]) for row in origin.get("rows") or []]
    return {recorded_policy.domain_of(one) for one in ids if one.lower() != group_policy.LOCAL_GPO.id.lower()}


def moment_of(text: t.Any) -> datetime.datetime:
    """A time of a facts document. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
