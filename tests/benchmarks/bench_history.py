# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of a large fleet: 52 weekly runs of 100,000 endpoints.

Aims: a run is added within 60 s, read from its folder; the page within 10 s; the store within 5 GB.
The first 51 runs are given as states, the last is a folder with a record for each endpoint. Each week 2 % of the
endpoints change their state, cause or owner.
Usage: bench_history.py [ENDPOINTS] [RUNS] [ADDRESS]
"""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.history.spans import State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.add import add, add_states
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.page import render
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import Store
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.trend import trend
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

MOST_ADD = 60.0
MOST_PAGE = 10.0
MOST_STORE = 5e9
BEGIN = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)
WEEKLY_CHANGES = 0.02


def main() -> int:
    """Prints the three figures; 1 where an aim is missed."""
    endpoints = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 52
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite"
        store = Store(sys.argv[3] if len(sys.argv) > 3 else str(path))
        states = {f"pc-{number:06d}": _state(chance) for number in range(endpoints)}
        slowest = 0.0
        for week in range(runs - 1):
            for name in chance.sample(list(states), int(endpoints * WEEKLY_CHANGES)):
                states[name] = _state(chance)
            before = time.monotonic()
            add_states(store, f"run{week}", f"token{week}", _week(week), "bench", states)
            slowest = max(slowest, time.monotonic() - before)
        last = _folder(Path(folder) / "last", list(states), runs - 1)
        before = time.monotonic()
        added = add(store, last)
        seconds = time.monotonic() - before
        before = time.monotonic()
        found = trend(store, BEGIN + datetime.timedelta(days=7 * runs))
        size = write_atomically(
            Path(folder) / "history.html", render(found, [], BEGIN + datetime.timedelta(days=7 * runs), "Bench")
        )
        page = time.monotonic() - before
        store.close()
        stored = sum(one.stat().st_size for one in Path(folder).glob("history.sqlite*"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{endpoints} endpoints, {runs} runs; {added.changed} changed at the last")
    print(f"a run added from its folder: {seconds:.1f} s (the store's part of a run: at most {slowest:.1f} s)")
    print(f"the page: {page:.1f} s, {size / 1e6:.1f} MB; the store: {stored / 1e6:.0f} MB; memory {memory:.0f} MiB")
    return int(seconds > MOST_ADD or page > MOST_PAGE or stored > MOST_STORE)


def _state(chance: random.Random) -> State:
    release = f"Microsoft Windows {chance.choice(('10', '11', 'Server 2019', 'Server 2022'))}"
    site = f"site {chance.randrange(40)}"
    kind = chance.random()
    if kind < 0.8:
        return State("compliant", "", "", release, site)
    if kind < 0.9:
        return State("unknown", "unreachable", "", release, site)
    return State(
        "non_compliant",
        chance.choice(("cipher_mismatch", "tls12_disabled")),
        f"GPO {chance.randrange(30)}",
        release,
        site,
    )


def _week(week: int) -> str:
    return (BEGIN + datetime.timedelta(days=7 * week)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _folder(folder: Path, names: list[str], week: int) -> Path:
    """A run folder; its records do not wait for the disk, which is not what is measured."""
    kept, os.fsync = os.fsync, lambda _descriptor: None
    try:
        results = (
            factories.result(name, "non_compliant" if not n % 10 else "compliant") for n, name in enumerate(names)
        )
        return factories.write_run(folder, results, run_id="last", token="last", started_at=_week(week))
    finally:
        os.fsync = kept


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
