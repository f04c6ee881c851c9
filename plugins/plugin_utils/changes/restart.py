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

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.hooks import HookError, HookInput, run_hook
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import default

When = t.Literal["always", "no_user", "never"]
ALWAYS: t.Final = "always"
NO_USER: t.Final = "no_user"
NEVER: t.Final = "never"

HOLD: t.Final = "hold"
FORCE: t.Final = "force"

HeldCode = t.Literal[
    "never",
    "role",
    "roles_unknown",
    "users",
    "users_unknown",
    "window",
    "battery",
    "others",
    "announced",
    "lingering",
    "hook",
]
_BY_ERROR: dict[str, tuple[HeldCode, str]] = {
    reboot.OTHERS: (
        "others",
        "others are logged on, and Windows refuses a restart without force, so the restart waits",
    ),
    reboot.ANNOUNCED: ("announced", "somebody else has announced a restart, which is not raced"),
    reboot.LINGERING: (
        "lingering",
        "an application seems to keep the endpoint from shutting down; the restart was called off",
    ),
}
_LOOK_AGAIN = 30.0


@dataclass(frozen=True)
class RestartHold:
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
    countdown: int = 60
    """Seconds that whoever is logged on has for saving; nobody's endpoint restarts at once."""
    put_off: float = 0.0
    """Seconds for which the controller looks again, where somebody is logged on and ``when`` is ``no_user``."""
    then: str = HOLD
    """What comes after them: ``hold``, or ``force``: a restart with its countdown all the same."""
    on_battery: str = HOLD
    """``hold`` does not restart an endpoint whose battery is discharging; ``restart`` does."""
    hook_before: tuple[str, ...] = ()
    """A command of the controller, as its arguments; where it fails the restart is held."""
    hook_after: tuple[str, ...] = ()
    """The same once the endpoint is back; where it fails, that is noted."""
    about: tuple[str, str | None] = ("", None)
    """Host and run, for the commands."""
    update_seconds: float = float(default("tetra_update_seconds"))
    """Seconds beyond the deadline for an endpoint with Windows updates that wait for the restart."""


class RestartHeld(Exception):
    """The endpoint was not restarted, and is as it was."""

    def __init__(self, held: RestartHold) -> None:
        super().__init__(held.sentence())
        self.held = held


class Restart:
    """A restart of one endpoint. What is read may raise SessionError."""

    def __init__(self, endpoint: reboot.Endpoint, options: RestartOptions, system_root: str = r"C:\Windows") -> None:
        self._endpoint = endpoint
        self._options = options
        self._system_root = system_root
        self._forced = False

    def held_for_good(self) -> RestartHold | None:
        """What does not change by waiting: asked before anything is changed that would need the restart."""
        if self._options.when == NEVER:
            return RestartHold("never", "it counts after the next restart, which was not allowed")
        try:
            roles = reboot.special_roles(self._endpoint.session())
        except ChangeError as error:
            if error.code != reboot.ROLES_UNKNOWN:
                raise
            return RestartHold("roles_unknown", f"{reboot.ROLES_NOT_READ}, so the restart waits")
        held = [words for role, words in roles if role not in self._options.named_roles]
        if not held:
            return None
        return RestartHold("role", f"this endpoint is {held[0]}; it is restarted only when that is allowed by name")

    def held_now(self) -> RestartHold | None:
        """What may be otherwise later: asked right before the restart."""
        closed = self._options.window()
        if closed is not None:
            return RestartHold("window", f"the restart waits. {closed.removesuffix('.')}")
        if self._options.on_battery == HOLD and reboot.runs_on_battery(self._endpoint.session()):
            return RestartHold("battery", "the endpoint runs on its battery, so the restart waits")
        return self._held_by_users() if self._options.when == NO_USER and not self._forced else None

    def _held_by_users(self) -> RestartHold | None:
        try:
            if reboot.users_logged_on(self._endpoint.session()):
                return RestartHold("users", "somebody is logged on, so the restart waits")
        except ChangeError as error:
            if error.code != reboot.USERS_UNKNOWN:
                raise
            return RestartHold("users_unknown", "whether somebody is logged on could not be read, so the restart waits")
        return None

    def put_off(self, wait: reboot.Waiter) -> None:
        """Looks again and again for as long as somebody is logged on, at most as long as the options allow.

        shutdown.exe knows no putting off. ``wait`` is False once the time for it is up; then it is as chosen.
        """
        if self._options.when != NO_USER or self._options.put_off <= 0:
            return
        while self._held_by_users() is not None:
            if not wait(_LOOK_AGAIN):
                self._forced = self._options.then == FORCE
                return

    def extra_seconds(self) -> float:
        """For updates that Windows installs while it restarts."""
        return self._options.update_seconds if reboot.update_waits(self._endpoint.session()) else 0.0

    def held(self) -> RestartHold | None:
        return self.held_for_good() or self.held_now()

    def make(self, wait: reboot.TimeLeft, before: str | None = None) -> reboot.Restarted:
        """Restarts, and waits for a boot time later than ``before`` (as it is now, where that was not read yet).

        Raises RestartHeld where the endpoint is left as it was, ChangeError with code ``no_boot_time``,
        ``restart_refused`` or ``timed_out``.
        """
        before = before or reboot.boot_time(self._endpoint.session())
        try:
            self._run_hook(self._options.hook_before, "before", before)
        except HookError as error:
            raise RestartHeld(RestartHold("hook", f"{error}, so the restart waits")) from error
        done = self._restart(wait, before)
        try:
            self._run_hook(self._options.hook_after, "after", done.after)
        except HookError as error:
            told = f"After the restart {error}."
            return dataclasses.replace(done, note=f"{done.note} {told}" if done.note else told)
        return done

    def _run_hook(self, argv: tuple[str, ...], when: t.Literal["before", "after"], boot_time: str) -> None:
        if argv:
            host, run_id = self._options.about
            run_hook(argv, HookInput(host=host, when=when, run_id=run_id, boot_time=boot_time))

    def _restart(self, wait: reboot.TimeLeft, before: str) -> reboot.Restarted:
        # A countdown as long as the deadline would be taken for a shutdown that does not go on.
        countdown = int(min(self._options.countdown, wait.left / 2)) if self._somebody_reads() else 0
        order = reboot.Order(countdown)
        try:
            return reboot.restart_and_wait(
                self._endpoint, before, wait, self._system_root, self._options.other_way, order
            )
        except ChangeError as error:
            if error.code in _BY_ERROR:
                raise RestartHeld(RestartHold(*_BY_ERROR[error.code])) from error
            raise

    def _somebody_reads(self) -> bool:
        """Where it cannot be said, somebody may."""
        return self._options.countdown > 0 and self._held_by_users() is not None


__all__ = ["ALWAYS", "FORCE", "HOLD", "NEVER", "NO_USER", "Restart", "RestartHeld", "RestartHold", "RestartOptions"]
