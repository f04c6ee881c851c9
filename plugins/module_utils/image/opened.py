# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an image of any kind and hand over the one Windows in it."""

from __future__ import annotations

import stat
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.image.folder import FolderTree
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import ImageError
from ansible_collections.fleetops.tetra.plugins.module_utils.image.windows import Windows


@dataclass
class OpenedImage:
    """A Windows ready to be read, and how it was reached. Close it when done."""

    windows: Windows
    format: str
    """folder, raw, vhd, vhdx, vmdk, qcow2 or wim."""
    volume: str | None
    """Which part of the image holds this Windows: ``partition 3``, ``image 1 (Windows 11 Pro)``."""
    notes: list[str] = field(default_factory=list)
    """Sentences about things that a reader of the result should know."""
    _bytes_read: t.Callable[[], int] = lambda: 0
    _close: t.Callable[[], None] = lambda: None

    @property
    def bytes_read(self) -> int:
        """Bytes read from the image so far."""
        return self._bytes_read()

    def close(self) -> None:
        """Release files and remove temporary ones."""
        self._close()

    def __enter__(self) -> OpenedImage:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_image(path: str, volume: str | None = None) -> OpenedImage:
    """Open an image file or a folder.

    :param volume: which one, where there are several: the number of a partition, the index or name of a WIM image.
    :raises ImageError: nothing that can be judged; the message is one sentence.
    """
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise ImageError(f"There is no file or folder {path}; give the path of an image on this machine.") from None
    except PermissionError:
        raise ImageError(f"This account may not read {path}; run as an account that can.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageError(f"Cannot open {path}: {reason}.") from None
    if stat.S_ISDIR(mode):
        return _open_folder(path)
    raise ImageError(f"{path} is no image of a known kind.")


def _open_folder(path: str) -> OpenedImage:
    tree = FolderTree(path)
    try:
        return OpenedImage(Windows(tree), "folder", None, [], lambda: tree.bytes_read, tree.close)
    except BaseException:
        tree.close()
        raise
