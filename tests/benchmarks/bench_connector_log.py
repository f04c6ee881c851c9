# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading connector logs of 30 and 300 MB: megabytes a second, and memory that does not grow with the file.

Run: PYTHONPATH=build/dev .venv/bin/python tests/benchmarks/bench_connector_log.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOISE = (
    "({0}, +0 ms) {1} [11944]: Event::HandleCreation: START \\\\?\\C:\\Windows\\System32\\taskhostw.exe\n"
    "({0}, +1 ms) {1} [860]: Query::LookupExecute: attempting lookup with cloud\n"
    "({0}, +0 ms) {1} [860]: Cache::Get: age\n"
)
UPDATE = "({0}, +0 ms) {1} [7]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000\n"
READ = """
import json, resource, sys
from pathlib import Path
from ansible_collections.fleetops.tetra.plugins.module_utils.connector import log, log_files
reading = log.read(log_files.file_lines(log_files.log_files(Path(sys.argv[1]))))
print(json.dumps([reading.count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


def write(path: Path, megabytes: int) -> int:
    """Writes a log with an update an hour and answers how many there are."""
    updates = size = 0
    with path.open("w") as file:
        while size < megabytes * 1_000_000:
            day, hour = divmod(updates, 24)
            date = f"Jan {day % 28 + 1:02d} {hour:02d}:00:00"
            block = NOISE.format(updates, date) * 2_000 + UPDATE.format(updates, date)
            size += file.write(block)
            updates += 1
    return updates


def main() -> int:
    """Prints the figures; exit code 1 where memory grows with the file or an update is missed."""
    memory = []
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in (30, 300):
            path = Path(folder, "sfc.exe.log")
            written = write(path, megabytes)
            started = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - started
            found, used = json.loads(done.stdout)
            print(f"connector log, {megabytes} MB: {megabytes / seconds:.0f} MB/s, {used} MiB, {found} updates")
            memory.append(used)
            if found != written:
                return 1
    return 0 if memory[1] < memory[0] * 1.2 + 4 else 1


if __name__ == "__main__":
    sys.exit(main())
