# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of many endpoints in one task, against a server that replays recorded answers of real sizes.

    python tests/benchmarks/bench_bulk.py [endpoints, default 1000]

CPU is that of the whole playbook (inventory, engine, report, gate) without the server's, an endpoint. Aims: 15 ms with
Basic over HTTP, 30 ms with sealed NTLM, 25 ms over HTTPS with a small CA, at most 0.4 of what one thread of pypsrp
takes that asks the same; 150 endpoints/s and 1 GiB in all where every answer takes 200 ms; one host in 1.8 s.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT / "build" / "dev"))

import bench_audit  # noqa: E402
import record_answers  # noqa: E402

PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")


@dataclass(frozen=True)
class Measured:
    seconds: float
    cpu: float
    memory: int
    """Bytes, proportional set sizes of all processes at their largest."""


def main(arguments: t.Sequence[str]) -> int:
    if arguments[:1] == ["--one-thread"]:
        return one_thread(Path(arguments[1]))
    count = int(arguments[0]) if arguments else 1000
    work = Path(tempfile.mkdtemp(prefix="bench-bulk-"))
    missed: list[str] = []

    def tell(what: str, value: float, unit: str, aim: float, at_least: bool = False) -> None:
        good = value >= aim if at_least else value <= aim
        print(f"{what:46} {value:8.2f} {unit:14} aim {'>=' if at_least else '<='} {aim:g} {'' if good else 'MISSED'}")
        if not good:
            missed.append(what)

    try:
        answers = record_answers.record(CHECKOUT / "lab" / "fleets" / "mixed.yml", work / "lab")
        recorded = work / "recorded.json"
        recorded.write_text(json.dumps(answers), encoding="utf-8")
        requests = sum(map(len, answers.values())) / len(answers)
        print(f"{len(answers)} recorded endpoints, {requests:.1f} requests each; {count} endpoints a run")
        with serving(recorded, work / "basic", "http", "basic") as ready:
            basic = audit(ready, count, work, "basic")
            tell("Basic over HTTP", 1000 * basic.cpu / count, "ms CPU/endpoint", 15)
            few = min(count, 200)
            alone = [sys.executable, __file__, "--one-thread", str(inventory(ready, few, work))]
            floor = float(subprocess.run(alone, capture_output=True, text=True, check=True).stdout.split()[-1])
            print(f"one thread of pypsrp {1000 * floor / few:6.1f} ms CPU/endpoint")
            tell("of one thread of pypsrp's CPU", basic.cpu / count / (floor / few), "", 0.4)
            shortest = min(audit(ready, 1, work, f"one-{number}").seconds for number in range(3))
            tell("one host, end to end", shortest, "s", 1.8)
        with serving(recorded, work / "ntlm", "http", "ntlm") as ready:
            tell("NTLM, sealed", 1000 * audit(ready, count, work, "ntlm").cpu / count, "ms CPU/endpoint", 30)
        with serving(recorded, work / "https", "https", "basic") as ready:
            tell("HTTPS, small CA", 1000 * audit(ready, count, work, "https").cpu / count, "ms CPU/endpoint", 25)
        with serving(recorded, work / "slow", "http", "basic", 0.2) as ready:
            before = audit(ready, 1, work, "slow-one").seconds
            slow = audit(ready, count, work, "slow")
            tell("200 ms an answer", count / (slow.seconds - before), "endpoints/s", 150, at_least=True)
            tell("200 ms an answer, all processes", slow.memory / 2**20, "MiB", 1024)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if missed else 0


@contextlib.contextmanager
def serving(recorded: Path, work: Path, scheme: str, auth: str, delay: float = 0.0) -> t.Iterator[dict[str, t.Any]]:
    command = [sys.executable, str(HERE / "replay.py"), str(recorded), str(work), "--scheme", scheme, "--auth", auth]
    server = subprocess.Popen([*command, "--delay", str(delay)])
    try:
        while not (work / "ready.json").exists():
            if server.poll() is not None:
                raise SystemExit("the replay server did not start")
            time.sleep(0.05)
        ready = json.loads((work / "ready.json").read_text(encoding="utf-8"))
        yield {**ready, "scheme": scheme, "auth": auth}
    finally:
        server.kill()
        server.wait()


