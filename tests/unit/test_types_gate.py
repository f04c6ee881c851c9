# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of types: eleven mistyped names of members, one of each document and more; mypy --strict has to see them.

Each seed is the first place in a file of the product where a member is read or written. mypy reads the mistyped copy in
place of the file (--shadow-file), so nothing of the checkout is touched.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ENOUGH = 10
"""So many of the eleven."""

SEEDS = (
    ("module_utils/verdict/in_force.py", '["last_boot"]', "last_bot"),  # facts, a nested member
    ("module_utils/schannel/suite_sources.py", '["policy_order"]', "policy_ordr"),  # facts, a section
    ("plugin_utils/readings/tls.py", '"enabled": False', "enabeld"),  # facts, as they are written
    ("module_utils/verdict/next_step.py", '["origin"]', "orgin"),  # verdict, a nested member
    ("module_utils/verdict/evaluate.py", '"either_way": {', "either_ways"),  # verdict, as it is written
    ("module_utils/plan/obstacles.py", '["reasons"]', "reason"),  # verdict, as the plan reads it
    ("module_utils/plan/steps.py", '"needs_reboot": True', "need_reboot"),  # plan
    ("plugin_utils/tasks/cure_task.py", '"before_image_on_endpoint":', "before_image_on_endpiont"),  # cure
    ("plugin_utils/changes/before_images.py", '"created_at": self', "create_at"),  # before-image
    ("plugin_utils/run_folder/results.py", '["token"]', "tokn"),  # run
    ("plugin_utils/remediation/journal.py", '["event"]', "evnt"),  # journal
)
"""File, how the member stands there (either way), and the mistyped name."""


def test_mypy_sees_mistyped_names_of_members(checkout: Path, tmp_path: Path) -> None:
    plugins = checkout / "build/dev/ansible_collections/fleetops/tetra/plugins"
    shadows: list[str] = []
    places: dict[tuple[str, int], str] = {}
    for file, ways, mistyped in SEEDS:
        source = plugins / file
        text = source.read_text(encoding="utf-8")
        found = next((way for way in ways.split("|") if way in text), None)
        assert found is not None, f"{file} no longer holds {ways}: choose another place for this seed"
        start = text.index(found)
        line = text.count("\n", 0, start) + 1
        shadow = tmp_path / file.replace("/", "_")
        changed = re.sub(r'"\w+"', f'"{mistyped}"', found, count=1)
        shadow.write_text(text[:start] + changed + text[start + len(found) :], encoding="utf-8")
        shadows += ["--shadow-file", str(source.relative_to(checkout)), str(shadow)]
        places[file, line] = mistyped
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path / "cache")]
    files = [str((plugins / file).relative_to(checkout)) for file, _ways, _mistyped in SEEDS]
    done = subprocess.run([*command, *shadows, *files], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    told = {
        (file, int(line))
        for file, line in re.findall(r"plugins/((?:module|plugin)_utils/[\w/]+\.py):(\d+): error", done.stdout)
    }
    seen = {mistyped for (file, line), mistyped in places.items() if _near(told, file, line)}
    print(f"mypy --strict sees {len(seen)} of {len(SEEDS)} mistyped names of members")
    assert len(seen) >= ENOUGH, f"not seen: {sorted(set(places.values()) - seen)}\n{done.stdout}"


def _near(told: set[tuple[str, int]], file: str, line: int) -> bool:
    """A mapping that is written is complained about at its first line, which may stand some lines above."""
    return any(other == file and line - 20 <= at <= line for other, at in told)
