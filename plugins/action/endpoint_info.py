# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.endpoint_info: the facts of one endpoint, judged by nobody."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import gather, probe_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads only, so check mode is the same."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.ENDPOINT_INFO)
        host = str((task_vars or {})["inventory_hostname"])
        if self._task.delegate_to is not None:
            raise AnsibleActionFail("The facts would be filed under the wrong host: take delegate_to away.")
        probe = probe_options(arguments) if arguments["probe"] else None
        gathered = gather(self._connection, host, arguments["timeout"], probe)
        error = {"kind": gathered.error.kind, "message": str(gathered.error)} if gathered.error is not None else None
        return {"changed": False, "facts": gathered.facts, "error": error, "timing": gathered.timing}
