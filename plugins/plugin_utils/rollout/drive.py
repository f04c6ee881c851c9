# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Drives a rollout: what the scheduler wants is given to the crew, what the crew tells goes back.

Time comes from outside, so that a night may pass in a minute.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.scheduler import Hand, Scheduler
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.crew import Crew
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import OrderError, Orders, hand_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.status import Document, Status
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.worker import CureJob

_TURN = 1.0


@dataclass
class Night:
    """Everything a rollout needs. ``clock``: seconds since the epoch; ``interrupted``: whether somebody wants it to
    end; ``shown`` is called with every status."""

    scheduler: Scheduler
    crew: Crew
    journal: Journal
    budget: FailureBudget
    orders: Orders
    status: Status
    job: t.Callable[[str, str], CureJob]
    clock: t.Callable[[], float]
    by_another: bool = False
    approve_within: float = 86400.0
    interrupted: t.Callable[[], bool] = lambda: False
    shown: t.Callable[[Document], None] = lambda _document: None


def drive(night: Night) -> str | None:
    """Until every endpoint came to its end, or none may be taken up any more: why not, or None."""
    scheduler, waits_since = night.scheduler, None
    stopped, failures = night.journal.stopped(night.budget), len(night.journal.failed_hosts())
    while True:
        now = night.clock()
        step = scheduler.step(now, "The rollout was interrupted." if night.interrupted() else stopped, _hand(night))
        for host, ring in step.start:
            night.status.stages[host] = "starting"
            night.crew.start(night.job(host, ring))
        # An approval that nobody gives ends the run; the next start with the same name asks for it again.
        waits_since = (waits_since or now) if scheduler.state == "waiting_for_approval" else None
        if waits_since is not None and now - waits_since >= night.approve_within:
            stopped = scheduler.why
        document = night.status.write(now, night.budget.allowed - failures, scheduler.state == "ended")
        if document is not None:
            night.shown(document)
        if scheduler.state == "ended":
            night.crew.end()
            return scheduler.why
        seconds = _TURN if step.wake is None else max(0.0, min(step.wake - now, _TURN))
        for told in night.crew.wait(seconds):
            night.status.stages[told.host] = told.event
            if told.end:
                night.status.stages.pop(told.host, None)
                scheduler.ended(told.host, told.event, night.clock())
                if told.event not in ("proven", "planned"):
                    stopped = stopped or night.journal.stopped(night.budget)
                    failures = len(night.journal.failed_hosts())


def _hand(night: Night) -> Hand:
    try:
        return hand_of(night.orders.all(), night.by_another)
    except OrderError as error:
        return Hand(paused=str(error))
