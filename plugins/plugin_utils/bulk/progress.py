# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How a run is going, for whoever looks while it runs: a terminal, a page, another process.

``progress.json`` in the run folder, written anew about once a second, whole or not at all.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.supervisor import Tally
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import write_json

SCHEMA = "fleetops.tetra/progress/1"
PROGRESS_FILE = "progress.json"
_EVERY = 1.0
_WORST = 5
_WINDOW = 30.0
"""Seconds over which the rate is taken."""


class Progress:
    """``told`` is called with every change and at the end; the file is written where it is time for it."""

    def __init__(self, run: Path, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._path = run / PROGRESS_FILE
        self._clock = clock
        self._begun, self._started = clock(), now()
        self._last = float("-inf")
        self._seen: list[tuple[float, int]] = [(self._begun, 0)]

    def told(self, tally: Tally) -> None:
        moment = self._clock()
        ended = tally.done >= tally.total
        if moment - self._last < _EVERY and not ended:
            return
        self._last = moment
        self._seen.append((moment, tally.done))
        while len(self._seen) > 2 and moment - self._seen[1][0] > _WINDOW:
            self._seen.pop(0)
        # Nobody loses a run because nobody can be told of it.
        with contextlib.suppress(OSError):
            write_json(self._path, self.document(tally, moment))

    def document(self, tally: Tally, moment: float) -> dict[str, t.Any]:
        first, before = self._seen[0]
        span = moment - first
        rate = (tally.done - before) / span if span > 0 else 0.0
        left = tally.total - tally.done
        end = written(datetime.now(UTC) + timedelta(seconds=left / rate)) if rate > 0 and left else None
        return {
            "schema": SCHEMA,
            "started_at": self._started,
            "written_at": now(),
            "ended": left <= 0,
            "total": tally.total,
            "done": tally.done,
            "per_second": round(rate, 2),
            "expected_end": end,
            "states": dict(tally.states),
            "worst_causes": [{"code": code, "count": count} for code, count in tally.causes.most_common(_WORST)],
            "errors": [{"kind": kind, "count": count} for kind, count in tally.errors.most_common(_WORST)],
            "lost_processes": tally.deaths,
        }
