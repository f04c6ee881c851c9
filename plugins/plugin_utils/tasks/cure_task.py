# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Curing one endpoint as a task: from the task's arguments to the cure, and from its outcome to files and a result."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime
from functools import partial
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import cure as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import ErrorKind
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OK
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget, parse_budget
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.options import parse_options
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.rsop_rows import domain_of
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import definitions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import OtherWay, Waiter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.suite_diff import step_diff
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import (
    RemoteEndpoint,
    would_change_another,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions, collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import probe_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import gpo_changes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure import Cure
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.cure_context import (
    CureContext,
    CureOptions,
    Outcome,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import GuardError, check_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.known import is_death, known_of, last_try
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import (
    MaintenanceWindow,
    RebootSlots,
    restart_options,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    make_record,
    unknown_record,
    write_record,
)

Document = dict[str, t.Any]
CURE_SCHEMA: t.Final = "fleetops.tetra/cure/1"
_ERRORS: dict[str, ErrorKind] = {"unreachable": "unreachable", "timed_out": "timeout"}


DOWNLOADS_AND_GUARD: t.Final = (
    "An endpoint that waits for a place to download (tetra_max_downloads) would be put back by its own guard meanwhile "
    "(tetra_commit_confirm): take one of the two away."
)


def plan_options(given: t.Mapping[str, t.Any] | None) -> Document:
    """The options of a plan without those that were not given. Raises PlanError."""
    options = {name: value for name, value in (given or {}).items() if value is not None}
    parse_options(options)
    return options


def cure_endpoint(
    connection: Connection,
    host: str,
    arguments: t.Mapping[str, t.Any],
    check_only: bool,
    delegated_to: str | None,
    other_way: OtherWay | None = None,
) -> Document:
    """Cures one endpoint and files what became of it; gives the task's result.

    Raises ResultsError, JournalError, PlanError, BudgetError, WindowError or OSError: then the task is wrong or nothing
    can be written on the controller. What the endpoint does is never an exception.
    """
    if delegated_to is not None:
        sentence = would_change_another(host, delegated_to)
        return {"changed": False, "failed": True, "event": "failed", "msg": sentence}
    run = remediation.join(Path(arguments["run"]))
    outcome = cure_of_run(run, connection, host, arguments, check_only, other_way)
    return _task_result(outcome, None if check_only else remediation.cure_path(run, host))


def cure_of_run(
    run: remediation.Remediation,
    connection: Connection,
    host: str,
    arguments: t.Mapping[str, t.Any],
    check_only: bool,
    other_way: OtherWay | None = None,
    journal: Journal | None = None,
) -> Outcome:
    """Cures one endpoint and files what became of it, with a journal of one's own where one is given. Raises what
    ``cure_endpoint`` raises."""
    options = CureOptions(
        plan=plan_options(arguments["plan"]),
        reboot_when=arguments["reboot_when"],
        restart=restart_options(arguments, None, host, run.run_id),
        named_roles=frozenset(arguments["named_roles"]),
        deadline=float(arguments["deadline"]),
        gpo_deadline=float(arguments["gpo_deadline"]),
        update_definitions=arguments["update_definitions"],
        commit_confirm=arguments["commit_confirm"],
        when_stopped=arguments["when_stopped"],
        check_only=check_only,
    )
    check_options(arguments["commit_confirm"], options.deadline, options.reboot_when)
    endpoint = RemoteEndpoint(connection)
    started, begun = now(), time.monotonic()
    context = _context(run, host, arguments, other_way)
    context.journal = journal or context.journal

    def file(outcome: Outcome) -> None:
        seconds = round(time.monotonic() - begun, 3)
        _file(run, outcome, {"started_at": started, "seconds": seconds, "pipelines": endpoint.pipelines})

    context.file = file
    return Cure(endpoint, context, options).run()


def _context(
    run: remediation.Remediation, host: str, arguments: t.Mapping[str, t.Any], other_way: OtherWay | None
) -> CureContext:
    window = MaintenanceWindow(arguments["maintenance_window"]) if arguments["maintenance_window"] else None
    context = CureContext(
        host=host,
        run_id=run.run_id,
        token=run.token,
        journal=run.journal(),
        store=BeforeImageStore(run.results_dir),
        budget=budget_of(run, arguments),
        look=_Look(
            host, run.before.policy, probe_options(arguments) if arguments["probe"] else None, arguments["as_image"]
        ),
        update=_Update(run.before.policy, arguments["debug_logging"]),
        gpo_value=lambda step, facts: gpo_changes.value_to_follow(
            run.path, step, domain_of(facts, step["owner"]["guid"] or "")
        ),
        gpo_changed=lambda: gpo_changes.was_changed_for(run.path, host),
        wave=remediation.next_wave(run),
        other_way=other_way,
    )
    # The build machine of an image is another one each time, under the same name.
    if not arguments["as_image"]:
        context.stranger = partial(Identities(run.results_dir, tuple(arguments["accept_identity"])).stranger, host)
    if window is not None:
        context.may_start = lambda: window.closed(datetime.now())
    if arguments["max_reboots"]:
        context.reboot_slot = RebootSlots(run.path, arguments["max_reboots"]).taken
    if arguments["max_downloads"]:
        if arguments["commit_confirm"]:
            raise GuardError(DOWNLOADS_AND_GUARD)
        where = f"downloads/{encode_name(arguments['download_site'] or 'all')}"
        context.download_slot = RebootSlots(run.path, arguments["max_downloads"], where).taken
    return context


def budget_of(run: remediation.Remediation, arguments: t.Mapping[str, t.Any]) -> FailureBudget:
    """Raises BudgetError."""
    return parse_budget(arguments["max_failures"], run.fleet_size, arguments["max_failure_rate"])


class _Look:
    """Reads and judges the endpoint; for the proof with a handshake of its own."""

    def __init__(self, host: str, policy: Document, probe: ProbeOptions | None, as_image: bool) -> None:
        self._host = host
        self._policy = policy or None
        self._probe = probe
        self._as_image = as_image

    def __call__(self, asker: Asker, proving: bool) -> tuple[Facts, Verdict]:
        facts = collect(asker, self._host, now(), self._probe if proving else None, self._as_image)
        return facts, evaluate(facts, self._policy)


class _Update:
    def __init__(self, policy: Document, debug: bool) -> None:
        self._policy = policy or None
        self._debug = debug

    def __call__(self, asker: Asker, facts: Facts, wait: Waiter) -> documents.Update:
        try:
            return definitions.update(asker, facts, wait, self._debug, self._policy)
        except definitions.CannotUpdate as error:
            return definitions.unknown(str(error))

    def obstacle(self, asker: Asker, facts: Facts) -> str | None:
        """Only a connector that was read and has no tool is one: where it could not be read, the handshake proves."""
        if facts["connector"]["status"] != OK:
            return None
        try:
            definitions.sfc_exe(asker, facts)
        except definitions.CannotUpdate as error:
            return str(error)
        return None


def _file(run: remediation.Remediation, outcome: Outcome, timing: Timing) -> None:
    """The record after, and the cure's own document."""
    looked = outcome.after or (outcome.before if not outcome.changed else None)
    if looked is not None:
        record = make_record(outcome.host, run.after.token, looked["verdict"], looked["facts"], timing)
        write_record(run.after.path, record)
    elif outcome.event not in ("held", "not_started"):
        kind = _ERRORS.get(outcome.event, "session")
        sentence = outcome.detail or "The endpoint was changed and could not be looked at afterwards."
        write_record(
            run.after.path, unknown_record(outcome.host, kind, sentence, run.after.token, run.after.policy, timing)
        )
    document: documents.Cure = {
        "schema": CURE_SCHEMA,
        "host": outcome.host,
        "token": run.token,
        "event": t.cast(documents.End, outcome.event),
        "detail": outcome.detail,
        "changed": outcome.changed or _changed_earlier(run, outcome),
        "plan": outcome.plan,
        "before_image": outcome.before_image,
        "before_image_on_endpoint": outcome.before_image_on_endpoint,
        "undone": outcome.undone,
        "update": outcome.update,
        "restart": outcome.restart,
        "timing": timing,
    }
    remediation.file_cure(run, outcome.host, document)


def _changed_earlier(run: remediation.Remediation, outcome: Outcome) -> bool:
    """Whether an earlier process of this remediation has changed the endpoint and nothing has been undone since.

    One that was killed left no document; its journal tells that it had begun to write.
    """
    if outcome.undone is not None:
        return False
    before = remediation.read_cure(run, outcome.host)
    if before is not None and before.get("changed"):
        return True
    entries = run.journal().entries(outcome.host)
    own = len(last_try(entries))
    earlier = [entry for entry in entries if not is_death(entry)][:-own]
    return known_of(earlier).may_be_changed_since is not None


def _task_result(outcome: Outcome, path: Path | None) -> Document:
    """Slim, since thousands of these stay in the controller's memory."""
    plan, update = outcome.plan, outcome.update
    steps = plan["steps"] if plan is not None else []
    return {
        **({"failed": True} if outcome.unrecorded else {}),
        "changed": outcome.changed,
        "event": outcome.event,
        "msg": outcome.detail or "",
        "todo": plan["todo"] if plan is not None else None,
        "steps": len(steps),
        "before_image": outcome.before_image,
        "definitions": update["result"] if update is not None else None,
        "state": outcome.after["verdict"]["state"] if outcome.after else None,
        "cure": str(path) if path is not None else None,
        "diff": [step_diff(step) for step in steps],
    }
