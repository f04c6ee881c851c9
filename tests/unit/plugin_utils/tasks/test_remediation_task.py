# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beginning a remediation: what is refused before a folder is made, and what of an earlier run is gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.cure import Timing
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.process import Process
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import make_record, write_record
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks.remediation_task import begin_task
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "host_pinned"])
def test_a_strategy_that_knows_no_run_once_is_refused_before_anything_is_written(tmp_path: Path, strategy: str) -> None:
    arguments = {"hosts": ["pc-1"], "results_dir": str(tmp_path / "results")}
    result = begin_task(arguments, {}, Process.current(), {}, strategy)
    assert result["failed"] and f"With strategy {strategy} every endpoint would begin" in result["msg"]
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("check_mode", "audited_again"), [(False, []), (True, ["pc"])])
def test_what_a_run_in_check_mode_found_is_looked_at_anew(
    tmp_path: Path, check_mode: bool, audited_again: list[str]
) -> None:
    def begin(policy: dict[str, object], check: bool) -> remediation.Remediation:
        return remediation.begin(tmp_path, "run", ["pc"], Process.current(), {"check_mode": check}, policy)

    first = begin({}, check_mode)
    facts = collect(NearWindows().session, "pc", now())
    timing: Timing = {"started_at": now(), "seconds": 1.0, "pipelines": 2}
    write_record(first.before.path, make_record("pc", first.before.token, evaluate(facts), facts, timing))
    assert remediation.to_audit(first) == []
    second = begin({}, False)
    assert (remediation.to_audit(second), second.resumed) == (audited_again, not check_mode)
    third = begin({}, True)
    assert third.resumed, "a look in check mode throws nothing away"
