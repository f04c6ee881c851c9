# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.image_audit: reads one image where it lies, judges it and files the record of it."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicyError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.begin import join_run
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.images import image_record
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import ResultsError, write_record
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.audit import (
    chosen_domain,
    chosen_policy,
    task_result,
)


class ActionModule(ActionBase):  # type: ignore[misc]
    """The module fleetops.tetra.image_info reads the image; an image that cannot be read is a result, not a failure."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.IMAGE_AUDIT)
        started = datetime.now(UTC)
        try:
            run = join_run(Path(arguments["run"])) if arguments["run"] else None
            policy = chosen_policy(arguments["policy"], run)
            domain = chosen_domain(arguments["domain_policy"])
            asked = {"path": arguments["path"], "host": arguments["name"], "volume": arguments["volume"]}
            answer = self._execute_module(
                module_name="fleetops.tetra.image_info",
                module_args={name: value for name, value in asked.items() if value is not None},
                task_vars=task_vars,
            )
            token = run.token if run is not None else None
            record = image_record(arguments["name"], token, policy, answer, started, domain)
            path = write_record(run.path, record) if run is not None else None
        except DomainPolicyError as error:
            raise AnsibleActionFail(str(error)) from error
        except (ResultsError, OSError) as error:
            raise AnsibleActionFail(f"The record of this image could not be filed: {error}") from error
        result = task_result(record, path, False)
        del result["ansible_facts"]
        return {**result, "image": answer.get("image")}
