# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the collection ansible.windows into a collections folder, from PyPI's package ``ansible``.

Galaxy is not needed. pip checks the hash; only the files of ansible.windows are kept, as they are.

Usage: get_ansible_windows.py REQUIREMENTS FOLDER
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_PART = "ansible_collections/ansible/windows/"
# The package asks for the newest Python, of which nothing is used here.
_ANY_PYTHON = ("--python-version", "3.14", "--only-binary", ":all:")


def main(requirements: Path, folder: Path) -> int:
    with tempfile.TemporaryDirectory() as work:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--no-input"]
        hashed = ["--require-hashes", "-r", str(requirements), "--dest", work]
        done = subprocess.run([*download, *_ANY_PYTHON, *hashed], check=False)
        if done.returncode:
            print(f"The package that {requirements} names could not be fetched.", file=sys.stderr)
            return done.returncode
        (wheel,) = Path(work).glob("ansible-*.whl")
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder, [name for name in packed.namelist() if name.startswith(_PART)])
    (folder / ".stamp").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
