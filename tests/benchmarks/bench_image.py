# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long image_info takes, how much memory and how many bytes of the image: disks of 5, 20 and 60 GB.

The disks are sparse; each holds a Windows volume over nearly all of it, with a SOFTWARE hive of about 60 MB. Bytes read
must not grow with the disk.

Run: PYTHONPATH=build/dev .venv/bin/python tests/benchmarks/bench_image.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.fleetops.tetra.tests.images import disks, states

MODULE = "ansible_collections.fleetops.tetra.plugins.modules.image_info"
GIB = 1024**3
SIZES = (5, 20, 60)
KINDS = ("raw", "qcow2", "vhdx", "vhdx-fixed", "vhd", "vmdk")
LIMIT_SECONDS = 10.0
LIMIT_MIB = 300.0
GROWTH = 1.2
"""Bytes read from the largest disk, as a multiple of those from the smallest."""


def make_root(folder: Path) -> Path:
    """A Windows volume's files: one with a policy list, a large SOFTWARE hive and a full System32."""
    state = states.policy_state(states.WEAK)
    for group in range(60):
        for number in range(60):
            path = rf"Classes\Group{group:03d}\Item{number:03d}"
            state.software[path] = {"Data": ("REG_BINARY", bytes([group]) * 16_000)}
    root = states.write_tree(state, folder / "root")
    for number in range(4000):
        (root / "Windows" / "System32" / f"library{number:05d}.dll").write_bytes(b"MZ")
    return root


def measured(path: Path) -> tuple[float, float, dict[str, object]]:
    """(seconds, MiB of memory, result) of the whole module, Python's start included."""
    code = (
        "import runpy, sys\n"
        "try:\n"
        f"    runpy.run_module('{MODULE}', run_name='__main__')\n"
        "finally:\n"
        "    peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "    print(peak.split()[1], file=sys.stderr)\n"
    )
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"path": str(path)}})
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], input=arguments, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    return seconds, int(done.stderr.split()[-1]) / 1024, json.loads(done.stdout)


def main() -> int:
    """Prints the figures; exit code 1 where a limit is broken."""
    failed = False
    read: dict[str, list[int]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="tetra-bench-") as name:
        folder = Path(name)
        root = make_root(folder)
        hive = (root / "Windows" / "System32" / "config" / "SOFTWARE").stat().st_size
        print(f"SOFTWARE hive: {hive / 1e6:.0f} MB; limits {LIMIT_SECONDS:.0f} s and {LIMIT_MIB:.0f} MiB")
        for size in SIZES:
            volume = disks.ntfs_of(root, folder / "windows.ntfs", size * GIB - 64 * 1024 * 1024)
            disk = disks.disk_of([volume], folder / "disk.raw", size * GIB)
            volume.unlink()
            for kind in KINDS:
                path = disk if kind == "raw" else disks.convert(disk, folder / f"image.{kind}", kind)
                seconds, memory, result = measured(path)
                state = result["verdict"]["state"]  # type: ignore[index]
                count = int(result["image"]["bytes_read"])  # type: ignore[index]
                read[kind].append(count)
                good = seconds < LIMIT_SECONDS and memory < LIMIT_MIB and state == "non_compliant"
                failed = failed or not good
                print(
                    f"{size:3d} GB {kind:11s} {state}: {seconds:.2f} s, {memory:.0f} MiB, "
                    f"{count / 1e6:.2f} MB read of {path.stat().st_blocks * 512 / 1e6:.0f} MB"
                )
                if path != disk:
                    path.unlink()
            disk.unlink()
    for kind, counts in read.items():
        growth = counts[-1] / counts[0]
        failed = failed or growth > GROWTH
        print(f"{kind:11s} bytes read, {SIZES[-1]} GB to {SIZES[0]} GB: {growth:.2f} (limit {GROWTH})")
    return 1 if failed else 0


if __name__ == "__main__":
    if shutil.which("qemu-img") is None or shutil.which("mkntfs", path="/usr/sbin:/sbin:/usr/bin") is None:
        print("bench_image needs qemu-img, ntfs-3g, wimtools, gdisk and libhivex (see .ci/run)")
        sys.exit(0)
    sys.exit(main())
