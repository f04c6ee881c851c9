# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.report: the report of one or several runs, made on the controller in this process."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.build import FORMATS, Options, build_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import DEFAULT_TITLE
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.audit import with_observations
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpecs

ARGUMENT_SPEC: t.Final[OptionSpecs] = {
    "path": {"type": "list", "elements": "path", "required": True},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": list(FORMATS)},
    "output_dir": {"type": "path"},
    "policy": options.POLICY,
    "where": {"type": "str"},
    "compare_with": {"type": "list", "elements": "path", "default": []},
    "title": {"type": "str", "default": DEFAULT_TITLE},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads run folders, writes report files. Writing a report changes no endpoint, so it also runs in check mode."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        policy = arguments["policy"]
        if policy is not None:
            policy = {name: value for name, value in policy.items() if value is not None}
        try:
            arguments["policy"] = with_observations(policy) if policy is not None else None
            return {"changed": False, **build_report(Options(**arguments))}
        except (ReportError, ResultsError) as exc:
            raise AnsibleActionFail(str(exc)) from exc
