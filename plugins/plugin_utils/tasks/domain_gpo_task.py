# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""``fleetops.tetra.domain_gpo`` as a task: from its arguments to changes on the management host and a result.

With ``run`` all GPOs of a remediation that may be changed; with ``gpo`` one; with ``state: restored`` back again.
"""

from __future__ import annotations

import typing as t
import uuid
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import GpoState, ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Outcome
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.domain_gpos import (
    GpoChange,
    GpoEvent,
    GpoOutcome,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import SuiteChanges
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY, SUITES_VALUE
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.domain_gpos import title
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.steps import suite_changes
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import WantedError
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_order_options import parse_order_options
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.suite_list import MAXIMUM_LENGTH
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageError,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import KEPT, RESTORED
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.domain_policy import (
    DomainPolicy,
    FoundSetting,
    Restored,
    WantedSetting,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.suite_diff import suite_diff
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.remote_endpoint import RemoteEndpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import gpo_changes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.cure_task import plan_options

Arguments = t.Mapping[str, t.Any]
Document = dict[str, t.Any]


class Told(t.TypedDict):
    """One value of one GPO in the task's result."""

    guid: str
    name: str | None
    value: str
    path: str
    before: ValueState
    after: ValueState
    suites: SuiteChanges
    outcome: t.Union[GpoEvent, Outcome]  # noqa: UP007 - pylint of ansible-test knows no |
    before_image: str | None


_ERRORS = (ChangeError, BeforeImageError, SessionError, DeadlineExceeded)
_WITHOUT_RUN = "domain_gpo"
"""Stands for a run in the before-image of a GPO that was changed by the module alone."""


def domain_gpo_task(connection: Connection, host: str, arguments: Arguments, check_only: bool) -> Document:
    """``host`` is the management host. Raises ResultsError or OSError where the controller cannot write."""
    endpoint = RemoteEndpoint(connection)
    task = _Task(endpoint, host, arguments, check_only)
    try:
        if arguments["run"]:
            return task.all_of_run()
        wanted = None if arguments["state"] == "restored" else _wanted(arguments)
        with deadline(float(arguments["timeout"])):
            return task.restore() if wanted is None else task.one(wanted)
    except (WantedError, *_ERRORS) as error:
        endpoint.renew()
        return {"changed": False, "failed": True, "msg": task.sentence(error), "gpos": []}


def _wanted(arguments: Arguments) -> WantedSetting:
    """Raises WantedError."""
    gpo = str(arguments["gpo"] or "").strip()
    if not gpo:
        raise WantedError("Say which GPO: its name or its {GUID} in gpo.")
    if arguments["state"] == "not_configured":
        if arguments["suites"]:
            raise WantedError("A policy that is not configured has no suites: leave suites or state out.")
        return WantedSetting(
            gpo, POLICY_KEY, SUITES_VALUE, {"status": "absent", "type": None, "data": None}, arguments["domain"]
        )
    text = ",".join(_list(arguments))
    return WantedSetting(
        gpo, POLICY_KEY, SUITES_VALUE, {"status": "ok", "type": "REG_SZ", "data": text}, arguments["domain"]
    )


def _list(arguments: Arguments) -> tuple[str, ...]:
    if arguments["suites"] is None:
        raise WantedError("Say what the GPO should hold: suites, or state: not_configured.")
    names = parse_order_options({name: arguments[name] for name in ("suites", "allow_unknown")}).named
    if not set(names) & set(ALLOW_LIST):
        raise WantedError(
            f"The list holds no suite that the Tetra servers accept, so it would cure nothing: add one of "
            f"{', '.join(ALLOW_LIST)}."
        )
    length = len(",".join(names))
    if length > MAXIMUM_LENGTH:
        raise WantedError(f"The list has {length} characters; {MAXIMUM_LENGTH} are allowed.")
    return names


