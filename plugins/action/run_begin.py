# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.run_begin: begins a run, before any endpoint is asked."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_version

from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicyError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import NO_ENDPOINT, begin_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.collection import collection_version
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import could_not_test
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.audit import chosen_domain, chosen_policy


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller. Where nothing can be tested the result is *unreachable*, so that Ansible ends with 4."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        try:
            _validation, arguments = self.validate_argument_spec(argument_spec=options.RUN_BEGIN)
        except AnsibleActionFail as error:
            return could_not_test(str(error))
        if not arguments["hosts"]:
            return could_not_test(NO_ENDPOINT)
        about = {
            "playbook": arguments["playbook"],
            "check_mode": self._task.check_mode,
            "collection_version": collection_version(),
            "ansible_version": ansible_version,
        }
        policy = chosen_policy(arguments["policy"], None) or {}
        folder = Path(arguments["results_dir"]).absolute()
        # The worker's parent is ansible-playbook itself, which lives as long as the run.
        process = Process.of(os.getppid())
        try:
            chosen_domain(arguments["domain_policy"])
            run = begin_run(folder, arguments["run_id"], arguments["hosts"], process, about, policy)
        except (DomainPolicyError, ResultsError) as error:
            return could_not_test(str(error))
        return {"changed": False, "run": str(run.path), "run_id": run.run_id, "token": run.token}
