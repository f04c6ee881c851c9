# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Questions beyond TLS, for a diagnosis only: ways, roots, revocation, clock, disk, firewall, hosts file, events.

Each is a section with its own status (``module_utils/triage/evidence.py``). Nothing here writes, and nothing is script
text. The requests are made by the endpoint's own curl.exe: Schannel, its proxy, its roots.
"""

from __future__ import annotations

import time
import typing as t
from datetime import UTC, datetime

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import certificates
from ansible_collections.fleetops.tetra.plugins.module_utils.connector import paths, xml_paths
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake.certificate import CISCO_ROOTS
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import windows_texts as texts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Asker,
    Command,
    PSObject,
    command,
    plain_target,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import event_logs
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.probe import Target
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import (
    NOT_ASKED,
    Question,
    Reply,
    ask_all,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    going_on,
    items_question,
    listing,
    provider_path,
    select,
    values_question,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import (
    WINHTTP_PROXY_KEY,
    WINHTTP_PROXY_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.system import utc

_STORES = ("ROOT", "AuthRoot")
_CERTIFICATES = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates"
_ROOT_POLICY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\SystemCertificates\AuthRoot"
_ROOT_UPDATE = "DisableRootAutoUpdate"
_USER_PROXY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings"
_PER_USER = "ProxySettingsPerUser"
_SCHANNEL = facts.schannel_path("Protocols").rpartition("\\")[0]
_LOGGING = "EventLogging"
_FIREWALL = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
_RULES = (
    rf"{_FIREWALL}\FirewallRules",
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules",
)
_PROFILES = tuple(rf"{_FIREWALL}\{name}Profile" for name in ("Domain", "Standard", "Public"))
_OUTBOUND = "DefaultOutboundAction"
ROOT_LIST = "http://ctldl.windowsupdate.com/"
"""Where Windows fetches roots on demand (plain HTTP)."""
_UNLOCK = "unlock_code"
"""Present only while the endpoint is isolated; its value is a secret and is not asked for."""
_HISTORY = {
    "last_checked": ("agent", "engine", "tetra", "lastupdatechecked"),
    "last_success": ("agent", "engine", "tetra", "lastsuccesstime"),
    "registered": ("agent", "agent_registered"),
    "disabled": ("agent", "agent_disabled"),
}
_WITH_CERTIFICATES = (7, 88, 0)
"""The first curl that prints certificates with Schannel."""
Progress = dict[str, t.Any]


def read_beyond_tls(asker: Asker, target: Target, system_root: str, install_dir: str | None, taken_at: str) -> Progress:
    """The sections of evidence that questions give, by name. Raises SessionError when the conversation is lost."""
    drive = (install_dir or system_root)[:2]
    replies = ask_all(asker, _settings(drive, system_root, target.host))
    found: Progress = {
        "disk": _disk(replies["disk"], drive),
        "firewall": _firewall(replies),
        "hosts_file": _hosts(replies["hosts"], target.host),
        "isolation": _isolation(replies["connector"]),
        "system_proxy": _system_proxy(replies["values"]),
        "roots": _roots(replies),
        "clock": _clock(asker),
    }
    found.update(_requests(asker, target, system_root, found["roots"]))
    found["pac"] = _proxy_script(_Curl(asker, system_root, target), found["system_proxy"])
    level = _logging(replies["values"])
    found["schannel_events"] = event_logs.read_events(asker, system_root, event_logs.SCHANNEL, level)
    if event_logs.is_enabled(asker, system_root, event_logs.CAPI2) is False:
        found["capi2_events"] = e.section("capi2_events", facts.NOT_READ, event_logs.OFF)
    else:
        found["capi2_events"] = event_logs.read_events(asker, system_root, event_logs.CAPI2)
    return found


def history(local_xml: bytes | None) -> e.History:
    """What local.xml says of past updates; its identity parts are not looked at."""
    if local_xml is None:
        return t.cast(e.History, e.section("history", facts.ABSENT, "The connector has no local.xml."))
    try:
        found = xml_paths.read_paths(local_xml, list(_HISTORY.values()))
    except xml_paths.XmlError as error:
        return t.cast(e.History, e.section("history", facts.ERROR, f"local.xml cannot be read: {error}."))
    values: dict[str, t.Any] = {}
    for name, path in _HISTORY.items():
        text = found.get(path)
        if name.startswith("last_"):
            values[name] = _unix(text)
        else:
            values[name] = {"1": True, "true": True, "0": False, "false": False}.get((text or "").lower())
    return t.cast(e.History, e.section("history", **values))


# The questions ------------------------------------------------------------------------------------------------------


def _settings(drive: str, system_root: str, host: str) -> list[Question]:
    roots = [f"{_CERTIFICATES}\\{store}\\Certificates\\{print_}" for store in _STORES for print_ in CISCO_ROOTS]
    hosts = f"{system_root}\\System32\\drivers\\etc\\hosts"
    return [
        Question(
            "disk",
            (
                going_on(
                    "Get-CimInstance",
                    ClassName="Win32_LogicalDisk",
                    Filter=f"DeviceID='{drive}'",
                    Property=["DeviceID", "FreeSpace"],
                ),
                select("DeviceID", "FreeSpace"),
            ),
            frozenset({"root\\cimv2:win32_logicaldisk"}),
        ),
        values_question(
            "values",
            [WINHTTP_PROXY_KEY, _ROOT_POLICY, _USER_PROXY, _SCHANNEL, *_PROFILES],
            [WINHTTP_PROXY_VALUE, _ROOT_UPDATE, _PER_USER, _LOGGING, _OUTBOUND],
        ),
        items_question("roots", roots),
        items_question("connector", [paths.REGISTRY_KEY]),
        Question(
            "rules",
            (going_on("Get-ItemProperty", LiteralPath=[provider_path(key) for key in _RULES]), select("*")),
            frozenset(key.lower() for key in _RULES),
        ),
        Question(
            "hosts",
            (
                going_on("Select-String", LiteralPath=hosts, Pattern=[host, "amp.cisco.com"], SimpleMatch=True),
                command("Select-Object", ExpandProperty="Line"),
            ),
            frozenset({hosts.lower()}),
        ),
    ]


def _value(reply: Reply, key: str, name: str) -> t.Any:
    for obj in reply.values:
        if isinstance(obj, PSObject) and str(obj.get("PSPath")).lower().endswith(f"::{key}".lower()):
            return obj.get(name)
    return None


def _disk(reply: Reply, drive: str) -> t.Any:
    for obj in reply.values:
        free = obj.get("FreeSpace") if isinstance(obj, PSObject) else None
        if isinstance(free, int) and not isinstance(free, bool):
            return e.section("disk", drive=drive, free_bytes=int(free))
    return e.section("disk", *_not_absent(reply))


def _firewall(replies: t.Mapping[str, Reply]) -> t.Any:
    reply = replies["rules"]
    values = [obj for obj in reply.values if isinstance(obj, PSObject)]
    if not values and not reply.complete:
        return e.section("firewall", *_not_absent(reply))
    rules = [rule for obj in values for rule in texts.blocking_rules(obj.properties)]
    defaults = [_value(replies["values"], key, _OUTBOUND) for key in _PROFILES]
    known = [value for value in defaults if isinstance(value, int)]
    return e.section("firewall", blocking=rules, default_blocks=all(value == 1 for value in known) if known else None)


def _hosts(reply: Reply, host: str) -> t.Any:
    lines = [str(value) for value in reply.values if isinstance(value, str)]
    if not lines and not reply.complete:
        return e.section("hosts_file", *_not_absent(reply))
    found = texts.pinned(lines, {host.lower()})
    return e.section("hosts_file", pinned=[{"address": address, "name": name} for address, name in found])


def _isolation(reply: Reply) -> t.Any:
    listed = listing(reply).get(paths.REGISTRY_KEY.lower())
    isolated = listed.has(_UNLOCK) if listed is not None else None
    if isolated is None:
        return e.section("isolation", *_not_absent(reply))
    return e.section("isolation", isolated=isolated)


def _system_proxy(reply: Reply) -> t.Any:
    blob = _value(reply, WINHTTP_PROXY_KEY, WINHTTP_PROXY_VALUE)
    data = bytes(blob) if isinstance(blob, (bytes, bytearray)) else bytes(blob) if _is_bytes(blob) else None
    found = texts.winhttp(data) if data is not None else None
    if found is None:
        return e.section("system_proxy", *(_not_absent(reply) if data is None else (facts.ERROR, _DAMAGED)))
    per_user = _value(reply, _USER_PROXY, _PER_USER)
    return e.section(
        "system_proxy",
        winhttp_server=found.server,
        winhttp_bypass=found.bypass,
        winhttp_pac=found.pac,
        detect=found.detect,
        per_machine=per_user == 0 if isinstance(per_user, int) else None,
    )


_DAMAGED = "WinHttpSettings contradicts itself."


def _is_bytes(value: t.Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, int) and 0 <= item < 256 for item in value)


def _roots(replies: t.Mapping[str, Reply]) -> t.Any:
    reply = replies["roots"]
    present = {path.rpartition("\\")[2].upper() for path in listing(reply)}
    missing = [plain_target(refusal.target) or "" for refusal in reply.refusals if refusal.is_missing]
    # Absent is what the endpoint said to be missing of both stores, and nothing else.
    gone = [print_ for print_ in CISCO_ROOTS if sum(path.endswith(print_.lower()) for path in missing) == len(_STORES)]
    if not present and not gone:
        return e.section("roots", *_not_absent(reply))
    disabled = _value(replies["values"], _ROOT_POLICY, _ROOT_UPDATE)
    return e.section(
        "roots",
        present=[name for print_, name in CISCO_ROOTS.items() if print_ in present],
        absent=[CISCO_ROOTS[print_] for print_ in gone if print_ not in present],
        update="off" if disabled == 1 else "on" if replies["values"].complete else "unknown",
    )


def _logging(reply: Reply) -> int | None:
    level = _value(reply, _SCHANNEL, _LOGGING)
    return int(level) if isinstance(level, int) and not isinstance(level, bool) else None


def _clock(asker: Asker) -> t.Any:
    """The endpoint's clock against the controller's; whole seconds, so one second more of tolerance."""
    question = Question(
        "clock",
        (
            going_on(
                "Get-CimInstance", ClassName="Win32_OperatingSystem", Property=["LocalDateTime", "CurrentTimeZone"]
            ),
            select("LocalDateTime", "CurrentTimeZone"),
        ),
    )
    before, began = datetime.now(UTC), time.monotonic()
    reply = ask_all(asker, [question])["clock"]
    tolerance = (time.monotonic() - began) / 2
    for obj in reply.values:
        theirs = moment(utc(obj.get("LocalDateTime"))) if isinstance(obj, PSObject) else None
        if theirs is not None:
            ahead = theirs.timestamp() - before.timestamp() - tolerance
            zone = obj.get("CurrentTimeZone")
            offset = int(zone) if isinstance(zone, int) and abs(zone) <= 15 * 60 else None
            tolerance = round(tolerance + 1, 1)
            return e.section("clock", ahead=round(ahead, 1), tolerance=tolerance, utc_offset_minutes=offset)
    return e.section("clock", *_not_absent(reply))


def _not_absent(reply: Reply) -> tuple[str, str]:
    """(status, reason) for a section that could not be read."""
    status, reason = reply.why_not()
    return (facts.ERROR, reason) if status == facts.ABSENT else (status, reason)


# Requests of curl.exe ------------------------------------------------------------------------------------------------


class _Curl:
    """The endpoint's curl.exe, one request after the other."""

    def __init__(self, asker: Asker, system_root: str, target: Target) -> None:
        self._asker = asker
        self._program = f"{system_root}\\System32\\curl.exe"
        self._target = target
        self.refused: Reply = NOT_ASKED

    def lines(self, *arguments: str) -> list[str] | None:
        statement = (Command(self._program, tuple((None, argument) for argument in arguments)),)
        reply = ask_all(self._asker, [Question("curl", statement, frozenset({self._program.lower()}))])["curl"]
        if not reply.values:
            self.refused = reply
            return None
        return [str(value) for value in reply.values if isinstance(value, str)]

    def request(
        self, *more: str, url: str | None = None, proxy: bool = True, certs: bool = False
    ) -> tuple[e.Attempt | None, list[str]]:
        arguments = ["--silent", "--show-error", "--stderr", "-", "--output", "NUL", "--head"]
        arguments += ["--connect-timeout", "10", "--max-time", str(self._target.seconds)]
        way = self._target.proxy if proxy else None
        arguments += ["--proxy", f"http://{way}"] if way else ["--noproxy", "*"]
        write = ("%{certs}\\n" if certs else "") + texts.WRITE_OUT
        arguments += [*more, "--write-out", write, url or f"https://{self._target.host}:{self._target.port}/"]
        said = self.lines(*arguments)
        return (None, []) if said is None else (texts.attempt(said), said)


