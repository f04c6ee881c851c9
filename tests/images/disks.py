# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images and WIM files for tests, made without root or a mount by ntfs-3g's tools, wimlib, sgdisk, qemu-img."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

MIB = 1024 * 1024
TOOLS = ("hivexsh", "mkntfs", "wimlib-imagex", "sgdisk", "qemu-img")
FORMATS: dict[str, tuple[str, ...]] = {
    "raw": ("-O", "raw"),
    "qcow2": ("-O", "qcow2"),
    "qcow2-compressed": ("-O", "qcow2", "-c"),
    "vhdx": ("-O", "vhdx", "-o", "subformat=dynamic"),
    "vhdx-fixed": ("-O", "vhdx", "-o", "subformat=fixed"),
    "vhd": ("-O", "vpc", "-o", "subformat=dynamic,force_size=on"),
    "vhd-fixed": ("-O", "vpc", "-o", "subformat=fixed,force_size=on"),
    "vmdk": ("-O", "vmdk"),
    "vmdk-stream": ("-O", "vmdk", "-o", "subformat=streamOptimized"),
    "vmdk-split": ("-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"),
    "vmdk-flat": ("-O", "vmdk", "-o", "subformat=monolithicFlat"),
}


def run(*command: str | Path) -> None:
    """Run a tool; its output is shown when it fails."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    name = shutil.which(str(command[0]), path=path) or str(command[0])
    done = subprocess.run([name, *map(str, command[1:])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def wim_of(folder: Path, wim: Path, name: str = "golden", compression: str = "none", append: bool = False) -> Path:
    """Capture a folder into a WIM file, or append it as a further image."""
    if append:
        run("wimlib-imagex", "append", folder, wim, name)
    else:
        options = ["--compress=LZMS", "--solid"] if compression == "solid" else [f"--compress={compression}"]
        run("wimlib-imagex", "capture", folder, wim, name, *options)
    return wim


def ntfs_of(folder: Path, volume: Path, size: int, *options: str) -> Path:
    """An NTFS volume in a sparse file with the content of a folder: mkntfs makes it, wimlib fills it."""
    with volume.open("wb") as file:
        file.truncate(size)
    run("mkntfs", "-F", "-Q", "-q", *options, volume)
    wim = wim_of(folder, volume.with_suffix(".fill.wim"))
    run("wimlib-imagex", "apply", wim, "1", volume)
    wim.unlink()
    return volume


def copy_sparse(source: Path, target: Path, offset: int) -> None:
    """Copy the data of a file into another one at an offset; holes stay holes."""
    with source.open("rb") as read, target.open("r+b") as write:
        end = source.stat().st_size
        position = 0
        while position < end:
            try:
                start = os.lseek(read.fileno(), position, os.SEEK_DATA)
            except OSError:
                return
            position = os.lseek(read.fileno(), start, os.SEEK_HOLE)
            while start < position:
                part = os.pread(read.fileno(), min(MIB, position - start), start)
                os.pwrite(write.fileno(), part, offset + start)
                start += len(part)


def disk_of(volumes: t.Sequence[Path], disk: Path, size: int) -> Path:
    """A GPT disk: an EFI partition, the reserved partition of Windows, then the given volumes."""
    with disk.open("wb") as file:
        file.truncate(size)
    command: list[str | Path] = ["sgdisk", "-n", "1:2048:+1M", "-t", "1:ef00", "-n", "2:0:+1M", "-t", "2:0c01"]
    offset = 4 * MIB
    starts = []
    for number, volume in enumerate(volumes, 3):
        length = volume.stat().st_size
        first = offset // 512
        command += ["-n", f"{number}:{first}:{first + length // 512 - 1}", "-t", f"{number}:0700"]
        starts.append(offset)
        offset += -(-length // MIB) * MIB
    run(*command, disk)
    for volume, start in zip(volumes, starts, strict=True):
        copy_sparse(volume, disk, start)
    return disk


def convert(disk: Path, target: Path, kind: str) -> Path:
    """The raw disk in another container."""
    run("qemu-img", "convert", "-f", "raw", *FORMATS[kind], disk, target)
    return target
