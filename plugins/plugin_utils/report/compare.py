# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A fleet then and now, by the state of each endpoint."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Fleet

CHANGES: t.Final[dict[str, str]] = {
    "newly_broken": "Newly broken",
    "repaired": "Repaired",
    "newly_unknown": "Not known any more",
    "newly_known": "Known now, unknown before",
    "changed": "Changed otherwise",
    "new": "New in the fleet",
    "gone": "Gone from the fleet",
    "unchanged": "Unchanged",
}
"""In the order in which they are shown."""


def change_of(before: str | None, now: str | None) -> str:
    """The kind of change between two states; None means that the endpoint was not in that run."""
    if before is None:
        return "new"
    if now is None:
        return "gone"
    if before == now:
        return "unchanged"
    if now == "unknown":
        return "newly_unknown"
    if now == "non_compliant":
        # Unknown before counts as newly broken too: what nobody saw before must not be taken for an old, known case.
        return "newly_broken"
    if before == "non_compliant" and now == "compliant":
        return "repaired"
    if before == "unknown":
        return "newly_known"
    return "changed"


def compare(earlier: Fleet, now: Fleet) -> Document:
    """``{with: [{run_id, started_at, path}], counts: {change: int}, changes: [{host, change, before, now}]}``.

    ``changes`` holds every endpoint but the unchanged ones, in the order of ``CHANGES``, then by host.
    """
    before = {entry.host: entry.state for entry in earlier.entries}
    after = {entry.host: entry.state for entry in now.entries}
    counts = dict.fromkeys(CHANGES, 0)
    rows: list[Document] = []
    for host in {**after, **before}:
        change = change_of(before.get(host), after.get(host))
        counts[change] += 1
        if change != "unchanged":
            rows.append({"host": host, "change": change, "before": before.get(host), "now": after.get(host)})
    order = list(CHANGES)
    rows.sort(key=lambda row: (order.index(row["change"]), row["host"]))
    return {
        "with": [{"run_id": run.run_id, "started_at": run.started_at, "path": run.path} for run in earlier.runs],
        "counts": counts,
        "changes": rows,
    }
