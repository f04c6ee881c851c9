# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the project's own files to another folder.

ansible-test, ansible-lint and galaxy-importer want the collection under ``…/ansible_collections/fleetops/tetra`` and
look at every file they find there. They get a copy of what git would keep (tracked, or new and not ignored), so neither
environments nor results of earlier runs are looked at.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
NEVER = {
    ".git",
    ".venv",
    "build",
    "collections",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
}


def project_files(root: Path = CHECKOUT) -> list[Path]:
    """Relative paths of the project's files, sorted. Outside of git: all files but those that tools make."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        listed = ""
    if listed:
        names = {Path(name) for name in listed.split("\0") if name}
    else:
        names = set()
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in NEVER and not name.startswith(".venv-")]
            names.update((Path(folder) / name).relative_to(root) for name in files if not name.endswith(".tar.gz"))
    return sorted(name for name in names if (root / name).is_file())


def mirror(target: Path, root: Path = CHECKOUT) -> int:
    """Makes ``target`` hold exactly the project's files; returns how many were copied or removed.

    ansible-test's own ``tests/output`` and the marker repository (see sanity.py) in the target are kept.
    """
    wanted = set(project_files(root))
    changed = 0
    if target.is_dir():
        for folder, folders, files in os.walk(target, topdown=False):
            here = Path(folder)
            relative = here.relative_to(target)
            if relative.parts[:2] == ("tests", "output") or relative.parts[:1] == (".git",):
                continue
            for name in files:
                if relative / name not in wanted:
                    (here / name).unlink()
                    changed += 1
            if here != target and not any(here.iterdir()):
                here.rmdir()
            del folders
    for name in wanted:
        source, copy = root / name, target / name
        if (
            copy.is_file()
            and filecmp.cmp(source, copy, shallow=False)
            and os.access(source, os.X_OK) == os.access(copy, os.X_OK)
        ):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
        changed += 1
    return changed


if __name__ == "__main__":
    mirror(Path(sys.argv[1]).resolve())
