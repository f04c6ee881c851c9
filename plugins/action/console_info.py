# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.console_info: what the console of Cisco Secure Endpoint says, asked on the controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.console_task import CONSOLE_INFO, console_task


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads only; a credentials file may be encrypted by Ansible Vault."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=CONSOLE_INFO)
        try:
            named = arguments["credentials_file"]
            return console_task(arguments, self._loader.load_from_file(named, cache="none") if named else None)
        except (ConsoleError, ReportError, ResultsError) as error:
            raise AnsibleActionFail(str(error)) from None
