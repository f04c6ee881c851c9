# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ``ansible-test sanity`` on a copy of the collection, without docker and without a network once set up.

ansible-test keeps one virtual environment per sanity test under ``HOME/.ansible/test/venv`` (tools/run points HOME to
build/home). It fetches a script that installs pip from a host of the Ansible project
(https://github.com/ansible/ansible/issues/77304). A file of the same name in its cache takes the place of the download:
here one that lets Python's own ensurepip do it.

Usage: sanity.py COLLECTION_FOLDER [ansible-test options]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

GET_PIP = "import ensurepip\nensurepip.bootstrap(upgrade=False, default_pip=True)\n"
GET_PIP_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")  # ansible-core 2.18 and 2.19, 2.20 and 2.21

# Tests that cannot run on every machine, each with what it would need. docs/development.md says the same.
SKIPPED = {
    "pslint": "needs PowerShell (pwsh); the collection holds no PowerShell",
    "shellcheck": "needs the command shellcheck",
}


def prepare_pip(home: Path) -> None:
    """Puts the stand-in for the pip installer where ansible-test looks first."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        target = cache / name
        if not target.is_file() or target.read_text() != GET_PIP:
            target.write_text(GET_PIP)


def own_repository(collection: Path) -> None:
    """Makes the copy a git repository of its own, where the checkout is one.

    ansible-test asks the nearest repository above for its files. To the checkout everything under build/ is ignored, so
    nothing would be tested.
    """
    if shutil.which("git") and not (collection / ".git").exists():
        subprocess.run(["git", "init", "--quiet", str(collection)], check=True)


def main(collection: Path, options: list[str]) -> int:
    """Returns ansible-test's exit code; 1 as well where the collection carries an ignore file."""
    ignores = sorted(
        path.name for path in (collection / "tests" / "sanity").glob("ignore*.txt") if path.read_text().strip()
    )
    if ignores:
        print(
            f"tests/sanity/{ignores[0]} has entries. This collection has no sanity ignores: repair the finding instead."
        )
        return 1
    prepare_pip(Path(os.environ["HOME"]))
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    skips = [argument for test in SKIPPED for argument in ("--skip-test", test)]
    command = ["ansible-test", "sanity", "--local", "--python", version, "--color", "no", *skips, *options]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own_repository(collection)
    process = subprocess.Popen(
        command,
        cwd=collection,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    nothing_tested = False
    for line in process.stdout:
        print(line, end="", flush=True)
        nothing_tested = nothing_tested or "All targets skipped" in line
    code = process.wait()
    if nothing_tested:
        print("ansible-test found no file of the collection to test.")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
