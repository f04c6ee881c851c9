# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.record: files what was gathered and judged elsewhere as the record of this host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.record_task import file_record


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller and asks nobody. Check mode files too, as an audit does."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.RECORD)
        try:
            return file_record(str((task_vars or {})["inventory_hostname"]), arguments)
        except (ResultsError, OSError) as error:
            raise AnsibleActionFail(f"The record of this endpoint could not be filed: {error}") from error
