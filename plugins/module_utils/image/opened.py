# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Open an image of any kind and hand over the one Windows in it."""

from __future__ import annotations

import stat
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.image import wim
from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.detect import open_disk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.folder import FolderTree
from ansible_collections.fleetops.tetra.plugins.module_utils.image.ntfs import NtfsVolume
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import FileSource, ImageError, placed
from ansible_collections.fleetops.tetra.plugins.module_utils.image.volumes import Partition, partitions
from ansible_collections.fleetops.tetra.plugins.module_utils.image.windows import CONFIG, Windows

_WORDS = {
    "bitlocker": "is encrypted with BitLocker; suspend or remove it before the image is taken",
    "refs": "is a ReFS volume, which is not read",
    "dynamic disk": "belongs to a dynamic disk, which is not read",
    "storage space": "belongs to a storage space, which is not read",
    "fat": "holds a FAT file system without Windows",
    "unknown": "holds nothing that is known here",
}


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
    size: int | None = None
    """Bytes of the virtual disk; None where there is no disk."""
    _bytes_read: t.Callable[[], int] = lambda: 0
    _close: t.Callable[[], None] = lambda: None

    @property
    def bytes_read(self) -> int:
        """Bytes read from the image so far; for a WIM from what was unpacked of it."""
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
    :raises ImageError: nothing that can be judged; the message is one sentence that names the image.
    """
    try:
        return _open(path, volume)
    except ImageError as error:
        raise placed(error, path) from None


def _open(path: str, volume: str | None) -> OpenedImage:
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
    file = FileSource(path)
    try:
        if file.size >= 8 and file.read_at(0, 8) in wim.MARKS:
            return _open_wim(file, volume)
        return _open_disk(file, volume)
    except BaseException:
        file.close()
        raise


def _open_folder(path: str) -> OpenedImage:
    tree = FolderTree(path)
    try:
        return OpenedImage(Windows(tree), "folder", None, [], None, lambda: tree.bytes_read, tree.close)
    except BaseException:
        tree.close()
        raise


def _open_wim(file: FileSource, wanted: str | None) -> OpenedImage:
    found = wim.images(file)
    image = wim.choose(file.path, found, wanted)
    file.close()
    tree = wim.WimTree(file.path, image, len(found))
    try:
        windows = Windows(tree)
        notes = [f"Unpacked with {tree.tool}."]
        return OpenedImage(windows, "wim", image.label, notes, None, lambda: tree.bytes_read, tree.close)
    except BaseException:
        tree.close()
        raise


def _open_disk(file: FileSource, wanted: str | None) -> OpenedImage:
    disk = open_disk(file)
    found = all_of_them = partitions(disk.source)
    if wanted is not None:
        found = [part for part in all_of_them if wanted in (str(part.number), part.label)]
        if not found:
            held = ", ".join(part.label for part in all_of_them) or "no partition"
            raise ImageError(f"{file.path} has no partition {wanted!r}; it holds {held}.")
    with_windows: list[tuple[Partition, NtfsVolume]] = []
    words: list[str] = []
    for part in found:
        if part.holds != "ntfs":
            words.append(f"{part.label} {_WORDS[part.holds]}")
            continue
        try:
            volume = NtfsVolume(part.source, part.label)
            has_windows = volume.find(CONFIG + "/SYSTEM") is not None
        except ImageError as error:
            words.append(f"{part.label} cannot be read ({str(error).rstrip('.')})")
            continue
        if has_windows:
            with_windows.append((part, volume))
        else:
            words.append(f"{part.label} holds an NTFS volume without Windows")
    if not with_windows:
        # An EFI or a reserved partition is worth a word only where nothing else is there.
        telling = [word for word in words if not word.endswith(_WORDS["unknown"])]
        what = "; ".join(telling or words) or "it has no partitions"
        remedy = "" if _WORDS["bitlocker"] in what else "; give the disk that Windows is installed on"
        raise ImageError(f"No Windows can be judged in {file.path}: {what}{remedy}.")
    if len(with_windows) > 1:
        labels = " and ".join(part.label for part, _volume in with_windows)
        raise ImageError(f"{file.path} holds several Windows ({labels}); choose one with the option volume.")
    part, volume = with_windows[0]
    notes = [f"{word[0].upper()}{word[1:]}." for word in words if "encrypted" in word or "cannot be read" in word]
    if volume.dirty:
        notes.append("The volume was not closed cleanly; files that were being written may be older than the hives.")
    return OpenedImage(
        Windows(volume), disk.format, part.label, notes, disk.source.size, lambda: file.total_read, file.close
    )
