# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a cure writes to its endpoint, and how it is undone: the stage between the plan and the restart."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Step
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.domain_gpos import with_value
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import DOMAIN_GPO
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import followed_gpo, reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImage
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import KEPT, ChangeSet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_folders import folders_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Stages, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, own_time
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    CureContext,
    CureEnd,
    CureOptions,
    Outcome,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import Guard

_UNDO = 60.0
"""Seconds for an undoing, which has a time of its own: a change may have failed because its time was up."""
_REFRESH = 60.0
"""Seconds, or a quarter of the deadline, in which the registry has to follow a policy refresh."""


class CureChange:
    """The change of one endpoint; ``outcome`` is told of every part of it."""

    def __init__(
        self,
        endpoint: reboot.Endpoint,
        context: CureContext,
        options: CureOptions,
        outcome: Outcome,
        guard: Guard,
        wait: Countdown,
    ) -> None:
        self._endpoint = endpoint
        self._context = context
        self._options = options
        self.outcome = outcome
        self._guard = guard
        self._wait = wait
        self.image: BeforeImage | None = None
        self.touched = False
        """Whether the endpoint was changed or restarted, by this process or an earlier one of the run."""
        self.undoing = ""
        """What became of a change that was ended from outside, as a further sentence."""

    def as_its_gpo_holds(self, step: Step, facts: Facts) -> Step:
        """A step on a domain GPO, with the value that serves all endpoints of the GPO."""
        if step["target"] != DOMAIN_GPO:
            return step
        value = self._context.gpo_value(step, facts)
        if value is None:
            name = " ".join(part for part in (step["owner"]["name"], step["owner"]["guid"]) if part)
            raise CureEnd(
                "blocked", f"The domain GPO {name} owns this setting; it was not changed on a management host."
            )
        return with_value(step, value)

    def follow(self, facts: Facts, steps: t.Sequence[Step]) -> None:
        """The GPO was changed for all its endpoints; this one refreshes its policy until the registry follows."""
        if not steps:
            return
        context, wait = self._context, self._wait.part(self._options.gpo_deadline)
        context.journal.append(context.host, "changing", wave=context.wave)
        self._note_change(facts)
        try:
            self.outcome.changed = followed_gpo.follow(self._endpoint, folders_of(facts).system_root, steps, wait)
        except ChangeError as error:
            self.forget(facts)
            raise CureEnd("unproven" if error.code == followed_gpo.NOT_FOLLOWED else "failed", str(error)) from error
        context.journal.append(context.host, "changed", wave=context.wave)

    def make(self, facts: Facts, steps: t.Sequence[Step]) -> None:
        if not steps:
            return
        context = self._context
        stopped = context.journal.stopped(context.budget, context.host)
        if stopped is not None:
            raise CureEnd("not_started", stopped)
        transaction = self._new_transaction(facts, Stages(self._image_kept, self._change_begins))
        try:
            transaction.make(steps)
        except BaseException as error:
            self._tell(transaction)
            if not transaction.begun:
                raise
            self._after_undoing()
            if isinstance(error, (ChangeError, SessionError)):
                raise CureEnd("failed", f"{error}{transaction.told()}") from error
            if isinstance(error, DeadlineExceeded):
                raise CureEnd("timed_out", f"{self._options.out_of_time()}{transaction.told()}") from error
            self.undoing = transaction.told()
            raise
        self._tell(transaction)
        context.journal.append(context.host, "changed", wave=context.wave)

    def put_back(self, facts: Facts) -> bool:
        """Undoes what was written before; False where somebody else has changed a part of it meanwhile, which stays."""
        image = self.image
        if image is None:
            return True
        transaction = self._new_transaction(facts)
        undone = transaction.put_back(image, transaction.foresee(image))
        self.outcome.undone = [*undone]
        kept = [one for one in undone if one["outcome"] == KEPT]
        self.outcome.changed = bool(kept)
        self.forget(facts)
        return not kept

    def look_at_what_waits(self) -> None:
        """The record of an endpoint that holds the change and was not restarted."""
        facts, verdict = self._context.look(self._endpoint.session(), proving=False)
        self.outcome.after = {"facts": facts, "verdict": verdict}

    def forget(self, facts: Facts) -> None:
        """Takes our own key away; that it stays is no reason to call an endpoint unproven."""
        with contextlib.suppress(ChangeError, SessionError):
            ChangeSet(self._endpoint.session(), self._wait, folders_of(facts).system_root).forget_change()

    def _new_transaction(self, facts: Facts, stages: Stages | None = None) -> Transaction[Step]:
        context = self._context
        return Transaction(
            self._endpoint,
            lambda wait: EndpointWork(self._endpoint, folders_of(facts), wait),
            context.store,
            Label(context.host, context.run_id, context.token),
            self._patience_for_policy(),
            stages,
        )

    def _image_kept(self, image: BeforeImage) -> None:
        self.image = image
        self.outcome.before_image = image.id
        self._guard.before_change(image)

    def _change_begins(self, image: BeforeImage) -> None:
        context = self._context
        context.journal.append(context.host, "before_image", image.id, context.wave)
        context.journal.append(context.host, "changing", wave=context.wave)
        self.outcome.changed = self.touched = True

    def _tell(self, transaction: Transaction[Step]) -> None:
        self.outcome.before_image_on_endpoint = transaction.image_on_endpoint
        self.outcome.undone = transaction.undone
        self.outcome.changed = transaction.changed

    def _after_undoing(self) -> None:
        """No guard restarts an endpoint that is as before, and the record says how it stands."""
        if self.outcome.undone is None:
            return
        with contextlib.suppress(SessionError, ChangeError, DeadlineExceeded), own_time(_UNDO):
            self._guard.take_away()
            self.look_at_what_waits()

    def _note_change(self, facts: Facts) -> None:
        EndpointWork(self._endpoint, folders_of(facts), self._patience_for_policy()).note()

    def _patience_for_policy(self) -> Countdown:
        return self._wait.part(min(_REFRESH, self._options.deadline / 4))
