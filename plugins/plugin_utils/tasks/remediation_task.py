# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The controller's tasks of a remediation: beginning, planning, reporting; each gives the task's result.

``failed`` ends ansible-playbook with 2, ``unreachable`` with 4.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.gate import Gate
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.remediation import Summary
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.failure_budget import BudgetError, parse_budget
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.options import PlanError
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.rings import RingError
from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.windows import WindowsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import gpo_changes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.guard import GuardError, check_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.limits import (
    MaintenanceWindow,
    WaveError,
    WindowError,
    check_waves,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.build import Options, build_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import OrderError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import NO_ENDPOINT
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import (
    as_task_result,
    could_not_test,
    judge_run,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    GATE_FILE,
    ResultsError,
    disk_sentence,
    write_json,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.audit import chosen_policy
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.cure_task import budget_of, plan_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.rollout_task import (
    RolloutError,
    begin_rollout,
    check_rollout,
    rollout_halted,
)

LAST = "last"
Arguments = t.Mapping[str, t.Any]
Result = dict[str, t.Any]

_WITHOUT_RUN_ONCE = ("free", "host_pinned")
_TOO_FREE = (
    "With strategy {strategy} every endpoint would begin a remediation of its own, and no failure would stop the "
    "others: take strategy: linear for this play."
)
_SLICED = (
    "This job is slice {number} of {count}, and the failure budget and the limit on restarts hold for each slice "
    "alone: run it without slices, or set tetra_slices_declared: true."
)


def begin_task(
    arguments: Arguments, about: Result, process: Process, variables: t.Mapping[str, t.Any], strategy: str = "linear"
) -> Result:
    """Checks every option before any endpoint is asked, then makes or takes over the folder."""
    if strategy.rpartition(".")[2] in _WITHOUT_RUN_ONCE:
        return _refused(_TOO_FREE.format(strategy=strategy))
    if not arguments["hosts"]:
        return could_not_test(NO_ENDPOINT)
    count, number = _slices(variables)
    if count > 1 and not arguments["slices_declared"]:
        return _refused(_SLICED.format(number=number, count=count))
    policy = chosen_policy(arguments["policy"], None) or {}
    folder = Path(arguments["results_dir"]).absolute()
    try:
        plan = _with_allow_list(plan_options(arguments["plan"]), policy)
        if plan.get("change_domain_gpo"):
            _check_gpo_host(arguments["gpo_host"], variables)
        parse_budget(arguments["max_failures"], len(arguments["hosts"]), arguments["max_failure_rate"])
        check_waves(arguments["waves"])
        if arguments["rollout"] == "continuous":
            check_rollout(arguments, arguments["hosts"], variables.get("hostvars") or {})
        check_options(arguments["commit_confirm"], arguments["deadline"], arguments["reboot_when"])
        if arguments["maintenance_window"]:
            MaintenanceWindow(arguments["maintenance_window"])
        run = remediation.begin(folder, arguments["run_id"], arguments["hosts"], process, about, policy, plan)
        audit = remediation.to_audit(run)
        begin_rollout(run.path, arguments["rollout"] == "continuous", arguments["ticket"])
    except (PlanError, BudgetError, WindowError, WaveError, GuardError, RolloutError, RingError, WindowsError) as error:
        return _refused(str(error))
    except (ResultsError, OrderError) as error:
        return could_not_test(str(error))
    except OSError as error:
        return could_not_test(disk_sentence(error))
    return {
        "changed": False,
        "run": str(run.path),
        "run_id": run.run_id,
        "before": str(run.before.path),
        "after": str(run.after.path),
        "resumed": run.resumed,
        "audit": audit,
        "plan": plan,
        **({"warnings": list(run.notes)} if run.notes else {}),
    }


def _with_allow_list(plan: Result, policy: Result) -> Result:
    """What the servers accept is said once: where only the policy names suites, the plan works towards the same.

    Raises PlanError.
    """
    allow_list = policy.get("allow_list")
    return plan if plan.get("allow_list") or not allow_list else plan_options({**plan, "allow_list": allow_list})


def _check_gpo_host(name: str | None, variables: t.Mapping[str, t.Any]) -> None:
    """Raises PlanError."""
    if not name:
        raise PlanError(
            "A domain GPO can be changed only on a management host: name a host of the inventory that has the "
            "GroupPolicy module in tetra_gpo_host."
        )
    if name not in (variables.get("ansible_play_hosts_all") or []):
        raise PlanError(
            f"The management host {name} (tetra_gpo_host) is not in the inventory, or --limit leaves it out."
        )


def plan_task(arguments: Arguments) -> Result:
    try:
        run = remediation.join(Path(arguments["run"]))
        lost = set(remediation.lost_before(run))
        found = remediation.make_plans(run, arguments["hosts"], plan_options(arguments["plan"]))
        todo = [host for host in found if host not in lost]
        last = [host for host in found if host in lost] if arguments["lost_before"] == LAST else []
        gpos = gpo_changes.read(run.path)
        build_report(Options(path=[str(run.before.path)], title="Before the remediation"))
    except OSError as error:
        return _refused(disk_sentence(error))
    except (ResultsError, ReportError, PlanError, JournalError) as error:
        return _refused(str(error))
    sentence = f"{len(todo)} endpoints are to be changed or restarted."
    if lost:
        what = "are taken up last" if arguments["lost_before"] == LAST else "are left alone"
        sentence += f" {len(lost)} that were lost before {what}."
    return {
        "changed": False,
        "todo": todo,
        "last": last,
        "look_again": remediation.to_look_at_again(run),
        "msg": sentence,
        "domain_gpos": gpo_changes.sentences(gpos["gpos"]),
    }


def report_task(arguments: Arguments, check_only: bool = False) -> Result:
    """After a wave (``batch``): summary and report, and a failure once the budget is spent. At the end (``final``): the
    exit code. After the domain GPOs (``domain_gpos``): a failure where one could not be changed. With none of them:
    only the summary and the report, as after a run that was killed."""
    batch = arguments["batch"]
    try:
        run = remediation.join(Path(arguments["run"]))
        budget = budget_of(run, arguments)
        if batch is not None and not check_only:
            remediation.count_lost(run, batch)
        lost_gpos = gpo_changes.not_changed(run.path) if arguments["domain_gpos"] else []
        if arguments["domain_gpos"] and not lost_gpos:
            return {"changed": False, "msg": gpo_changes.sentences(gpo_changes.read(run.path)["gpos"])}
        remediation.block(run, lost_gpos)
        document = remediation.summarise(run, budget, batch)
        build_report(
            Options(path=[str(run.after.path)], compare_with=[str(run.before.path)], title="After the remediation")
        )
    except OSError as error:
        return _refused(disk_sentence(error))
    except (ResultsError, ReportError, JournalError, BudgetError) as error:
        return _refused(str(error))
    lines = remediation.sentences(document)
    lines.append(f"Before: {run.before.path / 'report' / 'index.html'}")
    lines.append(f"After: {run.after.path / 'report' / 'index.html'}")
    result: Result = {
        "changed": False,
        "msg": lines,
        "counts": document["counts"],
        "budget_spent": document["budget_spent"],
        "look_again": [] if document["budget_spent"] else remediation.to_look_at_again(run),
        "summary": str(run.path / remediation.SUMMARY),
    }
    stopped = bool(lost_gpos) or (batch is not None and document["budget_spent"])
    if arguments["final"] or stopped:
        result.update(_end(run, document, arguments["fail_on"], lines, stopped))
    return result


def _end(run: remediation.Remediation, document: Summary, fail_on: str, lines: list[str], stopped: bool) -> Result:
    """0: every endpoint that could be cured is. 2: some failed. 4: nothing could be tested."""
    outcome = judge_run(run.after.path, run.after.token, fail_on)
    result = {**as_task_result(outcome), "msg": [*lines, outcome.message]}
    halted = rollout_halted(run.path)
    if halted is not None:
        result["msg"] = [*lines, halted, outcome.message]
    failed = stopped or halted is not None or bool(document["failures"]) or bool(document.get("not_there"))
    if failed:
        result.pop("unreachable", None)
        result["failed"] = True
    gate: Gate = {
        "result": "failed" if failed else outcome.result,
        "message": lines[0],
        "counts": document["counts"],
    }
    write_json(run.path / GATE_FILE, gate)
    return {name: value for name, value in result.items() if name != "counts"}


def _slices(variables: t.Mapping[str, t.Any]) -> tuple[int, int]:
    """(slices, number of this one) of the job, as AWX tells them in variables and in the environment."""
    found = []
    for name in ("awx_job_slice_count", "tower_job_slice_count", "awx_job_slice_number", "tower_job_slice_number"):
        value = str(variables.get(name) or os.environ.get(name.upper()) or "")
        found.append(int(value) if value.isdigit() else 0)
    return max(found[0], found[1]), max(found[2], found[3])


def _refused(message: str) -> Result:
    return {"changed": False, "failed": True, "msg": message}
