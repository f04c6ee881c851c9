# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.audit: reads one endpoint, judges it and files the record of it."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicyError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.audit import audit_endpoint, task_result


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads only, so check mode is the same. An endpoint that cannot be asked is a result, not a failure."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.AUDIT)
        host = str((task_vars or {})["inventory_hostname"])
        try:
            record, path = audit_endpoint(self._connection, host, arguments, self._task.delegate_to)
        except DomainPolicyError as error:
            raise AnsibleActionFail(str(error)) from error
        except (ResultsError, OSError) as error:
            raise AnsibleActionFail(f"The record of this endpoint could not be filed: {error}") from error
        return task_result(record, path, arguments["return_facts"])
