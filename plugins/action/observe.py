# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.observe: what this Windows does, as an observation file."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.task import (
    ObserveError,
    Wanted,
    observe_endpoint,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options


class ActionModule(ActionBase):  # type: ignore[misc]
    """With ``writes`` it changes the endpoint for a moment, so check mode only reads."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.OBSERVE)
        writes = arguments["writes"] and not self._task.check_mode
        folder = Path(arguments["dest"]).absolute()
        restarts = writes and arguments["restarts"]
        wanted = Wanted(folder, writes, restarts, arguments["listen"], arguments["timeout"])
        try:
            return observe_endpoint(self._connection, task_vars or {}, wanted)
        except ObserveError as error:
            raise AnsibleActionFail(str(error)) from error
