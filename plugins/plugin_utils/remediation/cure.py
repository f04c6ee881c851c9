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

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import cure as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import DOMAIN_GPO
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import preferences, reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImageError,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_folders import folders_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import NEVER, Restart, RestartHeld
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import (
    DeadlineExceeded,
    deadline,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_change import CureChange
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    UNDO,
    CureContext,
    CureEnd,
    CureOptions,
    Outcome,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import Event as CureEvent
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import Guard
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import NoRebootSlot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.sole_hold import SoleHold
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError, disk_sentence

_GRACE = 120.0
"""Seconds beyond the deadline before an alarm ends a conversation that hangs; an undoing has to fit in."""
_MAY_BE_CHANGED = ("changing", "changed", "rebooting", "proving", "timed_out", "unproven")
_PLAN_ENDS: dict[str, CureEvent] = {
    planning.NOTHING: "nothing_to_do",
    planning.BLOCKED: "blocked",
    planning.UNKNOWN: "blocked",
}


class _Unproven(Exception):
    """The endpoint was changed and restarted, by a run that did not live to prove it."""


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
        self._sole = SoleHold(context, self.outcome, self._wait, options.deadline + _GRACE)
        self._place = contextlib.ExitStack()
        self._change = CureChange(endpoint, context, options, self.outcome, self._guard, self._wait)

    def run(self) -> Outcome:
        # The place of an endpoint that is lost is free only once the journal says so: whoever takes it looks there.
        with contextlib.closing(self._sole), self._place:
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
                proven = self._prove()
            self._prove_by_update(proven)
        except CureEnd as end:
            self._unrecorded = self._unrecorded or end.unrecorded
            self._finish(end.event, end.detail)
        except SessionError as error:
            self._finish("unreachable" if error.kind in ("unreachable", "timeout") else "failed", str(error))
        except DeadlineExceeded:
            self._finish("timed_out", self._options.out_of_time())
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
            self._finish("failed", f"The task was ended from outside.{self._change.undoing}")
            raise
        return self.outcome

    # Stages ---------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._options.check_only:
            return
        context = self._context
        closed = context.may_start()
        if closed is not None:
            raise CureEnd("held", closed)
        self._sole.take()
        with context.journal.locked():
            standing = context.journal.standing(context.host)
            stopped = context.journal.stopped(context.budget, context.host)
            if stopped is not None:
                raise CureEnd("not_started", stopped)
            self._begun = self._change.touched = standing.event in _MAY_BE_CHANGED
            self._proven_before = standing.detail or "" if standing.event == "proven" else None
            context.journal.append(context.host, "running", wave=context.wave)

    def _look_and_change(self) -> Facts:
        """The facts of an endpoint that has to be restarted; every other one has come to its end here."""
        asker = self._endpoint.session()
        facts, verdict = self._context.look(asker, proving=False)
        document = planning.plan(facts, verdict, self._options.plan)
        if document["todo"] == planning.REBOOT and verdict["in_force"] != "after_reboot":
            # Only signs speak for a restart. The endpoint's own handshake tells whether it would help.
            facts, verdict = self._context.look(asker, proving=True)
            document = planning.plan(facts, verdict, self._options.plan)
        elif document["todo"] == planning.NOTHING and self._context.gpo_changed() and not self._begun:
            # A refresh of its own has brought the GPO's new list already; the handshake tells whether it is in force.
            facts, verdict = self._context.look(asker, proving=True)
            if facts["probe"].get("outcome") != "tls_ok":
                document = {**document, "todo": planning.REBOOT, "needs_reboot": True}
        closed = preferences.obstacle(asker, folders_of(facts).program_data, document["steps"], facts)
        if closed is not None:
            document = {
                **document,
                "todo": planning.BLOCKED,
                "steps": [],
                "blocked": [closed],
                "guards": [],
                "needs_reboot": False,
            }
        self.outcome.before = {"facts": facts, "verdict": verdict}
        self.outcome.plan = document
        todo = document["todo"]
        stranger = self._context.stranger(facts)
        if stranger is not None:
            raise CureEnd("held", stranger)
        if self._options.check_only:
            self.outcome.changed = todo == planning.CHANGE
            raise CureEnd("planned")
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
            raise CureEnd("proven", self._proven_before)
        if todo in _PLAN_ENDS:
            reasons = [entry["why"] for entry in document["blocked"]]
            raise CureEnd(_PLAN_ENDS[todo], reasons[0] if reasons else verdict["next_step"])
        document["steps"] = [self._change.as_its_gpo_holds(step, facts) for step in document["steps"]]
        if document["needs_reboot"] and self._options.reboot_when != NEVER:
            held = self._restarting(facts).held_for_good()
            if held is not None:
                raise CureEnd("held", held.sentence())
        if todo == planning.CHANGE:
            self._refuse_what_cannot_be_proven(asker, facts)
            self._change.follow(facts, [step for step in document["steps"] if step["target"] == DOMAIN_GPO])
            self._change.make(facts, [step for step in document["steps"] if step["target"] != DOMAIN_GPO])
        return facts

    def _refuse_what_cannot_be_proven(self, asker: Asker, facts: Facts) -> None:
        obstacle = self._context.update.obstacle(asker, facts) if self._options.update_definitions else None
        if obstacle is not None:
            raise CureEnd("blocked", f"{obstacle} Nothing was changed.")

    def _restarting(self, facts: Facts) -> Restart:
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

    def _restart(self, facts: Facts, restart: Restart) -> None:
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
        self._change.touched = True
        try:
            self.outcome.restart = restart.make(self._wait, before).as_dict()
        except RestartHeld as error:
            self._hold(error.held.clause)

    def _hold(self, why: str) -> t.NoReturn:
        self._guard.take_away()
        self._change.look_at_what_waits()
        what = "The change is written" if self.outcome.changed else "What is configured waits for a restart"
        raise CureEnd("held", f"{what}; {why}.")

    def _wait_for_a_place(self, facts: Facts) -> None:
        """Outside of the deadline and its alarm: others restart, and this endpoint is not slow."""
        if self._options.reboot_when == NEVER:
            with self._alarm():
                self._hold("it counts after the next restart, which was not allowed")
        journal, budget, host = self._context.journal, self._context.budget, self._context.host
        try:
            with self._wait.paused():
                self._place.enter_context(self._context.reboot_slot(lambda: journal.stopped(budget, host) is not None))
        except NoRebootSlot:
            with self._alarm():
                self._stop(facts, journal.stopped(budget, host) or "The run has ended.")

    def _stop(self, facts: Facts, why: str) -> t.NoReturn:
        """Too many others were lost meanwhile, so this one is not restarted for a change that may be the reason."""
        if self._options.when_stopped != UNDO or self._change.image is None:
            self._hold(f"the restart waits. {why.removesuffix('.')}")
        whole = self._change.put_back(facts)
        self._guard.take_away()
        self._change.look_at_what_waits()
        what = "and nothing of it is left" if whole else "but for what somebody else has changed meanwhile"
        raise CureEnd("held", f"The change was undone, {what}. {why}")

    @contextlib.contextmanager
    def _alarm(self) -> c.Iterator[None]:
        """Ends a conversation that hangs."""
        with deadline(self._wait.left + _GRACE):
            yield

    def _prove(self) -> Facts:
        context = self._context
        context.journal.append(context.host, "proving", wave=context.wave)
        facts, verdict = self._look_again()
        self.outcome.after = {"facts": facts, "verdict": verdict}
        if verdict["reachability"]["answer"] != "yes":
            raise CureEnd(
                "unproven",
                f"After the restart the endpoint still cannot be said to reach Tetra: {verdict['next_step']}",
            )
        return facts

    def _prove_by_update(self, facts: Facts) -> t.NoReturn:
        """The place for a download is waited for outside of the deadline: this endpoint is not slow."""
        with contextlib.ExitStack() as place:
            if self._options.update_definitions:
                with self._wait.paused():
                    place.enter_context(self._context.download_slot())
            with self._alarm():
                self._end_proven(facts)

    def _end_proven(self, facts: Facts) -> t.NoReturn:
        if self._options.update_definitions:
            self.outcome.update = self._context.update(self._endpoint.session(), facts, self._wait)
            if self.outcome.update["result"] == "failed":
                raise CureEnd("unproven", _failed_update(self.outcome.update))
            if self.outcome.update["result"] == "unknown" and facts["probe"].get("outcome") != "tls_ok":
                raise CureEnd("unproven", self.outcome.update["reason"])
        self._guard.after_proof()
        self._change.forget(facts)
        raise CureEnd("proven", _proof(facts, self.outcome.update))

    # Details --------------------------------------------------------------------------------------------------------

    def _look_again(self) -> tuple[Facts, Verdict]:
        """Services need a moment after a restart; a conversation that breaks meanwhile is begun anew."""
        while True:
            try:
                return self._context.look(self._endpoint.session(), proving=True)
            except SessionError:
                if not self._wait(5.0):
                    raise
                self._endpoint.renew()

    def _finish(self, event: CureEvent, detail: str | None) -> None:
        detail = f"{detail or ''}{self._guard.told()}" or None
        self.outcome.event, self.outcome.detail = event, detail
        if self._unrecorded:
            return
        try:
            if not self.outcome.elsewhere:
                self._context.file(self.outcome)
            there = self._change.touched or event not in ("unreachable", "timed_out")
            self._context.journal.append(
                self._context.host, t.cast(Event, event), detail, self._context.wave, counts=there
            )
        except (JournalError, ResultsError, OSError) as error:
            self.outcome.unrecorded = True
            self.outcome.event = "failed"
            self.outcome.detail = (
                f"It ended as {event}, which could not be written down: {error} {detail or ''}".strip()
            )


def _failed_update(update: documents.Update) -> str:
    cause = update.get("cause")
    more = f"; most likely cause: {cause['code']}" if cause else ""
    return f"The definition update failed with {update['code']}{more}."


def _proof(facts: Facts, update: documents.Update | None) -> str:
    shaken = facts["probe"].get("outcome") == "tls_ok"
    updated = update is not None and update["result"] in ("updated", "up_to_date")
    if updated:
        return "The definition update succeeded." if not shaken else "Shakes hands and takes definitions."
    return "Shakes hands with the update server." if shaken else "Offers an accepted suite, as far as can be read."
