# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Facts about Windows and the session from the answers: release, boot, pending reboots, PowerShell, machine proxy."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import PSObject
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import Shell
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import (
    NOT_ASKED,
    Reply,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import RegistryAnswers, listing
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import (
    COMPUTER_NAME_KEY,
    CRYPTOGRAPHY_KEY,
    CURRENT_VERSION_KEY,
    ELEVATION_KEY,
    RENAMES_VALUE,
    SERVICING_KEY,
    SESSION_MANAGER_KEY,
    TCPIP_KEY,
    WINDOWS_UPDATE_KEY,
    WINHTTP_PROXY_KEY,
    WINHTTP_PROXY_VALUE,
    Survey,
)

_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_DMTF = re.compile(r"(\d{14})\.\d{6}([+-]\d{3})")


def operating_system(survey: Survey, replies: t.Mapping[str, Reply]) -> d.Os:
    answer = survey.registry.key(CURRENT_VERSION_KEY)
    values = answer.properties

    def text(name: str) -> str | None:
        value = values.get(name.lower())
        return value if isinstance(value, str) else None

    identities = RegistryAnswers(replies.get("identity", NOT_ASKED))

    def identity(key: str, value: str) -> str | None:
        data = identities.data(key, value)
        return data if isinstance(data, str) and data else None

    ubr = values.get("ubr")
    installation = text("InstallationType")
    kind: t.Literal["client", "server"] | None
    kind = None if installation is None else "client" if installation == "Client" else "server"
    status: d.Status = facts.ERROR
    reason: str | None = "No answer."
    if answer.status != "empty":
        status, reason = answer.status, answer.reason
    if status == facts.OK and survey.build is None:
        status, reason = facts.ERROR, "Windows does not tell its build number."
    name = survey.registry.data(COMPUTER_NAME_KEY, "ComputerName")
    return {
        **facts.section(facts.ERROR if status == facts.ABSENT else status, reason),
        "product": text("ProductName"),
        "build": survey.build,
        "ubr": int(ubr) if isinstance(ubr, int) and not isinstance(ubr, bool) else None,
        "edition": text("EditionID"),
        "display_version": text("DisplayVersion") or text("ReleaseId"),
        "kind": kind,
        "computer_name": name if isinstance(name, str) else None,
        "domain": identity(TCPIP_KEY, "Domain"),
        "machine_guid": identity(CRYPTOGRAPHY_KEY, "MachineGuid"),
        "architecture": survey.environment.get("processor_architew6432")
        or survey.environment.get("processor_architecture"),
    }


def reboot(survey: Survey, replies: t.Mapping[str, Reply]) -> d.Reboot:
    pending: d.PendingReboot = {
        "component_based_servicing": _exists(survey.items, SERVICING_KEY),
        "windows_update": _exists(survey.items, WINDOWS_UPDATE_KEY),
        "file_rename": _has_value(survey.items, SESSION_MANAGER_KEY, RENAMES_VALUE),
    }
    changed = utc(survey.registry.data(facts.OUR_KEY, facts.CHANGED_AT))
    mark = survey.registry.value(facts.OUR_KEY, facts.CHANGED_AT)
    reply = replies.get("os", NOT_ASKED)
    obj = next((value for value in reply.values if isinstance(value, PSObject)), None)
    boot = utc(obj.get("LastBootUpTime")) if obj is not None else None
    if boot is not None:
        return {
            **facts.section(facts.OK),
            "last_boot": boot,
            "pending": pending,
            "changed_by_us": changed,
            "mark": mark,
        }
    status: d.Status = facts.ERROR
    if obj is not None:
        reason = "The boot time came in a form that is no time."
    else:
        status, reason = reply.why_not()
        status = facts.ERROR if status == facts.ABSENT else status
    told = facts.section(status, reason)
    return {**told, "last_boot": None, "pending": pending, "changed_by_us": changed, "mark": mark}


def utc_offset_minutes(replies: t.Mapping[str, Reply]) -> int | None:
    """Local time minus UTC now, as Win32_OperatingSystem tells it."""
    for obj in replies.get("os", NOT_ASKED).values:
        offset = obj.get("CurrentTimeZone") if isinstance(obj, PSObject) else None
        if isinstance(offset, int) and not isinstance(offset, bool) and abs(offset) <= 15 * 60:
            return int(offset)
    return None


def psrp(survey: Survey, shell: Shell, configuration: str | None) -> d.Psrp:
    return {
        **facts.section(
            facts.OK if shell.version is not None else facts.ERROR,
            None if shell.version is not None else "The session did not tell its PowerShell version.",
        ),
        "configuration_name": configuration,
        "powershell_version": shell.version,
        "edition": "Core" if shell.edition == "Core" else "Desktop" if shell.edition == "Desktop" else None,
        "process_bits": survey.process_bits,
        "language_mode": None,
        "administrator": _administrator(survey.items),
    }


def winhttp_proxy(survey: Survey) -> d.WinHttpProxy:
    """The machine's WinHTTP proxy (``netsh winhttp``), from its binary value."""
    value = survey.registry.value(WINHTTP_PROXY_KEY, WINHTTP_PROXY_VALUE)
    if value["status"] == facts.ABSENT:
        return {**facts.section(facts.OK), "server": None, "bypass": None}
    if value["status"] != facts.OK:
        return {**facts.section(value["status"], value["reason"]), "server": None, "bypass": None}
    data = value["data"]
    is_binary = value["type"] == "REG_BINARY" and isinstance(data, str)
    settings = parse_winhttp(bytes.fromhex(str(data))) if is_binary else None
    if settings is None:
        return {
            **facts.section(facts.ERROR, "The WinHTTP proxy value has an unknown form."),
            "server": None,
            "bypass": None,
        }
    return {**facts.section(facts.OK), "server": settings[0], "bypass": settings[1]}


def parse_winhttp(data: bytes) -> tuple[str | None, str | None] | None:
    """(server, bypass) of a WinHttpSettings value; (None, None) means direct; None where the form is unknown.

    Four little-endian numbers (size of the head, counter, flags, length), the proxy, a length, the bypass list. Bit 1
    of the flags means that a proxy is set. This form is not documented; ``netsh winhttp show proxy`` agrees with it.
    """
    if len(data) < 16:
        return None
    flags, length = int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little")
    if not flags & 2:
        return None, None
    server, rest = data[16 : 16 + length], data[16 + length :]
    if len(server) != length or len(rest) < 4 or length > 4096:
        return None
    size = int.from_bytes(rest[:4], "little")
    bypass = rest[4 : 4 + size]
    if len(bypass) != size:
        return None
    return without_credentials(server.decode("ascii", "replace")) or None, bypass.decode("ascii", "replace") or None


def without_credentials(proxy: str) -> str:
    """A proxy without a user name and password in front of its host."""
    return ";".join(
        f"{scheme}{marker}{place.rpartition('@')[2]}"
        for part in proxy.split(";")
        for scheme, marker, place in [part.rpartition("//") if "//" in part else part.rpartition("=")]
    )


def utc(value: t.Any) -> str | None:
    """A time of CLIXML (ISO 8601 with its offset) or of WMI (DMTF) as UTC; None where it names no moment."""
    if not isinstance(value, str):
        return None
    if match := _DATE.fullmatch(value.strip()):
        if match.group(2) is None:
            return None
        moment = datetime.fromisoformat(match.group(1) + match.group(2).replace("Z", "+00:00"))
    elif match := _DMTF.fullmatch(value.strip()):
        zone = timezone(timedelta(minutes=int(match.group(2))))
        try:
            moment = datetime.strptime(match.group(1), "%Y%m%d%H%M%S").replace(tzinfo=zone)
        except ValueError:
            return None
    else:
        return None
    return written(moment)


def moment(text: str | None) -> datetime | None:
    """A time of the documents as an aware datetime."""
    return datetime.fromisoformat(text) if text is not None else None


def _exists(items: Reply, key: str) -> bool | None:
    if key.lower() in listing(items):
        return True
    refused = items.refused(key)
    return False if refused is not None and refused[0] == facts.ABSENT else None


def _has_value(items: Reply, key: str, value: str) -> bool | None:
    about = listing(items).get(key.lower())
    return about.has(value) if about is not None else None


def _administrator(items: Reply) -> bool | None:
    """A full administrator opens the hive of LocalService; a filtered one and a user may not."""
    if _exists(items, ELEVATION_KEY):
        return True
    refused = items.refused(ELEVATION_KEY)
    return False if refused is not None and refused[0] == facts.DENIED else None
