# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A wanted state of one endpoint as a task: look, work out the steps, change, tell.

The modules ``cipher_order`` and ``schannel`` differ only in how the steps are worked out.
"""

from __future__ import annotations

import secrets
import typing as t
from datetime import UTC, datetime

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Step
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import Refused
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import WantedChange
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImageError,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_lock import EndpointBusy, alone_at
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.suite_diff import step_diff
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import (
    RemoteEndpoint,
    would_change_another,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

Document = dict[str, t.Any]
Complete = t.Callable[[Session, Facts], Facts]
"""Adds to the facts what the module needs beyond them."""
Decide = t.Callable[[Facts, bool], WantedChange]
"""``decide(facts, over_https)``. Raises Refused."""

_GRACE = 60.0
"""Seconds beyond the time-out before an alarm ends a conversation that hangs."""


class WantedState:
    """One task on one endpoint. ``module`` names the origin in the before-image."""

    def __init__(self, module: str, decide: Decide, complete: Complete = lambda _session, facts: facts) -> None:
        self._module = module
        self._decide = decide
        self._complete = complete

    def bring_about(
        self,
        connection: Connection,
        host: str,
        arguments: t.Mapping[str, t.Any],
        check_only: bool,
        delegated_to: str | None,
    ) -> Document:
        """The task's result; what the endpoint does is never an exception."""
        if delegated_to is not None:
            return _failed(would_change_another(host, delegated_to))
        if arguments["results_dir"] is None and not check_only:
            return _failed("results_dir is missing: nothing is changed without a before-image on the controller.")
        endpoint = RemoteEndpoint(connection)
        seconds = float(arguments["timeout"])
        wait = Countdown(seconds)
        change: WantedChange | None = None
        transaction: Transaction[Step] | None = None
        try:
            with deadline(seconds + _GRACE):
                session = endpoint.session()
                session.open()
                facts = self._complete(session, collect(session, host, now()))
                change = self._decide(facts, session.place.protocol == "https")
                if change.steps and not check_only:
                    store, folders = BeforeImageStore(arguments["results_dir"]), read_folders(session)
                    transaction = Transaction(
                        endpoint,
                        lambda left: EndpointWork(endpoint, folders, left),
                        store,
                        self._label(host),
                        wait,
                    )
                    with alone_at(store.folder_of(host)):
                        transaction.make(change.steps)
        except Refused as refused:
            return {**_failed(f"{refused.why} {refused.what_to_do}"), "refused": refused.code}
        except EndpointBusy as busy:
            return _failed(f"{busy} Nothing was changed.")
        except (ChangeError, BeforeImageError) as error:
            return _result(change, transaction, {"failed": True, "msg": f"{error}{_undone(transaction)}"})
        except (SessionError, DeadlineExceeded) as lost:
            why = explain(lost, endpoint.session().place, seconds)
            endpoint.session().abandon()
            told = {"failed": True, "msg": f"{why}{_undone(transaction)}", "error": _error(why)}
            return _result(change, transaction, told)
        return _result(change, transaction, {"msg": _told(change, check_only)}, check_only)

    def _label(self, host: str) -> Label:
        return Label(host, f"{self._module}-{datetime.now(UTC):%Y%m%dT%H%M%S}", secrets.token_hex(16))


def _result(
    change: WantedChange | None, transaction: Transaction[Step] | None, told: Document, check_only: bool = False
) -> Document:
    steps = change.steps if change is not None else []
    changed = bool(steps) if check_only else transaction is not None and transaction.changed
    result = {
        "changed": changed,
        "needs_reboot": changed and change is not None and change.needs_reboot,
        "suites": change.suites if change is not None else {"added": [], "removed": [], "moved": []},
        "registry_values": [_value(step) for step in steps],
        "reachability": dict(change.reachability) if change is not None else None,
        "before_image": transaction.image.id if transaction is not None and transaction.image is not None else None,
        "undone": transaction.undone if transaction is not None else None,
        "diff": [step_diff(step) for step in steps],
        **told,
    }
    if change is not None and change.warnings:
        result["warnings"] = list(change.warnings)
    return result


def _value(step: Step) -> Document:
    return {"target": step["target"], "path": step["path"], "name": step["name"]}


def _told(change: WantedChange, check_only: bool) -> str:
    if not change.steps:
        return "The endpoint is as wanted."
    number = len(change.steps)
    values = "One value" if number == 1 else f"{number} values"
    return (
        f"{values} would be changed." if check_only else f"{values} changed; what was changed counts after a restart."
    )


def _undone(transaction: Transaction[Step] | None) -> str:
    return transaction.told() if transaction is not None else ""


def _error(why: SessionError) -> Document:
    return {"kind": why.kind, "message": str(why)}


def _failed(message: str) -> Document:
    return {"changed": False, "failed": True, "msg": message}
