# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The sole hold of one endpoint: no other process of this run, no other run and no rollback is at it meanwhile."""

from __future__ import annotations

import contextlib

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_lock import EndpointBusy, alone_at
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    CureContext,
    CureEnd,
    Outcome,
)

_PATIENCE = 10.0
"""Seconds in which a process that has written its last entry lets the endpoint go."""


class SoleHold:
    """``take`` waits for it and ``close`` lets it go. What another process comes to meanwhile counts.

    ``wait`` stands still meanwhile. ``longest``: seconds that another process of the run is waited for.
    """

    def __init__(self, context: CureContext, outcome: Outcome, wait: Countdown, longest: float) -> None:
        self._context = context
        self._outcome = outcome
        self._wait = wait
        self._longest = longest
        self._lock = contextlib.ExitStack()

    def close(self) -> None:
        self._lock.close()

    def take(self) -> None:
        """Raises CureEnd, or JournalError. Other runs have journals of their own, and a rollback has none.

        A process of this run takes the lock before it writes its first entry, and may prove the endpoint while its lock
        is waited for here: the journal is looked at again once the lock is ours.
        """
        journal, host = self._context.journal, self._context.host
        known = journal.standing(host).at
        while True:
            self._let_another_process_end()
            try:
                with self._wait.paused():
                    self._lock.enter_context(alone_at(self._context.store.folder_of(host), _PATIENCE))
                break
            except EndpointBusy as error:
                if not journal.standing(host).in_flight:
                    raise CureEnd("held", str(error)) from error
        standing = journal.standing(host)
        if standing.event == "proven" and standing.at != known:
            self._outcome.elsewhere = True
            raise CureEnd("proven", standing.detail)

    def _let_another_process_end(self) -> None:
        """The worker of a controller that was killed may still be at it; what it comes to counts."""
        journal, host = self._context.journal, self._context.host
        if not journal.standing(host).in_flight:
            return
        self._outcome.elsewhere = True
        patience = Countdown(self._longest)
        with self._wait.paused():
            while journal.standing(host).in_flight:
                if not patience(1.0):
                    raise CureEnd("held", "Another process is still curing this endpoint.", unrecorded=True)
        standing = journal.standing(host)
        if standing.event == "proven":
            raise CureEnd("proven", standing.detail)
        self._outcome.elsewhere = False
