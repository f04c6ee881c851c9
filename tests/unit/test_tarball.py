# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-galaxy packs: the collection, and nothing that only its source repository needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

FOLDERS = {"changelogs", "docs", "meta", "playbooks", "plugins", "roles"}
FILES = {"CHANGELOG.md", "CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"}


@pytest.fixture(scope="module")
def tarball(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed from a copy of the project's files, as ``make collection`` does."""
    sys.path.insert(0, str(checkout / "tools"))
    try:
        from mirror import mirror  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    work = tmp_path_factory.mktemp("tarball")
    source = work / "ansible_collections" / "fleetops" / "tetra"
    mirror(source, checkout)
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    subprocess.run(
        [str(galaxy), "collection", "build", "--output-path", str(work / "dist"), str(source)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    shutil.rmtree(source)
    (packed,) = (work / "dist").glob("fleetops-tetra-*.tar.gz")
    return packed


def test_the_tarball_holds_neither_tests_nor_tools_nor_the_lab(tarball: Path) -> None:
    with tarfile.open(tarball) as packed:
        names = packed.getnames()
    top = {name.split("/")[0] for name in names}
    assert top == FOLDERS | FILES
    assert {name for name in names if name.endswith((".pcap", ".pcapng", ".reg", ".evtx", ".pyc"))} == set()


def test_the_collection_imports_nothing_that_the_tarball_leaves_out(tarball: Path) -> None:
    with tarfile.open(tarball) as packed:
        listed = json.loads(packed.extractfile("FILES.json").read())["files"]  # type: ignore[union-attr]
        for entry in listed:
            if entry["name"].endswith(".py"):
                text = packed.extractfile(entry["name"]).read().decode()  # type: ignore[union-attr]
                for left_out in ("lab", "tests", "tools"):
                    assert f"ansible_collections.fleetops.tetra.{left_out}" not in text, entry["name"]
