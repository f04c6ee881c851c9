# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets galaxy-importer read the built tarball, and fails on its errors and on its warnings.

Usage: import_check.py FOLDER_OF_THE_TARBALL
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path


def main(folder: Path) -> int:
    tarballs = list(folder.glob("fleetops-tetra-*.tar.gz"))
    if len(tarballs) != 1:
        print(f"{folder} holds {len(tarballs)} tarballs, one is expected: run make collection.")
        return 1
    with tempfile.TemporaryDirectory() as work:  # the importer leaves importer_result.json in its working folder
        command = [sys.executable, "-m", "galaxy_importer.main", str(tarballs[0].resolve())]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    print(output.rstrip())
    findings = [line for line in output.splitlines() if line.startswith(("ERROR", "WARNING"))]
    if done.returncode or findings:
        print(f"galaxy-importer ended with {done.returncode} and {len(findings)} errors or warnings.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
