# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.bulk_audit: reads, judges and records all endpoints of a play in one task."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicyError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import could_not_test
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.bulk_audit_task import EngineMissing, audit_many
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.host_options import hosts_of_play, options_of_play


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once for all hosts of a batch. An endpoint that cannot be asked is a result, not a failure."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.BULK_AUDIT)
        known = task_vars or {}
        found = options_of_play(self._task, self._play_context, known["hostvars"])
        hosts = hosts_of_play(known["ansible_play_batch"], arguments["hosts"])
        try:
            return audit_many(hosts, found, arguments)
        except (DomainPolicyError, EngineMissing) as error:
            return could_not_test(str(error))
        except (ResultsError, OSError) as error:
            raise AnsibleActionFail(f"The records of the endpoints could not be filed: {error}") from error
