# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every quality gate, all of them even when one fails, and ends with a summary.

Each gate is a make target of the same name. What a gate printed is kept in build/gates/NAME.log and shown when it
failed; pytest, the last one, is shown as it runs.

Usage: gates.py [NAME...]   (default: all)
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
LOGS = CHECKOUT / "build" / "gates"
GATES = (
    "collection",
    "ruff",
    "mypy",
    "lint",
    "docs-lint",
    "importer",
    "sanity",
    "licences",
    "pytest-ansible",
    "pytest",
)
SHOWN = "pytest"


@dataclass(frozen=True)
class Outcome:
    """How a gate ended."""

    name: str
    code: int
    seconds: float

    def line(self) -> str:
        return f"  {'ok    ' if self.code == 0 else 'FAILED'}  {self.name:<16}{self.seconds:7.1f} s"


def run_gate(name: str) -> Outcome:
    """Runs ``make NAME``; its output goes to the log, and to the terminal for the shown gate."""
    log = LOGS / f"{name}.log"
    command = ["make", "--no-print-directory", name, "ARGS="]
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        for line in process.stdout:
            stream.write(line)
            if name == SHOWN:
                print(line, end="", flush=True)
        code = process.wait()
    outcome = Outcome(name, code, time.monotonic() - started)
    if name != SHOWN:
        print(outcome.line(), flush=True)
        if code:
            print(log.read_text(encoding="utf-8").rstrip(), flush=True)
    return outcome


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in GATES]
    if unknown:
        print(f"No gate is called {unknown[0]}. There are: {', '.join(GATES)}.", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    outcomes = [run_gate(name) for name in GATES if not names or name in names]
    failed = [outcome.name for outcome in outcomes if outcome.code]
    print("\nGates:")
    for outcome in outcomes:
        print(outcome.line())
    if failed:
        print(f"Failed: {', '.join(failed)}. Logs: build/gates/")
        return 1
    print("All gates passed.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
