# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The end of a run: what the exit code has to say.

0: judged, and nothing that ``fail_on`` names. *Failed* (2): a finding that it names. *Could not test* (4): unknown
endpoints where it names them, or nothing was tested at all, whatever it names: that is a typo in a pattern, a limit or
a tag, or a network that is down, and must not look like a clean fleet.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.gate import Gate, GateResult
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import NO_ENDPOINT, runs_begun_by
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import (
    GATE_FILE,
    STATES,
    ResultsError,
    read_run,
    write_json,
)

_NAMED = 5


@dataclass(frozen=True)
class Outcome:
    result: GateResult
    message: str
    counts: dict[str, int]


def judge_run(folder: Path, token: str | None, fail_on: str, report_failed: bool = False) -> Outcome:
    """Reads the run and says how it ends; leaves ``gate.json`` as a sign that the end was reached.

    A run without its report is not one that anybody can look at, so it never passes.
    """
    counts = dict.fromkeys(STATES, 0)
    named: dict[str, list[str]] = {state: [] for state in STATES}
    asked = 0
    try:
        run = read_run(folder)
        if token is not None and run.info["token"] != token:
            raise ResultsError(f"{folder} was taken over by another run before this one ended: nothing of it counts.")
        for record in run.records():
            state = record["verdict"]["state"]
            counts[state] += 1
            asked += record["facts"] is not None
            if len(named[state]) < _NAMED:
                named[state].append(record["host"])
    except ResultsError as error:
        return Outcome("could_not_test", str(error), counts)
    outcome = _decide(counts, named, asked, fail_on)
    if report_failed and outcome.result == "passed":
        outcome = Outcome("could_not_test", f"{outcome.message} The report could not be made.", counts)
    gate: Gate = {"result": outcome.result, "message": outcome.message, "counts": counts}
    write_json(folder / GATE_FILE, gate)
    return outcome


def judge_report(report: t.Mapping[str, t.Any], fail_on: str) -> Outcome:
    """How saved results end, by what a report said of them: it may have judged them anew or looked at a part only.

    ``report`` is the result of fleetops.tetra.report: ``{counts, hosts_by_state, asked}``.
    """
    counts = {state: int(report["counts"][state]) for state in STATES}
    return _decide(counts, report["hosts_by_state"], report["asked"], fail_on)


def _decide(counts: dict[str, int], named: t.Mapping[str, list[str]], asked: int, fail_on: str) -> Outcome:
    total = sum(counts.values())
    if not total:
        return Outcome("could_not_test", NO_ENDPOINT, counts)
    if not asked:
        names = some(named["unknown"], _NAMED, total)
        message = f"None of {total} endpoints could be asked, so nothing was tested: {names}."
        return Outcome("could_not_test", message, counts)
    summary = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts.items())
    if fail_on != "none" and counts["non_compliant"]:
        names = some(named["non_compliant"], _NAMED, counts["non_compliant"])
        return Outcome("failed", f"{summary}. Not compliant: {names}.", counts)
    if fail_on == "unknown" and counts["unknown"]:
        names = some(named["unknown"], _NAMED, counts["unknown"])
        return Outcome("could_not_test", f"{summary}. Unknown: {names}.", counts)
    return Outcome("passed", f"{summary}.", counts)


def guard(results_dir: Path, process: Process) -> Outcome:
    """The last word of a playbook whose other plays may have met no host: was a run begun and brought to its end?"""
    counts: dict[str, int] = {}
    runs = runs_begun_by(results_dir, process)
    if not runs:
        return Outcome("could_not_test", NO_ENDPOINT, counts)
    open_ended = [run for run in runs if not (run / GATE_FILE).is_file()]
    if open_ended:
        return Outcome("could_not_test", f"The run in {open_ended[0]} did not come to its end.", counts)
    return Outcome("passed", "The run came to its end.", counts)


def as_task_result(outcome: Outcome) -> dict[str, t.Any]:
    """The outcome as a task result: ``failed`` ends ansible-playbook with 2, ``unreachable`` with 4."""
    result: dict[str, t.Any] = {"changed": False, "msg": outcome.message, "counts": outcome.counts}
    if outcome.result == "failed":
        result["failed"] = True
    elif outcome.result == "could_not_test":
        result["unreachable"] = True
    return result


def could_not_test(message: str) -> dict[str, t.Any]:
    """The result of a task without which nothing can be tested: *unreachable*, so that ansible-playbook ends with 4."""
    return {"changed": False, "unreachable": True, "msg": message}
