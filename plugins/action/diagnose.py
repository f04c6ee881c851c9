# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.diagnose: takes the evidence of a failing update on one endpoint and ranks its causes."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.diagnose_task import diagnose_task


class ActionModule(ActionBase):  # type: ignore[misc]
    """What is switched on is switched off again whatever happens; in check mode nothing is switched on."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.DIAGNOSE)
        host, check = str((task_vars or {})["inventory_hostname"]), bool(self._task.check_mode)
        problem = options.wrong_diagnose(arguments)
        if problem is not None:
            raise AnsibleActionFail(problem)
        try:
            return diagnose_task(self._connection, host, arguments, check, self._task.delegate_to)
        except OSError as error:
            raise AnsibleActionFail(f"The diagnosis could not be filed: {error}") from error
