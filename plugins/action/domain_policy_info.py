# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.domain_policy_info: what a domain's group policies do to TLS, read on the controller."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.errors import DirectoryError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.domain_policy_task import (
    DOMAIN_POLICY_INFO,
    domain_policy_task,
)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads only."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=DOMAIN_POLICY_INFO)
        try:
            return domain_policy_task(arguments)
        except ImportError as error:
            raise AnsibleActionFail(
                f"Reading a domain needs the Python packages sansldap and smbprotocol on the controller ({error}): "
                "pip install sansldap smbprotocol."
            ) from None
        except (DirectoryError, ReportError) as error:
            raise AnsibleActionFail(str(error)) from None
