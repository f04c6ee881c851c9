# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Restarting by ``ansible.windows.win_reboot``, where a site prefers it.

It sends script text, so a session without language (JEA), a strict language mode or an AMSI provider may refuse it. It
orders nothing before its first script has answered; what it refused can therefore be done the native way.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import REASON, WIN_REBOOT, Endpoint

NAME = "ansible.windows.win_reboot"
MISSING = (
    "reboot_method: win_reboot needs the collection ansible.windows, which is not installed: run ansible-galaxy "
    "collection install ansible.windows, or take reboot_method: native."
)
REFUSED = (
    "ansible.windows.win_reboot ordered no restart, since its scripts were refused or failed; the native way was taken."
)
RunAction = t.Callable[[dict[str, t.Any]], dict[str, t.Any]]
"""Runs the action with these options and gives its result."""


class MissingCollection(Exception):
    """ansible.windows is not installed; the message is one sentence."""


class WinReboot:
    """Restarts an endpoint and waits until it is back."""

    def __init__(self, run: RunAction) -> None:
        self._run = run

    def __call__(self, endpoint: Endpoint, seconds: float) -> str | None:
        """None once a restart was ordered, whatever became of it; else why none was ordered."""
        endpoint.hand_over()
        try:
            # The plugin waits twice for so long: for the boot time, then for the prompt of LogonUI.
            result = self._run({"msg": REASON, "reboot_timeout": max(1.0, seconds)})
        finally:
            endpoint.hand_over()
        return None if result.get("rebooted") else REFUSED


def chosen_way(action: t.Any, arguments: t.Mapping[str, t.Any], task_vars: dict[str, t.Any] | None) -> WinReboot | None:
    """The way that the option ``reboot_method`` names; None for the native one. Raises MissingCollection."""
    return win_reboot_of(action, task_vars) if arguments["reboot_method"] == WIN_REBOOT else None


def win_reboot_of(action: t.Any, task_vars: dict[str, t.Any] | None) -> WinReboot:
    """For an action plugin: the other action on the same connection. Raises MissingCollection."""
    loader = action._shared_loader_obj.action_loader
    task = action._task.copy()
    task.args = {}
    other = loader.get(
        NAME,
        task=task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    if other is None:
        raise MissingCollection(MISSING)

    def run(options: dict[str, t.Any]) -> dict[str, t.Any]:
        task.args = options
        result: dict[str, t.Any] = other.run(task_vars=task_vars)
        return result

    return WinReboot(run)
