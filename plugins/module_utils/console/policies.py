# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A policy of the console: what its XML says of Tetra, and a finding for each setting that keeps updates away.

Places in the XML: module_utils/connector/policy_xml.py. The console's click paths are those of Cisco's support note.
The element of "Allow user to update Tetra definitions" is not known publicly: that setting is told as unknown, with
its place in the console and the way back.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.connector.policy_xml import Policy, read_policy
from ansible_collections.fleetops.tetra.plugins.module_utils.connector.xml_paths import XmlError, read_paths

_CONFIG = ("Object", "config")
_INTERVAL = (*_CONFIG, "agent", "scansettings", "tetra", "updater", "interval")
_AGENT_LOG = (*_CONFIG, "agent", "log", "level")
_TRAY_LOG = (*_CONFIG, "ui", "log", "level")
_MOST_SECONDS = 366 * 24 * 3600
DEBUG_LEVEL: t.Final = "549755813887"
DEFAULT_SERVER: t.Final = "tetra-defs.amp.cisco.com"
_ADVANCED = "Management > Policies > the Windows policy > Advanced Settings"

Level = t.Literal["ok", "notice", "warning", "unknown"]


class Finding(t.TypedDict):
    """One setting. ``place``: where it is changed in the console; ``back``: how it is taken back, if that matters."""

    setting: str
    level: Level
    sentence: str
    place: str
    back: str | None


class PolicySettings(t.TypedDict):
    """A policy with its settings. ``status`` is ``error`` with a ``reason`` where its XML could not be read."""

    guid: str | None
    name: str | None
    product: str | None
    serial: str | None
    status: t.Literal["ok", "error", "not_read"]
    reason: str | None
    tetra_enabled: bool | None
    updates_enabled: bool | None
    update_server: str | None
    proxy_server: str | None
    proxy_port: int | None
    interval_seconds: int | None
    connector_log: t.Literal["debug", "default"] | None
    tray_log: t.Literal["debug", "default"] | None
    findings: list[Finding]


def without_xml(row: t.Mapping[str, t.Any], reason: str, status: t.Literal["error", "not_read"]) -> PolicySettings:
    """A policy of which only the list's row is known."""
    serial = row.get("serial_number", row.get("serialNumber"))
    return {
        "guid": _text(row.get("guid")),
        "name": _text(row.get("name")),
        "product": _text(row.get("product", row.get("operatingSystem"))),
        "serial": str(serial) if isinstance(serial, int | str) and not isinstance(serial, bool) else None,
        "status": status,
        "reason": reason,
        "tetra_enabled": None,
        "updates_enabled": None,
        "update_server": None,
        "proxy_server": None,
        "proxy_port": None,
        "interval_seconds": None,
        "connector_log": None,
        "tray_log": None,
        "findings": [],
    }


def settings_of(row: t.Mapping[str, t.Any], xml: bytes) -> PolicySettings:
    """A policy with what its XML says. An XML that is none gives ``status: error`` and no finding."""
    try:
        policy = read_policy(xml)
        more = read_paths(xml, (_INTERVAL, _AGENT_LOG, _TRAY_LOG))
    except XmlError as error:
        return without_xml(row, f"policy XML: {error}.", "error")
    settings: PolicySettings = {
        **without_xml(row, "", "not_read"),
        "status": "ok",
        "reason": None,
        "tetra_enabled": policy.tetra_enabled,
        "updates_enabled": policy.updates_enabled,
        "update_server": policy.update_server,
        "proxy_server": policy.proxy_server,
        "proxy_port": policy.proxy_port,
        "interval_seconds": _interval(more.get(_INTERVAL, "")),
        "connector_log": _log(more.get(_AGENT_LOG)),
        "tray_log": _log(more.get(_TRAY_LOG)),
    }
    settings["findings"] = list(_findings(policy, settings))
    return settings


def _findings(policy: Policy, settings: PolicySettings) -> t.Iterator[Finding]:
    yield _switch("TETRA", policy.tetra_enabled, f"{_ADVANCED} > TETRA")
    yield _switch("TETRA definition updates", policy.updates_enabled, f"{_ADVANCED} > TETRA")
    yield _server(policy)
    if policy.proxy_server:
        port = f":{policy.proxy_port}" if policy.proxy_port else ""
        yield {
            "setting": "Proxy",
            "level": "notice",
            "sentence": f"Updates go through the proxy {policy.proxy_server}{port}: it must let CONNECT pass unopened.",
            "place": "Management > Policies > the Windows policy > Proxy",
            "back": None,
        }
    seconds = settings["interval_seconds"]
    yield {
        "setting": "Update interval",
        "level": "unknown" if seconds is None else "ok",
        "sentence": "The policy does not say how often definitions are fetched (Cisco's default: every hour)."
        if seconds is None
        else f"Definitions are fetched every {seconds} s, at a moment that each endpoint chooses by itself.",
        "place": f"{_ADVANCED} > TETRA",
        "back": None,
    }
    for setting, level, place in (
        ("Connector log level", settings["connector_log"], f"{_ADVANCED} > Administrative Features"),
        ("Tray log level", settings["tray_log"], f"{_ADVANCED} > Administrative Features"),
    ):
        yield _logging(setting, level, place)
    yield {
        "setting": "Allow user to update TETRA definitions",
        "level": "unknown",
        "sentence": "Whether users may start an update cannot be read: its place in the policy's XML is not known.",
        "place": f"{_ADVANCED} > Client User Interface",
        "back": "Clear the same box after the search for the cause, and wait until endpoints have the policy.",
    }


def _switch(setting: str, enabled: bool | None, place: str) -> Finding:
    if enabled is None:
        return {
            "setting": setting,
            "level": "unknown",
            "sentence": f"The policy does not say whether {setting} is on.",
            "place": place,
            "back": None,
        }
    return {
        "setting": setting,
        "level": "ok" if enabled else "warning",
        "sentence": f"{setting}: on." if enabled else f"{setting}: off, so its endpoints fetch no Tetra definitions.",
        "place": place,
        "back": None,
    }


def _server(policy: Policy) -> Finding:
    server = policy.update_server
    own = server is not None and server.casefold() != DEFAULT_SERVER
    return {
        "setting": "Update server",
        "level": "unknown" if server is None else "warning" if own else "ok",
        "sentence": "The policy names no update server."
        if server is None
        else f"Definitions come from {server}, a server of one's own: what Cisco's servers accept says nothing of it."
        if own
        else f"Definitions come from {server}.",
        "place": f"{_ADVANCED} > TETRA > Local Secure Endpoint Update Server",
        "back": None,
    }


def _logging(setting: str, level: str | None, place: str) -> Finding:
    debug = level == "debug"
    return {
        "setting": setting,
        "level": "unknown" if level is None else "notice" if debug else "ok",
        "sentence": f"{setting}: debug, which fills disks when it is forgotten."
        if debug
        else f"{setting}: {level}."
        if level
        else f"The policy does not say the {setting.casefold()}.",
        "place": place,
        "back": "Set it back to Default after the search for the cause." if debug else None,
    }


def _interval(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= _MOST_SECONDS else None


def _log(text: str | None) -> t.Literal["debug", "default"] | None:
    if text == DEBUG_LEVEL:
        return "debug"
    return "default" if text == "0" else None


def _text(found: t.Any) -> str | None:
    return found.strip() or None if isinstance(found, str) else None
