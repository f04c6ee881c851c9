# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The folder of a remediation: two run folders, before and after, a journal, and a summary.

::

    <results_dir>/<run_id>/before/           run folder: what the audit found
    <results_dir>/<run_id>/after/            run folder: the last that is known of every endpoint
    <results_dir>/<run_id>/journal/          see journal.py
    <results_dir>/<run_id>/plans.json        what the audit planned for every endpoint
    <results_dir>/<run_id>/cures/            one file per endpoint that was taken up: plan, change, update, end
    <results_dir>/<run_id>/remediation.json  what became of every endpoint
    <results_dir>/<run_id>/waves/NNN.json    the same for the endpoints of one wave
    <results_dir>/<run_id>/begun_with.json   version of the collection and options of the plan of the last start

The folder of a run that was killed, or that stopped, is gone on with: what was measured before is kept.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Cure, Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.domain_gpos import GpoChange
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import Event
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Blocked
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.remediation import (
    HostEvent,
    HostPlan,
    HostSummary,
    Plans,
    Summary,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.domain_gpos import Claim
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.domain_gpos import title as gpo_title
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import FailureBudget
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.options import parse_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import gpo_changes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import (
    FAILED_ENDS,
    PROGRESS,
    Journal,
    JournalState,
    standing_of,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.known import DEAD, Known, known_of
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import RunFolder, begin_run, join_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    GATE_FILE,
    HOSTS_FOLDER,
    RUN_FILE,
    ResultsError,
    read_run,
    read_run_info,
    record_path,
    unknown_record,
    write_json,
    write_record,
)

SCHEMA: t.Final = "fleetops.tetra/remediation/1"
BEFORE, AFTER = "before", "after"
SUMMARY, PLANS, CURES, WAVES = "remediation.json", "plans.json", "cures", "waves"
BEGUN_WITH = "begun_with.json"


class BegunWith(t.TypedDict, total=False):
    """What a remediation was begun with, for somebody who goes on with it; empty for one of 1.0.0."""

    collection_version: str | None
    plan: dict[str, t.Any]


@dataclass(frozen=True)
class Remediation:
    """A remediation that was begun."""

    path: Path
    token: str
    before: RunFolder
    after: RunFolder
    fleet_size: int
    resumed: bool
    notes: tuple[str, ...] = ()
    """What is otherwise than when the remediation was begun, a sentence each."""

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def results_dir(self) -> Path:
        return self.path.parent

    def journal(self) -> Journal:
        return Journal(self.path, self.token)


def begin(
    results_dir: Path,
    run_id: str | None,
    hosts: t.Sequence[str],
    process: Process,
    about: dict[str, t.Any],
    policy: dict[str, t.Any],
    plan: t.Mapping[str, t.Any] | None = None,
) -> Remediation:
    """Begins a remediation, or goes on with the one in that folder. Raises ResultsError.

    A folder that another living run writes to is refused, one of another playbook, and one that was begun with another
    policy: what was found before was judged by that one. A folder of a run in check mode is begun anew: nothing was
    done in it, and the endpoints may have changed since.
    """
    run_id = run_id or now().replace(":", "-")
    folder = results_dir / run_id
    rehearsed = _was_check_mode(folder) and not about.get("check_mode")
    if (folder / BEFORE / RUN_FILE).is_file() and not rehearsed:
        _refuse_another_policy(folder, policy)
    elif any((folder / HOSTS_FOLDER).glob("*.json")):
        raise ResultsError(f"{folder} holds the results of another playbook: choose another tetra_run_id.")
    outer = begin_run(results_dir, run_id, hosts, process, about, policy)
    begun_with: BegunWith = {"collection_version": about.get("collection_version"), "plan": dict(plan or {})}
    resumed = (outer.path / BEFORE / RUN_FILE).is_file() and not rehearsed
    for name in (BEFORE, AFTER):
        # A run may have been killed between the two.
        if (outer.path / name / RUN_FILE).is_file() and not rehearsed:
            _go_on(outer.path / name, hosts, process)
        else:
            begin_run(outer.path, name, hosts, process, about, policy)
    notes = _differences(t.cast(BegunWith, _read(outer.path / BEGUN_WITH)), begun_with) if resumed else ()
    write_json(outer.path / BEGUN_WITH, begun_with)
    return dataclasses.replace(_joined(outer.path, outer.token, resumed), notes=notes)


def _differences(then: BegunWith, now_: BegunWith) -> tuple[str, ...]:
    """For somebody who goes on with a run; what 1.0.0 began says nothing of it."""
    notes = []
    version = then.get("collection_version")
    if version and version != now_["collection_version"]:
        notes.append(
            f"This run was begun with version {version} of the collection and goes on with "
            f"{now_['collection_version']}."
        )
    if "plan" in then and then["plan"] != now_["plan"]:
        names = sorted(
            name for name in {*then["plan"], *now_["plan"]} if then["plan"].get(name) != now_["plan"].get(name)
        )
        notes.append(
            f"This run was begun with other options of the plan ({', '.join(names)}); what is cured from now on "
            "follows the new ones."
        )
    return tuple(notes)


def _was_check_mode(folder: Path) -> bool:
    return (folder / BEFORE / RUN_FILE).is_file() and bool(read_run_info(folder / BEFORE).get("check_mode"))


def _refuse_another_policy(folder: Path, policy: t.Mapping[str, t.Any]) -> None:
    begun_with = read_run_info(folder / BEFORE).get("policy") or {}
    if begun_with != policy:
        raise ResultsError(
            f"The remediation in {folder} was begun with another tetra_policy: go on with the same one, or choose "
            "another tetra_run_id."
        )


def join(folder: Path) -> Remediation:
    """The remediation that was begun in ``folder``. Raises ResultsError."""
    return _joined(folder, read_run_info(folder)["token"], resumed=False)


def _joined(folder: Path, token: str, resumed: bool) -> Remediation:
    before, after = join_run(folder / BEFORE), join_run(folder / AFTER)
    size = len(read_run_info(before.path)["hosts"])
    return Remediation(folder, token, before, after, size, resumed)


def _go_on(folder: Path, hosts: t.Sequence[str], process: Process) -> None:
    """Keeps token and records; endpoints that are new in the inventory join."""
    info = read_run_info(folder)
    info["hosts"] = list(dict.fromkeys([*info["hosts"], *hosts]))
    info["process"] = process.as_dict()
    (folder / GATE_FILE).unlink(missing_ok=True)
    write_json(folder / RUN_FILE, info)


def to_audit(remediation: Remediation) -> list[str]:
    """Endpoints whose first look has still to be taken: no record is there, or one that says nothing."""
    return [record["host"] for record in read_run(remediation.before.path).records() if record["facts"] is None]


def make_plans(remediation: Remediation, hosts: t.Sequence[str], options: t.Mapping[str, t.Any]) -> list[str]:
    """Plans from the records before, filed in ``plans.json``; the endpoints to take up, ordered.

    Those are the ones to change or to restart, and those whose cure an earlier run of this folder began. Raises
    PlanError.
    """
    parse_options(options)
    journal = remediation.journal()
    planned: Plans = {}
    taken_up: set[str] = set()
    claims: list[Claim] = []
    for record in read_run(remediation.before.path).records():
        host = record["host"]
        plan = _plan_of(record, options)
        event = journal.standing(host).event
        planned[host] = plan
        claims.extend(gpo_changes.claims(record, options))
        if event in PROGRESS or event in FAILED_ENDS or event == "held" or _is_unproven(record):
            taken_up.add(host)
        _copy_to_after(remediation, record, event)
    gpo_changes.plan_changes(remediation.path, remediation.before, claims, planned, options)
    write_json(remediation.path / PLANS, planned)
    to_do = {host for host, plan in planned.items() if plan["todo"] in (planning.CHANGE, planning.REBOOT)}
    return sorted(host for host in {*to_do, *taken_up} & set(hosts) if journal.standing(host).event != "proven")


def lost_before(remediation: Remediation) -> list[str]:
    """Endpoints that an earlier start has changed or restarted and lost: taken up last, or not at all, since each of
    them may cost a whole deadline."""
    journal = remediation.journal()
    return [host for host in journal.failed_hosts() if journal.standing(host).event in ("timed_out", "unreachable")]


def to_look_at_again(remediation: Remediation) -> list[str]:
    """Endpoints that were not there, at the audit or when they were taken up, and that nobody has touched."""
    journal = remediation.journal()
    asleep = [
        record["host"]
        for record in read_run(remediation.before.path).records()
        if record["error"] is not None
        and record["error"]["kind"] in _NOT_THERE
        and journal.standing(record["host"]).event is None
    ]
    return sorted({*asleep, *journal.not_there()})


def _plan_of(record: Record, options: t.Mapping[str, t.Any]) -> HostPlan:
    if record["facts"] is None:
        return {"todo": planning.UNKNOWN, "steps": [], "blocked": []}
    plan = planning.plan(record["facts"], record["verdict"], options)
    return {"todo": plan["todo"], "steps": plan["steps"], "blocked": plan["blocked"]}


def _is_unproven(record: Record) -> bool:
    """Our own key on the endpoint tells of a change that nobody has proven: its run was killed."""
    facts = record["facts"]
    return facts is not None and bool(facts["reboot"]["changed_by_us"])


def _copy_to_after(remediation: Remediation, record: Record, event: Event | None) -> None:
    """Until an endpoint is taken up, what was found before is the last that is known of it."""
    if event is None and (
        record["facts"] is not None or not record_path(remediation.after.path, record["host"]).exists()
    ):
        write_record(remediation.after.path, {**record, "token": remediation.after.token})


def next_wave(remediation: Remediation) -> int:
    """Waves are counted by the summaries of those that are over."""
    return len(list((remediation.path / WAVES).glob("*.json"))) + 1


def cure_path(remediation: Remediation, host: str) -> Path:
    return remediation.path / CURES / f"{encode_name(host)}.json"


def read_cure(remediation: Remediation, host: str) -> Cure | None:
    """What became of one endpoint when it was last taken up; None where it never was."""
    found = _read(cure_path(remediation, host))
    return t.cast(Cure, found) if found else None


def file_cure(remediation: Remediation, host: str, cure: Cure) -> None:
    """Files what became of one endpoint."""
    write_json(cure_path(remediation, host), cure)


def count_lost(remediation: Remediation, batch: t.Iterable[str]) -> None:
    """Notes endpoints of a wave that is over and whose task left no end as failed."""
    journal = remediation.journal()
    for host in batch:
        standing = journal.standing(host)
        if standing.in_flight:
            continue
        ours = any(entry["token"] == remediation.token for entry in journal.entries(host)[-1:])
        if not ours:
            journal.append(host, "failed", "Its task ended before the endpoint was taken up.")
        elif standing.abandoned:
            journal.append(host, "failed", f"{DEAD} {known_of(journal.entries(host)).sentence()}".strip())


def block(remediation: Remediation, changes: t.Iterable[tuple[GpoChange, str]]) -> None:
    """Notes the endpoints of domain GPOs that could not be changed as blocked: they are not taken up."""
    journal = remediation.journal()
    for change, why in changes:
        sentence = f"The domain GPO {gpo_title(change)} was not changed: {why}"
        for host in change["endpoints"]:
            if journal.standing(host).event not in ("proven", "blocked"):
                journal.append(host, "blocked", sentence)


def summarise(remediation: Remediation, budget: FailureBudget, batch: t.Sequence[str] | None = None) -> Summary:
    """What became of every endpoint so far; written to ``remediation.json`` and, with ``batch``, to the wave's file."""
    journal = remediation.journal()
    plans = t.cast(Plans, _read(remediation.path / PLANS))
    journals = journal.everything()
    known = {host: known_of(entries) for host, entries in journals.items()}
    _file_unknown(remediation, known)
    after = {record["host"]: record["verdict"]["state"] for record in read_run(remediation.after.path).records()}
    hosts: dict[str, HostSummary] = {}
    for record in read_run(remediation.before.path).records():
        host = record["host"]
        standing, what = standing_of(host, journals.get(host, [])), known.get(host, Known())
        plan = plans.get(host) or {"todo": planning.UNKNOWN, "steps": [], "blocked": []}
        cure = read_cure(remediation, host)
        event = _event_of(standing)
        update = cure.get("update") if cure is not None else None
        hosts[host] = {
            "event": event or _NOT_TAKEN_UP.get(plan["todo"]),
            "stage": standing.event,
            "detail": what.sentence() or standing.detail if standing.abandoned else standing.detail,
            "at": standing.at,
            "planned": plan["todo"],
            "blocked": _blocked_by(cure if event == "blocked" else None, plan),
            "changed": bool(cure is not None and cure.get("changed")) or what.may_be_changed_since is not None,
            "may_be_changed_since": what.may_be_changed_since,
            "before": record["verdict"]["state"],
            "after": after.get(host),
            "update": update["result"] if update is not None else None,
        }
    failed = journal.failed_hosts()
    document: Summary = {
        "schema": SCHEMA,
        "run_id": remediation.run_id,
        "made_at": now(),
        "counts": dict(
            sorted(collections.Counter(str(one["event"] or "not_started") for one in hosts.values()).items())
        ),
        "failures": len(failed),
        "not_there": journal.not_there(),
        "stopped": journal.stopped(budget),
        "allowed": budget.allowed,
        "budget_spent": journal.stopped(budget) is not None,
        "failed": failed,
        "in_flight": [host for host, one in hosts.items() if one["event"] in ("in_flight", "abandoned")],
        "never_came_back": [
            host
            for host, one in hosts.items()
            if (one["event"] in ("timed_out", "unreachable") and one["changed"])
            or (one["event"] in ("abandoned", "failed") and known.get(host, Known()).went_down)
        ],
        "may_be_changed": [host for host, one in hosts.items() if one["may_be_changed_since"] is not None],
        "not_known": [host for host, one in hosts.items() if one["event"] == "unknown"],
        "owned_by_others": [host for host, one in hosts.items() if one["event"] == "blocked"],
        "domain_gpos": [
            {**change, "ends": _ends(change["endpoints"], hosts)}
            for change in gpo_changes.read(remediation.path)["gpos"]
        ],
        "hosts": hosts,
    }
    write_json(remediation.path / SUMMARY, document)
    if batch is not None:
        wave: Summary = {**document, "hosts": {host: hosts[host] for host in batch if host in hosts}}
        write_json(remediation.path / WAVES / f"{next_wave(remediation):03}.json", wave)
    return document


def _event_of(standing: JournalState) -> HostEvent | None:
    if standing.in_flight:
        return "in_flight"
    if standing.abandoned:
        return "abandoned"
    return t.cast(HostEvent, standing.event) if standing.event is not None else None


def _blocked_by(cure: Cure | None, plan: HostPlan) -> list[Blocked]:
    """As its cure found it, where there was one; else as it was planned."""
    cured = cure.get("plan") if cure is not None else None
    return (cured.get("blocked") if cured is not None else None) or plan["blocked"]


def _file_unknown(remediation: Remediation, known: t.Mapping[str, Known]) -> None:
    """The record of an endpoint that may be changed says so: one from before the change says nothing about it."""
    for host, what in known.items():
        since = what.may_be_changed_since
        if since is None:
            continue
        record = _read(record_path(remediation.after.path, host))
        started = str((record.get("timing") or {}).get("started_at") or "")
        if record.get("token") == remediation.after.token and record.get("facts") is not None and started > since:
            continue
        timing: Timing = {"started_at": since, "seconds": 0.0, "pipelines": 0}
        message = f"Nothing was heard of it after its change. {what.sentence()}"
        unknown = unknown_record(host, "session", message, remediation.after.token, remediation.after.policy, timing)
        write_record(remediation.after.path, unknown)


def sentences(document: Summary) -> list[str]:
    """The summary for a reader: what counts, and the endpoints that somebody has to look at."""
    counts = ", ".join(f"{number} {event.replace('_', ' ')}" for event, number in document["counts"].items())
    lines = [f"{counts}."]
    for title, names in (
        ("Failed", document["failed"]),
        ("Not there when they were taken up, and untouched", document.get("not_there")),
        ("Did not come back after the restart", document["never_came_back"]),
        ("In flight when their run ended", document["in_flight"]),
        ("May be changed, and nobody knows how they stand", document.get("may_be_changed")),
        ("Could not be asked, or not well enough to plan", document["not_known"]),
    ):
        if names:
            lines.append(f"{title}: {some(names, _NAMED)}.")
    lines.extend(gpo_changes.sentences(document["domain_gpos"]))
    of_gpos = {host for change in document["domain_gpos"] for host in change["endpoints"]}
    for host in [host for host in document["owned_by_others"] if host not in of_gpos][:_NAMED]:
        blocked = document["hosts"][host]["blocked"]
        why = blocked[0]["why"] if blocked else document["hosts"][host]["detail"]
        lines.append(f"{host}: {why}")
    if document["budget_spent"]:
        lines.append(str(document.get("stopped")))
    return lines


_NAMED = 20
_NOT_THERE = ("unreachable", "timeout", "not_audited")
"""Kinds of errors of a record that say nothing but that nobody answered."""
_NOT_TAKEN_UP: dict[str, HostEvent] = {
    planning.NOTHING: "nothing_to_do",
    planning.BLOCKED: "blocked",
    planning.UNKNOWN: "unknown",
}
"""What is said of an endpoint for which a plan was the end. One to change or restart was not started."""


def _ends(endpoints: t.Iterable[str], hosts: t.Mapping[str, HostSummary]) -> dict[str, list[str]]:
    """The endpoints of a GPO by how they ended; those that were offline stand under unreachable and timed_out."""
    ends: dict[str, list[str]] = {}
    for host in endpoints:
        if host in hosts:
            ends.setdefault(str(hosts[host]["event"] or "not_started"), []).append(host)
    return dict(sorted(ends.items()))


def _read(path: Path) -> dict[str, t.Any]:
    """A file of ours; one that is missing or damaged tells nothing."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
