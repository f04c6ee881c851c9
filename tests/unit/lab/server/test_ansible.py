# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-core, unmodified, over its own psrp connection and the inventory that the lab writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.running import RunningFleet
from tests.unit.lab.server.conftest import Start


def _ansible(fleet: RunningFleet, *arguments: str) -> dict[str, dict[str, object]]:
    """Results per host of one ad hoc task."""
    tree = fleet.inventory.parent / "tree"
    command = [str(Path(sys.executable).with_name("ansible")), "-i", str(fleet.inventory), "--tree", str(tree)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "ANSIBLE_DEPRECATION_WARNINGS": "false"}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert tree.is_dir(), done.stderr
    return {path.name: json.loads(path.read_text()) for path in tree.iterdir()}


def test_raw_over_every_way_in(start: Start) -> None:
    fleet = start(
        basic={},
        ntlm={"auth": ["ntlm"], "allow_unencrypted": False},
        negotiate_tls={"scheme": "https", "auth": ["negotiate"]},
        basic_tls={"scheme": "https", "configurations": ["TetraAudit"]},
        wrong={"faults": ["wrong_password"]},
        refused={"faults": ["refused"]},
        expired={"scheme": "https", "faults": ["tls_error"]},
    )
    results = _ansible(fleet, "windows", "-m", "ansible.builtin.raw", "-a", "Get-Something")
    for name in ("basic", "ntlm", "negotiate_tls", "basic_tls"):
        assert (results[name]["rc"], results[name]["stdout_lines"]) == (7, ["script"]), results[name]
    for name, word in (("wrong", "authenticate"), ("refused", "refused"), ("expired", "certificate")):
        assert results[name]["unreachable"], results[name]
        assert word in str(results[name]["msg"])


def test_a_windows_module_ends_in_an_error_and_does_not_hang(start: Start, tmp_path: Path) -> None:
    fleet = start(one={})
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "win_nothing.ps1").write_text("#!powershell\n#AnsibleRequires -CSharpUtil Ansible.Basic\n")
    results = _ansible(fleet, "windows", "-m", "win_nothing", "-M", str(tmp_path / "library"))
    assert "is not recognized" in str(results["one"]), results["one"]
    (caller, *_others) = fleet.machines["one"].callers  # type: ignore[attr-defined]
    assert len(caller.extra["input"]) > 1, "the module's input reached the machine"
