# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Changing values of domain GPOs on a management host, and putting them back.

``look`` reads and refuses; ``change`` keeps a before-image, writes, and sees that the GPO holds what was written. All
looks come before the first change, so that a GPO that does not exist, or that somebody changed since the plan was
made, is found out before anything is touched.

An item of a before-image is ``{kind: "gpo_value", path, name, guid, gpo, domain, before, after}``: ``path`` is the
registry key, ``gpo`` the GPO's display name, ``before`` and ``after`` are states as everywhere; ``disabled: true`` in
one says that the GPO takes the value away.
"""

from __future__ import annotations

import collections.abc as c
import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import (
    GpoState,
    GpoValueItem,
    Item,
    ValueState,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Foreseen, Outcome, Undone
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ALREADY, KEPT, RESTORED, Waiter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.gpo_value import Gpo, GpoValues, same_setting
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import Endpoint
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import ABSENT, same
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.transaction import Label, Transaction
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.image_items import GPO_VALUE


class Restored(t.TypedDict):
    """What became of a value of a GPO that was put back; ``before``: what the GPO held now, ``after``: holds then."""

    gpo: str | None
    guid: str
    path: str
    name: str
    outcome: Outcome
    before: ValueState
    after: ValueState


_SECONDS = 60.0
"""For trying again where a connection breaks."""


@dataclass(frozen=True)
class WantedSetting:
    """``gpo`` is a name or a GUID. ``expected``: what the plan found on the endpoints, None where nobody planned."""

    gpo: str
    key: str
    value: str
    after: GpoState
    domain: str | None = None
    expected: GpoState | None = None
    will_do: t.Callable[[GpoState], bool] = field(default=lambda _state: False)
    """Whether another value, which the GPO holds meanwhile, serves all endpoints as well."""


@dataclass(frozen=True)
class FoundSetting:
    """What the GPO holds. ``after``: what it will hold, or holds already where nothing is to be changed."""

    wanted: WantedSetting
    gpo: Gpo
    before: GpoState
    after: GpoState

    @property
    def is_to_change(self) -> bool:
        return not same_setting(self.before, self.after)


class GpoWork:
    """What a transaction does on a management host. A GPO needs no note: no endpoint of it waits for this one."""

    def __init__(self, asker: Asker, server: str | None = None) -> None:
        self._asker = asker
        self._server = server

    def noted(self) -> State:
        return {**ABSENT}

    def prepare(self, steps: t.Sequence[GpoValueItem]) -> list[GpoValueItem]:
        """A step is an item of a before-image. Raises ChangeError with code ``changed_meanwhile``."""
        for step in steps:
            gpo, present = self._present(step)
            if not same_setting(present, step["before"]):
                raise ChangeError(
                    "changed_meanwhile",
                    f"{step['name']} in the GPO {gpo} was changed by somebody meanwhile.",
                )
        return [{**step} for step in steps]

    def test_write(self) -> None:
        return None

    def note(self) -> None:
        return None

    def carry_out(self, steps: t.Sequence[GpoValueItem], items: t.Sequence[Item]) -> None:
        for item in _of_gpos(items):
            values = self._values(item)
            values.write(values.find(item["guid"]), item["path"], item["name"], item["after"], item["before"])

    def undo(self, items: t.Sequence[Item]) -> list[Undone]:
        told: list[Undone] = []
        for item, foreseen in zip(_of_gpos(items), self.foresee(items), strict=True):
            if foreseen["outcome"] == RESTORED:
                values = self._values(item)
                values.write(values.find(item["guid"]), item["path"], item["name"], item["before"], item["after"])
            told.append({"path": foreseen["path"], "name": foreseen["name"], "outcome": foreseen["outcome"]})
        return told

    def foresee(self, items: t.Sequence[Item]) -> list[Foreseen]:
        return [self._foreseen(item) for item in _of_gpos(items)]

    def tidy(self, items: t.Sequence[Item]) -> None:
        return None

    def note_again(self, noted: State) -> None:
        return None

    def keep_copy(self, image: BeforeImage) -> None:
        content = json.dumps(image.as_dict(), indent=1).encode()
        RemoteFiles(self._asker).replace(self._copy_of(image), content)

    def remove_copy(self, image: BeforeImage) -> None:
        RemoteFiles(self._asker).remove(self._copy_of(image))

    def _foreseen(self, item: GpoValueItem) -> Foreseen:
        _gpo, present = self._present(item)
        outcome: Outcome = KEPT
        if same_setting(present, item["before"]):
            outcome = ALREADY
        elif same_setting(present, item["after"]):
            outcome = RESTORED
        return Foreseen(path=item["path"], name=item["name"], outcome=outcome, present=present)

    def _present(self, item: GpoValueItem) -> tuple[Gpo, GpoState]:
        values = self._values(item)
        gpo = values.find(item["guid"])
        return gpo, values.read(gpo, item["path"], item["name"])

    def _values(self, item: GpoValueItem) -> GpoValues:
        return GpoValues(self._asker, item["domain"], self._server)

    def _copy_of(self, image: BeforeImage) -> str:
        return f"{read_folders(self._asker).copies}\\domain-gpos\\{image.id}.json"


class DomainPolicy:
    """Raises ChangeError, NotWritable, BeforeImageError or SessionError. ``host`` is the management host."""

    def __init__(
        self,
        endpoint: Endpoint,
        host: str,
        store: BeforeImageStore,
        run_id: str,
        token: str,
        server: str | None = None,
        wait: Waiter | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._store = store
        self._label = Label(host, run_id, token)
        self._server = server
        self._wait = wait or Countdown(_SECONDS)

    def look(self, wanted: WantedSetting) -> FoundSetting:
        """Touches nothing. Raises ChangeError with code ``changed_meanwhile`` where the plan is out of date."""
        values = GpoValues(self._endpoint.session(), wanted.domain, self._server)
        gpo = values.find(wanted.gpo)
        present = values.read(gpo, wanted.key, wanted.value)
        if same_setting(present, wanted.after) or wanted.expected is None or same(present, wanted.expected):
            return FoundSetting(wanted, gpo, present, wanted.after)
        if wanted.will_do(present):
            return FoundSetting(wanted, gpo, present, present)
        raise ChangeError(
            "changed_meanwhile",
            f"The GPO {gpo} no longer holds the {wanted.value} that its endpoints had when the plan was made; let "
            "policy be refreshed there and plan again.",
        )

    def change(self, looked: FoundSetting) -> BeforeImage:
        """Writes, after a before-image was kept on disk; undone where something goes wrong."""
        wanted = looked.wanted
        item: GpoValueItem = {
            "kind": GPO_VALUE,
            "path": wanted.key,
            "name": wanted.value,
            "guid": looked.gpo.guid,
            "gpo": looked.gpo.name,
            "domain": wanted.domain or looked.gpo.domain,
            "before": looked.before,
            "after": looked.after,
        }
        transaction = self._transaction()
        try:
            transaction.make([item])
        except (ChangeError, SessionError) as error:
            if transaction.begun:
                raise ChangeError("not_changed", f"{error}{transaction.told()}") from error
            raise
        if transaction.image is None:
            raise ChangeError("no_image", "The change has no before-image.")
        return transaction.image

    def restore(self, images: c.Iterable[BeforeImage], check_only: bool = False) -> list[Restored]:
        """Puts back what the GPOs held, newest image first, unless somebody changed it since.

        An image of which something was kept is not marked as put back.

        ``[{gpo, guid, path, name, outcome, before, after}]`` with outcome ``restored``, ``already_as_before`` or
        ``kept_changed_since``; ``before`` is what the GPO held now, ``after`` what it holds then.
        """
        told: list[Restored] = []
        for image in images:
            transaction = self._transaction()
            foreseen = transaction.foresee(image)
            undone: t.Sequence[Undone] = foreseen if check_only else transaction.put_back(image, foreseen)
            for item, now, then in zip(_of_gpos(image.items), foreseen, undone, strict=True):
                told.append(
                    {
                        "gpo": item["gpo"],
                        "guid": item["guid"],
                        "path": item["path"],
                        "name": item["name"],
                        "outcome": then["outcome"],
                        "before": now["present"],
                        "after": now["present"] if then["outcome"] == KEPT else item["before"],
                    }
                )
        return told

    def _transaction(self) -> Transaction[GpoValueItem]:
        return Transaction(
            self._endpoint,
            lambda _wait: GpoWork(self._endpoint.session(), self._server),
            self._store,
            self._label,
            self._wait,
        )


def _of_gpos(items: c.Iterable[Item]) -> list[GpoValueItem]:
    return [item for item in items if item["kind"] == GPO_VALUE]
