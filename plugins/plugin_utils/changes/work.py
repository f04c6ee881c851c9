# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a transaction changes: the values of one endpoint, or values of domain GPOs on a management host.

``Work`` is what the two have in common. It is made anew for every try, since a try may need a new session.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import Item
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Foreseen, Undone
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State, Step
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImage
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ChangeSet, Waiter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_images import EndpointImages
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now

_Step_contra = t.TypeVar("_Step_contra", contravariant=True)


class Work(t.Protocol[_Step_contra]):
    """Each method raises ChangeError or SessionError."""

    def noted(self) -> State:
        """The note of an earlier change that nobody has proven or undone yet."""

    def prepare(self, steps: t.Sequence[_Step_contra]) -> t.Sequence[Item]:
        """Reads what the steps name and refuses where it is not what was planned upon; the items of a before-image."""

    def test_write(self) -> None:
        """Finds out whether anything may be written at all. Raises NotWritable."""

    def note(self) -> None:
        """Leaves a note that a change is being made, before the first write of it."""

    def carry_out(self, steps: t.Sequence[_Step_contra], items: t.Sequence[Item]) -> None:
        """Writes, and sees that it was written. Going on where an earlier try was cut off."""

    def undo(self, items: t.Sequence[Item]) -> list[Undone]:
        """Puts back what is still as we wrote it."""

    def foresee(self, items: t.Sequence[Item]) -> list[Foreseen]:
        """What ``undo`` would do."""

    def tidy(self, items: t.Sequence[Item]) -> None:
        """What a change that was killed early left although its values are as before."""

    def note_again(self, noted: State) -> None:
        """The note as it was before a change that came to nothing."""

    def keep_copy(self, image: BeforeImage) -> None:
        """A second copy of the before-image where the change is made."""

    def remove_copy(self, image: BeforeImage) -> None:
        """The copy of an image that was put back is of no more use."""


class EndpointWork:
    """The values of one endpoint: its policy, its lists, its switches."""

    def __init__(self, endpoint: reboot.Endpoint, folders: WindowsFolders, wait: Waiter, force: bool = False) -> None:
        """``force``: a policy file that is damaged, and not by us, is replaced whole when something is put back."""
        self._force = force
        self._endpoint = endpoint
        self._folders = folders
        self._changes = ChangeSet(endpoint.session(), wait, folders.system_root)

    def noted(self) -> State:
        return self._changes.noted_change()

    def prepare(self, steps: t.Sequence[Step]) -> list[Item]:
        return self._changes.prepare(steps)

    def test_write(self) -> None:
        self._changes.test_write()

    def note(self) -> None:
        """The time of the change by the endpoint's own clock."""
        asker = self._endpoint.session()
        self._changes.note_change(reboot.clock(asker) or _boot_time(self._endpoint) or now())

    def carry_out(self, steps: t.Sequence[Step], items: t.Sequence[Item]) -> None:
        self._changes.carry_out(steps, items)

    def undo(self, items: t.Sequence[Item]) -> list[Undone]:
        return self._changes.undo(items, self._force)

    def foresee(self, items: t.Sequence[Item]) -> list[Foreseen]:
        return self._changes.foresee(items, self._force)

    def tidy(self, items: t.Sequence[Item]) -> None:
        self._changes.tidy(items)

    def note_again(self, noted: State) -> None:
        self._changes.note_again(noted)

    def keep_copy(self, image: BeforeImage) -> None:
        EndpointImages(self._endpoint.session(), self._folders).keep(image)

    def remove_copy(self, image: BeforeImage) -> None:
        EndpointImages(self._endpoint.session(), self._folders).remove(image)


def _boot_time(endpoint: reboot.Endpoint) -> str | None:
    try:
        return reboot.boot_time(endpoint.session())
    except ChangeError:
        return None
