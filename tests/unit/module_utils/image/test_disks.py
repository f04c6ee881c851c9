# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk containers made by qemu-img: every byte as in the raw disk, and one sentence for what cannot be read."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks import vhd, vhdx
from ansible_collections.fleetops.tetra.plugins.module_utils.image.disks.detect import open_disk
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import FileSource, ImageError
from ansible_collections.fleetops.tetra.tests.images import disks

pytestmark = pytest.mark.needs("qemu-img")
MIB = 1024 * 1024
# Beyond 4 GiB a VHDX has bitmap entries between its block entries, which a reader can forget.
SIZE = 9 * 1024 * MIB
PLACES = (0, 3 * MIB + 512, 130 * MIB, 4096 * MIB - 2048, 4500 * MIB, 8200 * MIB, SIZE - 70_000)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sparse disk with data here and there, some of it hard and some easy to compress."""
    path = tmp_path_factory.mktemp("disks") / "raw.img"
    rng = random.Random(5)
    with path.open("wb") as file:
        file.truncate(SIZE)
        for number, place in enumerate(PLACES):
            file.seek(place)
            file.write(rng.randbytes(65_000) if number % 2 else b"easy to compress " * 4000)
    return path


@pytest.mark.parametrize("kind", [kind for kind in disks.FORMATS if kind not in ("raw", "vmdk-flat", "vhd-fixed")])
def test_every_container_holds_the_bytes_of_the_raw_disk(raw: Path, tmp_path: Path, kind: str) -> None:
    source = FileSource(str(disks.convert(raw, tmp_path / "disk", kind)))
    reference = FileSource(str(raw))
    disk = open_disk(source)
    assert disk.format == kind.partition("-")[0]
    assert disk.source.size == SIZE
    rng = random.Random(7)
    spans = [(max(0, place - 1000), 68_000) for place in PLACES[:-1]] + [(SIZE - 71_000, 71_000)]
    spans += [(rng.randrange(SIZE - 4096), rng.randrange(1, 4096)) for _round in range(200)]
    for offset, length in spans:
        assert disk.source.read_at(offset, length) == reference.read_at(offset, length), (offset, length)
    with pytest.raises(ImageError):
        disk.source.read_at(SIZE - 1, 2)
    source.close()
    reference.close()


def test_an_overlay_names_its_parent(raw: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.qcow2"
    disks.run("qemu-img", "create", "-f", "qcow2", "-b", raw, "-F", "raw", overlay)
    with pytest.raises(ImageError, match=r"overlay and needs its parent .*raw\.img"):
        open_disk(FileSource(str(overlay)))
    base = disks.convert(raw, tmp_path / "base.vmdk", "vmdk")
    delta = tmp_path / "delta.vmdk"
    disks.run("qemu-img", "create", "-f", "vmdk", "-b", base, "-F", "vmdk", delta)
    with pytest.raises(ImageError, match=r"delta disk and needs its parent '.*base\.vmdk'"):
        open_disk(FileSource(str(delta)))


def test_a_differencing_vhd_needs_its_parent(tmp_path: Path) -> None:
    disks.run("qemu-img", "create", "-f", "vpc", tmp_path / "disk.vhd", "64M")
    data = bytearray((tmp_path / "disk.vhd").read_bytes())
    for offset in (0, len(data) - 512):
        struct.pack_into(">I", data, offset + 60, vhd.DIFFERENCING)
        footer = data[offset : offset + 512]
        struct.pack_into(">I", data, offset + 64, ~(sum(footer) - sum(footer[64:68])) & 0xFFFFFFFF)
    (tmp_path / "child.vhd").write_bytes(data)
    with pytest.raises(ImageError, match="differencing VHD and needs its parent"):
        open_disk(FileSource(str(tmp_path / "child.vhd")))


def _vhdx(tmp_path: Path) -> bytearray:
    disks.run("qemu-img", "create", "-f", "vhdx", tmp_path / "disk.vhdx", "64M")
    return bytearray((tmp_path / "disk.vhdx").read_bytes())


def test_a_vhdx_whose_log_is_not_empty_is_refused(tmp_path: Path) -> None:
    data = _vhdx(tmp_path)
    for offset in (64 * 1024, 128 * 1024):
        data[offset + 48 : offset + 64] = bytes(range(16))
        data[offset + 4 : offset + 8] = bytes(4)
        struct.pack_into("<I", data, offset + 4, vhdx.crc32c(bytes(data[offset : offset + 4096])))
    (tmp_path / "log.vhdx").write_bytes(data)
    with pytest.raises(ImageError, match="its log holds changes"):
        open_disk(FileSource(str(tmp_path / "log.vhdx")))


def test_a_differencing_vhdx_needs_its_parent(tmp_path: Path) -> None:
    data = _vhdx(tmp_path)
    place = data.index(b"metadata")
    parameters = data.index(vhdx._FILE_PARAMETERS, place)
    (offset,) = struct.unpack_from("<I", data, parameters + 16)
    (flags,) = struct.unpack_from("<I", data, place + offset + 4)
    struct.pack_into("<I", data, place + offset + 4, flags | 2)
    (tmp_path / "child.vhdx").write_bytes(data)
    with pytest.raises(ImageError, match="differencing VHDX and needs its parent"):
        open_disk(FileSource(str(tmp_path / "child.vhdx")))


def test_a_vhdx_with_both_headers_damaged_is_refused(tmp_path: Path) -> None:
    data = _vhdx(tmp_path)
    data[64 * 1024 + 100] ^= 1
    (tmp_path / "one.vhdx").write_bytes(data)
    open_disk(FileSource(str(tmp_path / "one.vhdx")))
    data[128 * 1024 + 100] ^= 1
    (tmp_path / "two.vhdx").write_bytes(data)
    with pytest.raises(ImageError, match="neither of its two headers"):
        open_disk(FileSource(str(tmp_path / "two.vhdx")))


def test_encrypted_and_unknown_qcow2_are_refused(tmp_path: Path) -> None:
    disks.run("qemu-img", "create", "-f", "qcow2", tmp_path / "disk.qcow2", "64M")
    data = bytearray((tmp_path / "disk.qcow2").read_bytes())
    for place, value, words in (
        (32, struct.pack(">I", 2), "encrypted by QEMU"),
        (72, struct.pack(">Q", 2), "QEMU marked it as corrupt"),
        (72, struct.pack(">Q", 4), "data in another file"),
        (72, struct.pack(">Q", 16), "a feature of QCOW2 that is not read"),
        (4, struct.pack(">I", 1), "QCOW image of version 1"),
        (36, struct.pack(">I", 0), "first table is too short"),
    ):
        changed = bytearray(data)
        changed[place : place + len(value)] = value
        (tmp_path / "changed.qcow2").write_bytes(changed)
        with pytest.raises(ImageError, match=words):
            open_disk(FileSource(str(tmp_path / "changed.qcow2")))


def test_a_vmdk_descriptor_may_not_point_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "disk.vmdk").write_text(
        '# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\nRW 2048 FLAT "../../etc/passwd" 0\n'
    )
    with pytest.raises(ImageError, match="outside of its folder"):
        open_disk(FileSource(str(tmp_path / "disk.vmdk")))


def test_other_kinds_of_files_are_named(tmp_path: Path) -> None:
    for name, head, words in (
        ("a.zip", b"PK\x03\x04", "ZIP archive"),
        ("a.gz", b"\x1f\x8b", "gzip archive"),
        ("a.vdi", b"<<< Oracle VM VirtualBox Disk Image >>>", "VDI"),
        ("a.ova", bytes(257) + b"ustar", "tar archive"),
        ("a.iso", bytes(32769) + b"CD001", r"sources/install\.wim"),
    ):
        (tmp_path / name).write_bytes(head + bytes(2048))
        with pytest.raises(ImageError, match=words):
            open_disk(FileSource(str(tmp_path / name)))
    (tmp_path / "empty").touch()
    with pytest.raises(ImageError, match="is empty"):
        open_disk(FileSource(str(tmp_path / "empty")))
