# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.remediation_plan: plans a remediation from what its audit found."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.remediation_task import plan_task


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller; touches no endpoint."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.REMEDIATION_PLAN)
        return plan_task(arguments)
