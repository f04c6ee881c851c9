# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Putting one endpoint back to what its before-images say, newest first.

in flight? → images → foresee → undo one image after the other → restart

A value that is no longer as we wrote it belongs to somebody else by now; it is kept and told. An image is marked as put
back once nothing of it was kept, so a rollback that was killed is finished by the next one. While values are put back
the key ``HKLM\\SOFTWARE\\fleetops.tetra`` holds the time, as it does during a cure: it tells the next rollback that a
restart is owed.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import cure as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import RegistryValueItem, ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Foreseen
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State, Step
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import reboot
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.again import again
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImage, BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import RESTORED, ChangeSet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.commit_confirm import CommitConfirm
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_images import EndpointImages
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.endpoint_lock import EndpointBusy, alone_at
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.restart import Restart, RestartHeld, RestartOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders, read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.work import EndpointWork
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import Journal
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.image_items import REGISTRY_VALUE
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import default


class RestoredItem(t.TypedDict):
    """One value of an image: what became of it, how it stood, and how the image has it."""

    image: str
    run_id: str
    path: str
    name: str | None
    outcome: documents.Outcome
    present: ValueState
    before: State


class ImageRef(t.TypedDict):
    """A before-image; ``source``: whose copy it is."""

    id: str
    created_at: str
    run_id: str
    source: str


_T = t.TypeVar("_T")

CONTROLLER, ENDPOINT = "controller", "endpoint"


class RollbackError(Exception):
    """Nothing was done to the endpoint; the message is one sentence."""


@dataclass(frozen=True)
class RollbackOptions:
    run_id: str | None = None
    """Only images of this run."""
    from_endpoint: bool = False
    """Take the endpoint's own copies for those that the controller does not have."""
    reboot: bool = False
    restart: RestartOptions = field(default_factory=RestartOptions)
    """When it may be restarted, and by which way; as in a cure."""
    force: bool = False
    """Replace a policy file that is damaged, and not by us, by the whole file of the before-image."""
    deadline: float = float(default("tetra_deadline"))
    """Seconds for the whole endpoint."""
    check_only: bool = False


@dataclass
class Outcome:
    """What became of one endpoint; complete also where an error ended it."""

    items: list[RestoredItem] = field(default_factory=list)
    """In the order in which they were taken up."""
    images: list[ImageRef] = field(default_factory=list)
    """Newest first."""
    of_gpos: list[str] = field(default_factory=list)
    """Ids of images of domain GPOs, which are not put back here."""
    changed: bool = False
    needs_reboot: bool = False
    """What was put back counts after the next restart."""
    rebooted: bool = False
    not_restarted: str | None = None
    """Why the endpoint was not restarted although that was asked for."""


