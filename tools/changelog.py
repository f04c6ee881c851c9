# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the changelog of the version in galaxy.yml anew: fragments, and every plugin, role and playbook that is new.

antsibull-changelog makes a release once and does not take later plugins into it. Until a version is published its entry
is dropped and made again; fragments are kept (``keep_fragments``), so nothing is lost. It works on the mirror
(build/src), since outside of an ansible_collections folder it would copy the whole checkout with its environments.
"""

from __future__ import annotations

import datetime
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parent.parent
MADE = ("changelogs/changelog.yaml", "CHANGELOG.rst", "CHANGELOG.md")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: changelog.py MIRROR", file=sys.stderr)
        return 2
    mirror = Path(arguments[0]).resolve()
    version = str(yaml.safe_load((mirror / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    path = mirror / MADE[0]
    changes = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = changes["releases"].pop(version, None) or {}
    path.write_text("---\n" + yaml.safe_dump(changes), encoding="utf-8")
    date = str(known.get("release_date") or datetime.datetime.now(datetime.UTC).date())
    command = ["antsibull-changelog", "release", "--version", version, "--date", date, "--reload-plugins"]
    code = subprocess.run(command, cwd=mirror, check=False).returncode
    if code == 0:
        for name in MADE:
            shutil.copyfile(mirror / name, CHECKOUT / name)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
