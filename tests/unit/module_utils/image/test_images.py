# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole images made by real tools: the same state gives the same facts in every format, or one sentence why not."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.image import wim
from ansible_collections.fleetops.tetra.plugins.module_utils.image.hive import Hive
from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.image.registry import MACHINE, OfflineRegistry
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import FileSource, ImageError
from ansible_collections.fleetops.tetra.tests.images import disks, states
from ansible_collections.fleetops.tetra.tests.images.hives import write_hive

pytestmark = pytest.mark.needs(*disks.TOOLS)
TIME = "2026-11-24T04:00:00Z"
MIB = 1024 * 1024

STATES: dict[str, t.Callable[[], states.State]] = {
    "windows 7": lambda: states.default_state(7601),
    "windows 10": lambda: states.default_state(19045),
    "windows 11": lambda: states.default_state(22631),
    "server 2016": lambda: states.default_state(14393, "server"),
    "server 2019": lambda: states.default_state(17763, "server"),
    "server 2022": lambda: states.default_state(20348, "server"),
    "server 2025": lambda: states.default_state(26100, "server"),
    "policy without the four": lambda: states.policy_state(states.WEAK),
    "policy never applied": lambda: states.unapplied_policy_state(states.WEAK),
    "tls 1.2 off": states.tls12_off_state,
    "aes 128 off": states.aes128_off_state,
}


