# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.definitions_update: asks the connector for its definitions and says what came of it."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.definitions_task import update_task


class ActionModule(ActionBase):  # type: ignore[misc]
    """An update that fails is a result; only an endpoint that cannot be asked for one is a failed task."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.DEFINITIONS_UPDATE)
        host, check = str((task_vars or {})["inventory_hostname"]), bool(self._task.check_mode)
        shown: dict[str, t.Any] = visible_all(
            update_task(self._connection, host, arguments, check, self._task.delegate_to)
        )
        return shown
