# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The copies of before-images that an endpoint keeps, for when the controller's own are lost.

``%ProgramData%`` lets ordinary users of the endpoint make files. A copy is therefore believed only as far as it can do
no more than put back what a plan changes (lists, and the switches of the accepted suites): whatever else it names, such
as an older protocol or the NULL cipher, makes it damaged.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CURVES_VALUE,
    LOCAL_KEY,
    POLICY_KEY,
    SCHANNEL_KEYS,
    SCHANNEL_VALUES,
    SUITES_VALUE,
    schannel_path,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import registry_pol
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.local_gpo import SSL_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import (
    BeforeImage,
    BeforeImageError,
    parse_image,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.local_policy import LocalPolicy, file_content
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import WindowsFolders
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, PSObject, command
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.image_items import FILE, REGISTRY_VALUE

_PLANNED: t.Final = frozenset(
    (path.lower(), name.lower())
    for path, name in (
        *((key, name) for key in (POLICY_KEY, LOCAL_KEY) for name in (SUITES_VALUE, CURVES_VALUE)),
        *((schannel_path(key), name) for key in SCHANNEL_KEYS for name in SCHANNEL_VALUES),
    )
)
"""What a plan can write. No older protocol and no cipher but those of the accepted suites is among it, so that a copy
that an ordinary user planted cannot switch one on."""
_VALUES = {f"{prefix}{name}".lower() for prefix in ("", "**del.") for name in (SUITES_VALUE, CURVES_VALUE)}
_TEMPORARY = ".fleetops-tetra.tmp"
_NAME = re.compile(r"([0-9]{8}T[0-9]{12}-[0-9a-f]{6})\.json")


class EndpointImages:
    """Copies on one endpoint. Raises BeforeImageError, ChangeError or SessionError."""

    def __init__(self, asker: Asker, folders: WindowsFolders) -> None:
        self._asker = asker
        self._files = RemoteFiles(asker)
        self._folder = folders.copies
        self._policy = LocalPolicy(asker, folders.system_root)

    def read(self, host: str, known: t.Callable[[str], bool] = lambda _id: False) -> list[BeforeImage]:
        """Those of this inventory name, newest first. Those of a known id are not even opened: the controller's own
        image counts, and a copy may have been torn by a power failure."""
        names = [name for name in sorted(self._names(), reverse=True) if not known(name.removesuffix(".json"))]
        images = [self._read(name) for name in names]
        return [image for image in images if image.host == host]

    def keep(self, image: BeforeImage) -> None:
        """A second copy, since the disk of an execution environment is thrown away; the first one is on disk."""
        self._files.replace(f"{self._folder}\\{image.id}.json", json.dumps(image.as_dict(), indent=1).encode())

    def remove(self, image: BeforeImage) -> None:
        """The copy of an image that was put back is of no more use."""
        self._files.remove(f"{self._folder}\\{image.id}.json")
        self._files.forget_temporary(f"{self._folder}\\{image.id}.json")

    def tidy(self, restored: t.Collection[str]) -> None:
        """Takes away the copies of images that were put back, and what an interrupted writing of one has left."""
        for name in self._listed():
            id_ = name.removesuffix(_TEMPORARY).removesuffix(".json")
            if _NAME.fullmatch(f"{id_}.json") and (id_ in restored or name.endswith(_TEMPORARY)):
                self._files.remove(f"{self._folder}\\{name}")

    def _names(self) -> list[str]:
        return [name for name in self._listed() if _NAME.fullmatch(name)]

    def _listed(self) -> list[str]:
        statement = (command("Get-ChildItem", LiteralPath=self._folder, ErrorAction="Continue"), select("Name"))
        answer = self._asker.ask([statement])
        if answer.refusals and not all(refusal.is_missing for refusal in answer.refusals):
            raise ChangeError("unreadable", f"The before-images in {self._folder} could not be listed.")
        return [str(item.get("Name")) for item in answer.output if isinstance(item, PSObject)]

    def _read(self, name: str) -> BeforeImage:
        where = f"{self._folder}\\{name} of the endpoint"
        content = self._files.read(f"{self._folder}\\{name}")
        try:
            document = json.loads(content or b"")
        except ValueError as error:
            raise BeforeImageError(f"The before-image {where} is damaged: it is not JSON.") from error
        image = parse_image(document, where)
        if f"{image.id}.json" != name or not self._is_harmless(image):
            raise BeforeImageError(
                f"The before-image {where} is damaged: it names something that this collection does not change."
            )
        return image

    def _is_harmless(self, image: BeforeImage) -> bool:
        return all(self._is_ours(item) for item in image.items)

    def _is_ours(self, item: t.Mapping[str, t.Any]) -> bool:
        path = item["path"].lower()
        if item["kind"] == REGISTRY_VALUE:
            return (path, str(item["name"]).lower()) in _PLANNED
        if item["kind"] != FILE:
            return False
        if path == self._policy.ini_path.lower():
            return True
        return path == self._policy.pol_path.lower() and _differs_in_our_values_only(item)


def _differs_in_our_values_only(item: t.Mapping[str, t.Any]) -> bool:
    try:
        before, after = (registry_pol.parse(file_content(item[side]) or b"") for side in ("before", "after"))
    except (registry_pol.PolError, ValueError):
        return False
    return _others(before) == _others(after)


def _others(pol: registry_pol.RegistryPol) -> list[registry_pol.Entry]:
    return [
        entry for entry in pol.entries if entry.key.lower() != SSL_KEY.lower() or entry.value.lower() not in _VALUES
    ]
