# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make record`` against the lab: what was recorded gives the same facts when it is read again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.transport import DEFAULT_PASSWORD
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.tests.record.recording import Replay, load

LAB = "ansible_collections.fleetops.tetra.lab"


def test_a_recording_can_be_read_again(checkout: Path, tmp_path: Path) -> None:
    playbook = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "{inventory}",
        "--limit",
        "healthy,failing",
    ]
    playbook += ["tests/record/record.yml", "-e", f"record_dir={tmp_path / 'recorded'}", "-e", "record_probe=true"]
    lab = [sys.executable, "-m", LAB, "run", "--fleet", "lab/fleets/small.yml", "--work-dir", str(tmp_path / "lab")]
    done = subprocess.run(
        [*lab, "--", *playbook], cwd=checkout, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    recordings = sorted((tmp_path / "recorded").glob("*.json"))
    assert [path.stem for path in recordings] == ["failing", "healthy"]
    for path in recordings:
        text = path.read_text(encoding="utf-8")
        assert DEFAULT_PASSWORD not in text
        recording = load(text)
        facts = collect(Replay(recording), "HOST", recording["recorded_at"])
        without_probe = {name: value for name, value in recording["facts"].items() if name != "probe"}
        assert {name: value for name, value in facts.items() if name != "probe"} == without_probe
        assert recording["facts"]["probe"]["status"] != "not_read"
