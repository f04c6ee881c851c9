# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One change of one endpoint as a whole: test write → before-image → steps; or all of it undone, at once.

Nothing is written before the before-image is on disk. A connection that breaks between a write and its answer says
nothing about the write, so the endpoint is looked at and the change goes on.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.again import again
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageError,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import KEPT, ChangeSet, Waiter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_images import EndpointImages
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import ABSENT, State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

Document = dict[str, t.Any]
Steps = t.Sequence[t.Mapping[str, t.Any]]

_SECONDS_FOR_UNDOING = 120.0


@dataclass(frozen=True)
class Label:
    """What a before-image says about its origin."""

    host: str
    run_id: str
    token: str


class Transaction:
    """``make`` is called once; the attributes say how far it came, also when it raised."""

    def __init__(
        self, endpoint: reboot.Endpoint, folders: WindowsFolders, store: BeforeImageStore, label: Label, wait: Waiter
    ) -> None:
        self._endpoint = endpoint
        self._folders = folders
        self._store = store
        self._label = label
        self._wait = wait
        self._noted: State = dict(ABSENT)
        self.image: BeforeImage | None = None
        self.image_on_endpoint: bool | None = None
        """Whether the endpoint took a copy of its own."""
        self.begun = False
        """Whether a first write may have been made."""
        self.undone: list[Document] | None = None
        """What became of each item, where the change was undone."""

    @property
    def changed(self) -> bool:
        """Whether the endpoint holds something of the change, or may hold it."""
        return self.begun and (self.undone is None or any(one["outcome"] == KEPT for one in self.undone))

    def make(self, steps: Steps) -> None:
        """Raises ChangeError, BeforeImageError, SessionError or DeadlineExceeded; then the change is undone as far as
        the endpoint could still be reached."""
        items = self._prepare(steps)
        self.begun = True
        try:
            again(self._endpoint, self._wait, lambda: self._carry_out(steps, items))
        except (ChangeError, SessionError, DeadlineExceeded):
            self._undo(items)
            raise

    def _prepare(self, steps: Steps) -> list[Document]:
        changes = self._changes()
        self._noted = changes.noted_change()
        try:
            changes.test_write()
            items = changes.prepare(steps)
            self.image = self._store.keep(self._label.host, self._label.run_id, self._label.token, items)
        except (ChangeError, BeforeImageError):
            with contextlib.suppress(ChangeError, SessionError):
                changes.note_again(self._noted)
            raise
        self.image_on_endpoint = self._keep_on_endpoint(self.image)
        return items

    def _carry_out(self, steps: Steps, items: list[Document]) -> None:
        asker = self._endpoint.session()
        changes = self._changes()
        changes.note_change(reboot.clock(asker) or reboot.boot_time(asker))
        changes.carry_out(steps, items)

    def _undo(self, items: list[Document]) -> None:
        with contextlib.suppress(SessionError, ChangeError, BeforeImageError, DeadlineExceeded):
            with deadline(_SECONDS_FOR_UNDOING):
                self._endpoint.renew()
                changes = self._changes(Countdown(_SECONDS_FOR_UNDOING))
                self.undone = changes.undo(items)
                changes.note_again(self._noted)
            if self.image is not None and not self.changed:
                self._store.mark_restored(self.image, self.undone)

    def _keep_on_endpoint(self, image: BeforeImage) -> bool:
        try:
            EndpointImages(self._endpoint.session(), self._folders).keep(image)
        except ChangeError:
            return False
        return True

    def _changes(self, wait: Waiter | None = None) -> ChangeSet:
        return ChangeSet(self._endpoint.session(), wait or self._wait, self._folders.system_root)