def _requests(asker: Asker, target: Target, system_root: str, roots: t.Any) -> Progress:
    curl = _Curl(asker, system_root, target)
    version = texts.curl_version(curl.lines("--version") or [])
    about: dict[str, t.Any] = {"host": target.host, "port": target.port, "proxy": target.proxy}
    default, _said = curl.request()
    if default is None:
        status, reason = curl.refused.why_not()
        if any(refusal.is_missing or refusal.is_missing_command for refusal in curl.refused.refusals):
            status, reason = facts.UNSUPPORTED, "The endpoint has no curl.exe; it came with Windows 10 1803."
        nothing = (status if status != facts.ABSENT else facts.ERROR, reason)
        return {name: e.section(name, *nothing) for name in ("ways", "reach", "issuer", "revocation")}
    attempts: dict[str, e.Attempt] = {"default": default}
    for name, options, proxy in _further(default, target):
        found, _said = curl.request(*options, proxy=proxy)
        if found is not None:
            attempts[name] = found
    issuer = _issuer(curl, version, attempts)
    ways = e.section(
        "ways", **about, version=".".join(map(str, version)) if version else None, attempts=attempts,
    )  # fmt: skip
    targets = _servers(curl, target, attempts)
    points: dict[str, bool] = {}
    if not default["handshake"] or default["exit"] != 0:
        for url in issuer["points"][:4]:
            answered, _said = curl.request(url=url)
            points[url] = answered is not None and answered["http"] > 0
            targets += _plain_server(url, "revocation", answered, target.proxy)
        if roots["status"] == facts.OK and roots["absent"]:
            answered, _said = curl.request(url=ROOT_LIST)
            roots["update_reachable"] = answered is not None and answered["http"] > 0
            targets += _plain_server(ROOT_LIST, "roots", answered, target.proxy)
    return {
        "ways": ways,
        "reach": e.section("reach", targets=targets),
        "issuer": issuer,
        "revocation": e.section("revocation", points=points),
    }


