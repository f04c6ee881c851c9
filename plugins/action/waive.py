# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.waive: checks a waiver file, and applies it to the records of a run."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.waivers import WaiverError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import could_not_test
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.images import read_waivers, waive
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller. A file that cannot be meant is *unreachable*: nothing may pass by a typo."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.WAIVE)
        try:
            waivers = read_waivers(Path(arguments["file"]).absolute())
            told = waive(Path(arguments["run"]), waivers) if arguments["run"] else {}
        except (WaiverError, ResultsError, OSError) as error:
            return could_not_test(str(error))
        empty: dict[str, list[str]] = {"waived": [], "expired": [], "unused": []}
        return {"changed": False, "count": len(waivers), **empty, **told}
