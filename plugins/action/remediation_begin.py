# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.remediation_begin: begins a remediation, or goes on with one, and plans it."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_version

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.collection import collection_version
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.remediation_task import begin_task


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller. Where nothing can be done the result is *unreachable*, so that Ansible ends with 4."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.REMEDIATION_BEGIN)
        about = {
            "playbook": "fleetops.tetra.remediation",
            "check_mode": self._task.check_mode,
            "collection_version": collection_version(),
            "ansible_version": ansible_version,
        }
        # The worker's parent is ansible-playbook itself, which lives as long as the run.
        process, strategy = Process.of(os.getppid()), str(self._task.get_play().strategy)
        return begin_task(arguments, about, process, task_vars or {}, strategy)