class Rollback:
    """``run`` is called once; ``outcome`` says how far it came, also when it raised."""

    def __init__(self, endpoint: reboot.Endpoint, results_dir: Path, host: str, options: RollbackOptions) -> None:
        self._endpoint = endpoint
        self._results_dir = results_dir
        self._store = BeforeImageStore(results_dir)
        self._host = host
        self._options = options
        self._wait = Countdown(options.deadline)
        self._folders = WindowsFolders()
        self._would_stand: dict[tuple[str, str | None], State] = {}
        self.outcome = Outcome()

    def run(self) -> None:
        """Raises RollbackError or BeforeImageError before anything is done; ChangeError or SessionError on the way."""
        if not self._store.folder.is_dir() and not self._options.from_endpoint:
            raise RollbackError(
                f"There is no before-image at all in {self._store.folder}: look for a typo in "
                "tetra_results_dir, or let the endpoints' own copies be used (tetra_from_endpoint: true)."
            )
        with self._alone():
            self._refuse_while_cured()
            images = self._on_controller()
            self.outcome.of_gpos = [image.id for image in self._store.unrestored(self._host, of_gpos=True)]
            guarded = bool(self._store.guarded(self._host))
            unfinished = self._store.has_unfinished_rollback(self._host)
            if images or guarded or unfinished or self._options.from_endpoint or self._owes_a_restart_perhaps():
                self._put_back(images, unfinished)

    # Which images ---------------------------------------------------------------------------------------------------

    def _on_controller(self) -> list[tuple[BeforeImage, str]]:
        return [(image, CONTROLLER) for image in self._store.unrestored(self._host) if self._is_wanted(image)]

    def _on_endpoint(self, images: list[tuple[BeforeImage, str]]) -> list[tuple[BeforeImage, str]]:
        """Adds the copies that the controller knows nothing of; newest first."""
        store = EndpointImages(self._endpoint.session(), self._folders)
        copies = store.read(self._host, lambda id_: self._store.knows_id(self._host, id_))
        unknown = [image for image in copies if self._is_wanted(image)]
        images = [*images, *((image, ENDPOINT) for image in unknown)]
        return sorted(images, key=lambda one: one[0].id, reverse=True)

    def _is_wanted(self, image: BeforeImage) -> bool:
        return self._options.run_id is None or image.run_id == self._options.run_id

    # Doing it -------------------------------------------------------------------------------------------------------

    def _put_back(self, images: list[tuple[BeforeImage, str]], unfinished: bool) -> None:
        self._folders = read_folders(self._endpoint.session())
        if self._options.from_endpoint:
            images = self._on_endpoint(images)
        self.outcome.images = [_about(image, source) for image, source in images]
        if images and not self._options.check_only:
            self._store.begin_rollback(self._host)
        self._call_the_guard_off([image for image, _source in images])
        owed = self._is_owed_a_restart()
        for image, source in images:
            self._one(image, source)
        self.outcome.needs_reboot = owed or any(item["outcome"] == RESTORED for item in self.outcome.items)
        if self._options.check_only:
            return
        if self._options.reboot and self.outcome.needs_reboot:
            self._restart()
        if images or unfinished or self.outcome.rebooted:
            self._again(lambda: self._changes().forget_change())
            with contextlib.suppress(ChangeError):
                self._again(self._tidy_copies)
        self._store.end_rollback(self._host)

    def _tidy_copies(self) -> None:
        EndpointImages(self._endpoint.session(), self._folders).tidy(self._store.restored_ids(self._host))

    def _one(self, image: BeforeImage, source: str) -> None:
        transaction = self._transaction(image)
        foreseen = transaction.foresee(image)
        told = self._told(image, foreseen)
        self.outcome.items.extend(told)
        self.outcome.changed = self.outcome.changed or any(one["outcome"] == RESTORED for one in told)
        if self._options.check_only:
            return
        if source == ENDPOINT:
            self._store.adopt(image)
        undone = {(one["path"], one["name"]): one["outcome"] for one in transaction.put_back(image, foreseen)}
        for one in told:
            one["outcome"] = undone[one["path"], one["name"]]

    def _transaction(self, image: BeforeImage) -> Transaction[Step]:
        return Transaction(
            self._endpoint,
            lambda wait: EndpointWork(self._endpoint, self._folders, wait, self._options.force),
            self._store,
            Label(self._host, image.run_id, image.token),
            self._wait,
        )

    def _call_the_guard_off(self, images: t.Sequence[BeforeImage]) -> None:
        """What a cure with commit-confirm left on the endpoint would restart it later for nothing."""
        if self._options.check_only or not (self._store.guarded(self._host) or self._options.from_endpoint):
            return
        items = [item for image in (*images, *self._store.guarded(self._host)) for item in image.items]
        stood = self._again(lambda: CommitConfirm(self._endpoint, self._folders).disarm(items))
        self.outcome.changed = self.outcome.changed or stood
        self._store.forget_guards(self._host)

    def _again(self, act: t.Callable[[], _T]) -> _T:
        return again(self._endpoint, self._wait, act)

    def _told(self, image: BeforeImage, foreseen: t.Sequence[Foreseen]) -> list[RestoredItem]:
        items: dict[tuple[str, str | None], RegistryValueItem] = {
            (item["path"], item["name"]): item for item in image.items if item["kind"] == REGISTRY_VALUE
        }
        told: list[RestoredItem] = []
        for known in foreseen:
            one: Foreseen = {**known}
            place = one["path"], one["name"]
            item = items[place]
            if self._options.check_only:
                # Where a newer image of the same value would be put back first, the value would stand so by then.
                one["present"] = self._would_stand.get(place, one["present"])
                if place in self._would_stand:
                    one["outcome"] = ChangeSet.foreseen(item, one["present"])
                if one["outcome"] == RESTORED:
                    self._would_stand[place] = item["before"]
            told.append(
                {
                    "image": image.id,
                    "run_id": image.run_id,
                    "path": one["path"],
                    "name": one["name"],
                    "outcome": one["outcome"],
                    "present": one["present"],
                    "before": item["before"],
                }
            )
        return told

    def _is_owed_a_restart(self) -> bool:
        noted = self._changes().noted_change()
        if noted["status"] != "ok":
            return False
        with contextlib.suppress(ChangeError):
            return str(noted["data"]) > reboot.boot_time(self._endpoint.session())
        return True

    def _restart(self) -> None:
        restart = Restart(self._endpoint, self._options.restart, self._folders.system_root)
        if self._options.restart.put_off > 0:
            restart.put_off(Countdown(self._options.restart.put_off))
        held = restart.held()
        if held is not None:
            self.outcome.not_restarted = held.sentence()
            return
        self._wait.extend(restart.extra_seconds())
        try:
            restart.make(self._wait)
        except RestartHeld as error:
            self.outcome.not_restarted = str(error)
            return
        self.outcome.rebooted, self.outcome.needs_reboot = True, False

    # Details --------------------------------------------------------------------------------------------------------

    def _changes(self) -> ChangeSet:
        return ChangeSet(self._endpoint.session(), self._wait, self._folders.system_root)

    def _owes_a_restart_perhaps(self) -> bool:
        """A rollback that was killed before its restart has left nothing but restored images."""
        return self._options.reboot and self._store.has_any(self._host)

    def _refuse_while_cured(self) -> None:
        """Raises RollbackError, or JournalError where a journal cannot be read."""
        for path in sorted(self._results_dir.glob(f"*/journal/{encode_name(self._host)}.jsonl")):
            if Journal(path.parent.parent, token="").standing(self._host).in_flight:
                raise RollbackError(
                    f"The run {path.parent.parent.name} is curing this endpoint just now: wait for its end, or stop it."
                )

    @contextlib.contextmanager
    def _alone(self) -> c.Iterator[None]:
        """Two rollbacks of the same endpoint would undo each other's steps, and so would a cure."""
        folder = self._store.folder_of(self._host)
        if self._options.check_only or not (folder.is_dir() or self._options.from_endpoint):
            yield
            return
        with contextlib.ExitStack() as lock:
            try:
                lock.enter_context(alone_at(folder))
            except EndpointBusy as error:
                self._refuse_while_cured()
                raise RollbackError(str(error)) from error
            yield


def _about(image: BeforeImage, source: str) -> ImageRef:
    return {"id": image.id, "created_at": image.created_at, "run_id": image.run_id, "source": source}
