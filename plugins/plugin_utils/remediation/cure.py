# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Curing one endpoint, from the look at it to the proof, in one go that may be killed at any moment.

start (budget, window) → look → plan → before-image → change → restart → proof → record

Every stage is announced in the journal first. Connection errors become an outcome. Whatever has been written can be
undone from the before-image; a change that fails half-way is undone at once. Running again takes up an endpoint
where it stands: one that holds the change and waits for its restart is restarted and proven.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State, Step
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.domain_gpos import with_value
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import DOMAIN_GPO
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import followed_gpo, preferences, reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageError,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import KEPT, ChangeSet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_folders import folders_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_lock import EndpointBusy, alone_at
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import NEVER, Restart, RestartHeld
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Stages, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import (
    DeadlineExceeded,
    deadline,
    own_time,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    UNDO,
    CureContext,
    CureOptions,
    Document,
    Outcome,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import Guard
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import NoPlace
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError, disk_sentence

_GRACE = 120.0
"""Seconds beyond the deadline before an alarm ends a conversation that hangs; an undoing has to fit in."""
_UNDO = 60.0
"""Seconds for an undoing, which has a time of its own: a change may have failed because its time was up."""
_REFRESH = 60.0
"""Seconds, or a quarter of the deadline, in which the registry has to follow a policy refresh."""
_PATIENCE = 10.0
"""Seconds in which a process that has written its last entry lets the endpoint go."""
_MAY_BE_CHANGED = ("changing", "changed", "rebooting", "proving", "timed_out", "unproven")
_PLAN_ENDS = {planning.NOTHING: "nothing_to_do", planning.BLOCKED: "blocked", planning.UNKNOWN: "blocked"}


class _Unproven(Exception):
    """The endpoint was changed and restarted, by a run that did not live to prove it."""


class _End(Exception):
    def __init__(self, event: str, detail: str | None = None) -> None:
        super().__init__(event)
        self.event = event
        self.detail = detail


class Cure:
    """One endpoint's cure. ``run`` never raises for anything that the endpoint does."""

    def __init__(self, endpoint: reboot.Endpoint, context: CureContext, options: CureOptions) -> None:
        self._endpoint = endpoint
        self._context = context
        self._options = options
        self._wait = Countdown(options.deadline)
        self.outcome = Outcome(context.host, "running")
        self._guard = Guard(endpoint, context.store, context.host, context.run_id, options.commit_confirm)
        self._unrecorded = options.check_only
        self._begun = False
        self._proven_before: str | None = None
        """Whether an earlier run may have changed the endpoint and did not come to an end with it."""
        self._lock = contextlib.ExitStack()
        self._place = contextlib.ExitStack()
        self._image: BeforeImage | None = None
        self._touched = False
        """Whether this process, or an earlier one of the run, has changed or restarted the endpoint."""
        self._undoing = ""

    def run(self) -> Outcome:
        # The place of an endpoint that is lost is free only once the journal says so: whoever takes it looks there.
        with self._lock, self._place:
            return self._run()

    def _run(self) -> Outcome:
        try:
            self._start()
            with contextlib.suppress(_Unproven):
                with self._alarm():
                    facts = self._look_and_change()
                restart = self._restarting(facts)
                self._put_off(restart)
                self._wait_for_a_place(facts)
                self._extend(restart)
                with self._alarm():
                    self._restart(facts, restart)
                self._place.close()
            with self._alarm():
                self._prove()
        except _End as end:
            self._finish(end.event, end.detail)
        except SessionError as error:
            self._finish("unreachable" if error.kind in ("unreachable", "timeout") else "failed", str(error))
        except DeadlineExceeded:
            self._finish("timed_out", self._out_of_time())
        except JournalError as error:
            # Nothing more can be written down, so nothing more is done; what was written can be put back.
            self._unrecorded = self.outcome.unrecorded = True
            self._finish("failed", str(error))
        except OSError as error:
            self._finish("failed", disk_sentence(error))
        except (ChangeError, BeforeImageError) as error:
            timed_out = isinstance(error, ChangeError) and error.code == "timed_out"
            self._finish("timed_out" if timed_out else "failed", str(error))
        except BaseException:
            # Ansible's own task time-out, or an interrupt: the journal says so, and the task ends as it was told to.
            self._finish("failed", f"The task was ended from outside.{self._undoing}")
            raise
        return self.outcome

    # Stages ---------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._options.check_only:
            return
        context = self._context
        closed = context.may_start()
        if closed is not None:
            raise _End("held", closed)
        self._keep_others_away()
        with context.journal.locked():
            standing = context.journal.standing(context.host)
            stopped = context.journal.stopped(context.budget, context.host)
            if stopped is not None:
                raise _End("not_started", stopped)
            self._begun = self._touched = standing.event in _MAY_BE_CHANGED
            self._proven_before = standing.detail or "" if standing.event == "proven" else None
            context.journal.append(context.host, "running", wave=context.wave)

    def _let_another_process_end(self) -> None:
        """The worker of a controller that was killed may still be at it; what it comes to counts."""
        journal, host = self._context.journal, self._context.host
        if not journal.standing(host).in_flight:
            return
        self.outcome.elsewhere = True
        patience = Countdown(self._options.deadline + _GRACE)
        with self._wait.paused():
            while journal.standing(host).in_flight:
                if not patience(1.0):
                    self._unrecorded = True
                    raise _End("held", "Another process is still curing this endpoint.")
        standing = journal.standing(host)
        if standing.event == "proven":
            raise _End("proven", standing.detail)
        self.outcome.elsewhere = False

    def _keep_others_away(self) -> None:
        """Other runs have journals of their own, and a rollback has none.

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
                    raise _End("held", str(error)) from error
        standing = journal.standing(host)
        if standing.event == "proven" and standing.at != known:
            self.outcome.elsewhere = True
            raise _End("proven", standing.detail)

    def _look_and_change(self) -> t.Any:
        """The facts of an endpoint that has to be restarted; every other one has come to its end here."""
        asker = self._endpoint.session()
        facts, verdict = self._context.look(asker, proving=False)
        document: Document = {**planning.plan(facts, verdict, self._options.plan)}
        if document["todo"] == planning.REBOOT and verdict["in_force"] != "after_reboot":
            # Only signs speak for a restart. The endpoint's own handshake tells whether it would help.
            facts, verdict = self._context.look(asker, proving=True)
            document = {**planning.plan(facts, verdict, self._options.plan)}
        elif document["todo"] == planning.NOTHING and self._context.gpo_changed() and not self._begun:
            # A refresh of its own has brought the GPO's new list already; the handshake tells whether it is in force.
            facts, verdict = self._context.look(asker, proving=True)
            if facts["probe"].get("outcome") != "tls_ok":
                document = {**document, "todo": planning.REBOOT, "needs_reboot": True}
        closed = preferences.obstacle(asker, folders_of(facts).program_data, document["steps"], facts)
        if closed is not None:
            document.update(todo=planning.BLOCKED, steps=[], blocked=[closed], guards=[], needs_reboot=False)
        self.outcome.before = {"facts": facts, "verdict": verdict}
        self.outcome.plan = document
        todo = document["todo"]
        stranger = self._context.stranger(facts)
        if stranger is not None:
            raise _End("held", stranger)
        if self._options.check_only:
            self.outcome.changed = todo == planning.CHANGE
            raise _End("planned")
        noted = bool(facts["reboot"].get("changed_by_us"))
        if noted:
            self._guard.expect_one_of_another_controller()
        elif not self._begun:
            # A run that was killed before it changed anything may have armed it.
            self._guard.take_away()
        if todo == planning.NOTHING and (self._begun or noted):
            raise _Unproven
        if todo == planning.NOTHING and self._proven_before is not None:
            # A process of the run that this one goes on with proved it after this run had looked.
            self.outcome.elsewhere = True
            raise _End("proven", self._proven_before)
        if todo in _PLAN_ENDS:
            reasons = [entry["why"] for entry in document["blocked"]]
            raise _End(_PLAN_ENDS[todo], reasons[0] if reasons else verdict["next_step"])
        document["steps"] = [self._as_its_gpo_holds(step, facts) for step in document["steps"]]
        if document["needs_reboot"] and self._options.reboot_when != NEVER:
            held = self._restarting(facts).held_for_good()
            if held is not None:
                raise _End("held", held.sentence())
        if todo == planning.CHANGE:
            self._refuse_what_cannot_be_proven(asker, facts)
            self._follow(facts, [step for step in document["steps"] if step["target"] == DOMAIN_GPO])
            self._change(facts, [step for step in document["steps"] if step["target"] != DOMAIN_GPO])
        return facts

    def _as_its_gpo_holds(self, step: Document, facts: Document) -> Document:
        """A step on a domain GPO, with the value that serves all endpoints of the GPO."""
        if step["target"] != DOMAIN_GPO:
            return step
        value = self._context.gpo_value(step, facts)
        if value is None:
            name = " ".join(part for part in (step["owner"]["name"], step["owner"]["guid"]) if part)
            raise _End("blocked", f"The domain GPO {name} owns this setting; it was not changed on a management host.")
        return {**with_value(t.cast(Step, step), t.cast(State, value))}

    def _follow(self, facts: Document, steps: t.Sequence[Document]) -> None:
        """The GPO was changed for all its endpoints; this one refreshes its policy until the registry follows."""
        if not steps:
            return
        context, wait = self._context, self._wait.part(self._options.gpo_deadline)
        context.journal.append(context.host, "changing", wave=context.wave)
        self._note_change(facts)
        try:
            self.outcome.changed = followed_gpo.follow(self._endpoint, folders_of(facts).system_root, steps, wait)
        except ChangeError as error:
            self._forget(facts)
            raise _End("unproven" if error.code == followed_gpo.NOT_FOLLOWED else "failed", str(error)) from error
        context.journal.append(context.host, "changed", wave=context.wave)

    def _refuse_what_cannot_be_proven(self, asker: Asker, facts: Document) -> None:
        obstacle = self._context.update.obstacle(asker, facts) if self._options.update_definitions else None
        if obstacle is not None:
            raise _End("blocked", f"{obstacle} Nothing was changed.")

    def _change(self, facts: Document, steps: t.Sequence[Document]) -> None:
        if not steps:
            return
        context = self._context
        stopped = context.journal.stopped(context.budget, context.host)
        if stopped is not None:
            raise _End("not_started", stopped)
        transaction = self._new_transaction(facts, Stages(self._image_kept, self._change_begins))
        try:
            transaction.make(steps)
        except BaseException as error:
            self._tell(transaction)
            if not transaction.begun:
                raise
            self._after_undoing()
            if isinstance(error, (ChangeError, SessionError)):
                raise _End("failed", f"{error}{transaction.told()}") from error
            if isinstance(error, DeadlineExceeded):
                raise _End("timed_out", f"{self._out_of_time()}{transaction.told()}") from error
            self._undoing = transaction.told()
            raise
        self._tell(transaction)
        context.journal.append(context.host, "changed", wave=context.wave)

    def _new_transaction(self, facts: t.Any, stages: Stages | None = None) -> Transaction:
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
        self._image = image
        self.outcome.before_image = image.id
        self._guard.before_change(image)

    def _change_begins(self, image: BeforeImage) -> None:
        context = self._context
        context.journal.append(context.host, "before_image", image.id, context.wave)
        context.journal.append(context.host, "changing", wave=context.wave)
        self.outcome.changed = self._touched = True

    def _tell(self, transaction: Transaction) -> None:
        self.outcome.before_image_on_endpoint = transaction.image_on_endpoint
        self.outcome.undone = None if transaction.undone is None else [{**one} for one in transaction.undone]
        self.outcome.changed = transaction.changed

    def _after_undoing(self) -> None:
        """No guard restarts an endpoint that is as before, and the record says how it stands."""
        if self.outcome.undone is None:
            return
        with contextlib.suppress(SessionError, ChangeError, DeadlineExceeded), own_time(_UNDO):
            self._guard.take_away()
            self._look_at_what_waits()

    def _note_change(self, facts: Document) -> None:
        EndpointWork(self._endpoint, folders_of(facts), self._patience_for_policy()).note()

    def _patience_for_policy(self) -> Countdown:
        return self._wait.part(min(_REFRESH, self._options.deadline / 4))

    def _restarting(self, facts: t.Any) -> Restart:
        options = dataclasses.replace(
            self._options.restart,
            when=self._options.reboot_when,
            named_roles=self._options.named_roles,
            other_way=self._context.other_way,
            window=self._context.may_start,
        )
        return Restart(self._endpoint, options, folders_of(facts).system_root)

    def _put_off(self, restart: Restart) -> None:
        """Before a place is waited for: others may have it meanwhile."""
        if self._options.restart.put_off <= 0:
            return
        with self._wait.paused():
            restart.put_off(Countdown(self._options.restart.put_off))

    def _extend(self, restart: Restart) -> None:
        """A guard that strikes when the usual time is up allows no more of it."""
        with self._alarm():
            more = restart.extra_seconds() if not self._options.commit_confirm else 0.0
        self._wait.extend(more)

    def _restart(self, facts: t.Any, restart: Restart) -> None:
        context = self._context
        held = restart.held_now()
        if held is not None:
            self._hold(held.clause)
        self._guard.before_restart()
        before = reboot.boot_time(self._endpoint.session())
        with context.journal.locked():
            stopped = context.journal.stopped(context.budget, context.host)
            if stopped is None:
                context.journal.append(context.host, "rebooting", wave=context.wave)
        if stopped is not None:
            self._stop(facts, stopped)
        self._touched = True
        try:
            self.outcome.restart = restart.make(self._wait, before).as_dict()
        except RestartHeld as error:
            self._hold(error.held.clause)

    def _hold(self, why: str) -> t.NoReturn:
        self._guard.take_away()
        self._look_at_what_waits()
        what = "The change is written" if self.outcome.changed else "What is configured waits for a restart"
        raise _End("held", f"{what}; {why}.")

    def _wait_for_a_place(self, facts: t.Any) -> None:
        """Outside of the deadline and its alarm: others restart, and this endpoint is not slow."""
        if self._options.reboot_when == NEVER:
            with self._alarm():
                self._hold("it counts after the next restart, which was not allowed")
        journal, budget, host = self._context.journal, self._context.budget, self._context.host
        try:
            with self._wait.paused():
                self._place.enter_context(self._context.reboot_slot(lambda: journal.stopped(budget, host) is not None))
        except NoPlace:
            with self._alarm():
                self._stop(facts, journal.stopped(budget, host) or "The run has ended.")

    def _stop(self, facts: t.Any, why: str) -> t.NoReturn:
        """Too many others were lost meanwhile, so this one is not restarted for a change that may be the reason."""
        image = self._image
        if self._options.when_stopped != UNDO or image is None:
            self._hold(f"the restart waits. {why.removesuffix('.')}")
        transaction = self._new_transaction(facts)
        undone = transaction.put_back(image, transaction.foresee(image))
        self.outcome.undone = [{**one} for one in undone]
        kept = [one for one in undone if one["outcome"] == KEPT]
        self.outcome.changed = bool(kept)
        self._forget(facts)
        self._guard.take_away()
        self._look_at_what_waits()
        what = "but for what somebody else has changed meanwhile" if kept else "and nothing of it is left"
        raise _End("held", f"The change was undone, {what}. {why}")

    @contextlib.contextmanager
    def _alarm(self) -> c.Iterator[None]:
        """Ends a conversation that hangs."""
        with deadline(self._wait.left + _GRACE):
            yield

    def _prove(self) -> None:
        context = self._context
        context.journal.append(context.host, "proving", wave=context.wave)
        facts, verdict = self._look_again()
        self.outcome.after = {"facts": facts, "verdict": verdict}
        if verdict["reachability"]["answer"] != "yes":
            raise _End(
                "unproven",
                f"After the restart the endpoint still cannot be said to reach Tetra: {verdict['next_step']}",
            )
        if self._options.update_definitions:
            self.outcome.update = context.update(self._endpoint.session(), facts, self._wait)
            if self.outcome.update["result"] == "failed":
                raise _End("unproven", _failed_update(self.outcome.update))
            if self.outcome.update["result"] == "unknown" and facts["probe"].get("outcome") != "tls_ok":
                raise _End("unproven", self.outcome.update["reason"])
        self._guard.after_proof()
        self._forget(facts)
        raise _End("proven", _proof(facts, self.outcome.update))

    # Details --------------------------------------------------------------------------------------------------------

    def _look_again(self) -> tuple[t.Any, t.Any]:
        """Services need a moment after a restart; a conversation that breaks meanwhile is begun anew."""
        while True:
            try:
                return self._context.look(self._endpoint.session(), proving=True)
            except SessionError:
                if not self._wait(5.0):
                    raise
                self._endpoint.renew()

    def _look_at_what_waits(self) -> None:
        """The record of an endpoint that holds the change and was not restarted."""
        facts, verdict = self._context.look(self._endpoint.session(), proving=False)
        self.outcome.after = {"facts": facts, "verdict": verdict}

    def _forget(self, facts: Document) -> None:
        """Takes our own key away; that it stays is no reason to call an endpoint unproven."""
        with contextlib.suppress(ChangeError, SessionError):
            ChangeSet(self._endpoint.session(), self._wait, folders_of(facts).system_root).forget_change()

    def _out_of_time(self) -> str:
        return f"The endpoint was not done within {self._options.deadline:g} seconds."

    def _finish(self, event: str, detail: str | None) -> None:
        detail = f"{detail or ''}{self._guard.told()}" or None
        self.outcome.event, self.outcome.detail = event, detail
        if self._unrecorded:
            return
        try:
            if not self.outcome.elsewhere:
                self._context.file(self.outcome)
            there = self._touched or event not in ("unreachable", "timed_out")
            self._context.journal.append(
                self._context.host, t.cast(Event, event), detail, self._context.wave, counts=there
            )
        except (JournalError, ResultsError, OSError) as error:
            self.outcome.unrecorded = True
            self.outcome.event = "failed"
            self.outcome.detail = (
                f"It ended as {event}, which could not be written down: {error} {detail or ''}".strip()
            )


def _failed_update(update: Document) -> str:
    cause = update.get("cause")
    more = f"; most likely cause: {cause['code']}" if cause else ""
    return f"The definition update failed with {update['code']}{more}."


def _proof(facts: Document, update: Document | None) -> str:
    shaken = facts["probe"].get("outcome") == "tls_ok"
    updated = update is not None and update["result"] in ("updated", "up_to_date")
    if updated:
        return "The definition update succeeded." if not shaken else "Shakes hands and takes definitions."
    return "Shakes hands with the update server." if shaken else "Offers an accepted suite, as far as can be read."
