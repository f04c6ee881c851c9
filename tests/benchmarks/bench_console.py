# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The console as inventory: 100,000 computers from the lab's server, from the cache, and from a static file.

Aims: first reading at most 60 s and 1 GiB; from the cache at most 1.3 times the same hosts in a static file.
Usage: bench_console.py [COMPUTERS]
"""

from __future__ import annotations

import datetime
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.console.computers import SimulatedComputer
from ansible_collections.fleetops.tetra.lab.console.server import API_KEY, CLIENT_ID, ConsoleServer

MOST_SECONDS = 60.0
MOST_MEMORY = 1024.0
MOST_RATIO = 1.3


def measured(source: Path, environment: dict[str, str]) -> tuple[float, float]:
    """(seconds, MiB at the most) of a command that reads the inventory and prints nothing of it."""
    before = time.monotonic()
    program = (
        "import resource, sys\n"
        "from ansible.inventory.manager import InventoryManager\n"
        "from ansible.parsing.dataloader import DataLoader\n"
        "from ansible.plugins.loader import init_plugin_loader\n"
        "init_plugin_loader()\n"
        "hosts = InventoryManager(DataLoader(), [sys.argv[1]]).get_hosts()\n"
        "print(len(hosts), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(source)], env=environment, capture_output=True, text=True, check=True
    )
    hosts, memory = done.stdout.split()[-2:]
    if int(hosts) != COMPUTERS:
        raise SystemExit(f"{source.name}: {hosts} hosts instead of {COMPUTERS}\n{done.stderr[-2000:]}")
    return time.monotonic() - before, int(memory) / 1024


def main() -> int:
    """Prints the three figures; 1 where an aim is missed."""
    now = datetime.datetime.now(datetime.UTC)
    computers = [
        SimulatedComputer(f"PC{number:06d}", now, now, policy=f"P{number % 20}") for number in range(COMPUTERS)
    ]
    with tempfile.TemporaryDirectory() as folder, ConsoleServer(computers) as console:
        environment = {**os.environ, "TETRA_CONSOLE_CLIENT_ID": CLIENT_ID, "TETRA_CONSOLE_API_KEY": API_KEY}
        source = Path(folder) / "bench.secure_endpoint.yml"
        cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": f"{folder}/cache"}
        source.write_text(json.dumps({"plugin": "fleetops.tetra.secure_endpoint", "base_url": console.url, **cache}))
        seconds, memory = measured(source, environment)
        cached, _memory = measured(source, environment)
        listed = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(source), "--list", "--export"],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        static = Path(folder) / "static.ini"
        static.write_text(as_ini(json.loads(listed.stdout, object_hook=_plain)))
        file, _memory = measured(static, environment)
    print(f"{COMPUTERS} computers from the console: {seconds:.1f} s, {memory:.0f} MiB")
    print(f"from the cache: {cached:.1f} s; the same hosts from a static file: {file:.1f} s; ratio {cached / file:.2f}")
    return int(seconds > MOST_SECONDS or memory > MOST_MEMORY or cached / file > MOST_RATIO)


def as_ini(listed: dict[str, t.Any]) -> str:
    """The same hosts, variables and groups as the static file that Ansible reads fastest."""
    lines = []
    for name, variables in listed["_meta"]["hostvars"].items():
        lines.append(" ".join([name, *(f"{key}={shlex.quote(repr(value))}" for key, value in variables.items())]))
    for group, members in listed.items():
        if group != "_meta" and members.get("hosts"):
            lines += [f"[{group}]", *members["hosts"]]
    return "\n".join(lines) + "\n"


def _plain(found: dict[str, object]) -> object:
    return found["__ansible_unsafe"] if list(found) == ["__ansible_unsafe"] else found


COMPUTERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
if __name__ == "__main__":
    sys.exit(main())
