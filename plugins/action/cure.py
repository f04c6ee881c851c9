# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.cure: cures one endpoint, from the budget check to the proof."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.win_reboot import MissingCollection, chosen_way
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError, disk_sentence
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.cure_task import cure_endpoint


class ActionModule(ActionBase):  # type: ignore[misc]
    """What the endpoint does is a result, never *unreachable*: Ansible's own limits would not count it."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.CURE)
        host, check = str((task_vars or {})["inventory_hostname"]), bool(self._task.check_mode)
        try:
            other_way = chosen_way(self, arguments, task_vars)
            shown: dict[str, t.Any] = visible_all(
                cure_endpoint(self._connection, host, arguments, check, self._task.delegate_to, other_way)
            )
            return shown
        except OSError as error:
            raise AnsibleActionFail(f"The endpoint was not touched: {disk_sentence(error)}") from error
        except (MissingCollection, ResultsError, JournalError, ValueError) as error:
            raise AnsibleActionFail(f"The endpoint was not touched: {error}") from error