_QUICKLY = ("--connect-timeout", "5", "--max-time", "8", "--insecure")


def _servers(curl: _Curl, target: Target, attempts: t.Mapping[str, e.Attempt]) -> list[e.Target]:
    """Definition server and proxy, each by its name and its port. Behind a proxy the server is tried directly, too."""
    default = attempts["default"]
    if target.proxy is None:
        return [texts.reached(target.host, target.port, "definition server", default)]
    direct = attempts.get("direct") or curl.request(*_QUICKLY, proxy=False)[0]
    host, _colon, port = target.proxy.rpartition(":")
    found = [texts.reached(host.strip("[]"), int(port), "proxy", default, proxy=True)] if port.isdecimal() else []
    return [texts.reached(target.host, target.port, "definition server", direct), *found]


def _plain_server(
    url: str, what: t.Literal["revocation", "roots"], answered: e.Attempt | None, proxy: str | None
) -> list[e.Target]:
    """Nothing where a proxy stands between: it resolves and connects."""
    host, port = texts.server_of(url)
    return [texts.reached(host, port, what, answered)] if proxy is None and host else []


def _further(default: e.Attempt, target: Target) -> t.Iterator[tuple[str, tuple[str, ...], bool]]:
    """(name, options, through the proxy) of the requests that tell more after this first one."""
    code = default["exit"]
    if default["handshake"] and code == 0:
        return
    if code in (35, 56, 60, 77) and not default["connect"] // 100 > 2:
        yield "no_revocation", ("--ssl-no-revoke",), True
        yield "insecure", ("--insecure",), True
    if target.proxy:
        yield "direct", ("--ssl-no-revoke",), False
    elif code in (7, 28):
        yield "ipv4", ("--ipv4",), True
        yield "ipv6", ("--ipv6",), True


