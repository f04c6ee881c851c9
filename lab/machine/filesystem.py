# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a simulated endpoint. Paths are full Windows paths and compare without regard to case."""

from __future__ import annotations

import datetime
import fnmatch
import typing as t
from dataclasses import dataclass


@dataclass
class File:
    """``denied``: access is refused; ``locked``: another process holds it open without sharing."""

    path: str
    data: bytes
    modified: datetime.datetime
    denied: bool = False
    locked: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition("\\")[2]

    @property
    def folder(self) -> str:
        return self.path.rpartition("\\")[0]


class FileSystem:
    """Files and folders; a folder exists where it was made or where something lies below it."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._folders: dict[str, str] = {}
        self.free_bytes: int | None = None
        """``None``: plenty."""

    def write(self, path: str, data: bytes, modified: datetime.datetime) -> File:
        path = clean(path)
        known = self._files.get(path.lower())
        if known is None:
            known = self._files[path.lower()] = File(path, data, modified)
            self.make_folder(known.folder)
        else:
            known.data, known.modified = data, modified
        return known

    def find(self, path: str) -> File | None:
        return self._files.get(clean(path).lower())

    def remove(self, path: str) -> bool:
        """Whether there was such a file; its room is free again."""
        gone = self._files.pop(clean(path).lower(), None)
        if gone is not None:
            self.release(len(gone.data))
        return gone is not None

    def release(self, size: int) -> None:
        if self.free_bytes is not None:
            self.free_bytes += size

    def remove_folder(self, path: str, recurse: bool) -> bool:
        """Whether it could be removed: only an empty folder, unless ``recurse``."""
        wanted = clean(path).lower()
        inside = [key for key in (*self._files, *self._folders) if key.startswith(f"{wanted}\\")]
        if inside and not recurse:
            return False
        for key in (wanted, *inside):
            self._files.pop(key, None)
            self._folders.pop(key, None)
        return True

    def make_folder(self, path: str) -> None:
        path = clean(path)
        while path and path.lower() not in self._folders:
            self._folders[path.lower()] = path
            path = path.rpartition("\\")[0]

    def is_folder(self, path: str) -> bool:
        return clean(path).lower() in self._folders

    def folder_name(self, path: str) -> str:
        """The spelling with which the folder was made."""
        return self._folders.get(clean(path).lower(), clean(path))

    def exists(self, path: str) -> bool:
        return self.find(path) is not None or self.is_folder(path)

    def files_in(self, folder: str) -> list[File]:
        wanted = clean(folder).lower()
        return sorted((f for f in self._files.values() if f.folder.lower() == wanted), key=lambda f: f.name.lower())

    def folders_in(self, folder: str) -> list[str]:
        wanted = clean(folder).lower()
        return sorted(path for key, path in self._folders.items() if key.rpartition("\\")[0] == wanted)

    def matching(self, pattern: str) -> list[str]:
        """Files and folders that a path with wildcards (``*``, ``?``, ``[]``) names; a wildcard spans no folder."""
        candidates = [""]
        for number, part in enumerate(clean(pattern).split("\\")):
            found: list[str] = []
            for base in candidates:
                if not is_pattern(part):
                    path = f"{base}\\{part}" if number else part
                    if self.exists(path):
                        found.append(path)
                    continue
                names = [path.rpartition("\\")[2] for path in self.folders_in(base)]
                names += [file.name for file in self.files_in(base)]
                found += [f"{base}\\{name}" for name in names if fnmatch.fnmatchcase(name.lower(), part.lower())]
            candidates = found
        return candidates

    def dump(self) -> dict[str, str]:
        """Everything, for comparing whole states: ``{path: hex of the content}``."""
        return {file.path: file.data.hex() for file in self._files.values()}

    def __iter__(self) -> t.Iterator[File]:
        return iter(self._files.values())


def clean(path: str) -> str:
    return path.replace("/", "\\").rstrip("\\")


def is_pattern(text: str) -> bool:
    return any(letter in text for letter in "*?[")
