# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""An endpoint as an event of OCSF's class Compliance Finding (2003), version 1.5.0 of the schema.

Source: the schema's own repository, ``events/findings/compliance_finding.json``, ``objects/compliance.json`` and the
objects they name. Whether a consumer has seen the finding before is not known here, so the activity says what the
event is about: *Create* for a finding that stands, *Close* for one that is settled. The finding's ``uid`` stays the
same from run to run.
"""

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible, visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record

SCHEMA: t.Final = "1.5.0"
CLASS: t.Final = 2003
Event = dict[str, t.Any]
_SPACE: t.Final = uuid.UUID("6f2c1d1e-5f0b-5c56-9c39-2b0a3a2f7d11")
_COMPLIANCE: t.Final[t.Mapping[str, tuple[int, str]]] = {
    "compliant": (1, "Pass"),
    "unknown": (2, "Warning"),
    "non_compliant": (3, "Fail"),
    "not_applicable": (99, "Not applicable"),
}
"""2: "the compliance check did not yield a result due to missing information"; 99 is the schema's *Other*."""
_SEVERITY: t.Final[t.Mapping[str, tuple[int, str]]] = {
    "compliant": (1, "Informational"),
    "unknown": (3, "Medium"),
    "non_compliant": (4, "High"),
    "not_applicable": (1, "Informational"),
}
_CONTROL: t.Final = "The endpoint offers a cipher suite that the Tetra definition servers accept"


def ocsf(record: Record, run_id: str, version: str, now_ms: int) -> Event:
    """One event. ``now_ms``: for a record that does not say when it was made, in ms since 1970."""
    verdict = record["verdict"]
    state = verdict["state"]
    settled = state in ("compliant", "not_applicable")
    activity, activity_name = (3, "Close") if settled else (1, "Create")
    status, status_name = (3, "Suppressed") if "waived" in verdict else (4, "Resolved") if settled else (1, "New")
    timing = record["timing"]
    at = moment(timing["started_at"]) if timing is not None else None
    host = record["host"]
    compliance, compliance_name = _COMPLIANCE[state]
    severity, severity_name = _SEVERITY[state]
    event: Event = {
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {activity_name}",
        "time": now_ms if at is None else int(at.timestamp() * 1000),
        "severity_id": severity,
        "severity": severity_name,
        "status_id": status,
        "status": status_name,
        "message": verdict["next_step"],
        "metadata": {
            "version": SCHEMA,
            "product": {"name": "fleetops.tetra", "vendor_name": "fleetops", "version": version},
            "uid": str(uuid.uuid5(_SPACE, f"event/{record['token']}/{host}")),
            "correlation_uid": run_id,
        },
        "finding_info": {
            "uid": str(uuid.uuid5(_SPACE, f"finding/{host}")),
            "title": _CONTROL,
            "desc": verdict["next_step"],
            "types": [verdict["cause"]["code"]] if verdict["cause"] else [],
        },
        "compliance": {
            "control": _CONTROL,
            "standards": [f"{verdict['allow_list']['source']} ({verdict['allow_list']['date'] or 'own list'})"],
            "requirements": list(verdict["allow_list"]["names"]),
            "status_id": compliance,
            "status": compliance_name,
            "status_details": [_detail(verdict), *verdict["notes"][:10]],
            "checks": [
                {"uid": finding["rule"], "name": finding["title"], "status_id": 3, "status": "Fail"}
                for finding in verdict["findings"]
                if finding["severity"] != "info"
            ],
        },
        "device": _device(record),
        "resources": [{"name": host, "type": "Windows endpoint", "uid": host}],
        "unmapped": {
            "verdict": state,
            "in_force": verdict["in_force"],
            "policy_origin": verdict["policy_origin"]["origin"],
            "gpo": (verdict["policy_origin"]["gpo"] or {"name": None})["name"],
            "error": (record["error"] or {"kind": None})["kind"],
        },
    }
    if not settled:
        event["remediation"] = {"desc": verdict["next_step"]}
    return t.cast(Event, visible_all(event))


def _detail(verdict: t.Mapping[str, t.Any]) -> str:
    usable = verdict["reachability"]["usable"]
    named = ", ".join(usable) if usable else "none"
    return f"Usable suites: {named}; reachability {verdict['reachability']['answer']}."


def _device(record: Record) -> dict[str, t.Any]:
    """``type_id`` 0 is *Unknown*, 1 *Server*, 2 *Desktop*; the system's 100 is *Windows*."""
    facts = record["facts"]
    system = facts["os"] if facts is not None else None
    kind = system["kind"] if system is not None else None
    type_id, type_name = {"server": (1, "Server"), "client": (2, "Desktop")}.get(kind or "", (0, "Unknown"))
    device: dict[str, t.Any] = {
        "hostname": record["host"],
        "name": record["host"],
        "type_id": type_id,
        "type": type_name,
        "uid": record["host"],
    }
    if system is not None and system["product"]:
        found = {"name": visible(system["product"]), "type": "Windows", "type_id": 100}
        if system["build"]:
            found["build"] = str(system["build"])
        device["os"] = found
    return device
