# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.tell: others are told of a run, from the controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.history.exceptions import ExceptionsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import HistoryError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.tell_task import TELL, tell_task
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError


class ActionModule(ActionBase):  # type: ignore[misc]
    """Writes files and sends messages; no endpoint is asked."""

    _requires_connection = False
    _supports_check_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=TELL)
        try:
            named = arguments["exceptions"]
            told = tell_task(arguments, self._loader.load_from_file(named, cache="none") if named else None)
        except (HistoryError, ExceptionsError, ResultsError, TellingError) as error:
            raise AnsibleActionFail(str(error)) from None
        for sentence in (*told["problems"], *told["notes"]):
            self._display.warning(sentence)
        return told
