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
"""File, how the member stands there, and the mistyped name."""
MORE_SEEDS = (
    ("plugin_utils/changes/change_set.py", '["before"]', "befor"),  # step of a plan
    ("plugin_utils/changes/change_set.py", '"made_keys"', "made_key"),  # item of a before-image
    ("plugin_utils/changes/domain_policy.py", '["present"]', "presnt"),  # what undoing would come to
    ("plugin_utils/changes/local_policy.py", '"content": None', "contents"),  # file of a before-image
    ("plugin_utils/remediation/gpo_changes.py", '["conflicts"]', "conflict"),  # domain GPOs
    ("plugin_utils/remediation/folder.py", '"may_be_changed_since":', "may_be_changed_sinc"),  # summary
    ("plugin_utils/remediation/rollback.py", '"run_id": image', "run_ids"),  # what a rollback tells
    ("plugin_utils/remediation/cure.py", '["reachability"]', "reachabilty"),  # verdict, as a cure reads it
    # Not names of members, but states, events and codes that a document can hold.
    ("plugin_utils/remediation/cure.py", '"timed_out", self', "timedout"),  # event of a cure
    ("plugin_utils/remediation/journal.py", '"unreachable", "timed_out"', "unreachabel"),  # event of a journal
    ("plugin_utils/changes/local_policy.py", '"restored"', "restord"),  # what became of an item
    ("module_utils/plan/obstacles.py", '"local_list"', "locallist"),  # kind of an obstacle
    ("module_utils/plan/domain_gpos.py", '"would_break"', "wuold_break"),  # code of a conflict
    ("module_utils/verdict/evaluate.py", '"not_applicable"', "notapplicable"),  # state
)
"""The same for what changes and remediation pass to each other, and for values; each has to be seen."""


def test_mypy_sees_mistyped_names_of_members(checkout: Path, tmp_path: Path) -> None:
    seen, output = _seen(SEEDS, checkout, tmp_path)
    print(f"mypy --strict sees {len(seen)} of {len(SEEDS)} mistyped names of members")
    assert len(seen) >= ENOUGH, f"not seen: {sorted({seed[2] for seed in SEEDS} - seen)}\n{output}"


def test_mypy_sees_every_mistyped_name_and_value_of_a_change(checkout: Path, tmp_path: Path) -> None:
    seen: set[str] = set()
    # One file can be shadowed once in a run.
    rounds: list[list[tuple[str, str, str]]] = []
    for seed in MORE_SEEDS:
        free = next((one for one in rounds if seed[0] not in {file for file, _ways, _name in one}), None)
        if free is None:
            rounds.append(free := [])
        free.append(seed)
    output = ""
    for number, seeds in enumerate(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        found, told = _seen(tuple(seeds), checkout, folder)
        seen, output = seen | found, output + told
    print(f"mypy --strict sees {len(seen)} of {len(MORE_SEEDS)} more mistyped names and values")
    assert {seed[2] for seed in MORE_SEEDS} - seen == set(), output


def _seen(seeds: tuple[tuple[str, str, str], ...], checkout: Path, tmp_path: Path) -> tuple[set[str], str]:
    """The mistyped names about which mypy complains, and what it says. Each file stands in one seed at most."""
    plugins = checkout / "build/dev/ansible_collections/fleetops/tetra/plugins"
    shadows: list[str] = []
    places: dict[tuple[str, int], str] = {}
    for file, way, mistyped in seeds:
        source = plugins / file
        text = source.read_text(encoding="utf-8")
        assert way in text, f"{file} no longer holds {way}: choose another place for this seed"
        start = text.index(way)
        line = text.count("\n", 0, start) + 1
        shadow = tmp_path / file.replace("/", "_")
        changed = re.sub(r'"\w+"', f'"{mistyped}"', way, count=1)
        shadow.write_text(text[:start] + changed + text[start + len(way) :], encoding="utf-8")
        shadows += ["--shadow-file", str(source.relative_to(checkout)), str(shadow)]
        places[file, line] = mistyped
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path / "cache")]
    files = [str((plugins / file).relative_to(checkout)) for file, _way, _mistyped in seeds]
    done = subprocess.run([*command, *shadows, *files], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    told = {
        (file, int(line))
        for file, line in re.findall(r"plugins/((?:module|plugin)_utils/[\w/]+\.py):(\d+): error", done.stdout)
    }
    # A value that stands in a constant is complained about where the constant is used; mypy quotes it there.
    quoted = set(re.findall(r"['\"](\w+)['\"]", done.stdout))
    seen = {name for (file, line), name in places.items() if name in quoted or _near(told, file, line)}
    return seen, done.stdout


def _near(told: set[tuple[str, int]], file: str, line: int) -> bool:
    """A mapping that is written is complained about at its first line, which may stand some lines above."""
    return any(other == file and line - 20 <= at <= line for other, at in told)
