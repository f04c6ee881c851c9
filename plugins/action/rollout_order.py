# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.rollout_order: the operator's hand on a rollout."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import OrderError, Orders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError, read_run_info
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options


def _orders(run: Path) -> Orders:
    """Raises ResultsError where the folder is none of a run."""
    read_run_info(run)
    return Orders(run)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller; touches no endpoint."""

    _requires_connection = False
    _supports_check_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.ROLLOUT_ORDER)
        run, order = Path(arguments["run"]), arguments["order"]
        for name, of in (("ring", "approve"), ("host", "skip")):
            if (order == of) != bool(arguments[name]):
                raise AnsibleActionFail(f"{name} belongs to order={of}, and order={of} needs it.")
        try:
            given = _orders(run).give(
                order, arguments["who"], arguments["ring"], arguments["host"], arguments["ticket"]
            )
        except (OrderError, ResultsError) as error:
            raise AnsibleActionFail(str(error)) from error
        return {"changed": True, "order": given, "msg": f"{given['who']}: {order.replace('_', ' ')}, {given['at']}"}
