# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which container a file is, by its own marks and never by its name."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks import qcow2, vhd, vhdx, vmdk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import FileSource, ImageError, Source
from ansible_collections.fleetops.tetra.plugins.module_utils.image.wim import MARKS

_OTHERS = (
    (0, b"<<< ", "a VirtualBox disk (VDI)"),
    (0, b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (0, b"\x1f\x8b", "a gzip archive; unpack it first"),
    (0, b"\xfd7zXZ", "an xz archive; unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it first"),
    (257, b"ustar", "a tar archive (an OVA is one); unpack it first"),
    (0, b"SEsp", "a VMDK of the kind SE sparse"),
    (0, b"COWD", "a VMDK of the old kind COWD"),
    (32769, b"CD001", "a CD image (ISO); take the file sources/install.wim out of it"),
)


_IMAGE_MARKS = (
    b"QFI\xfb", b"vhdxfile", b"KDMV", b"COWD", b"conectix", *MARKS,
    b"\x1f\x8b", b"\xfd7zXZ\0", b"(\xb5/\xfd", b"BZh", b"7z\xbc\xaf\x27\x1c", b"PK\x03\x04",
)  # fmt: skip


@dataclass(frozen=True)
class Disk:
    """An opened disk."""

    format: str
    source: Source
    """The content of the virtual disk."""


def looks_like_an_image(path: str) -> bool:
    """Whether a file holds a disk, a volume, an archive of images or of disks, whatever its name says.

    A file that cannot be read may be one. Compressed files are taken for one, since an image may be inside.
    """
    try:
        file = FileSource(path)
    except (OSError, ImageError):
        return True
    try:
        head = file.read_at(0, min(512, file.size))
        if any(head.startswith(mark) for mark in _IMAGE_MARKS) or vmdk.is_descriptor(head):
            return True
        if head[510:512] == b"\x55\xaa":
            return True
        for offset, mark, _what in (*_OTHERS, (257, b"ustar", ""), (512, b"EFI PART", "")):
            if file.size >= offset + len(mark) and file.read_at(offset, len(mark)) == mark:
                return True
        return file.size >= 512 and file.read_at(file.size - 512, 8) == b"conectix"
    except (OSError, ImageError):
        return True
    finally:
        file.close()


def open_disk(file: FileSource) -> Disk:
    """Recognise and open a disk container; a file without any mark is taken for a raw disk.

    :raises ImageError: damaged, a difference to a parent disk, or a kind that is not read.
    """
    head = file.read_at(0, min(512, file.size))
    if not head:
        raise ImageError(f"{file.path} is empty; this is no disk image.")
    if head[:4] == b"QFI\xfb":
        return Disk("qcow2", qcow2.Qcow2Disk(file, file.path))
    if head[:8] == b"vhdxfile":
        return Disk("vhdx", vhdx.VhdxDisk(file, file.path))
    if head[:4] == b"KDMV":
        return Disk("vmdk", vmdk.SparseExtent(file, file.path))
    if vmdk.is_descriptor(head):
        return Disk("vmdk", vmdk.open_descriptor(file))
    for offset, mark, what in _OTHERS:
        if file.size >= offset + len(mark) and file.read_at(offset, len(mark)) == mark:
            advice = "" if ";" in what else "; this kind is not read, convert it with qemu-img convert -O qcow2"
            raise ImageError(f"{file.path} is {what}{advice}.")
    footer = vhd.footer_of(file)
    if footer is not None:
        return Disk("vhd", vhd.open_vhd(file, file.path, footer))
    return Disk("raw", file)
