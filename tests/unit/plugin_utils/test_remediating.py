# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beginning a remediation: what is refused before a folder is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediating import begin_task


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "host_pinned"])
def test_a_strategy_that_knows_no_run_once_is_refused_before_anything_is_written(tmp_path: Path, strategy: str) -> None:
    arguments = {"hosts": ["pc-1"], "results_dir": str(tmp_path / "results")}
    result = begin_task(arguments, {}, Process.current(), {}, strategy)
    assert result["failed"] and f"With strategy {strategy} every endpoint would begin" in result["msg"]
    assert not (tmp_path / "results").exists()
