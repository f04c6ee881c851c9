# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The data of the HTML page: one short row an endpoint, and pools of the parts that rows share.

A row is a list of the host name, numbers that point into pools, and a few plain values, in the order of ``ROW``.
assets/page.js reads the same order from the document. On a fleet of 20,000 this is a few MB where the verdicts are 60.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import summary
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.compare import CHANGES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.labels import (
    CAUSES,
    ERROR_KINDS,
    IN_FORCE,
    ORIGINS,
    REASONS,
    STATES,
    STATES_SHORT,
    label,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import Report

ROW: t.Final[tuple[str, ...]] = (
    "host",
    "state",
    "why",
    "system",
    "owner",
    "usable",
    "in_force",
    "step",
    "suites",
    "findings",
    "origin",
    "notes",
    "answers",
    "error",
    "facts",
    "run",
    "measured_at",
    "seconds",
    "change",
    "computer",
    "last_boot",
    "update_time",
)


class Pool:
    """Distinct values in the order of their first use; equal values get the same number."""

    def __init__(self) -> None:
        self.values: list[t.Any] = []
        self._by_text: dict[str, int] = {}
        self._by_identity: dict[int, int] = {}

    def number(self, value: t.Any) -> int:
        # Equal parts of a fleet are one object (fleet.FleetBuilder), so most look-ups need no text.
        known = self._by_identity.get(id(value))
        if known is not None and self.values[known] is value:
            return known
        text = json.dumps(value, sort_keys=True)
        number = self._by_text.get(text)
        if number is None:
            number = self._by_text[text] = len(self.values)
            self.values.append(value)
            self._by_identity[id(value)] = number
        return number


_OWN_FACTS: t.Final = ("computer_name", "last_boot", "last_update")
"""Facts that hardly two endpoints share; in a pool they would keep the others from being shared."""

_OWN_COLUMNS: t.Final = frozenset({"host", "measured_at", "seconds", "computer", "last_boot", "update_time"})
"""Columns that hardly two endpoints share."""

POOLED: t.Final[tuple[str, ...]] = tuple(name for name in ROW if name not in _OWN_COLUMNS)


def page_data(report: Report) -> Document:
    """``{row: [names], pools: {name: [values]}, rows: [[…]], labels: {…}, compared: bool}``"""
    pools = {name: Pool() for name in POOLED}
    changes = {row["host"]: row["change"] for row in (report.comparison or {}).get("changes") or []}
    compared = report.comparison is not None
    rows = []
    for entry in report.entries:
        values = _values(entry, changes.get(entry.host, "unchanged") if compared else None)
        rows.append([pools[name].number(values[name]) if name in pools else values[name] for name in ROW])
    return {
        "row": list(ROW),
        "pools": {name: pool.values for name, pool in pools.items()},
        "rows": rows,
        "labels": {
            "states": STATES,
            "states_short": STATES_SHORT,
            "reasons": REASONS,
            "origins": ORIGINS,
            "in_force": IN_FORCE,
            "errors": ERROR_KINDS,
            "changes": CHANGES,
        },
        "compared": compared,
    }


def _values(entry: Entry, change: str | None) -> Document:
    verdict = entry.verdict
    reachability = verdict.get("reachability") or {}
    last_update = entry.system.get("last_update") or {}
    return {
        "host": entry.host,
        "state": entry.state,
        "why": why(entry),
        "system": summary.system_name(entry),
        "owner": summary.owner_name(entry),
        "usable": reachability.get("usable") or [],
        "in_force": verdict.get("in_force") or "unknown",
        "step": verdict.get("next_step") or "",
        "suites": verdict.get("suites") or {},
        "findings": verdict.get("findings") or [],
        "origin": verdict.get("policy_origin") or {},
        "notes": verdict.get("notes") or [],
        "answers": {
            name: verdict.get(name)
            for name in ("reachability", "strictness", "either_way", "cause", "allow_list", "cures", "settles")
        },
        "error": entry.error,
        "facts": {name: value for name, value in entry.system.items() if name not in _OWN_FACTS}
        | {"last_update": {name: value for name, value in last_update.items() if name != "time"}},
        "run": entry.run_id,
        "measured_at": entry.measured_at,
        "seconds": entry.seconds,
        "change": change,
        "computer": entry.system.get("computer_name"),
        "last_boot": entry.system.get("last_boot"),
        "update_time": last_update.get("time"),
    }


def why(entry: Entry) -> Document:
    """``{code, label}``: the cause of failing updates, the reason of an unknown endpoint, else empty."""
    if entry.state == "non_compliant" or summary.still_failing(entry):
        code = summary.cause_code(entry)
        return {"code": code, "label": label(CAUSES, code)}
    if entry.state == "unknown":
        code = summary.unknown_code(entry)
        return {"code": code, "label": label(summary.UNKNOWN_LABELS, code)}
    return {"code": "", "label": ""}


def embedded_json(data: Document) -> t.Iterator[str]:
    """``data`` as JSON that is safe inside a script element, in pieces.

    Names and values come from endpoints: no piece can hold ``<``, ``>`` or ``&``, so neither ``</script>`` nor a
    comment can end the element early; everything outside ASCII (U+2028 too) is written as an escape.
    """
    yield "{"
    for number, (name, value) in enumerate(data.items()):
        yield ("," if number else "") + json.dumps(name) + ":"
        if name == "rows":
            yield "["
            for index, row in enumerate(value):
                yield ("," if index else "") + _safe(row)
            yield "]"
        else:
            yield _safe(value)
    yield "}"


def _safe(value: t.Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