def facts_of(path: Path, volume: str | None = None) -> dict[str, t.Any]:
    """The facts of an image, without when they were taken."""
    with open_image(str(path), volume) as image:
        return image.windows.facts("golden", TIME)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(folder, raw disk) of a Windows 10 with a policy that was never applied."""
    folder = tmp_path_factory.mktemp("image")
    root = states.write_tree(states.unapplied_policy_state(states.WEAK), folder / "root")
    volume = disks.ntfs_of(root, folder / "windows.ntfs", 32 * MIB)
    return root, disks.disk_of([volume], folder / "disk.raw", 48 * MIB)


@pytest.mark.parametrize("kind", disks.FORMATS)
def test_every_disk_format_gives_the_facts_of_the_folder(made: tuple[Path, Path], tmp_path: Path, kind: str) -> None:
    root, disk = made
    path = disks.convert(disk, tmp_path / "image", kind)
    with open_image(str(path)) as image:
        assert (image.format, image.volume) == (kind.partition("-")[0], "partition 3")
        assert image.notes == []
    assert facts_of(path) == facts_of(root)


@pytest.mark.parametrize("compression", ["none", "XPRESS", "LZX", "solid"])
def test_every_wim_compression_gives_the_facts_of_the_folder(
    made: tuple[Path, Path], tmp_path: Path, compression: str
) -> None:
    root, _disk = made
    path = disks.wim_of(root, tmp_path / "image.wim", compression=compression)
    assert facts_of(path) == facts_of(root)


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_the_same_in_folder_disk_and_wim(tmp_path: Path, name: str) -> None:
    root = states.write_tree(STATES[name](), tmp_path / "root")
    volume = disks.ntfs_of(root, tmp_path / "windows.ntfs", 16 * MIB)
    disk = disks.convert(volume, tmp_path / "image.qcow2", "qcow2")
    archive = disks.wim_of(root, tmp_path / "image.wim", compression="LZX")
    expected = facts_of(root)
    assert facts_of(disk) == expected
    assert facts_of(archive) == expected


def test_two_windows_need_a_choice(tmp_path: Path) -> None:
    first = states.write_tree(states.default_state(19045), tmp_path / "first")
    second = states.write_tree(states.default_state(20348, "server"), tmp_path / "second")
    volumes = [
        disks.ntfs_of(first, tmp_path / "first.ntfs", 16 * MIB),
        disks.ntfs_of(second, tmp_path / "second.ntfs", 16 * MIB),
    ]
    disk = disks.disk_of(volumes, tmp_path / "disk.raw", 48 * MIB)
    with pytest.raises(ImageError, match=r"several Windows \(partition 3 and partition 4\); choose one"):
        open_image(str(disk))
    assert facts_of(disk, "3")["os"]["build"] == 19045
    assert facts_of(disk, "4")["os"]["build"] == 20348
    with pytest.raises(ImageError, match="has no partition '9'"):
        open_image(str(disk), "9")


def test_a_second_volume_without_windows_changes_nothing(tmp_path: Path) -> None:
    root = states.write_tree(states.default_state(19045), tmp_path / "root")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Windows").mkdir()
    volumes = [
        disks.ntfs_of(tmp_path / "data", tmp_path / "data.ntfs", 16 * MIB),
        disks.ntfs_of(root, tmp_path / "windows.ntfs", 16 * MIB),
    ]
    disk = disks.disk_of(volumes, tmp_path / "disk.raw", 48 * MIB)
    with open_image(str(disk)) as image:
        assert image.volume == "partition 4"


def test_wim_images_are_chosen_by_index_or_name(tmp_path: Path) -> None:
    first = states.write_tree(states.default_state(19045), tmp_path / "first")
    second = states.write_tree(states.default_state(20348, "server"), tmp_path / "second")
    path = disks.wim_of(first, tmp_path / "image.wim", "Client")
    disks.wim_of(second, path, "Server", append=True)
    with pytest.raises(ImageError, match=r"several images \(image 1 \(Client\), image 2 \(Server\)\); choose one"):
        open_image(str(path))
    assert facts_of(path, "1")["os"]["build"] == 19045
    assert facts_of(path, "Server")["os"]["build"] == 20348
    with pytest.raises(ImageError, match=r"has no image '3'; it holds image 1 \(Client\), image 2 \(Server\)"):
        open_image(str(path), "3")


@pytest.mark.parametrize(("current", "default"), [(1, 2), (2, 1)])
def test_the_control_set_of_the_next_start_is_judged(current: int, default: int, tmp_path: Path) -> None:
    """Control set 001 holds a weak list and 002 a good one; which one the last start took does not matter."""
    keys = states.system_keys(states.default_state(19045))
    keys["Select"] = {"Current": ("REG_DWORD", current), "Default": ("REG_DWORD", default)}
    hive = write_hive(tmp_path / "SYSTEM", keys)
    software = write_hive(tmp_path / "SOFTWARE", dict(states.default_state(19045).software))
    other = Hive(FileSource(str(software)), "SOFTWARE")
    registry = OfflineRegistry(Hive(FileSource(str(hive)), "SYSTEM"), other)
    assert registry.control_set == f"ControlSet{default:03d}"
    assert registry.note == (
        f"The next start takes ControlSet{default:03d}; ControlSet{current:03d}, of the last one, is not judged."
    )
    weak = registry.data(f"{MACHINE}SYSTEM\\CurrentControlSet\\{states.LOCAL}", "Functions") == states.WEAK
    assert weak == (default == 1)
    del keys["Select"]["Default"]
    with pytest.raises(ImageError, match=r"which control set the next start takes \(Select\\Default\)"):
        OfflineRegistry(Hive(FileSource(str(write_hive(tmp_path / "S2", keys))), "SYSTEM"), other)


@pytest.mark.needs("7zz")
def test_7zz_unpacks_what_wimlib_does(made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, _disk = made
    path = disks.wim_of(root, tmp_path / "image.wim", compression="LZX")
    disks.wim_of(root, path, "second", append=True)
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "wimlib-imagex" else real(name))
    with open_image(str(path), "2") as image:
        assert image.notes == ["Unpacked with 7zz."]
    assert facts_of(path, "2") == facts_of(root)


def test_a_wim_without_a_tool_says_what_to_install(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = disks.wim_of(made[0], tmp_path / "image.wim")
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(ImageError, match="install wimlib-imagex"):
        open_image(str(path))


def test_a_split_wim_is_read_from_its_first_part(tmp_path: Path) -> None:
    root = states.write_tree(states.default_state(19045), tmp_path / "root")
    (root / "filler.bin").write_bytes(os.urandom(3 * MIB))
    path = disks.wim_of(root, tmp_path / "image.wim")
    disks.run("wimlib-imagex", "split", path, tmp_path / "part.swm", "2")
    assert (tmp_path / "part2.swm").exists()
    assert facts_of(tmp_path / "part.swm") == facts_of(root)
    with pytest.raises(ImageError, match="give the first part"):
        open_image(str(tmp_path / "part2.swm"))


def test_a_damaged_wim_leaves_nothing_behind(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = disks.wim_of(made[0], tmp_path / "image.wim", compression="LZX")
    data = bytearray(path.read_bytes())
    data[300:2000] = bytes(1700)
    path.write_bytes(data)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(wim.tempfile, "tempdir", str(temporary))
    with pytest.raises(ImageError, match="could not be unpacked by wimlib-imagex"):
        open_image(str(path))
    assert list(temporary.iterdir()) == []
    for length in (50, 207, 400):
        path.write_bytes(bytes(data[:length]))
        with pytest.raises(ImageError):
            open_image(str(path))
    assert list(temporary.iterdir()) == []


def test_unpacked_files_are_private_and_removed(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = disks.wim_of(made[0], tmp_path / "image.wim")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(wim.tempfile, "tempdir", str(temporary))
    with open_image(str(path)):
        (folder,) = temporary.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []


def test_an_encrypted_volume_is_named(made: tuple[Path, Path], tmp_path: Path) -> None:
    data = bytearray(made[1].read_bytes())
    data[4 * MIB + 3 : 4 * MIB + 11] = b"-FVE-FS-"
    (tmp_path / "disk.raw").write_bytes(data)
    with pytest.raises(ImageError, match="partition 3 is encrypted with BitLocker"):
        open_image(str(tmp_path / "disk.raw"))


def test_no_windows_inside_is_said_with_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    volume = disks.ntfs_of(tmp_path / "data", tmp_path / "data.ntfs", 16 * MIB)
    disk = disks.disk_of([volume], tmp_path / "disk.raw", 32 * MIB)
    with pytest.raises(ImageError, match="partition 3 holds an NTFS volume without Windows"):
        open_image(str(disk))


def test_a_truncated_disk_is_refused_or_gives_the_same_facts(made: tuple[Path, Path], tmp_path: Path) -> None:
    expected = facts_of(made[0])
    path = disks.convert(made[1], tmp_path / "image.qcow2", "qcow2")
    data = path.read_bytes()
    refused = 0
    for part in range(1, 16):
        (tmp_path / "cut.qcow2").write_bytes(data[: len(data) * part // 16])
        try:
            assert facts_of(tmp_path / "cut.qcow2") == expected
        except ImageError as error:
            refused += 1
            assert str(error).endswith(".")
    assert refused > 5


def test_no_right_to_read_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "disk.raw"
        path.touch(mode=0)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(ImageError, match="may not read"):
                open_image(str(path))
        finally:
            if os.getuid() == 0:
                os.seteuid(0)


def test_things_that_are_no_image(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is no image " * 100)
    with pytest.raises(ImageError, match="neither a partition table nor a Windows file system"):
        open_image(str(tmp_path / "text"))
    (tmp_path / "tiny").write_bytes(b"x")
    with pytest.raises(ImageError, match="no disk image"):
        open_image(str(tmp_path / "tiny"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match="neither a file nor a block device"):
        open_image(str(tmp_path / "pipe"))
    with pytest.raises(ImageError, match="neither a file nor a block device"):
        open_image("/dev/zero")


def test_a_disk_without_partition_table_and_one_with_mbr_are_opened(made: tuple[Path, Path], tmp_path: Path) -> None:
    root, _disk = made
    volume = disks.ntfs_of(root, tmp_path / "windows.ntfs", 16 * MIB)
    with open_image(str(volume)) as image:
        assert image.volume == "the whole disk"
    for kind, place in (("primary", 1), ("logical", 3)):
        data = bytearray(24 * MIB)
        data[510:512] = b"\x55\xaa"
        if kind == "primary":
            data[446 + 4] = 7
            struct.pack_into("<II", data, 446 + 8, place * 2048, 16 * 2048)
        else:
            data[446 + 4] = 0x0F
            struct.pack_into("<II", data, 446 + 8, 2048, 20 * 2048)
            data[MIB + 510 : MIB + 512] = b"\x55\xaa"
            data[MIB + 446 + 4] = 7
            struct.pack_into("<II", data, MIB + 446 + 8, (place - 1) * 2048, 16 * 2048)
        data[place * MIB : place * MIB + 16 * MIB] = volume.read_bytes()
        (tmp_path / kind).write_bytes(data)
        with open_image(str(tmp_path / kind)) as image:
            assert image.volume == ("partition 1" if kind == "primary" else "partition 5")
        assert facts_of(tmp_path / kind) == facts_of(root)


def test_the_backup_partition_table_is_used_when_the_first_is_damaged(made: tuple[Path, Path], tmp_path: Path) -> None:
    data = bytearray(made[1].read_bytes())
    data[512 + 60] ^= 0xFF
    (tmp_path / "disk.raw").write_bytes(data)
    assert facts_of(tmp_path / "disk.raw") == facts_of(made[0])
    data[len(data) - 512 + 60] ^= 0xFF
    (tmp_path / "disk.raw").write_bytes(data)
    with pytest.raises(ImageError, match="neither of its two copies"):
        open_image(str(tmp_path / "disk.raw"))


def test_a_damaged_hive_is_refused(made: tuple[Path, Path], tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(made[0], root)
    hive = root / "Windows" / "System32" / "config" / "SYSTEM"
    data = hive.read_bytes()
    for change, words in (
        (lambda hive: b"", "empty or cut off"),
        (lambda hive: hive[:5000], "cut off"),
        (lambda hive: bytes(len(hive)), "mark at its start"),
        (lambda hive: hive[:100] + b"\xff" + hive[101:], "checksum of its base block"),
        (lambda hive: hive[:4096] + bytes(64) + hive[4160:], "damaged"),
    ):
        hive.write_bytes(change(data))
        with pytest.raises(ImageError, match=words):
            open_image(str(root))
