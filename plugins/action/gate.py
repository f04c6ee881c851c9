# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.gate: the exit code of a run."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import (
    as_task_result,
    guard,
    judge_report,
    judge_run,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller. ``run`` and ``report`` are judged; ``results_dir`` is looked at for a run that ended."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec=options.GATE,
            mutually_exclusive=[["run", "results_dir", "report"]],
            required_one_of=[["run", "results_dir", "report"]],
        )
        if arguments["run"]:
            run, fail_on = Path(arguments["run"]), arguments["fail_on"]
            return as_task_result(judge_run(run, arguments["token"], fail_on, arguments["report_failed"]))
        if arguments["report"]:
            return as_task_result(judge_report(arguments["report"], arguments["fail_on"]))
        return as_task_result(guard(Path(arguments["results_dir"]).absolute(), Process.of(os.getppid())))
