# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How a rollout is going: ``rollout.json`` and ``rollout.html`` in the run folder, written anew every few seconds.

What it costs depends on who is under way, not on the size of the fleet.
"""

from __future__ import annotations

import contextlib
import html
import typing as t
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.scheduler import Scheduler
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import write_json, write_text

SCHEMA: t.Final = "fleetops.tetra/rollout/1"
FILE, PAGE = "rollout.json", "rollout.html"
EVERY = 5.0
_WINDOW = 600.0
"""Seconds over which the rate is taken."""
_NAMED = 50
Document = dict[str, t.Any]


class Status:
    def __init__(self, run: Path, scheduler: Scheduler, begun: float) -> None:
        self._run = run
        self._scheduler = scheduler
        self._begun = begun
        self._last = float("-inf")
        self._seen: deque[tuple[float, int]] = deque([(begun, 0)])
        self.stages: dict[str, str] = {}
        """The last stage of each endpoint under way."""

    def write(self, now: float, budget_left: int, at_once: bool = False) -> Document | None:
        """The document where it was time for it."""
        if now - self._last < EVERY and not at_once:
            return None
        self._last = now
        done = self._scheduler.ends.total()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW:
            self._seen.popleft()
        document = self.document(now, budget_left)
        # Nobody loses a rollout because nobody can be told of it.
        with contextlib.suppress(OSError):
            write_json(self._run / FILE, document)
            write_text(self._run / PAGE, page(document))
        return document

    def document(self, now: float, budget_left: int) -> Document:
        scheduler = self._scheduler
        done, (since, before) = scheduler.ends.total(), self._seen[0]
        rate = (done - before) / (now - since) if now > since else 0.0
        left = scheduler.pending + len(scheduler.under_way)
        restarting = sorted(host for host, stage in self.stages.items() if stage == "rebooting")
        end = written(datetime.fromtimestamp(now + left / rate, UTC)) if rate > 0 and left else None
        return {
            "schema": SCHEMA,
            "started_at": written(datetime.fromtimestamp(self._begun, UTC)),
            "written_at": written(datetime.fromtimestamp(now, UTC)),
            "state": scheduler.state,
            "why": scheduler.why,
            "ring": scheduler.ring,
            "rings": scheduler.rings(),
            "pending": scheduler.pending,
            "under_way": len(scheduler.under_way),
            "in_restart": len(restarting),
            "in_restart_named": restarting[:_NAMED],
            "skipped": scheduler.skipped[:_NAMED],
            "ends": dict(sorted(scheduler.ends.items())),
            "per_hour": round(rate * 3600, 1),
            "expected_end": end,
            "budget_left": budget_left,
        }


def page(document: Document) -> str:
    """One page without scripts that loads itself anew."""
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(ring[key]))}</td>" for key in _COLUMNS) + "</tr>"
        for ring in document["rings"]
    )
    names = html.escape(", ".join(document["in_restart_named"])) or "nobody"
    facts = "".join(
        f"<dt>{html.escape(title)}</dt><dd>{html.escape(str(value))}</dd>" for title, value in _facts(document)
    )
    refresh = "" if document["state"] == "ended" else '<meta http-equiv="refresh" content="5">'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}<title>Rollout</title>'
        "<style>body{font:1rem/1.5 system-ui;margin:2rem}td,th{padding:.2rem .8rem;text-align:left}"
        "dt{font-weight:bold}</style></head>"
        f"<body><h1>Rollout: {html.escape(document['state'].replace('_', ' '))}</h1>"
        f"<p>{html.escape(document['why'] or '')}</p><dl>{facts}</dl><table><thead><tr>"
        + "".join(f"<th>{title.replace('_', ' ')}</th>" for title in _COLUMNS)
        + f"</tr></thead><tbody>{rows}</tbody></table><p>In restart: {names}</p></body></html>\n"
    )


_COLUMNS = ("name", "endpoints", "pending", "good", "bad", "left_alone", "window")


def _facts(document: Document) -> t.Iterator[tuple[str, t.Any]]:
    yield "Written", document["written_at"]
    yield "Under way", document["under_way"]
    yield "In restart", document["in_restart"]
    yield "Pending", document["pending"]
    yield "Ends", ", ".join(f"{count} {name}" for name, count in document["ends"].items()) or "none"
    yield "An hour", document["per_hour"]
    yield "Expected end", document["expected_end"] or "not known yet"
    yield "Failures left", document["budget_left"]


def line(document: Document) -> str:
    """For a terminal."""
    ring = document["ring"] or "no ring"
    ends = ", ".join(f"{count} {name}" for name, count in document["ends"].items()) or "no end yet"
    return (
        f"{document['state'].replace('_', ' ')}, {ring}: {ends}; {document['under_way']} under way, "
        f"{document['in_restart']} in restart, {document['pending']} pending, {document['per_hour']:g} an hour, "
        f"budget left {document['budget_left']}, end {document['expected_end'] or 'not known'}"
    )
