# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.diagnosis_report: one page over all diagnoses in a folder, by cause and by place."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosis_page import write_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller, and reads nothing but the folder."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        spec = {"folder": {"type": "path", "required": True}}
        _validation, arguments = self.validate_argument_spec(argument_spec=spec)
        try:
            view, path = write_fleet(Path(arguments["folder"]))
        except ReportError as error:
            raise AnsibleActionFail(str(error)) from error
        return {"changed": False, "page": str(path), **view}