class _Task:
    def __init__(self, endpoint: RemoteEndpoint, host: str, arguments: Arguments, check_only: bool) -> None:
        self._endpoint = endpoint
        self._host = host
        self._arguments = arguments
        self._check_only = check_only

    def sentence(self, error: BaseException) -> str:
        if isinstance(error, DeadlineExceeded):
            return f"{self._host} did not answer within {self._arguments['timeout']} seconds."
        return str(error)

    def one(self, wanted: WantedSetting) -> Document:
        policy = self._policy(Path(self._arguments["results_dir"]), _WITHOUT_RUN, uuid.uuid4().hex)
        looked = policy.look(wanted)
        image = policy.change(looked) if looked.is_to_change and not self._check_only else None
        return _result([_told(looked, image)])

    def restore(self) -> Document:
        folder = Path(self._arguments["results_dir"])
        store = BeforeImageStore(folder)
        policy = self._policy(folder, _WITHOUT_RUN, "")
        images = store.unrestored(self._host, of_gpos=True)
        if self._arguments["gpo"]:
            wanted = str(self._arguments["gpo"]).strip().upper()
            names = {wanted, "{" + wanted.strip("{}") + "}"}
            images = [image for image in images if names & _names(image)]
        told = [_told_of(one) for one in policy.restore(images, self._check_only)]
        result = _result(told)
        kept = [one["name"] for one in told if one["outcome"] == KEPT]
        if kept:
            result["msg"] = f"{', '.join(str(name) for name in kept)} was changed by somebody since and was left so."
        elif not told:
            result["msg"] = f"No GPO that was changed on {self._host} is left to put back."
        return result

    def all_of_run(self) -> Document:
        """All looks first; then the changes, each with its outcome in the run folder."""
        run = remediation.join(Path(self._arguments["run"]))
        options = plan_options(self._arguments["plan"])
        changes = gpo_changes.to_change(run.path)
        policy = self._policy(run.results_dir, run.run_id, run.token)
        looked: list[tuple[GpoChange, FoundSetting]] = []
        failed: list[str] = []
        for change in changes:
            after = change["after"]
            if after is None:
                continue
            wanted = WantedSetting(
                change["guid"],
                change["path"],
                change["value"],
                after,
                change["domain"],
                change["before"],
                gpo_changes.will_do(run.before, change, options),
            )
            try:
                with deadline(float(self._arguments["timeout"])):
                    looked.append((change, policy.look(wanted)))
            except _ERRORS as error:
                failed.append(self._fail(run, change, error))
        told = []
        for change, one in looked:
            if failed:
                self._fail(run, change, None)
                continue
            try:
                with deadline(float(self._arguments["timeout"])):
                    told.append(self._change(run, policy, change, one))
            except _ERRORS as error:
                failed.append(self._fail(run, change, error))
        result = _result(told)
        if failed:
            result.update(failed=True, msg=" ".join(dict.fromkeys(failed)))
        return result

    def _change(
        self, run: remediation.Remediation, policy: DomainPolicy, change: GpoChange, looked: FoundSetting
    ) -> Told:
        image = policy.change(looked) if looked.is_to_change and not self._check_only else None
        told = _told(looked, image)
        if not self._check_only:
            event: GpoEvent = gpo_changes.CHANGED if image is not None else gpo_changes.HELD_ALREADY
            self._record(run, change, event, looked.after, None, image.id if image else None)
        return told

    def _fail(self, run: remediation.Remediation, change: GpoChange, error: BaseException | None) -> str:
        """The sentence; without an error the GPO was left alone because of another one."""
        if error is None:
            sentence = f"The GPO {title(change)} was left alone, since another one could not be changed."
        else:
            sentence = self.sentence(error)
            self._endpoint.renew()
        if not self._check_only:
            self._record(run, change, gpo_changes.FAILED, None, sentence, None)
        return sentence

    def _record(
        self,
        run: remediation.Remediation,
        change: GpoChange,
        event: GpoEvent,
        holds: GpoState | None,
        detail: str | None,
        before_image: str | None,
    ) -> None:
        outcome: GpoOutcome = {
            "at": now(),
            "event": event,
            "now": holds,
            "detail": detail,
            "before_image": before_image,
            "management_host": self._host,
        }
        gpo_changes.record_outcome(run.path, change, outcome)

    def _policy(self, results_dir: Path, run_id: str, token: str) -> DomainPolicy:
        store = BeforeImageStore(results_dir)
        return DomainPolicy(self._endpoint, self._host, store, run_id, token, self._arguments["server"])


def _names(image: BeforeImage) -> set[str]:
    return {str(item.get(name) or "").upper() for item in image.items for name in ("guid", "gpo")}


def _told(looked: FoundSetting, image: BeforeImage | None) -> Told:
    return {
        "guid": looked.gpo.guid,
        "name": looked.gpo.name,
        "value": looked.wanted.value,
        "path": looked.wanted.key,
        "before": looked.before,
        "after": looked.after,
        "suites": suite_changes(looked.before, looked.after),
        "outcome": gpo_changes.CHANGED if looked.is_to_change else gpo_changes.HELD_ALREADY,
        "before_image": image.id if image else None,
    }


def _told_of(one: Restored) -> Told:
    return {
        "guid": one["guid"],
        "name": one["gpo"],
        "value": one["name"],
        "path": one["path"],
        "before": one["before"],
        "after": one["after"],
        "suites": suite_changes(one["before"], one["after"]),
        "outcome": one["outcome"],
        "before_image": None,
    }


def _result(told: t.Sequence[Told]) -> Document:
    changed = [one for one in told if one["outcome"] in (gpo_changes.CHANGED, RESTORED)]
    sentences = [
        f"{one['name']} {one['guid']}: {one['value']} "
        f"{'becomes' if one in changed else 'is'} {gpo_changes.shown(one['after'])}."
        for one in told
    ]
    return {
        "changed": bool(changed),
        "gpos": list(told),
        "msg": " ".join(sentences) or "No GPO is to be changed.",
        "diff": [
            suite_diff(
                f"{one['name']} {one['guid']}\\{one['value']} (domain_gpo)", one["before"], one["after"], one["suites"]
            )
            for one in changed
        ],
    }
