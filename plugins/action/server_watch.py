# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.server_watch: an alarm where the definition servers drift."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.telling.servers import LookError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.server_watch_task import (
    SERVER_WATCH,
    server_watch_task,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes files and sends messages; the measurements were made before."""

    _requires_connection = False
    _supports_check_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=SERVER_WATCH)
        try:
            watched = server_watch_task(arguments)
        except (LookError, TellingError) as error:
            raise AnsibleActionFail(str(error)) from None
        for sentence in watched["problems"]:
            self._display.warning(sentence)
        return watched
