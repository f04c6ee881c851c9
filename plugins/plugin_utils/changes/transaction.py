# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One change as a whole: before-image → test write → steps; or all of it undone, at once. And the way back later.

Nothing is written before the before-image is on disk. A connection that breaks between a write and its answer says
nothing about the write, so the endpoint is looked at and the change goes on. Whatever else ends the change after its
first write (an error, a deadline, a task time-out, an interrupt) undoes it, in a time of its own.

``make`` is for every change of the collection: cure, cipher_order, schannel and domain_gpo; ``put_back`` for every way
back: the undoing of a change that failed, rollback, and domain_gpo's ``restored``.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import Item
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Foreseen, Undone
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.again import again
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageError,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ALREADY, KEPT, RESTORED, Waiter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import ABSENT
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import Work
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, own_time
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

SECONDS_FOR_UNDOING = 120.0
"""An undoing has a time of its own: a change may have failed because its time was up."""

_T = t.TypeVar("_T")
_Step = t.TypeVar("_Step")
MakeWork = t.Callable[[Waiter], Work[_Step]]
"""Makes the work anew over the present session; the waiter is for what has to follow a write."""


@dataclass(frozen=True)
class Label:
    """What a before-image says about its origin."""

    host: str
    run_id: str
    token: str


def _nothing_to_add(_image: BeforeImage) -> None:
    return None


@dataclass(frozen=True)
class Stages:
    """What the caller does between; an error of theirs ends the change before anything was written."""

    kept: t.Callable[[BeforeImage], None] = _nothing_to_add
    """The before-image is on disk; the copy is not kept yet."""
    begins: t.Callable[[BeforeImage], None] = _nothing_to_add
    """The first write comes next."""


class Transaction(t.Generic[_Step]):
    """The attributes say how far ``make`` came, also when it raised. A transaction is one change, or one way back."""

    def __init__(
        self,
        endpoint: reboot.Endpoint,
        make_work: MakeWork[_Step],
        store: BeforeImageStore,
        label: Label,
        wait: Waiter,
        stages: Stages | None = None,
        wait_undoing: Waiter | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._make_work = make_work
        self._store = store
        self._label = label
        self._wait = wait
        self._stages = stages or Stages()
        self._wait_undoing = wait_undoing
        self._noted: State = {**ABSENT}
        self.image: BeforeImage | None = None
        self.image_on_endpoint: bool | None = None
        """Whether the endpoint took a copy of its own."""
        self.begun = False
        """Whether a first write may have been made."""
        self.undone: list[Undone] | None = None
        """What became of each item, where the change was undone."""
        self.not_undone: str | None = None
        """Why it could not be undone, where it could not."""

    @property
    def changed(self) -> bool:
        """Whether the endpoint holds something of the change, or may hold it."""
        return self.begun and (self.undone is None or any(one["outcome"] == KEPT for one in self.undone))

    # The change -----------------------------------------------------------------------------------------------------

    def make(self, steps: t.Sequence[_Step]) -> None:
        """Raises what went wrong; then the change is undone as far as the endpoint could still be reached."""
        try:
            image = self._prepare(steps)
            self._stages.begins(image)
        except BaseException:
            self._leave_no_note()
            raise
        self.begun = True
        try:
            self._again(lambda: self._carry_out(steps, image.items))
        except BaseException:
            self._undo(image)
            raise

    def told(self) -> str:
        """What became of a change that failed, as a further sentence; empty where nothing was begun."""
        if not self.begun or self.image is None:
            return ""
        if self.undone is None:
            why = f" ({self.not_undone})" if self.not_undone else ""
            return f" It could not be undone{why}; the before-image {self.image.id} holds what stood there."
        kept = [one for one in self.undone if one["outcome"] == KEPT]
        if kept:
            return f" {kept[0]['path']}\\{kept[0]['name']} was changed by somebody else meanwhile and was left so."
        return " What was written has been undone."

    def _prepare(self, steps: t.Sequence[_Step]) -> BeforeImage:
        self._noted = self._again(lambda: self._work().noted())
        items = self._again(lambda: self._work().prepare(steps))
        self.image = image = self._store.keep(self._label.host, self._label.run_id, self._label.token, items)
        # From here on a rollback knows of the endpoint, and takes away whatever a power failure leaves of the test.
        self._again(lambda: self._work().test_write())
        self._stages.kept(image)
        self.image_on_endpoint = self._keep_copy(image)
        return image

    def _carry_out(self, steps: t.Sequence[_Step], items: t.Sequence[Item]) -> None:
        work = self._work()
        work.note()
        work.carry_out(steps, items)

    def _undo(self, image: BeforeImage) -> None:
        try:
            with own_time(SECONDS_FOR_UNDOING):
                self._endpoint.renew()
                wait = self._wait_undoing or Countdown(SECONDS_FOR_UNDOING)
                self.undone = again(self._endpoint, wait, lambda: self._make_work(wait).undo(image.items))
                if not self.changed:
                    self._store.mark_restored(image, self.undone)
                    with contextlib.suppress(SessionError, ChangeError):
                        self._make_work(wait).remove_copy(image)
                self._make_work(wait).note_again(self._noted)
        except (SessionError, ChangeError, BeforeImageError) as error:
            self.not_undone = str(error)
        except DeadlineExceeded:
            self.not_undone = f"the endpoint did not answer within {SECONDS_FOR_UNDOING:g} seconds"

    def _leave_no_note(self) -> None:
        """The test write has made our key; nothing else was written."""
        with (
            contextlib.suppress(SessionError, ChangeError, BeforeImageError, DeadlineExceeded),
            own_time(SECONDS_FOR_UNDOING),
        ):
            if self.image is None:
                return
            self._work().note_again(self._noted)
            self._work().remove_copy(self.image)
            self._store.mark_restored(self.image, [])

    def _keep_copy(self, image: BeforeImage) -> bool:
        """A second copy, since the disk of an execution environment is thrown away; the first one is on disk."""
        try:
            self._again(lambda: self._work().keep_copy(image))
        except ChangeError:
            return False
        except SessionError:
            self._endpoint.renew()
            return False
        return True

    # The way back ---------------------------------------------------------------------------------------------------

    def foresee(self, image: BeforeImage) -> list[Foreseen]:
        """What ``put_back`` would come to. Nothing is written."""
        return self._again(lambda: self._work().foresee(image.items))

    def put_back(self, image: BeforeImage, foreseen: t.Sequence[Foreseen]) -> list[Undone]:
        """Puts the image back; what became of each item. An image of which nothing was kept is marked as put back.

        Raises ChangeError, SessionError or BeforeImageError on the way; doing it again goes on.
        """
        outcomes = {(one["path"], one["name"]): one["outcome"] for one in foreseen}
        if RESTORED in outcomes.values():
            self._again(lambda: self._work().note())
            for one in self._again(lambda: self._work().undo(image.items)):
                place = one["path"], one["name"]
                if outcomes.get(place) != ALREADY:
                    outcomes[place] = one["outcome"]
        else:
            self._again(lambda: self._work().tidy(image.items))
        told = [Undone(path=path, name=name, outcome=outcome) for (path, name), outcome in outcomes.items()]
        if KEPT not in outcomes.values():
            self._store.mark_restored(image, told)
            with contextlib.suppress(ChangeError, SessionError):
                self._work().remove_copy(image)
        return told

    # Details --------------------------------------------------------------------------------------------------------

    def _work(self) -> Work[_Step]:
        return self._make_work(self._wait)

    def _again(self, act: t.Callable[[], _T]) -> _T:
        return again(self._endpoint, self._wait, act)
