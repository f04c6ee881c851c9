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
import contextlib
import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageStore,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.change_set import ALREADY, KEPT, RESTORED
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.gpo_value import Gpo, GpoValues, same_setting
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import State, same
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.image_items import GPO_VALUE

Document = dict[str, t.Any]


@dataclass(frozen=True)
class Wish:
    """``gpo`` is a name or a GUID. ``expected``: what the plan found on the endpoints, None where nobody planned."""

    gpo: str
    key: str
    value: str
    after: State
    domain: str | None = None
    expected: State | None = None
    will_do: t.Callable[[State], bool] = field(default=lambda _state: False)
    """Whether another value, which the GPO holds meanwhile, serves all endpoints as well."""


@dataclass(frozen=True)
class Looked:
    """What the GPO holds. ``after``: what it will hold, or holds already where nothing is to be changed."""

    wish: Wish
    gpo: Gpo
    before: State
    after: State

    @property
    def is_to_change(self) -> bool:
        return not same_setting(self.before, self.after)


class DomainPolicy:
    """Raises ChangeError, NotWritable, BeforeImageError or SessionError. ``host`` is the management host."""

    def __init__(
        self, asker: Asker, host: str, store: BeforeImageStore, run_id: str, token: str, server: str | None = None
    ) -> None:
        self._asker = asker
        self._host = host
        self._store = store
        self._run_id = run_id
        self._token = token
        self._server = server

    def look(self, wish: Wish) -> Looked:
        """Touches nothing. Raises ChangeError with code ``changed_meanwhile`` where the plan is out of date."""
        values = self._values(wish.domain)
        gpo = values.find(wish.gpo)
        present = values.read(gpo, wish.key, wish.value)
        if same_setting(present, wish.after) or wish.expected is None or same(present, wish.expected):
            return Looked(wish, gpo, present, wish.after)
        if wish.will_do(present):
            return Looked(wish, gpo, present, present)
        raise ChangeError(
            "changed_meanwhile",
            f"The GPO {gpo} no longer holds the {wish.value} that its endpoints had when the plan was made; let policy "
            "be refreshed there and plan again.",
        )

    def change(self, looked: Looked) -> BeforeImage:
        """Writes, after a before-image was kept on disk."""
        wish = looked.wish
        item = {
            "kind": GPO_VALUE,
            "path": wish.key,
            "name": wish.value,
            "guid": looked.gpo.guid,
            "gpo": looked.gpo.name,
            "domain": wish.domain or looked.gpo.domain,
            "before": looked.before,
            "after": looked.after,
        }
        image = self._store.keep(self._host, self._run_id, self._token, [item])
        self._keep_on_host(image)
        self._values(wish.domain).write(looked.gpo, wish.key, wish.value, looked.after, looked.before)
        return image

    def restore(self, images: c.Iterable[BeforeImage], check_only: bool = False) -> list[Document]:
        """Puts back what the GPOs held, newest image first, unless somebody changed it since.

        An image of which something was kept is not marked as put back.

        ``[{gpo, guid, path, name, outcome, before, after}]`` with outcome ``restored``, ``already_as_before`` or
        ``kept_changed_since``; ``before`` is what the GPO held now, ``after`` what it holds then.
        """
        told: list[Document] = []
        for image in images:
            outcome = [self._restore_item(item, check_only) for item in image.items]
            if not check_only and all(one["outcome"] != KEPT for one in outcome):
                self._store.mark_restored(image, outcome)
                self._remove_from_host(image)
            told.extend(outcome)
        return told

    def _restore_item(self, item: c.Mapping[str, t.Any], check_only: bool) -> Document:
        values = self._values(item["domain"])
        gpo = values.find(item["guid"])
        present = values.read(gpo, item["path"], item["name"])
        outcome, after = RESTORED, item["before"]
        if same_setting(present, item["before"]):
            outcome = ALREADY
        elif not same_setting(present, item["after"]):
            outcome, after = KEPT, present
        elif not check_only:
            values.write(gpo, item["path"], item["name"], item["before"], item["after"])
        return {
            "gpo": gpo.name,
            "guid": gpo.guid,
            "path": item["path"],
            "name": item["name"],
            "outcome": outcome,
            "before": present,
            "after": after,
        }

    def _values(self, domain: str | None) -> GpoValues:
        return GpoValues(self._asker, domain, self._server)

    def _keep_on_host(self, image: BeforeImage) -> None:
        """A second copy, since the disk of an execution environment is thrown away; the first one is on disk."""
        content = json.dumps(image.as_dict(), indent=1).encode()
        with contextlib.suppress(ChangeError, SessionError):
            RemoteFiles(self._asker).replace(f"{self._folder_on_host()}\\{image.id}.json", content)

    def _remove_from_host(self, image: BeforeImage) -> None:
        """The copy of an image that was put back is of no more use."""
        with contextlib.suppress(ChangeError, SessionError):
            RemoteFiles(self._asker).remove(f"{self._folder_on_host()}\\{image.id}.json")

    def _folder_on_host(self) -> str:
        return f"{read_folders(self._asker).copies}\\domain-gpos"
