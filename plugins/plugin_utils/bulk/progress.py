# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How a run is going, for whoever looks while it runs: a terminal, a page, another process.

``progress.json`` in the run folder, written anew about once a second, whole or not at all. Where a play is cut into
batches, the later ones go on with the counts of the earlier.
"""

from __future__ import annotations

import contextlib
import json
import time
import typing as t
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.progress import ProgressDocument
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.supervisor import Tally
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import PROGRESS_FILE, write_json

SCHEMA: t.Final = "fleetops.tetra/progress/1"
_EVERY = 1.0
_WORST = 5
_WINDOW = 30.0
"""Seconds over which the rate is taken."""


class Progress:
    """``told`` is called with every change and at the end; the file is written where it is time for it.

    ``total`` is the number of endpoints of the run.
    """

    def __init__(self, run: Path, total: int, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._path = run / PROGRESS_FILE
        self._total = total
        self._clock = clock
        earlier = _read(self._path)
        self._begun, self._started = clock(), str(earlier.get("started_at") or now())
        self._done = _count(earlier.get("done"))
        self._deaths = _count(earlier.get("lost_processes"))
        self._states = Counter({name: _count(count) for name, count in _items(earlier.get("states"))})
        self._causes = Counter(
            {str(row.get("code")): _count(row.get("count")) for row in _rows(earlier, "worst_causes")}
        )
        self._errors = Counter({str(row.get("kind")): _count(row.get("count")) for row in _rows(earlier, "errors")})
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

    def document(self, tally: Tally, moment: float) -> ProgressDocument:
        first, before = self._seen[0]
        span = moment - first
        rate = (tally.done - before) / span if span > 0 else 0.0
        done = self._done + tally.done
        left = self._total - done
        end = written(datetime.now(UTC) + timedelta(seconds=left / rate)) if rate > 0 and left else None
        causes, errors = self._causes + tally.causes, self._errors + tally.errors
        return {
            "schema": SCHEMA,
            "started_at": self._started,
            "written_at": now(),
            "ended": left <= 0,
            "total": self._total,
            "done": done,
            "per_second": round(rate, 2),
            "expected_end": end,
            "states": dict(self._states + tally.states),
            "worst_causes": [{"code": code, "count": count} for code, count in causes.most_common(_WORST)],
            "errors": [{"kind": kind, "count": count} for kind, count in errors.most_common(_WORST)],
            "lost_processes": self._deaths + tally.deaths,
        }


def _read(path: Path) -> t.Mapping[str, t.Any]:
    """What an earlier batch left; nothing where it cannot be read, since it is for looking at only."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) and document.get("schema") == SCHEMA else {}


def _items(value: t.Any) -> list[tuple[str, t.Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _rows(document: t.Mapping[str, t.Any], name: str) -> list[t.Mapping[str, t.Any]]:
    rows = document.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _count(value: t.Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
