# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.domain_gpo: changes the cipher suites of a domain GPO, on a management host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.domain_gpo_task import domain_gpo_task


class ActionModule(ActionBase):  # type: ignore[misc]
    """May be delegated: a GPO is no part of the host that the task is about."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec=options.DOMAIN_GPO, mutually_exclusive=[("run", "gpo"), ("run", "suites")]
        )
        host = str(self._task.delegate_to or (task_vars or {})["inventory_hostname"])
        try:
            return domain_gpo_task(self._connection, host, arguments, bool(self._task.check_mode))
        except (ResultsError, ValueError, OSError) as error:
            raise AnsibleActionFail(f"No GPO was touched: {error}") from error
