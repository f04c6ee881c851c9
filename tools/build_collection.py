# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the galaxy tarball into build/dist and installs it under build/collections, unless nothing has changed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys

from mirror import CHECKOUT, mirror, project_files

DIST = CHECKOUT / "build" / "dist"
INSTALLED = CHECKOUT / "build" / "collections"
SOURCE = CHECKOUT / "build" / "package" / "ansible_collections" / "fleetops" / "tetra"


def fingerprint() -> str:
    """One hash over names and contents of all project files."""
    digest = hashlib.sha256()
    for name in project_files():
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256((CHECKOUT / name).read_bytes()).digest())
    return digest.hexdigest()


def main() -> int:
    stamp = INSTALLED / ".built-from"
    now = fingerprint()
    tarballs = list(DIST.glob("fleetops-tetra-*.tar.gz"))
    if stamp.is_file() and stamp.read_text() == now and len(tarballs) == 1:
        print(f"Unchanged: {tarballs[0].relative_to(CHECKOUT)}, installed under {INSTALLED.relative_to(CHECKOUT)}")
        return 0
    stamp.unlink(missing_ok=True)
    mirror(SOURCE)
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir(parents=True)
    build = ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(DIST), str(SOURCE)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (tarball,) = DIST.glob("fleetops-tetra-*.tar.gz")
    shutil.rmtree(INSTALLED / "ansible_collections" / "fleetops", ignore_errors=True)
    install = ["ansible-galaxy", "collection", "install", str(tarball), "--force", "--offline", "--no-deps"]
    subprocess.run([*install, "-p", str(INSTALLED)], check=True, stdout=subprocess.DEVNULL)
    stamp.write_text(now)
    print(f"Built {tarball.relative_to(CHECKOUT)}, installed under {INSTALLED.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
