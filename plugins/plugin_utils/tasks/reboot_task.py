# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A restart of one endpoint as a task of its own: where a change waits for one, or always."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.in_force import AFTER_REBOOT
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_folders import folders_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_lock import EndpointBusy, alone_at
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import Restart, RestartHeld
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import RemoteEndpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import restart_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

Result = dict[str, t.Any]
_GRACE = 60.0
_EVENTS = {"unreachable": "unreachable", "timeout": "timed_out"}
_NOTHING: Result = {
    "in_force": None,
    "boot_time_before": None,
    "boot_time_after": None,
    "reboot_method": None,
    "note": None,
}


class _End(Exception):
    def __init__(self, event: str, message: str) -> None:
        super().__init__(message)
        self.event = event


def reboot_task(
    connection: Connection,
    host: str,
    arguments: t.Mapping[str, t.Any],
    check_only: bool,
    delegated_to: str | None,
    other_way: reboot.OtherWay | None = None,
) -> Result:
    """The task's result. ``changed`` is true where the endpoint was restarted, or would be in check mode.

    Raises WindowError.
    """
    if delegated_to is not None:
        sentence = f"The task would restart {delegated_to} in place of {host}: take delegate_to away."
        return {"changed": False, "failed": True, "event": "failed", "msg": sentence, **_NOTHING}
    return _Reboot(connection, host, arguments, check_only, other_way).run()


class _Reboot:
    def __init__(
        self,
        connection: Connection,
        host: str,
        arguments: t.Mapping[str, t.Any],
        check_only: bool,
        other_way: reboot.OtherWay | None,
    ) -> None:
        self._endpoint = RemoteEndpoint(connection)
        self._host = host
        self._arguments = arguments
        self._check_only = check_only
        self._options = restart_options(arguments, other_way, host)
        self._seconds = float(arguments["deadline"])
        self._known = dict(_NOTHING)

    def run(self) -> Result:
        try:
            with self._alone(), deadline(self._longest() + _GRACE):
                self._go(Countdown(self._seconds))
            return self._result("restarted", f"Restarted; up since {self._known['boot_time_after']}.", changed=True)
        except EndpointBusy as busy:
            return self._result("held", f"{busy} It was not restarted.", changed=False)
        except _End as end:
            return self._result(end.event, str(end), changed=end.event == "planned")
        except ChangeError as error:
            return self._failed("timed_out" if error.code == "timed_out" else "failed", str(error))
        except (SessionError, DeadlineExceeded) as lost:
            self._endpoint.renew()
            why = explain(lost, self._endpoint.session().place, self._seconds)
            return self._failed(_EVENTS.get(why.kind, "failed"), str(why))

    def _longest(self) -> float:
        return self._seconds + self._options.put_off + self._options.update_seconds

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        """No restart while a cure, a rollback or a module is in the middle of a change."""
        results = self._arguments["results_dir"]
        if results is None or self._check_only:
            return contextlib.nullcontext()
        return alone_at(BeforeImageStore(results).folder_of(self._host))

    def _go(self, wait: Countdown) -> None:
        asker = self._endpoint.session()
        facts = collect(asker, self._host, now())
        verdict = evaluate(facts)
        self._known["in_force"] = verdict["in_force"]
        if self._arguments["only_waiting"] and not _waits(facts, verdict):
            raise _End("not_needed", _why_not(verdict["in_force"]))
        restart = Restart(self._endpoint, self._options, folders_of(facts).system_root)
        if not self._check_only and self._options.put_off > 0:
            restart.put_off(Countdown(self._options.put_off))
        held = restart.held()
        if held is not None:
            raise _End("held", held.sentence())
        self._known["boot_time_before"] = before = reboot.boot_time(asker)
        if self._check_only:
            raise _End("planned", "The endpoint would be restarted.")
        wait.extend(restart.extra_seconds())
        try:
            done = restart.make(wait, before)
        except RestartHeld as error:
            raise _End("held", str(error)) from error
        self._known.update(boot_time_after=done.after, reboot_method=done.method, note=done.note)

    def _result(self, event: str, message: str, changed: bool) -> Result:
        return {"changed": changed, "event": event, "msg": message, **self._known}

    def _failed(self, event: str, message: str) -> Result:
        return {**self._result(event, message, changed=False), "failed": True}


def _waits(facts: Facts, verdict: Verdict) -> bool:
    """A change that is not in force is known, or nothing but a restart can explain that definitions are not fetched."""
    return bool(verdict["in_force"] == AFTER_REBOOT or planning.plan(facts, verdict)["todo"] == planning.REBOOT)


def _why_not(in_force: str) -> str:
    if in_force == "yes":
        return "What is configured is in force; nothing waits for a restart."
    return "No sign of a change that waits for a restart."
