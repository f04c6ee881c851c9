# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NTFS reader against volumes of ntfs-3g: every file as it was written, whatever its form on the disk."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image import lznt1
from ansible_collections.fleetops.tetra.plugins.module_utils.image.ntfs import NtfsVolume
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import (
    DamagedError,
    FileSource,
    ImageError,
    UnreadableFileError,
)
from ansible_collections.fleetops.tetra.tests.images import disks
from ansible_collections.fleetops.tetra.tests.images.mount import mounted

pytestmark = pytest.mark.needs(*disks.TOOLS)
MIB = 1024 * 1024


def volume_at(path: Path) -> NtfsVolume:
    """The volume in a file."""
    return NtfsVolume(FileSource(str(path)), "partition 1")


def content(volume: NtfsVolume, path: str) -> bytes:
    """The whole of a file."""
    file = volume.find(path)
    assert file is not None, path
    source = volume.open(file)
    assert source.size == file.size
    return source.read_at(0, source.size)


@pytest.mark.parametrize("options", [(), ("-c", "512"), ("-c", "65536")])
def test_files_of_every_size_and_a_large_folder(tmp_path: Path, options: tuple[str, ...]) -> None:
    root = tmp_path / "root"
    folder = root / "Windows" / "System32"
    folder.mkdir(parents=True)
    rng = random.Random(1)
    for number in range(1500):
        (folder / f"file{number:05d}.dll").write_bytes(b"x")
    for size in (0, 1, 100, 700, 4095, 4096, 4097, 100_000, 2_000_000):
        (folder / f"size{size}").write_bytes(rng.randbytes(size))
    (folder / "Größe.txt").write_bytes(b"umlaut")
    volume = volume_at(disks.ntfs_of(root, tmp_path / "v.ntfs", 256 * MIB, *options))
    for size in (0, 1, 100, 700, 4095, 4096, 4097, 100_000, 2_000_000):
        assert content(volume, f"windows/SYSTEM32/Size{size}") == (folder / f"size{size}").read_bytes()
    for number in range(0, 1500, 37):
        assert content(volume, f"WINDOWS/System32/FILE{number:05d}.DLL") == b"x"
    assert content(volume, "Windows/System32/größe.TXT") == b"umlaut"
    for missing in ("Windows/System32/file1500.dll", "Windows/nothing/file", "Windows/System32/size1/x", "$nothing"):
        assert volume.find(missing) is None
    names = [file.name for file in volume.entries("Windows/System32")]
    assert names == sorted(file.name for file in folder.iterdir())
    modified = volume.find("Windows/System32/size1")
    assert modified is not None and modified.modified is not None and modified.modified.startswith("20")
    assert not volume.dirty


def test_a_lookup_reads_little_of_a_large_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "Windows").mkdir(parents=True)
    for number in range(6000):
        (root / "Windows" / f"some-rather-long-file-name-{number:06d}.dll").touch()
    path = disks.ntfs_of(root, tmp_path / "v.ntfs", 64 * MIB)
    source = FileSource(str(path))
    assert NtfsVolume(source, "v").find("Windows/some-rather-long-file-name-004321.dll") is not None
    assert source.bytes_read < 100_000


