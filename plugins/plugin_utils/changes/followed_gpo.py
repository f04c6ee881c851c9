# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""An endpoint follows a domain GPO that was changed elsewhere: policy is refreshed until the registry holds its value.

The domain controller that the endpoint asks may not have the change yet, so the refresh is asked for again and again.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Step
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.local_policy import LocalPolicy
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import Endpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry, same
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError

Steps = t.Sequence[Step]

NOT_FOLLOWED = "gpo_not_followed"
_AFTER_A_BROKEN_CONNECTION = 5.0
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between refreshes; the last one repeats."""


def follow(endpoint: Endpoint, system_root: str, steps: Steps, wait: t.Callable[[float], bool]) -> bool:
    """``after`` of each step is what its GPO holds. ``wait(seconds)`` is False when time is up.

    False where the registry held it already. Raises ChangeError with code ``gpo_not_followed``, or SessionError.
    """
    attempt = 0
    while True:
        try:
            waiting = _not_followed(endpoint.session(), steps)
            if not waiting:
                return attempt > 0
            if attempt and not wait(_PAUSES[min(attempt, len(_PAUSES)) - 1]):
                raise ChangeError(NOT_FOLLOWED, _sentence(waiting[0], attempt))
            attempt += 1
            LocalPolicy(endpoint.session(), system_root).refresh()
        except SessionError:
            # A refresh may restart the network, or WinRM with it.
            if not wait(_AFTER_A_BROKEN_CONNECTION):
                raise
            endpoint.renew()


def _not_followed(asker: Asker, steps: Steps) -> list[Step]:
    registry = RemoteRegistry(asker)
    return [step for step in steps if not same(registry.read(step["path"], step["name"]), step["after"])]


def _sentence(step: Step, attempts: int) -> str:
    owner = step["owner"]
    name = " ".join(part for part in (owner["name"], owner["guid"]) if part)
    times = "a policy refresh" if attempts == 1 else f"{attempts} policy refreshes"
    return (
        f"The GPO {name} was changed, but {step['name']} did not follow within the time allowed ({times}): it is not "
        "replicated to this endpoint's domain controller yet, or another GPO wins here."
    )
