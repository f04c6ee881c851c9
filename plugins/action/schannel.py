# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.schannel: brings Schannel's switches for clients on one endpoint into the wanted state."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import schannel_path
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_change import WantedChange, WantedError
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switch_options import parse_switch_options
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.wanted_switches import (
    beyond_the_facts,
    wanted_switches,
    with_values,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.wanted_state import WantedState


class ActionModule(ActionBase):  # type: ignore[misc]
    """An endpoint that cannot be asked or changed is a failed task."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.SCHANNEL)
        host, check = str((task_vars or {})["inventory_hostname"]), bool(self._task.check_mode)
        try:
            wanted = parse_switch_options({name: arguments[name] for name in arguments if name not in options.CHANGING})
        except WantedError as error:
            raise AnsibleActionFail(str(error)) from error

        def complete(asker: Asker, facts: Facts) -> Facts:
            registry = RemoteRegistry(asker)
            found = [(value, registry.read(schannel_path(value.key), value.name)) for value in beyond_the_facts(wanted)]
            return with_values(facts, found)

        def decide(facts: Facts, over_https: bool) -> WantedChange:
            return wanted_switches(facts, wanted, over_https)

        task = WantedState("schannel", decide, complete)
        return task.bring_about(self._connection, host, arguments, check, self._task.delegate_to)
