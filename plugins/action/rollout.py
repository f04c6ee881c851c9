# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.rollout: cures all endpoints of a play in one task, ring by ring."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import JournalError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import OrderError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import could_not_test
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError, disk_sentence
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.bulk_audit_task import EngineMissing
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.host_options import hosts_of_play, options_of_play
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.remediation_task import report_task
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.rollout_task import roll_out

_REPORT: t.Final = {"batch": None, "final": True, "domain_gpos": False, "fail_on": "none"}
_OF_REPORT: t.Final = ("run", "max_failures", "max_failure_rate")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once for all hosts of a play. What an endpoint does is a result, not a failure."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.ROLLOUT)
        known = task_vars or {}
        found = options_of_play(self._task, self._play_context, known["hostvars"])
        hosts = hosts_of_play(known["ansible_play_batch"], arguments["hosts"])
        check = bool(self._task.check_mode)
        try:
            done = roll_out(hosts, found, known["hostvars"], arguments, check, self._display.display)
            if done["interrupted"]:
                # No later task runs any more.
                report_task({**_REPORT, **{name: arguments[name] for name in _OF_REPORT}})
            return done
        except EngineMissing as error:
            return could_not_test(str(error))
        except OSError as error:
            raise AnsibleActionFail(f"The rollout was not begun: {disk_sentence(error)}") from error
        except (ResultsError, JournalError, OrderError, ValueError) as error:
            raise AnsibleActionFail(f"The rollout was not begun: {error}") from error
