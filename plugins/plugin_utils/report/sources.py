# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the user names → run folders → fleet."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Fleet, FleetBuilder, RunInfo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.rejudge import check_policy, rejudge
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.where import Where
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import RUN_FILE, ResultsError, read_run


def find_runs(paths: t.Sequence[str]) -> list[pathlib.Path]:
    """The run folders that ``paths`` name; a folder that is no run folder itself stands for those in it.

    Raises ReportError where a path holds none.
    """
    runs: list[pathlib.Path] = []
    for path in map(pathlib.Path, paths):
        if (path / RUN_FILE).is_file():
            found = [path]
        elif path.is_dir():
            found = sorted(child for child in path.iterdir() if (child / RUN_FILE).is_file())
        else:
            raise ReportError(f"There is no results folder {path}; name a folder that holds {RUN_FILE}.")
        if not found:
            raise ReportError(
                f"{path} is not a run folder and holds none: neither it nor a folder in it has a {RUN_FILE}."
            )
        runs.extend(run for run in found if run not in runs)
    return runs


def read_fleet(runs: t.Sequence[pathlib.Path], where: str | None = None, policy: Document | None = None) -> Fleet:
    """The latest result of each endpoint of ``runs``, judged again where there is a ``policy``, then selected.

    Results are read one at a time. A run whose run.json is damaged is named in the problems; raises ReportError when no
    run can be read.
    """
    if policy is not None:
        check_policy(policy)
    selection = Where(where) if where is not None else None
    builder = FleetBuilder(selection.selects if selection else None)
    readable = 0
    for path in runs:
        try:
            run = read_run(path)
        except ResultsError as exc:
            builder.add_problem(str(exc))
            if len(runs) == 1:
                raise ReportError(str(exc)) from exc
            continue
        readable += 1
        info = RunInfo(str(path), run.info)
        builder.add_run(info)
        for result in run.records():
            builder.add(info, rejudge(result, policy) if policy is not None else result)
        for problem in run.problems:
            builder.add_problem(problem.message)
    if not readable:
        raise ReportError(f"None of the {len(runs)} run folders can be read; the first says: {builder.first_problem}")
    fleet = builder.build()
    if selection is not None and (sentence := selection.problem()):
        fleet.problems.append(sentence)
    return fleet
