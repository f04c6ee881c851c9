# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images a user means, and waiver files that cannot be meant."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.waivers import WaiverError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.images import (
    ImagesError,
    find_images,
    read_waivers,
)


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(wanted: t.Any, folder: Path) -> list[str]:
    return [image.name for image in find_images(wanted, folder).images]


def test_a_folder_stands_for_the_images_in_it(tmp_path: Path) -> None:
    files(tmp_path, "b.vhdx", "a.QCOW2", "notes.txt", "install.swm", "install2.swm", "vm.vmdk", "vm-flat.vmdk")
    files(tmp_path, "vm-s001.vmdk", "other-s001.vmdk", "sub/c.raw")
    assert names(".", tmp_path) == ["a.QCOW2", "b.vhdx", "install.swm", "other-s001.vmdk", "vm.vmdk"]


def test_nothing_in_a_folder_is_passed_over_in_silence(tmp_path: Path) -> None:
    """A folder with one good image and others that cannot be opened: each is judged, or named as no image."""
    contents = {
        "good.qcow2": b"QFI\xfb" + bytes(600),
        "renamed.bin": b"vhdxfile" + bytes(600),
        "no-ending": bytes(510) + b"\x55\xaa" + bytes(512),
        "dynamic": bytes(1024) + b"conectix" + bytes(504),
        "box": bytes(257) + b"ustar" + bytes(600),
        "packed.gz": b"\x1f\x8b\x08" + bytes(600),
        "disc.iso": bytes(100),
        "child.avhdx": bytes(100),
        "notes.txt": b"golden image of November",
        "vm.vmx": b"config.version = 8",
        "empty": b"",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.raw").touch()
    (tmp_path / "volume" / "Windows").mkdir(parents=True)
    found = find_images(".", tmp_path)
    others = ["empty", "notes.txt", "sub", "vm.vmx"]
    assert [Path(path).name for path in found.left_out] == others
    assert {image.name for image in found.images} == set(contents) - set(others) | {"volume"}
    deep = find_images(".", tmp_path, recursive=True)
    assert "inner.raw" in {image.name for image in deep.images}
    assert [Path(path).name for path in deep.left_out] == ["empty", "notes.txt", "vm.vmx"]


@pytest.mark.parametrize("mark", ["Windows", "WINDOWS", "SYSTEM", "system"])
def test_a_folder_with_a_windows_or_its_hives_is_one_image(tmp_path: Path, mark: str) -> None:
    (tmp_path / "volume" / mark).mkdir(parents=True)
    files(tmp_path / "volume", "pagefile.img")
    assert names("volume", tmp_path) == ["volume"]


def test_names_are_unique_and_say_which_volume(tmp_path: Path) -> None:
    files(tmp_path, "one/disk.vhdx", "two/disk.vhdx")
    both = names(["one/disk.vhdx", "two/disk.vhdx"], tmp_path)
    assert both == [str(tmp_path / "one" / "disk.vhdx"), str(tmp_path / "two" / "disk.vhdx")]
    wim = [{"path": "install.wim", "volume": 1}, {"path": "install.wim", "volume": "Pro", "name": "pro"}]
    assert names(wim, tmp_path) == ["install.wim:1", "pro"]
    with pytest.raises(ImagesError, match="Two images have the name 'x'"):
        names([{"path": "a", "name": "x"}, {"path": "b", "name": "x"}], tmp_path)


@pytest.mark.parametrize(
    "wanted", [[], "", [""], None, 5, [{"file": "x"}], [{"path": "x", "name": 5}], [{"path": "x", "volume": True}]]
)
def test_what_cannot_be_meant_is_one_sentence(wanted: t.Any, tmp_path: Path) -> None:
    with pytest.raises(ImagesError) as refused:
        find_images(wanted, tmp_path)
    assert "\n" not in str(refused.value)


def test_an_empty_folder_and_a_name_for_several_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImagesError, match="holds no image file"):
        find_images("empty", tmp_path)
    files(tmp_path, "two/a.raw", "two/b.raw")
    with pytest.raises(ImagesError, match="belong to a single one"):
        find_images([{"path": "two", "volume": 1}], tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("missing.yml", None, "cannot be read: No such file"),
        ("folder", "", "cannot be read: Is a directory"),
        ("bad.yml", "{[", "neither YAML nor JSON"),
        ("bad.json", "- rule: x", "neither YAML nor JSON"),
        ("odd.yml", "- rule: TETRA-TYPO", "waiver"),
        ("bytes.yml", "\udcff", "neither YAML nor JSON"),
    ],
)
def test_a_waiver_file_that_cannot_be_meant(tmp_path: Path, name: str, text: str | None, words: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WaiverError, match=words):
        read_waivers(path)
