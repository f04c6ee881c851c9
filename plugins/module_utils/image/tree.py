# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The files of a Windows volume, wherever they come from: what NTFS, a folder and an extracted WIM have in common.

Paths are relative to the root of the volume, with ``/`` between the parts, in any spelling, as Windows takes them.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import Source

LIST_LIMIT = 100_000
"""Entries of one folder that are looked at."""


@dataclass(frozen=True)
class File:
    """A file or folder of a tree."""

    name: str
    path: str
    """As it is spelled on the volume."""
    is_folder: bool
    size: int
    """Bytes; 0 for a folder."""
    modified: str | None
    """UTC, ``YYYY-MM-DDTHH:MM:SSZ``."""
    handle: t.Any = None
    """What the tree needs to open it."""


class FileTree(t.Protocol):
    """A volume whose files can be found and read."""

    def find(self, path: str) -> File | None:
        """The file or folder at a path; None when it is not there."""

    def entries(self, path: str) -> list[File]:
        """What a folder holds, sorted by name; empty when there is no such folder."""

    def fetch(self, patterns: t.Sequence[str]) -> None:
        """Say which files will be asked for; ``*`` stands for any part of a name. A WIM file unpacks them at once."""

    def open(self, file: File) -> Source:
        """The content of a file; raises UnreadableFileError where it cannot be read."""


def iso_from_timestamp(seconds: float) -> str | None:
    """Seconds since 1970 as the documents write times."""
    try:
        return written(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return None
