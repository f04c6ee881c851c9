# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one endpoint what the product asks, and stores the raw answers as test data. Used by record.yml only."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions, collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.tests.record.recording import Recorder, Redaction

SPEC = {
    "folder": {"type": "path", "required": True},
    "probe": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Reads only; the file is written on the controller."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=SPEC)
        variables = task_vars or {}
        host = str(variables["inventory_hostname"])
        recorder = Recorder(Session(self._connection, record=[]))
        started = now()
        try:
            facts = collect(recorder, host, started, ProbeOptions() if arguments["probe"] else None)
        except SessionError as error:
            raise AnsibleActionFail(f"{host} could not be recorded: {error}") from error
        document = recorder.document(host, started, facts)
        folder = Path(arguments["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{encode_name(host)}.json"
        text = json.dumps(Redaction.of(variables, facts).document(document), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        return {
            "changed": False,
            "path": str(path),
            "pipelines": len(recorder.pipelines),
            "msg": f"Recorded {len(recorder.pipelines)} pipelines in {path}. Look through it before you share it.",
        }
