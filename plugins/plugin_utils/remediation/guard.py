# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""When an endpoint is guarded by a scheduled task of its own, over the stages of a cure.

before the change: armed → before the restart: armed anew, since waiting for it took time → proven, undone or held:
taken away → anything else: it stays, and the endpoint puts its old values back when the time is up.

A guard that an earlier run left is taken away also where this one asks for none, or it would undo a proven change.
"""

from __future__ import annotations

import contextlib

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImage, BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ALREADY, ChangeSet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.commit_confirm import CommitConfirm
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

RESTORED_ITSELF = "restored_itself"


class GuardError(ValueError):
    """The options of a guard do not go together. The message is one sentence."""


def check_options(minutes: int, seconds: float, reboot_when: str) -> None:
    """``seconds``: the deadline of a cure. Raises GuardError."""
    if minutes < 0:
        raise GuardError("commit_confirm is a number of minutes, 0 for no guard.")
    if minutes and reboot_when == "never":
        raise GuardError("commit_confirm needs a restart to be confirmed after; reboot_when is never.")
    if minutes and minutes * 60 <= seconds:
        raise GuardError(
            f"commit_confirm has to be longer than the deadline of an endpoint: {minutes} minutes against "
            f"{seconds:g} seconds."
        )


class Guard:
    """The guard of one endpoint; ``minutes`` 0 for none. Raises ChangeError or SessionError."""

    def __init__(
        self, endpoint: reboot.Endpoint, store: BeforeImageStore, host: str, run_id: str, minutes: float
    ) -> None:
        self._endpoint = endpoint
        self._store = store
        self._host = host
        self._run_id = run_id
        self._minutes = minutes
        self.until: str | None = None
        """When the endpoint will put its old values back (UTC), while the guard is known to stand."""
        self._another = False

    def before_change(self, image: BeforeImage) -> None:
        if not self._minutes:
            return
        self._store.mark_guarded(image)
        try:
            self.until = self._confirm().arm(image.items, self._minutes)
        except ChangeError as error:
            raise ChangeError(error.code, f"{error} Nothing was changed.") from error
        except SessionError:
            # It may stand, and would restart an endpoint that was not changed.
            with contextlib.suppress(SessionError, ChangeError):
                self._endpoint.renew()
                self._confirm().disarm(image.items)
            raise

    def before_restart(self) -> None:
        """Gives the whole time again. Raises ChangeError with code ``restored_itself`` where it was too late."""
        image = self._ours() if self._minutes else None
        if image is None:
            return
        self._refuse_old_values(image)
        self._store.mark_guarded(image)
        try:
            self.until = self._confirm().arm(image.items, self._minutes)
        except ChangeError as error:
            self.until = None
            raise ChangeError(error.code, f"{error} The endpoint was not restarted.") from error

    def after_proof(self) -> None:
        """Takes the guard away and sees that it had not struck before."""
        if not self.take_away():
            return
        image = self._ours()
        if image is not None:
            self._refuse_old_values(image)

    def expect_one_of_another_controller(self) -> None:
        """The endpoint tells of a change. Where no image of it is here, the results of that run are lost, and nobody
        knows whether it left a guard; the next ``take_away`` looks."""
        self._another = not self._store.has_any(self._host)

    def take_away(self) -> bool:
        """The change was undone, or waits for a restart that is not ours. False where there never was a guard."""
        images = self._store.guarded(self._host)
        if images:
            # There is one task, and each guard replaced the one before.
            self._confirm().disarm(images[0].items)
            self._store.forget_guards(self._host)
        elif self._another:
            self._confirm().disarm_unknown()
        self._another = False
        self.until = None
        return bool(images)

    def told(self) -> str:
        """A sentence about a guard that stands, to go behind another one."""
        return f" It puts its old values back by itself at {self.until}." if self.until is not None else ""

    def _ours(self) -> BeforeImage | None:
        """The change of this run. Older ones were proven; they are not to be put back."""
        return next((image for image in self._store.unrestored(self._host) if image.run_id == self._run_id), None)

    def _refuse_old_values(self, image: BeforeImage) -> None:
        foreseen = ChangeSet(self._endpoint.session(), lambda _seconds: False).foresee(image.items)
        if foreseen and all(one["outcome"] == ALREADY for one in foreseen):
            raise ChangeError(
                RESTORED_ITSELF, "The endpoint has put its old values back by itself, since it was not proven in time."
            )

    def _confirm(self) -> CommitConfirm:
        return CommitConfirm(self._endpoint, read_folders(self._endpoint.session()))


__all__ = ["RESTORED_ITSELF", "Guard", "GuardError", "check_options"]
