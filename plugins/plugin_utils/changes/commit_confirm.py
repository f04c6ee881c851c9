# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Commit-confirm: an endpoint that restores itself and restarts, unless it is proven in time.

``arm`` leaves a scheduled task on the endpoint before the change, ``disarm`` takes it away after the proof. The task
runs as LocalSystem, so what it uses lies where only administrators may write: below the Windows folder, and beside
``Registry.pol``. Its last two actions take away its files and itself, after the restart was ordered. The name is one in
the root of the task scheduler, since a folder of tasks would stay behind.
"""

from __future__ import annotations

import contextlib
import typing as t
from datetime import UTC, datetime, timedelta

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import FORMAT, written
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import Item
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OUR_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.local_policy import (
    LocalPolicy,
    file_content,
    file_state,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restore_task_xml import (
    RestoreError,
    reg_file,
    task_xml,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import OUR_FOLDER, WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Asker,
    command,
    exit_code,
)

TASK = "fleetops-tetra-restore"
_NO_FILE = file_state(None)
_ENDING = ".fleetops-tetra.before"
_DESCRIPTION = (
    "Puts back the cipher suites that stood here before fleetops.tetra changed them, and restarts, unless the change "
    "is confirmed before. Delete it to keep the change."
)


class CommitConfirm:
    """One endpoint's guard. Raises ChangeError or SessionError."""

    def __init__(self, endpoint: reboot.Endpoint, folders: WindowsFolders) -> None:
        self._endpoint = endpoint
        self._system32 = f"{folders.system_root}\\System32"
        self._folder = f"{folders.system_root}\\{OUR_FOLDER}"
        self._policy_file = LocalPolicy(endpoint.session(), folders.system_root).pol_path

    def arm(self, items: t.Sequence[Item], minutes: float) -> str:
        """The endpoint will put back what the items say ``minutes`` from now by its own clock; gives that time (UTC).

        An earlier guard is replaced. Raises ChangeError where the guard cannot be seen to stand; then nothing is left
        of it, and nothing may be changed.
        """
        asker = self._endpoint.session()
        when = reboot.clock(asker)
        if when is None:
            raise ChangeError("not_guarded", "Windows does not tell its time, so no restoring could be scheduled.")
        start = datetime.strptime(when, FORMAT).replace(tzinfo=UTC) + timedelta(minutes=minutes)
        try:
            self._register(asker, items, start)
        except ChangeError:
            with contextlib.suppress(ChangeError):
                self._take_away(asker, items)
            raise
        return written(start)

    def disarm(self, items: t.Sequence[Item]) -> bool:
        """Takes the guard of a change with these items away; False where none stood.

        Raises ChangeError where it stays.
        """
        asker = self._endpoint.session()
        stood = self._is_registered(asker)
        if stood:
            self._schtasks(asker, "/delete", "/tn", TASK, "/f")
            if self._is_registered(asker):
                raise ChangeError(
                    "guard_stays",
                    f"The scheduled task {TASK} could not be deleted: it will put the old values back and restart.",
                )
        self._take_away(asker, items)
        return stood

    def disarm_unknown(self) -> bool:
        """Takes away a guard of which no before-image is left; False where none stands."""
        if not self._is_registered(self._endpoint.session()):
            return False
        return self.disarm([{"kind": "file", "path": self._policy_file, "before": _NO_FILE, "after": _NO_FILE}])

    # Details --------------------------------------------------------------------------------------------------------

    def _register(self, asker: Asker, items: t.Sequence[Item], start: datetime) -> None:
        files, actions = RemoteFiles(asker), []
        script = f"{self._folder}\\restore.reg"
        values = [(item["path"], item["name"], item["before"]) for item in items if item["kind"] == "registry_value"]
        try:
            files.replace(script, reg_file(values, [OUR_KEY]))
        except RestoreError as error:
            raise ChangeError("not_guarded", str(error)) from error
        actions.append((f"{self._system32}\\reg.exe", f'import "{script}"'))
        for path, content in _policy_files(items):
            if content is None:
                actions.append((f"{self._system32}\\cmd.exe", f'/d /c del /f /q "{path}"'))
            else:
                files.replace(f"{path}{_ENDING}", content)
                actions.append((f"{self._system32}\\cmd.exe", f'/d /c move /y "{path}{_ENDING}" "{path}"'))
        actions += [
            (f"{self._system32}\\shutdown.exe", f'/r /t 60 /d p:2:4 /c "{reboot.REASON}"'),
            (f"{self._system32}\\cmd.exe", f'/d /c rd /s /q "{self._folder}"'),
            (f"{self._system32}\\schtasks.exe", f"/delete /tn {TASK} /f"),
        ]
        definition = f"{self._folder}\\task.xml"
        files.replace(definition, task_xml(start, actions, _DESCRIPTION))
        created = self._schtasks(asker, "/create", "/xml", definition, "/tn", TASK, "/f")
        files.remove(definition)
        if not created or not self._is_registered(asker):
            raise ChangeError(
                "not_guarded",
                "The scheduled task that would put the old values back could not be registered.",
            )

    def _take_away(self, asker: Asker, items: t.Sequence[Item]) -> None:
        files = RemoteFiles(asker)
        for path, _content in _policy_files(items):
            files.remove(f"{path}{_ENDING}")
        for name in ("restore.reg", "task.xml"):
            files.remove(f"{self._folder}\\{name}")
        files.remove(self._folder)

    def _is_registered(self, asker: Asker) -> bool:
        """Raises ChangeError where schtasks.exe is there and was not let run: a task may stand unseen."""
        answer = self._answer(asker, "/query", "/tn", TASK)
        code = exit_code(answer)
        if code is None and not any(refusal.is_missing_command for refusal in answer.refusals):
            told = next((refusal.sentence() for refusal in answer.refusals), "It gave no exit code.")
            raise ChangeError(
                "guard_unknown",
                f"schtasks.exe did not run, so whether the scheduled task {TASK} stands is unknown. {told}",
            )
        return code == 0

    def _schtasks(self, asker: Asker, *arguments: str) -> bool:
        return exit_code(self._answer(asker, *arguments)) == 0

    def _answer(self, asker: Asker, *arguments: str) -> Answer:
        """With the exit code, since the tool's text is localized."""
        tool = f"{self._system32}\\schtasks.exe"
        return asker.ask(
            [(command(tool, *arguments),), (command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),)]
        )


def _policy_files(items: t.Sequence[Item]) -> list[tuple[str, bytes | None]]:
    """(path, content before) of Registry.pol. The version in gpt.ini goes on counting, so it is left as it is."""
    return [
        (item["path"], file_content(item["before"]))
        for item in items
        if item["kind"] == "file" and item["path"].lower().endswith(".pol")
    ]
