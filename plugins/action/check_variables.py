# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.check_variables: ends a run that names a variable which nothing reads."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import could_not_test
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.names import sentence, unknown_names
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.of_hosts import names_by_host
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.of_roles import role_variables


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller. A name that nothing reads makes the result *unreachable*, so that Ansible ends with 4."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.CHECK_VARIABLES)
        roles = role_variables()
        visible = names_by_host(task_vars or {})
        unknown = unknown_names(visible, arguments["own"], roles)
        return could_not_test(sentence(unknown, roles, visible)) if unknown else {"changed": False}
