# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A rollback of one endpoint as a task: from the task's arguments to the rollback, and from its outcome to a result."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import suite_changes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ALREADY, KEPT, RESTORED
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import OtherWay
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.suite_diff import Difference, suite_diff
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import (
    RemoteEndpoint,
    would_change_another,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import restart_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.rollback import (
    Outcome,
    RestoredItem,
    Rollback,
    RollbackError,
    RollbackOptions,
)

Document = dict[str, t.Any]

_GRACE = 60.0
"""Seconds beyond the deadline before an alarm ends a conversation that hangs."""


def roll_back(
    connection: Connection,
    host: str,
    arguments: t.Mapping[str, t.Any],
    check_only: bool,
    delegated_to: str | None,
    other_way: OtherWay | None = None,
) -> Document:
    """The task's result; what the endpoint does is never an exception. Raises WindowError."""
    if delegated_to is not None:
        sentence = would_change_another(host, delegated_to)
        return _result(Outcome(), {"failed": True, "msg": sentence})
    options = RollbackOptions(
        run_id=arguments["run_id"],
        from_endpoint=arguments["from_endpoint"],
        force=arguments["force"],
        reboot=arguments["reboot"],
        restart=restart_options(arguments, other_way, host, arguments["run_id"]),
        deadline=float(arguments["deadline"]),
        check_only=check_only,
    )
    endpoint = RemoteEndpoint(connection)
    rollback = Rollback(endpoint, Path(arguments["results_dir"]), host, options)
    try:
        with deadline(options.deadline + options.restart.put_off + options.restart.update_seconds + _GRACE):
            rollback.run()
    except (RollbackError, BeforeImageError, JournalError, ChangeError) as error:
        return _result(rollback.outcome, {"failed": True, "msg": str(error)})
    except (SessionError, DeadlineExceeded) as lost:
        why = explain(lost, endpoint.session().place, options.deadline)
        endpoint.session().abandon()
        told = {"failed": True, "msg": str(why), "error": {"kind": why.kind, "message": str(why)}}
        return _result(rollback.outcome, told)
    return _result(rollback.outcome, {"msg": sentence_of(rollback.outcome, check_only)})


def sentence_of(outcome: Outcome, check_only: bool = False) -> str:
    """What became of the endpoint, for a reader."""
    counts = {word: sum(item["outcome"] == word for item in outcome.items) for word in (RESTORED, ALREADY, KEPT)}
    parts = []
    if counts[RESTORED]:
        verb = "would be put back" if check_only else "put back"
        parts.append(f"{_values(counts[RESTORED])} {verb}.")
    if counts[ALREADY]:
        parts.append(f"{_values(counts[ALREADY])} already as before.")
    kept = [f"{item['path']}\\{item['name']}" for item in outcome.items if item["outcome"] == KEPT]
    if kept:
        parts.append(f"Changed by somebody since, and left so: {', '.join(kept)}.")
    if not parts:
        parts.append("Nothing to restore.")
    if outcome.of_gpos:
        parts.append("Values of domain GPOs are put back by fleetops.tetra.domain_gpo.")
    if outcome.not_restarted:
        parts.append(outcome.not_restarted)
    if outcome.rebooted:
        parts.append("Restarted.")
    elif outcome.needs_reboot:
        parts.append("It counts after the next restart.")
    return " ".join(parts)


def _values(number: int) -> str:
    return "One value" if number == 1 else f"{number} values"


def _result(outcome: Outcome, told: Document) -> Document:
    return {
        "changed": outcome.changed,
        "outcomes": [
            {"image": item["image"], "path": item["path"], "name": item["name"], "outcome": item["outcome"]}
            for item in outcome.items
        ],
        "kept": [f"{item['path']}\\{item['name']}" for item in outcome.items if item["outcome"] == KEPT],
        "images": outcome.images,
        "images_of_gpos": outcome.of_gpos,
        "needs_reboot": outcome.needs_reboot,
        "rebooted": outcome.rebooted,
        "diff": [_diff(item) for item in outcome.items if item["outcome"] == RESTORED],
        **told,
    }


def _diff(item: RestoredItem) -> Difference:
    header = f"{item['path']}\\{item['name']} (before-image {item['image']})"
    present, before = item["present"], item["before"]
    return suite_diff(header, present, before, suite_changes(present, before))
