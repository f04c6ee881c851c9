# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A computer as the console lists it (``GET /v1/computers``), brought into one shape.

Field names: recorded answers of 2022 that integrations publish; the page of this request is not stored publicly, so
nothing beyond them is called documented. Fields that are not known are kept in ``other``; known ones that a row has
not are named in ``missing``. Of the definitions' status only ``Definitions Outdated`` is attested: every other word is
``unknown`` and kept as it was said. No word of the console is evidence that updates work; age and version are.
"""

from __future__ import annotations

import datetime
import sys
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment, written

DefinitionsState = t.Literal["outdated", "unknown", "absent"]
OUTDATED_WORDS: t.Final = "definitions outdated"
_NEVER_YEAR: t.Final = 1970
_EXPECTED: t.Final = (
    "hostname",
    "active",
    "connector_version",
    "operating_system",
    "os_version",
    "policy",
    "groups",
    "last_seen",
    "install_date",
    "faults",
    "network_addresses",
    "av_update_definitions",
)
USED: t.Final = frozenset((*_EXPECTED, "connector_guid", "demo", "windows_machine_guid", "links", "group_guid"))
"""The members of a row that make a computer; all others are ``other``."""


class Named(t.TypedDict):
    """A policy or group."""

    guid: str | None
    name: str | None


class Definitions(t.TypedDict):
    """State of the engine's definitions. ``said``: the console's own word; ``updated_at``: UTC, ``None`` for never."""

    state: DefinitionsState
    said: str | None
    engine: str | None
    version: str | None
    updated_at: str | None


class Computer(t.TypedDict):
    """One row. Times are UTC with ``Z``; MAC addresses in lower case, sorted."""

    guid: str
    hostname: str | None
    windows: bool | None
    demo: bool
    active: bool | None
    connector_version: str | None
    operating_system: str | None
    os_version: str | None
    policy: Named
    groups: list[Named]
    last_seen: str | None
    installed: str | None
    definitions: Definitions
    faults: list[t.Any]
    macs: list[str]
    machine_guid: str | None
    missing: list[str]
    other: dict[str, t.Any]


def computer(row: t.Mapping[str, t.Any]) -> Computer | None:
    """One row in its shape; ``None`` for a row without a connector GUID, which names no computer."""
    guid = _text(row.get("connector_guid"))
    if guid is None:
        return None
    system = _text(row.get("operating_system"))
    faults, groups, nets = row.get("faults"), row.get("groups"), row.get("network_addresses")
    return {
        "guid": guid.casefold(),
        "hostname": _text(row.get("hostname")),
        "windows": "windows" in system.casefold() if system else None,
        "demo": row.get("demo") is True,
        "active": _flag(row.get("active")),
        "connector_version": _text(row.get("connector_version")),
        "operating_system": system,
        "os_version": _text(row.get("os_version")),
        "policy": _named(row.get("policy")),
        "groups": [_named(group) for group in groups]
        if isinstance(groups, list)
        else _only_guid(row.get("group_guid")),
        "last_seen": _time(row.get("last_seen")),
        "installed": _time(row.get("install_date")),
        "definitions": _definitions(row.get("av_update_definitions")),
        "faults": list(faults) if isinstance(faults, list) else [],
        "macs": sorted({mac for net in nets if (mac := _mac(net))}) if isinstance(nets, list) else [],
        "machine_guid": _text(row.get("windows_machine_guid")),
        "missing": [name for name in _EXPECTED if name not in row],
        "other": {str(name): value for name, value in row.items() if name not in USED},
    }


def age_hours(when: str | None, now: datetime.datetime) -> float | None:
    """Hours since a time of a row, never below 0; ``None`` where there is none."""
    then = moment(when)
    return None if then is None else max(0.0, (now - then).total_seconds() / 3600)


def _definitions(found: t.Any) -> Definitions:
    if not isinstance(found, dict):
        return {"state": "absent", "said": None, "engine": None, "version": None, "updated_at": None}
    said = _text(found.get("status"))
    return {
        "state": "outdated" if said is not None and said.casefold() == OUTDATED_WORDS else "unknown",
        "said": said,
        "engine": _text(found.get("detection_engine")),
        "version": _text(found.get("version")),
        "updated_at": _time(found.get("updated_at")),
    }


def _named(found: t.Any) -> Named:
    if not isinstance(found, dict):
        return {"guid": None, "name": None}
    return {"guid": _text(found.get("guid")), "name": _text(found.get("name"))}


def _only_guid(guid: t.Any) -> list[Named]:
    found = _text(guid)
    return [{"guid": found, "name": None}] if found else []


def _mac(net: t.Any) -> str | None:
    mac = _text(net.get("mac")) if isinstance(net, dict) else None
    return mac.casefold().replace("-", ":") if mac else None


def _flag(found: t.Any) -> bool | None:
    return found if isinstance(found, bool) else None


def _text(found: t.Any) -> str | None:
    """A text without blanks around it and without control characters, which have no place in any of these fields."""
    if isinstance(found, int | float) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        return None
    text = found if found.isprintable() else "".join(letter for letter in found if letter.isprintable())
    # Policies, groups, versions and systems are the same for thousands of computers.
    return sys.intern(text.strip()) or None


def _time(found: t.Any) -> str | None:
    """A time in UTC; the console writes ``Z`` and ``+00:00``, and 0001-01-01 for never."""
    when = moment(found)
    return written(when) if when is not None and when.year >= _NEVER_YEAR else None
