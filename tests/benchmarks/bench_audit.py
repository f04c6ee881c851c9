# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a fleet against its floor and against the usual way; ratios from one run.

    python tests/benchmarks/bench_audit.py [endpoints, default 300] [forks, default 20]

Issue 2: controller CPU per endpoint at most 3 times that of a bare pypsrp thread pool that asks the same questions, at
least 3 times the endpoints per second of a playbook of separate tasks on the same connection, at most 8 requests per
endpoint with Basic. The lab runs in a process of its own on the same machine.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT / "build" / "dev"))

from pypsrp.powershell import PowerShell, RunspacePool  # noqa: E402
from pypsrp.wsman import WSMan  # noqa: E402

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.pipelines import add_command  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, Statement  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect  # noqa: E402

HERE = Path(__file__).resolve().parent
LAB = "ansible_collections.fleetops.tetra.lab"
CPU_LIMIT, SPEED_LIMIT, REQUESTS_LIMIT = 3.0, 3.0, 8
ROUNDS = 3
PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")


def main(arguments: t.Sequence[str]) -> int:
    if arguments[:1] == ["--floor"]:
        return floor(Path(arguments[1]), int(arguments[2]))
    if arguments[:1] == ["--measure"]:
        return measure(Path(arguments[1]), int(arguments[2]), Path(arguments[3]))
    count = int(arguments[0]) if arguments else 300
    forks = int(arguments[1]) if len(arguments) > 1 else 20
    work = Path(tempfile.mkdtemp(prefix="bench-audit-"))
    try:
        fleet = {
            "schema": "fleetops.tetra/fleet/1",
            "describe": "Healthy endpoints with a connector.",
            "endpoints": {
                f"pc-{number:05d}": {"release": "10_22h2", "describe": "healthy", "transport": {"auth": ["basic"]}}
                for number in range(count)
            },
        }
        (work / "fleet.yml").write_text(yaml.safe_dump(fleet), encoding="utf-8")
        lab = [
            sys.executable,
            "-m",
            LAB,
            "run",
            "--fleet",
            str(work / "fleet.yml"),
            "--work-dir",
            str(work / "lab"),
            "--",
        ]
        child = [sys.executable, __file__, "--measure", "{inventory}", str(forks), str(work)]
        code = subprocess.run([*lab, *child], check=False, env=_environment()).returncode
        requests = json.loads((work / "lab" / "requests.json").read_text(encoding="utf-8"))
        found = json.loads((work / "measured.json").read_text(encoding="utf-8")) if not code else {}
        return report(count, forks, found, requests) if found else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


