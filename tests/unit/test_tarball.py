# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-galaxy packs: the collection, and nothing that only its source repository needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

FOLDERS = {"changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"}
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


def test_a_signed_tarball_is_verified_where_it_is_installed(tarball: Path, checkout: Path, tmp_path: Path) -> None:
    """``ansible-galaxy collection verify``: as it was, one file changed, the manifest changed, another's key."""
    if shutil.which("gpg") is None:
        message = "gpg is missing; on Debian and Ubuntu: apt-get install gpg"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    bin_folder = Path(sys.executable).parent
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
    }

    def run(*command: str | Path, home: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(each) for each in command],
            check=check,
            capture_output=True,
            text=True,
            timeout=300,
            env={**environment, "GNUPGHOME": str(homes[home])},
        )

    # gpg's agent listens on a socket in its home, whose path may hold 107 bytes.
    homes = {name: Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp")) for name in ("ours", "theirs")}
    try:
        for name in homes:
            key = [
                "gpg",
                "--batch",
                "--passphrase",
                "",
                "--quick-gen-key",
                f"{name}@example.invalid",
                "ed25519",
                "sign",
            ]
            run(*key, home=name)
            exported = subprocess.run(
                ["gpg", "--homedir", str(homes[name]), "--export"], check=True, capture_output=True, timeout=60
            )
            (tmp_path / f"{name}.exported").write_bytes(exported.stdout)
            ring = tmp_path / f"{name}.kbx"
            run("gpg", "--no-default-keyring", "--keyring", ring, "--import", tmp_path / f"{name}.exported", home=name)
        packed = tmp_path / tarball.name
        shutil.copy2(tarball, packed)
        unsigned = run(
            checkout / "tools" / "sign-collection", packed, "nobody@example.invalid", home="ours", check=False
        )
        assert unsigned.returncode == 2
        assert unsigned.stderr.startswith("gpg has no secret key called nobody@example.invalid")
        run(checkout / "tools" / "sign-collection", packed, "ours@example.invalid", home="ours")
        run("ansible-galaxy", "collection", "install", packed, "--offline", "--no-deps", "-p", tmp_path, home="ours")

        def verify(ring: str) -> tuple[int, str]:
            command = ["ansible-galaxy", "collection", "verify", "fleetops.tetra", "--offline"]
            command += ["--keyring", str(tmp_path / f"{ring}.kbx"), "--signature", f"file://{packed}.asc"]
            done = run(*command, home="ours", check=False)
            return done.returncode, done.stdout + done.stderr

        installed = tmp_path / "ansible_collections" / "fleetops" / "tetra"
        code, said = verify("ours")
        assert (code, "Successfully verified" in said) == (0, True), said
        code, said = verify("theirs")
        assert (code, "Signature verification failed" in said) == (1, True), said
        readme = installed / "README.md"
        kept = readme.read_text(encoding="utf-8")
        readme.write_text(kept + "\n", encoding="utf-8")
        code, said = verify("ours")
        assert (code, "modified content" in said) == (1, True), said
        readme.write_text(kept, encoding="utf-8")
        manifest = installed / "MANIFEST.json"
        manifest.write_text(manifest.read_text(encoding="utf-8").replace("GPL-3.0-or-later", "MIT"), encoding="utf-8")
        code, said = verify("ours")
        assert (code, "Signature verification failed" in said) == (1, True), said
    finally:
        for home in homes.values():
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
            shutil.rmtree(home, ignore_errors=True)
