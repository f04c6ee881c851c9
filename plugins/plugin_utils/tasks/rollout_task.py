# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A rollout as one task: from the task's arguments to rings and processes, and from what became of all to a result."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.rings import (
    Ring,
    check_rings,
    parse_rings,
    parse_window,
    rings_of_waves,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.scheduler import Scheduler
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.windows import (
    Windows,
    WindowsError,
    check_opens,
    parse_windows,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import check_waves
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.crew import Processes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.drive import Night, drive
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import Orders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.status import FILE, Document, Status, line
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.worker import CureJob, Work
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.bulk_audit_task import check_engine
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.cure_task import (
    DOWNLOADS_AND_GUARD,
    budget_of,
    cure_of_run,
    plan_options,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.host_options import HostOptions

_NAMED = 100
_REBOOT_METHOD = (
    "A continuous rollout restarts by itself: take tetra_reboot_method: win_reboot away, or cure in waves "
    "(tetra_rollout: waves), where each endpoint has a process of its own."
)


class RolloutError(ValueError):
    """A rollout cannot be begun as it is wanted; the message is one sentence."""


def roll_out(
    hosts: t.Sequence[str],
    options: HostOptions,
    variables: t.Mapping[str, t.Mapping[str, t.Any]],
    arguments: t.Mapping[str, t.Any],
    check_only: bool,
    show: t.Callable[[str], None],
) -> Document:
    """Takes up every host, ring by ring; gives the task's result. ``variables``: those of every host.

    Raises EngineMissing, RolloutError, RingError, WindowsError, ResultsError, PlanError, BudgetError, OrderError or
    JournalError before any endpoint is touched.
    """
    check_engine()
    if arguments["reboot_method"] != "native":
        raise RolloutError(_REBOOT_METHOD)
    if arguments["max_downloads"] and arguments["commit_confirm"]:
        raise RolloutError(DOWNLOADS_AND_GUARD)
    plan_options(arguments["plan"])
    run = remediation.join(Path(arguments["run"]))
    budget = budget_of(run, arguments)
    rings = chosen_rings(arguments, sorted(hosts), _tags(arguments, hosts, variables))
    windows = _windows(arguments, hosts, variables)
    seconds = float(arguments["deadline"])

    def opening(host: str, now: float) -> float | None:
        known = windows.get(host)
        return None if known is None else known.opening(now, seconds)

    scheduler = Scheduler(rings, opening)
    orders = Orders(run.path)

    taken: list[str] = []

    def job(host: str, ring: str) -> CureJob:
        taken.append(host)
        found, refused = options.of(host)
        site = variables[host].get(arguments["site_variable"])
        return CureJob(host, ring, found, None if site is None else str(site), refused)

    crew = Processes(
        Work(run.path, arguments, check_only, cure_of_run), arguments["processes"] or len(os.sched_getaffinity(0))
    )
    status = Status(run.path, scheduler, time.time())
    last: list[str] = []

    def shown(document: Document) -> None:
        text = line(document)
        if text not in last:
            last[:] = [text]
            # Ansible may be gone; nobody loses a rollout because nobody can be told of it.
            with contextlib.suppress(Exception):
                show(text)

    with _Interrupt() as interrupt:
        why = drive(
            Night(
                scheduler,
                crew,
                run.journal(),
                budget,
                orders,
                status,
                job,
                time.time,
                arguments["approve_by_another"],
                float(arguments["approve_within"]),
                lambda: interrupt.came,
                shown,
            )
        )
    if not check_only:
        remediation.count_lost(run, taken)
    orders.give("end", ticket=arguments["ticket"])
    result = {
        "changed": any(scheduler.ends[event] for event in ("proven", "held", "unproven", "failed")) and not check_only,
        "endpoints": len(hosts),
        "ends": dict(sorted(scheduler.ends.items())),
        "not_taken_up": scheduler.pending,
        "skipped": scheduler.skipped[:_NAMED],
        "lost_processes": crew.deaths,
        "stopped": why,
        "interrupted": interrupt.came,
        "rings": scheduler.rings(),
        "msg": why or f"{scheduler.ends.total()} endpoints came to their ends.",
    }
    return t.cast(Document, visible_all(result))


def chosen_rings(
    arguments: t.Mapping[str, t.Any], hosts: t.Sequence[str], tags: t.Mapping[str, str]
) -> tuple[Ring, ...]:
    """The rings that are given, or the waves as rings. Raises RingError or WaveError."""
    given, rings = arguments["max_unavailable"], arguments["rings"]
    if rings:
        return parse_rings(rings, hosts, given or _last_wave(arguments), tags)
    check_waves(arguments["waves"])
    return rings_of_waves(arguments["waves"], hosts, parse_window(given, len(hosts)) if given else None)


def check_rollout(
    arguments: t.Mapping[str, t.Any], hosts: t.Sequence[str], variables: t.Mapping[str, t.Mapping[str, t.Any]]
) -> None:
    """Before anything is asked: ``hosts`` are all endpoints of the run. Raises RolloutError, RingError, WaveError or
    WindowsError."""
    given, rings = arguments["max_unavailable"], arguments["rings"]
    if given:
        parse_window(given, len(hosts))
    if arguments["reboot_method"] != "native":
        raise RolloutError(_REBOOT_METHOD)
    if rings:
        check_rings(rings, sorted(hosts), given or _last_wave(arguments), _tags(arguments, hosts, variables))
    _windows(arguments, hosts, variables)


def _last_wave(arguments: t.Mapping[str, t.Any]) -> t.Any:
    waves = arguments["waves"]
    return waves[-1] if isinstance(waves, list) and waves else waves


def _tags(
    arguments: t.Mapping[str, t.Any], hosts: t.Sequence[str], variables: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, str]:
    return {host: str(variables[host].get(arguments["ring_variable"], "")) for host in hosts}


def _windows(
    arguments: t.Mapping[str, t.Any], hosts: t.Sequence[str], variables: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, Windows]:
    """Those of groups are parsed once. Raises WindowsError."""
    found: dict[str, Windows] = {}
    parsed: dict[str, Windows] = {}
    for host in hosts:
        value = variables[host].get(arguments["windows_variable"])
        if value is None:
            continue
        key = repr(value)
        if key not in parsed:
            try:
                parsed[key] = parse_windows(value)
                check_opens(parsed[key], time.time(), float(arguments["deadline"]))
            except WindowsError as error:
                raise WindowsError(f"{host}: {error}") from None
        found[host] = parsed[key]
    return found


def begin_rollout(run: Path, continuous: bool, ticket: str | None) -> None:
    """A start: what ended an earlier one is over. Raises OrderError or OSError."""
    (run / FILE).unlink(missing_ok=True)
    if continuous:
        Orders(run).give("start", ticket=ticket)


def rollout_halted(run: Path) -> str | None:
    """Why the last rollout of a run did not take up everybody, one sentence; None where it did, or there was none."""
    try:
        document = json.loads((run / FILE).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return f"How the rollout ended cannot be read: {run / FILE} is damaged."
    if document.get("state") == "ended" and not document.get("why"):
        return None
    why = document.get("why") or "It ended before its end was written down."
    return f"The rollout did not take up everybody ({document.get('pending')} are left): {why}"


class _Interrupt:
    """An interrupt lets those under way come to their ends, and the run to its report.

    Ansible does not hand an interrupt on to its tasks; it tells them to end (SIGTERM), and ends itself. The second one
    does not wait.
    """

    def __init__(self) -> None:
        self.came = False
        self._before: dict[signal.Signals, t.Any] = {}

    def __enter__(self) -> _Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ring)
        return self

    def __exit__(self, *_of: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _ring(self, _number: int, _frame: t.Any) -> None:
        if self.came:
            raise KeyboardInterrupt
        self.came = True
