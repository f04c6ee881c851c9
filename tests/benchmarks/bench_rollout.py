# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night of a rollout on a virtual clock: the product's scheduler, journal, budget, status and reports; only
the endpoints and the time are simulated.

    python tests/benchmarks/bench_rollout.py [endpoints, default 10000] [share that is dead in percent, default 1]

Each endpoint takes 5 minutes for restart and proof, a dead one the deadline of 30; 250 at once. Aims at 10,000: at most
4.5 simulated hours, 2 GiB. What the wire costs is not in it; ``bench_bulk.py`` and ``make prove-rollout`` say that.
"""

from __future__ import annotations

import heapq
import resource
import shutil
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT / "build" / "dev"))

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Cure  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import parse_budget  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.rings import parse_rings  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.scheduler import Scheduler  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.drive import Night, drive  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import Orders  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.status import Status  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.worker import CureJob, Told  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process  # noqa: E402
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (  # noqa: E402
    make_record,
    write_record,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.remediation_task import report_task  # noqa: E402

ABOUT: t.Final = {"playbook": "bench", "check_mode": False, "collection_version": "bench"}
AT_ONCE, WELL, DEADLINE, PROVING = 250, 300.0, 1800.0, 30.0
BEGINNING: t.Final = 1_790_000_000.0
STAGES: t.Final[tuple[Event, ...]] = ("running", "before_image", "changing", "changed", "rebooting")


@dataclass
class Clock:
    now: float = BEGINNING

    def __call__(self) -> float:
        return self.now


@dataclass
class VirtualCrew:
    """Endpoints that take their time on a clock which jumps to the next event; journals and records are written."""

    run: remediation.Remediation
    journal: Journal
    clock: Clock
    dead: frozenset[str]
    proven: t.Mapping[str, t.Any]
    heap: list[tuple[float, str, str]] = field(default_factory=list)
    most: int = 0

    def start(self, job: CureJob) -> None:
        for stage in STAGES:
            self.journal.append(job.host, stage)
        if job.host in self.dead:
            heapq.heappush(self.heap, (self.clock.now + DEADLINE, job.host, "timed_out"))
        else:
            heapq.heappush(self.heap, (self.clock.now + WELL - PROVING, job.host, "proving"))
        self.most = max(self.most, len(self.heap))

    def wait(self, seconds: float) -> list[Told]:
        if not self.heap or self.heap[0][0] > self.clock.now + seconds:
            self.clock.now += seconds
            return []
        at, host, event = heapq.heappop(self.heap)
        self.clock.now = max(self.clock.now, at)
        if event == "proving":
            self.journal.append(host, "proving")
            heapq.heappush(self.heap, (self.clock.now + PROVING, host, "proven"))
            return [Told(host, "proving")]
        self.file(host, event)
        self.journal.append(host, t.cast(Event, event))
        return [Told(host, event, end=True, changed=True)]

    def file(self, host: str, event: str) -> None:
        timing: t.Any = {"started_at": "2026-11-24T22:00:00Z", "seconds": WELL, "pipelines": 30}
        if event == "proven":
            facts = {**self.proven["facts"], "host": host}
            verdict = {**self.proven["verdict"], "host": host}
            write_record(self.run.after.path, make_record(host, self.run.after.token, verdict, facts, timing))
        document: t.Any = {
            "schema": "fleetops.tetra/cure/1", "host": host, "token": self.run.token, "event": event, "detail": None,
            "changed": True, "plan": None, "before_image": None, "before_image_on_endpoint": None, "undone": None,
            "update": None, "restart": None, "timing": timing,
        }  # fmt: skip
        remediation.file_cure(self.run, host, t.cast(Cure, document))

    def end(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True)
class NightOf:
    endpoints: int
    hours: float
    cpu: float
    report_cpu: float
    memory: float
    most: int
    ends: dict[str, int]
    why: str | None


def simulate(count: int, dead_percent: float, work: Path, proven: t.Mapping[str, t.Any]) -> NightOf:
    hosts = [f"pc-{number:05}" for number in range(count)]
    step = max(1, round(100 / dead_percent)) if dead_percent else count + 1
    # None among the canaries: those are chosen.
    dead = frozenset(hosts[step // 2 + 20 :: step])
    run = remediation.begin(work, "night", hosts, Process.current(), dict(ABOUT), {})
    timing: t.Any = {"started_at": "2026-11-24T21:00:00Z", "seconds": 1.0, "pipelines": 12}
    for host in hosts:
        facts, verdict = {**proven["facts"], "host": host}, {**proven["verdict"], "host": host}
        write_record(run.before.path, make_record(host, run.before.token, verdict, facts, timing))
        write_record(run.after.path, make_record(host, run.after.token, verdict, facts, timing))
    begun = _cpu()
    rings = parse_rings(
        [
            {"name": "canaries", "count": 5, "soak": 600, "promote": "proven"},
            {"name": "pilot", "count": 50, "soak": 600, "promote": "95%"},
            {"name": "rest", "hosts": "rest"},
        ],
        hosts,
        AT_ONCE,
    )
    scheduler, clock, journal = Scheduler(rings), Clock(), run.journal()
    crew = VirtualCrew(run, journal, clock, dead, proven)
    night = Night(
        scheduler, crew, journal, parse_budget("5%", count), Orders(run.path),
        Status(run.path, scheduler, clock.now), lambda host, ring: CureJob(host, ring, {}), clock,
    )  # fmt: skip
    why = drive(night)
    driven = _cpu()
    report_task({
        "run": str(run.path), "batch": hosts, "max_failures": "5%", "max_failure_rate": None, "domain_gpos": False,
        "final": True, "fail_on": "none",
    })  # fmt: skip
    return NightOf(
        count, (clock.now - BEGINNING) / 3600, driven - begun, _cpu() - driven,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, crew.most, dict(scheduler.ends), why,
    )  # fmt: skip


def a_proven_endpoint(work: Path) -> dict[str, t.Any]:
    """Facts and verdict of real size, from the lab's own endpoint."""
    from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
    from ansible_collections.fleetops.tetra.tests.unit.endpoint_facts import endpoint

    facts = endpoint()
    return {"facts": facts, "verdict": evaluate(facts)}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: t.Sequence[str]) -> int:
    count = int(arguments[0]) if arguments else 10000
    dead = float(arguments[1]) if len(arguments) > 1 else 1.0
    work = Path(tempfile.mkdtemp(prefix="bench-rollout-"))
    try:
        begun = time.monotonic()
        night = simulate(count, dead, work, a_proven_endpoint(work))
        seconds = time.monotonic() - begun
    finally:
        shutil.rmtree(work, ignore_errors=True)
    hours_aim = 4.5 * count / 10000 + 1.0 if count != 10000 else 4.5
    print(f"endpoints                        {night.endpoints}, at most {night.most} at once, {night.ends}")
    print(f"simulated                        {night.hours:.2f} h, aim <= {hours_aim:.2f}")
    print(f"CPU of scheduler, journal, files {night.cpu:.1f} s, {night.cpu / count * 1000:.2f} ms an endpoint")
    print(f"CPU of the last report           {night.report_cpu:.1f} s")
    print(f"memory                           {night.memory:.0f} MiB, aim <= 2048")
    print(f"this took                        {seconds:.0f} s")
    good = night.hours <= hours_aim and night.memory <= 2048 and night.most <= AT_ONCE and night.why is None
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