def inventory(ready: dict[str, t.Any], count: int, work: Path) -> Path:
    variables = {
        "ansible_connection": "psrp",
        "ansible_host": "127.0.0.1",
        "ansible_psrp_ignore_proxy": True,
        "ansible_psrp_protocol": ready["scheme"],
        "ansible_psrp_auth": ready["auth"],
        "ansible_user": ready["user"],
        "ansible_password": ready["password"],
    }
    if ready["scheme"] == "https":
        variables["ansible_psrp_ca_cert"] = ready["ca"]
    elif ready["auth"] == "basic":
        variables["ansible_psrp_message_encryption"] = "never"
    ports = list(ready["ports"].values())
    hosts = {f"pc-{number:06d}": {"ansible_port": ports[number % len(ports)]} for number in range(count)}
    path = work / f"inventory-{ready['scheme']}-{ready['auth']}-{count}.yml"
    path.write_text(yaml.safe_dump({"windows": {"vars": variables, "hosts": hosts}}), encoding="utf-8")
    return path


def audit(ready: dict[str, t.Any], count: int, work: Path, name: str) -> Measured:
    command = [PLAYBOOK, "-i", str(inventory(ready, count, work)), "fleetops.tetra.compliance"]
    found = run([*command, "-e", f"tetra_results_dir={work / 'results'}", "-e", f"tetra_run_id={name}"])
    gate = json.loads((work / "results" / name / "gate.json").read_text(encoding="utf-8"))
    errors = json.loads((work / "results" / name / "progress.json").read_text(encoding="utf-8"))["errors"]
    if sum(gate["counts"].values()) != count or errors:
        raise SystemExit(f"{name}: {gate['counts']}, {errors}")
    return found


def run(command: t.Sequence[str]) -> Measured:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment())
    largest = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            largest[0] = max(largest[0], sum(map(_memory, _family(process.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _errors = process.communicate()
    done.set()
    watcher.join()
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
    if process.returncode:
        raise SystemExit(output[-3000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, largest[0])


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found.extend(int(child) for child in (task / "children").read_text(encoding="ascii").split())
    return found


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def one_thread(path: Path) -> int:
    """The same questions by pypsrp alone, one endpoint after the other; prints the seconds of CPU. Nothing is done with
    the answers, and finding out what to ask is not counted."""
    group = yaml.safe_load(path.read_text(encoding="utf-8"))["windows"]
    hosts = [{**group["vars"], **own} for own in group["hosts"].values()]
    asked = [_asked(variables) for variables in hosts]
    begun = time.process_time()
    for variables, questions in zip(hosts, asked, strict=True):
        pool = bench_audit._pool(variables)
        for statements in questions:
            pipeline = bench_audit.PowerShell(pool)
            for number, statement in enumerate(statements):
                if number:
                    pipeline.add_statement()
                for command in statement:
                    bench_audit.add_command(pipeline, command)
            pipeline.invoke()
        pool.close()
    print(time.process_time() - begun)
    return 0


_ASKED: dict[int, list[t.Any]] = {}


def _asked(variables: dict[str, t.Any]) -> list[t.Any]:
    """What the audit asks of this recording, found out once."""
    port = variables["ansible_port"]
    if port not in _ASKED:
        connection = bench_audit.Plain(variables)
        noting = bench_audit.Noting(bench_audit.Session(connection))
        bench_audit.collect(noting, "floor", "2026-11-24T00:00:00Z")
        if connection.runspace is not None:
            connection.runspace.close()
        _ASKED[port] = noting.asked
    return _ASKED[port]


def _environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