def test_fragments_and_attribute_lists(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    path = disks.ntfs_of(tmp_path / "root", tmp_path / "v.ntfs", 64 * MIB, "-c", "512")
    rng = random.Random(3)
    data = rng.randbytes(6 * MIB)
    with mounted(path, tmp_path / "mnt") as point:
        for number in range(6000):
            (point / f"f{number}").write_bytes(bytes(1024))
        with (point / "rest").open("wb") as file:
            try:
                while True:
                    file.write(bytes(256 * 1024))
                    file.flush()
            except OSError:
                pass
        for number in range(0, 6000, 2):
            (point / f"f{number}").unlink()
        (point / "fragmented").write_bytes(data[: 2 * MIB])
        (point / "rest").unlink()
        with (point / "sparse").open("wb") as file:
            file.seek(5 * MIB)
            file.write(data[:1000])
            file.truncate(9 * MIB)
    volume = volume_at(path)
    assert content(volume, "fragmented") == data[: 2 * MIB]
    assert content(volume, "sparse") == bytes(5 * MIB) + data[:1000] + bytes(4 * MIB - 1000)
    assert content(volume, "f5999") == bytes(1024)
    record = volume._base(volume.find("fragmented").handle)  # type: ignore[union-attr]
    assert record.named(0x20), "the file was to be so fragmented that its runs need an attribute list"


def test_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    path = disks.ntfs_of(tmp_path / "root", tmp_path / "v.ntfs", 64 * MIB)
    rng = random.Random(4)
    samples = {
        "text": b"".join(b"line %d of a text that compresses well\n" % number for number in range(20_000)),
        "random": rng.randbytes(300_000),
        "mixed": b"".join(rng.choice([rng.randbytes(5000), bytes(20_000), b"ab" * 4000]) for _part in range(60)),
        "zeros": bytes(500_000),
    }
    with mounted(path, tmp_path / "mnt", "compression") as point:
        (point / "packed").mkdir()
        try:
            os.setxattr(point / "packed", "system.ntfs_attrib", struct.pack("<I", 0x810))
        except OSError as error:
            pytest.skip(f"the folder cannot be marked as compressed here: {error}")
        for name, data in samples.items():
            (point / "packed" / name).write_bytes(data)
    volume = volume_at(path)
    for name, data in samples.items():
        assert content(volume, f"packed/{name}") == data
        file = volume.find(f"packed/{name}")
        assert file is not None
        source = volume.open(file)
        for _round in range(50):
            offset = rng.randrange(len(data) - 1)
            length = rng.randrange(1, min(70_000, len(data) - offset))
            assert source.read_at(offset, length) == data[offset : offset + length]
    packed = volume._record(volume.find("packed/text").handle).named(0x80)[0]  # type: ignore[union-attr]
    assert struct.unpack_from("<H", packed.raw, 12)[0] & 0xFF, "the file was to be compressed"


def test_system_compression_and_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    path = disks.ntfs_of(tmp_path / "root", tmp_path / "v.ntfs", 16 * MIB)
    wof = struct.pack("<IHH", 0x80000017, 16, 0) + struct.pack("<IIII", 1, 2, 1, 0)
    mount_point = struct.pack("<IHH", 0xA0000003, 12, 0) + struct.pack("<HHHH", 0, 0, 2, 0) + bytes(4)
    with mounted(path, tmp_path / "mnt") as point:
        (point / "packed").write_bytes(b"data")
        (point / "linked").mkdir()
        try:
            os.setxattr(point / "packed", "system.ntfs_reparse_data", wof)
            os.setxattr(point / "linked", "system.ntfs_reparse_data", mount_point)
        except OSError as error:
            pytest.skip(f"reparse points cannot be made here: {error}")
    volume = volume_at(path)
    packed = volume.find("packed")
    assert packed is not None
    with pytest.raises(UnreadableFileError, match=r"packed is compressed by Windows \(CompactOS\)"):
        volume.open(packed)
    with pytest.raises(UnreadableFileError, match="linked is a link"):
        volume.find("linked/file")


def test_lznt1_vectors() -> None:
    assert lznt1.decompress(b"\x02\x30abc", 4096) == b"abc"
    assert lznt1.decompress(b"\x03\xb0\x02a\xfc\x0f\0\0", 4096) == b"a" * 4096
    for broken in (b"\x03\xb0\x01\xfc\x0f\0", b"\x03\xb0\x02a\xff\x0f\0\0", b"\xff\xbf\x00a"):
        with pytest.raises(DamagedError):
            lznt1.decompress(broken, 4096)


def test_lznt1_never_makes_more_than_it_may() -> None:
    rng = random.Random(9)
    for _round in range(300):
        data = bytearray(rng.randbytes(rng.randrange(2, 300)))
        data[1] = 0xB0 | data[1] & 0x0F if rng.random() < 0.7 else data[1]
        try:
            assert len(lznt1.decompress(bytes(data), 65536)) <= 65536 + 4096
        except ImageError:
            continue
