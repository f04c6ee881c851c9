# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""May this endpoint be restarted now, and by which way: one answer for cure, reboot and rollback.

A restart is *held*, never failed, where somebody is logged on, where the endpoint has a role for which nobody allowed
it by name, where the maintenance window is closed, and where one of these could not be read.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError

When = t.Literal["always", "no_user", "never"]
ALWAYS: t.Final = "always"
NO_USER: t.Final = "no_user"
NEVER: t.Final = "never"

HeldCode = t.Literal["never", "role", "roles_unknown", "users", "users_unknown", "window"]


@dataclass(frozen=True)
class Held:
    """Why a restart waits. ``clause`` goes behind another one: it begins small and has no full stop."""

    code: HeldCode
    clause: str

    def sentence(self) -> str:
        return f"{self.clause[0].upper()}{self.clause[1:]}."


def _always_open() -> str | None:
    return None


@dataclass(frozen=True)
class RestartOptions:
    when: str = ALWAYS
    """``always``, ``no_user`` (not while somebody is logged on) or ``never``."""
    named_roles: frozenset[str] = field(default_factory=frozenset)
    """Roles of ``reboot.special_roles`` for which a restart was allowed by name."""
    other_way: reboot.OtherWay | None = None
    """How to restart in place of the native way."""
    window: t.Callable[[], str | None] = _always_open
    """A sentence why nothing may be restarted now (maintenance window), or None."""


class Restart:
    """A restart of one endpoint. What is read may raise SessionError."""

    def __init__(self, endpoint: reboot.Endpoint, options: RestartOptions, system_root: str = r"C:\Windows") -> None:
        self._endpoint = endpoint
        self._options = options
        self._system_root = system_root

    def held_for_good(self) -> Held | None:
        """What does not change by waiting: asked before anything is changed that would need the restart."""
        if self._options.when == NEVER:
            return Held("never", "it counts after the next restart, which was not allowed")
        try:
            roles = reboot.special_roles(self._endpoint.session())
        except ChangeError as error:
            if error.code != reboot.ROLES_UNKNOWN:
                raise
            return Held("roles_unknown", f"{reboot.ROLES_NOT_READ}, so the restart waits")
        held = [words for role, words in roles if role not in self._options.named_roles]
        if not held:
            return None
        return Held("role", f"this endpoint is {held[0]}; it is restarted only when that is allowed by name")

    def held_now(self) -> Held | None:
        """What may be otherwise later: asked right before the restart."""
        closed = self._options.window()
        if closed is not None:
            return Held("window", f"the restart waits. {closed.removesuffix('.')}")
        if self._options.when != NO_USER:
            return None
        try:
            if reboot.users_logged_on(self._endpoint.session()):
                return Held("users", "somebody is logged on, so the restart waits")
        except ChangeError as error:
            if error.code != reboot.USERS_UNKNOWN:
                raise
            return Held("users_unknown", "whether somebody is logged on could not be read, so the restart waits")
        return None

    def held(self) -> Held | None:
        return self.held_for_good() or self.held_now()

    def make(self, wait: reboot.TimeLeft, before: str | None = None) -> reboot.Restarted:
        """Restarts, and waits for a boot time later than ``before`` (as it is now, where that was not read yet).

        Raises ChangeError with code ``no_boot_time``, ``restart_refused`` or ``timed_out``.
        """
        before = before or reboot.boot_time(self._endpoint.session())
        return reboot.restart_and_wait(self._endpoint, before, wait, self._system_root, self._options.other_way)


__all__ = ["ALWAYS", "NEVER", "NO_USER", "Held", "Restart", "RestartOptions"]
