# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long server_info takes against a local server: the four suites of the allow-list, and all suites.

Run: PYTHONPATH=build/dev .venv/bin/python tests/benchmarks/bench_server_info.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST

MODULE = "ansible_collections.fleetops.tetra.plugins.modules.server_info"
LIMIT_SECONDS = 2.0


def measured(port: int, suites: list[str] | None) -> tuple[float, int]:
    """Seconds for the whole module, Python's start included, and the connections that it made."""
    arguments: dict[str, object] = {"host": "127.0.0.1", "port": port, "pause": 0}
    if suites is not None:
        arguments["suites"] = suites
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    return seconds, int(json.loads(done.stdout)["connections"])


def main() -> int:
    """Prints the figures; exit code 1 where the four suites take longer than the limit."""
    with TlsServer(ALLOW_LIST) as server:
        four = min(measured(server.port, None) for _round in range(3))
        everything = measured(server.port, ["all"])
    print(f"server_info, allow-list:  {four[0]:.2f} s for {four[1]} handshakes (limit {LIMIT_SECONDS:.0f} s)")
    print(f"server_info, all suites:  {everything[0]:.2f} s for {everything[1]} handshakes")
    return 0 if four[0] < LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
