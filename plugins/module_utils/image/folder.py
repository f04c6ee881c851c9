# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A mounted or extracted Windows volume: a folder on this machine.

Names are compared without regard to case, since a mount may be case-sensitive. Links are never followed: what a link in
an image points at lies on this machine, not in the image.
"""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    FileSource,
    ImageError,
    Source,
    UnreadableFileError,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.image.tree import LIST_LIMIT, File, iso_from_timestamp


class FolderTree:
    """The files below a folder."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._opened: list[FileSource] = []

    @property
    def bytes_read(self) -> int:
        """Bytes read from the files that were opened."""
        return sum(source.bytes_read for source in self._opened)

    def find(self, path: str) -> File | None:
        here = self._root
        parts = [part for part in path.split("/") if part]
        for index, part in enumerate(parts):
            found = self._child(here, part)
            if found is None:
                return None
            here = found
            mode = self._mode(here)
            if stat.S_ISLNK(mode):
                raise UnreadableFileError(f"{here} is a link; links in an image are not followed.")
            if index < len(parts) - 1 and not stat.S_ISDIR(mode):
                return None
        return self._file(here)

    def fetch(self, patterns: t.Sequence[str]) -> None:
        """Nothing to do: every file can be read at once."""

    def entries(self, path: str) -> list[File]:
        folder = self.find(path)
        if folder is None or not folder.is_folder:
            return []
        names = self._names(Path(folder.handle))
        files = []
        for name in sorted(names):
            child = Path(folder.handle) / name
            if not stat.S_ISLNK(self._mode(child)):
                files.append(self._file(child))
        return files

    def open(self, file: File) -> Source:
        if not stat.S_ISREG(self._mode(Path(file.handle))):
            raise UnreadableFileError(f"{file.handle} is no regular file.")
        source = FileSource(str(file.handle), follow_links=False)
        self._opened.append(source)
        return source

    def close(self) -> None:
        """Close every file that was opened."""
        for source in self._opened:
            source.close()

    def _child(self, folder: Path, name: str) -> Path | None:
        exact = folder / name
        if name not in (".", "..") and os.path.lexists(exact):
            return exact
        wanted = name.upper()
        matches = [found for found in self._names(folder) if found.upper() == wanted]
        if len(matches) > 1:
            raise ImageError(f"{folder} has {' and '.join(sorted(matches))}, which are one name in Windows; keep one.")
        return folder / matches[0] if matches else None

    def _names(self, folder: Path) -> list[str]:
        names = []
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    names.append(entry.name)
                    if len(names) > LIST_LIMIT:
                        raise ImageError(f"{folder} has more than {LIST_LIMIT} entries.")
        except NotADirectoryError:
            return []
        except OSError as error:
            raise ImageError(f"Cannot list {folder}: {error.strerror}.") from None
        return names

    def _mode(self, path: Path) -> int:
        return self._stat(path).st_mode

    def _stat(self, path: Path) -> os.stat_result:
        try:
            return path.lstat()
        except OSError as error:
            raise ImageError(f"Cannot look at {path}: {error.strerror}.") from None

    def _file(self, path: Path) -> File:
        info = self._stat(path)
        is_folder = stat.S_ISDIR(info.st_mode)
        return File(
            name=path.name,
            path=path.relative_to(self._root).as_posix(),
            is_folder=is_folder,
            size=0 if is_folder else info.st_size,
            modified=iso_from_timestamp(info.st_mtime),
            handle=str(path),
        )