def _issuer(curl: _Curl, version: tuple[int, int, int] | None, attempts: t.Mapping[str, e.Attempt]) -> t.Any:
    if version is None or version < _WITH_CERTIFICATES:
        return e.section("issuer", facts.UNSUPPORTED, "curl prints certificates from version 7.88 on.")
    if not any(one["handshake"] for one in attempts.values()):
        return e.section("issuer", facts.NOT_READ, "No handshake came to its end, so no certificate was seen.")
    _attempt, said = curl.request("--insecure", certs=True)
    pems = texts.certificates(said)
    chain = certificates.of_pem(pems)
    if chain is None:
        return e.section("issuer", facts.ERROR, "curl printed no certificate that can be read.")
    return e.section(
        "issuer",
        issuer=chain["issuer"],
        subject=chain["subject"],
        not_before=chain["not_before"],
        not_after=chain["not_after"],
        points=certificates.points(pems[0]),
    )


_LARGEST_SCRIPT = 1_000_000


def _proxy_script(curl: _Curl, system_proxy: e.SystemProxy) -> t.Any:
    """The proxy script that Windows' setting names, fetched by the endpoint."""
    if system_proxy["status"] != facts.OK:
        return e.section("pac", facts.NOT_READ, "Windows' proxy setting could not be read.")
    url = system_proxy["winhttp_pac"]
    if url is None:
        return e.section("pac", facts.ABSENT, "Windows' proxy setting names no script.")
    address = texts.script_address(url)
    if address is None:
        return e.section("pac", facts.UNSUPPORTED, "The address of the proxy script is none of HTTP.", url=url[:300])
    said = curl.lines(
        "--silent", "--show-error", "--stderr", "-", "--fail", "--noproxy", "*", "--connect-timeout", "10",
        "--max-time", "20", "--max-filesize", str(_LARGEST_SCRIPT), address,
    )  # fmt: skip
    text = "\n".join(said or [])[:_LARGEST_SCRIPT]
    script = texts.proxy_script(text)
    if script is None:
        why = "curl.exe did not run" if said is None else "what came is no proxy script"
        return e.section("pac", facts.ERROR, f"The proxy script could not be read: {why}.", url=address)
    return e.section(
        "pac",
        url=address,
        size=len(text),
        proxies=list(script.proxies),
        direct=script.direct,
        names_cisco=script.names_cisco,
    )


def _unix(text: str | None) -> str | None:
    if text is None or not text.strip().isdecimal() or len(text.strip()) > 12 or int(text) == 0:
        return None
    return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
