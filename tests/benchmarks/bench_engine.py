# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real PowerShell of the tests costs: its start and its memory (docs/lab.md has the figures)."""

from __future__ import annotations

import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "build" / "dev"))

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import command
from ansible_collections.fleetops.tetra.tests.engine.finding import engine_or_reason
from ansible_collections.fleetops.tetra.tests.engine.machine import Engine, Front, Template

ROUNDS = 3
PIPELINES = 50


def resident(pid: int) -> float:
    """MB of a process that are in memory."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> int:
    program, reason = engine_or_reason()
    if program is None:
        print(reason)
        return 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tetra-bench-"))
    template, front = Template(program, folder), Front(folder / "front")
    first: list[float] = []
    later: list[float] = []
    opened: list[float] = []
    used: list[float] = []
    for _round in range(ROUNDS):
        begun = time.monotonic()
        with Engine(front, template, mapping={"release": "10_22h2"}, ahead=False) as one:
            one.session().open()
            first.append(time.monotonic() - begun)
            pid = one.machine.shells[0].process.pid
            opened.append(resident(pid))
            begun = time.monotonic()
            one.connection()._connect()
            later.append(time.monotonic() - begun)
            question = [(command("Get-Item", LiteralPath="Registry::HKEY_LOCAL_MACHINE\\SOFTWARE\\no"),)]
            for _pipeline in range(PIPELINES):
                one.ask(question)
            used.append(resident(pid))
    front.stop()
    print(f"a machine, its first runspace open: {statistics.median(first):.1f} s (median of {ROUNDS})")
    print(f"a further runspace on it:           {statistics.median(later):.1f} s")
    print(f"memory, runspace open:              {statistics.median(opened):.0f} MB")
    print(f"memory after {PIPELINES} pipelines with errors: {statistics.median(used):.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