def measure(inventory: Path, forks: int, work: Path) -> int:
    """Runs the three ways in turn while the lab runs; leaves measured.json with the seconds of every round."""
    audit = [PLAYBOOK, "-i", str(inventory), "-f", str(forks), "fleetops.tetra.compliance"]
    audit += ["-e", f"tetra_results_dir={work}"]
    ways = {
        "floor": [sys.executable, __file__, "--floor", str(inventory), str(forks)],
        "audit": audit,
        "usual": [PLAYBOOK, "-i", str(inventory), "-f", str(forks), str(HERE / "usual.yml")],
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _round in range(ROUNDS):
        for name, command in ways.items():
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
            if done.returncode:
                print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
                return 1
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found[name].append({"seconds": seconds, "cpu": cpu})
    (work / "measured.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


class Noting:
    """Answers as the session does and notes what was asked."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.asked: list[list[Statement]] = []

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        self.asked.append(list(statements))
        return self.session.ask(statements)

    def version_table(self) -> dict[str, t.Any]:
        return self.session.version_table()

    def configuration(self) -> str | None:
        return self.session.configuration()


class Plain:
    """A connection without Ansible, for finding out what the audit asks."""

    transport = "psrp"

    def __init__(self, host: dict[str, t.Any]) -> None:
        self.runspace: RunspacePool | None = None
        self.connected = False
        self._host = host

    def get_option(self, option: str) -> t.Any:
        return None

    def _connect(self) -> None:
        self.runspace = _pool(self._host)
        self.connected = True


def floor(inventory: Path, threads: int) -> int:
    """The questions of the audit, asked by pypsrp alone from a thread pool; nothing is done with the answers."""
    group = yaml.safe_load(inventory.read_text(encoding="utf-8"))["windows"]
    hosts = [{**group["vars"], **variables} for variables in group["hosts"].values()]
    connection = Plain(hosts[0])
    noting = Noting(Session(connection))
    collect(noting, "floor", "2026-11-24T00:00:00Z")
    if connection.runspace is not None:
        connection.runspace.close()

    def one(host: dict[str, t.Any]) -> int:
        pool = _pool(host)
        answers = 0
        for statements in noting.asked:
            pipeline = PowerShell(pool)
            for number, statement in enumerate(statements):
                if number:
                    pipeline.add_statement()
                for command in statement:
                    add_command(pipeline, command)
            answers += len(pipeline.invoke())
        pool.close()
        return answers

    with ThreadPoolExecutor(threads) as executor:
        answers = list(executor.map(one, hosts))
    return 0 if min(answers) > 0 else 1


def _pool(host: dict[str, t.Any]) -> RunspacePool:
    wsman = WSMan(
        host["ansible_host"],
        port=host["ansible_port"],
        ssl=False,
        username=host["ansible_user"],
        password=host["ansible_password"],
        auth="basic",
        encryption="never",
        no_proxy=True,
    )
    pool = RunspacePool(wsman)
    pool.open()
    return pool


def report(count: int, forks: int, found: dict[str, list[dict[str, float]]], requests: dict[str, t.Any]) -> int:
    for name, title in (("floor", "bare pypsrp"), ("audit", "compliance run"), ("usual", "separate tasks")):
        seconds = statistics.median(way["seconds"] for way in found[name])
        cpu = statistics.median(way["cpu"] for way in found[name])
        print(
            f"{title:15} {seconds:7.1f} s {count / seconds:7.1f} endpoints/s {1000 * cpu / count:7.1f} ms CPU/endpoint"
        )
    cpus = _ratios(found["audit"], found["floor"], "cpu")
    speeds = _ratios(found["usual"], found["audit"], "seconds")
    # In each round every endpoint is asked once by the audit, once by the floor, five times by the usual way.
    per_audit = (min(entry["requests"] for entry in requests.values()) // ROUNDS - 5 * 6) // 2
    print(f"{count} endpoints, {forks} forks, Basic over HTTP, {os.cpu_count()} cores shared with the lab")
    print(f"medians of {ROUNDS} rounds in turn; ratios are taken round by round, with the lowest and the highest")
    cpu, speed = statistics.median(cpus), statistics.median(speeds)
    print(f"CPU per endpoint: {cpu:.2f} ({cpus[0]:.2f}-{cpus[-1]:.2f}) times bare pypsrp (at most {CPU_LIMIT:g})")
    print(f"speed: {speed:.2f} ({speeds[0]:.2f}-{speeds[-1]:.2f}) times separate tasks (at least {SPEED_LIMIT:g})")
    print(f"requests per endpoint: {per_audit} (at most {REQUESTS_LIMIT})")
    return 0 if cpu <= CPU_LIMIT and speed >= SPEED_LIMIT and per_audit <= REQUESTS_LIMIT else 1


def _ratios(dividends: list[dict[str, float]], divisors: list[dict[str, float]], figure: str) -> list[float]:
    return sorted(one[figure] / other[figure] for one, other in zip(dividends, divisors, strict=True))


def _environment() -> dict[str, str]:
    collections = str(CHECKOUT / "build" / "dev")
    return {**os.environ, "PYTHONPATH": collections, "ANSIBLE_COLLECTIONS_PATH": collections}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
