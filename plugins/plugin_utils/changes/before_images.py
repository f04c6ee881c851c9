# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Before-images: what stood on an endpoint before we wrote, kept on disk before the write.

``<results_dir>/backups/<encoded host>/<id>.json`` is written once and never changed::

    {schema: "fleetops.tetra/before-image/1", id, host, created_at, run_id, token,
     items: [{kind: "registry_value", path, name, before, after},
             {kind: "file",           path,       before, after},
             {kind: "gpo_value",      path, name, guid, gpo, domain, before, after}]}

``before`` and ``after`` of a registry value are ``{status: "ok"|"absent", type, data}``; of a file
``{status: "ok"|"absent", content: base64}``. A value of a domain GPO lies with its management host; such an image is
put back by ``fleetops.tetra.domain_gpo`` alone, since it concerns the whole domain. ``<id>.restored`` beside an image
says that a rollback has put it back. An image is never deleted by the collection.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import json
import os
import secrets
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import before_image as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Undone
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.image_items import GPO_VALUE, is_item
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.private import for_owner, make_folder

SCHEMA: t.Final = "fleetops.tetra/before-image/1"
_UNFINISHED = "rollback.unfinished"


class BeforeImageError(Exception):
    """A before-image could not be written or read; the message says which file and why. Then nothing may be changed."""


@dataclass(frozen=True)
class BeforeImage:
    id: str
    host: str
    created_at: str
    run_id: str
    token: str
    items: tuple[documents.Item, ...]

    @property
    def is_of_gpo(self) -> bool:
        """Whether it holds values of domain GPOs, which are no part of the host under whose name they lie."""
        return any(item["kind"] == GPO_VALUE for item in self.items)

    def as_dict(self) -> documents.BeforeImage:
        return {
            "schema": SCHEMA,
            "id": self.id,
            "host": self.host,
            "created_at": self.created_at,
            "run_id": self.run_id,
            "token": self.token,
            "items": list(self.items),
        }


class BeforeImageStore:
    """The before-images of a fleet below one results folder."""

    def __init__(self, results_dir: str | os.PathLike[str]) -> None:
        self.folder = Path(results_dir) / "backups"

    def keep(self, host: str, run_id: str, token: str, items: c.Iterable[documents.Item]) -> BeforeImage:
        """Returns when the image is on disk. Raises BeforeImageError."""
        now = datetime.now(UTC)
        image = BeforeImage(
            id=f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}",
            host=host,
            created_at=written(now),
            run_id=run_id,
            token=token,
            items=tuple(items),
        )
        _write_new(self.folder_of(host) / f"{image.id}.json", json.dumps(image.as_dict(), indent=1).encode())
        return image

    def mark_restored(self, image: BeforeImage, outcome: c.Sequence[Undone]) -> None:
        """Notes what a rollback did with each item; a second rollback then passes over the image."""
        path = self.folder_of(image.host) / f"{image.id}.restored"
        if not path.exists():
            _write_new(path, json.dumps(list(outcome), indent=1).encode())

    def mark_guarded(self, image: BeforeImage) -> None:
        """Notes that a scheduled task on the endpoint may put the image back."""
        path = self.folder_of(image.host) / f"{image.id}.guarded"
        if not path.exists():
            _write_new(path, b"")

    def guarded(self, host: str) -> list[BeforeImage]:
        """Images that were noted so, newest first, put back or not."""
        names = sorted((path.stem for path in self.folder_of(host).glob("*.guarded")), reverse=True)
        return [self._read(self.folder_of(host) / f"{name}.json") for name in names]

    def forget_guards(self, host: str) -> None:
        """No task of the endpoint is left that would put an image back."""
        for path in self.folder_of(host).glob("*.guarded"):
            path.unlink(missing_ok=True)

    def unrestored(self, host: str, of_gpos: bool = False) -> list[BeforeImage]:
        """Images of the endpoint that no rollback has put back, newest first: the order in which to undo them.

        ``of_gpos``: those of domain GPOs that were changed on this host, in place of the host's own.
        """
        folder = self.folder_of(host)
        names = sorted((path.stem for path in folder.glob("*.json")), reverse=True)
        images = [self._read(folder / f"{name}.json") for name in names if not (folder / f"{name}.restored").exists()]
        return [image for image in images if image.is_of_gpo == of_gpos]

    def knows(self, image: BeforeImage) -> bool:
        """Whether the image lies here, put back or not."""
        return (self.folder_of(image.host) / f"{image.id}.json").exists()

    def begin_rollback(self, host: str) -> None:
        """Notes that a rollback is at the endpoint: one that is killed leaves notes and copies there. Raises
        BeforeImageError."""
        path = self.folder_of(host) / _UNFINISHED
        if not path.exists():
            _write_new(path, b"")

    def end_rollback(self, host: str) -> None:
        (self.folder_of(host) / _UNFINISHED).unlink(missing_ok=True)

    def has_unfinished_rollback(self, host: str) -> bool:
        return (self.folder_of(host) / _UNFINISHED).exists()

    def restored_ids(self, host: str) -> list[str]:
        """Images that were put back."""
        return [path.stem for path in self.folder_of(host).glob("*.restored")]

    def knows_id(self, host: str, id_: str) -> bool:
        """Whether an image with this id lies here, put back or not."""
        return (self.folder_of(host) / f"{id_}.json").exists()

    def has_any(self, host: str) -> bool:
        """Whether there is an image of the endpoint, put back or not."""
        return any(self.folder_of(host).glob("*.json"))

    def adopt(self, image: BeforeImage) -> None:
        """Keeps an image that was found elsewhere. Raises BeforeImageError."""
        if not self.knows(image):
            _write_new(self.folder_of(image.host) / f"{image.id}.json", json.dumps(image.as_dict(), indent=1).encode())

    def hosts(self) -> list[str]:
        """Endpoints that have an image which is not restored, ordered by name."""
        found = set()
        for path in self.folder.glob("*/*.json"):
            if not path.with_suffix(".restored").exists():
                image = self._read(path)
                if not image.is_of_gpo:
                    found.add(image.host)
        return sorted(found)

    def folder_of(self, host: str) -> Path:
        """Where the images of the endpoint lie."""
        return self.folder / encode_name(host)

    @staticmethod
    def _read(path: Path) -> BeforeImage:
        try:
            document = json.loads(path.read_bytes())
        except OSError as error:
            raise BeforeImageError(f"The before-image {path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise BeforeImageError(f"The before-image {path} is damaged: it is not JSON.") from error
        return parse_image(document, str(path))


def parse_image(document: t.Any, where: str) -> BeforeImage:
    """``where`` names the origin in the error. Raises BeforeImageError for anything that is not a whole image."""
    texts = ("id", "host", "created_at", "run_id", "token")
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BeforeImageError(f"The before-image {where} is not a document of the kind {SCHEMA}.")
    if not all(isinstance(document.get(name), str) for name in texts) or not _are_items(document.get("items")):
        raise BeforeImageError(f"The before-image {where} is damaged: a part of it is missing or has the wrong type.")
    return BeforeImage(**{name: document[name] for name in texts}, items=tuple(document["items"]))


def _are_items(value: t.Any) -> bool:
    return isinstance(value, list) and all(is_item(item) for item in value)


def _write_new(path: Path, content: bytes) -> None:
    """The file appears whole or not at all, and is on disk when this returns.

    Registry.pol may hold what is nobody else's business, so only the account that runs Ansible may read it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent)
        with open(temporary, "wb", opener=for_owner) as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        # The folders may be as new as the file.
        for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise BeforeImageError(f"The before-image {path} cannot be written: {error.strerror}.") from error
