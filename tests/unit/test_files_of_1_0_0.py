# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What release 1.0.0 wrote is read: runs, records, journals, cures, before-images (files in tests/data/1.0.0)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.plan.make_plan import plan
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import folder as remediation
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.build import Options, build_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import read_run
from ansible_collections.fleetops.tetra.tests.schemas import complaints_of_backups, complaints_of_folder

FILES = Path(__file__).resolve().parents[1] / "data" / "1.0.0"
CURED = ["direct", "local-gpo", "local-list", "switches"]
STATES = {
    "before": {**dict.fromkeys(CURED, "non_compliant"), "healthy": "compliant", "down": "unknown"},
    "after": {**dict.fromkeys(CURED, "compliant"), "healthy": "compliant", "down": "unknown"},
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FILES / "results", tmp_path / "results"))


@pytest.mark.parametrize("side", STATES)
def test_its_records_are_read_whole(results: Path, side: str) -> None:
    run = read_run(results / "tonight" / side)
    assert {record["host"]: record["verdict"]["state"] for record in run.records()} == STATES[side]
    assert run.problems == []


def test_its_records_are_judged_no_greener_today(results: Path) -> None:
    """1.0.0 did not read the list of signature algorithms, so that what was compliant is unknown until asked again."""
    for record in read_run(results / "audit").records():
        if record["facts"] is not None:
            before, today = record["verdict"]["state"], evaluate(record["facts"])
            assert today["state"] == ("unknown" if before == "compliant" else before), record["host"]
            if today["state"] != before:
                assert "SSL\\\\00010003" in json.dumps(today)


def test_its_verdicts_give_the_plans_that_it_made_or_none(results: Path) -> None:
    """A plan whose effect cannot be foretold from what 1.0.0 read is blocked, never another one."""
    made = json.loads((results / "tonight" / "plans.json").read_text(encoding="utf-8"))
    for record in read_run(results / "tonight" / "before").records():
        if record["facts"] is not None:
            planned = plan(record["facts"], record["verdict"])
            old = made[record["host"]]
            if planned["todo"] == "blocked":
                assert {one["code"] for one in planned["blocked"]} == {"no_certain_cure"}, record["host"]
                continue
            assert planned["todo"] == old["todo"], record["host"]
            assert [(one["name"], one["after"]) for one in planned["steps"]] == [
                (one["name"], one["after"]) for one in old["steps"]
            ], record["host"]


def test_its_journals_tell_where_each_endpoint_stands(results: Path) -> None:
    run = remediation.join(results / "tonight")
    assert {one.host: one.event for one in run.journal().standings()} == dict.fromkeys(CURED, "proven")
    assert remediation.read_cure(run, "direct")["event"] == "proven"


def test_its_before_images_are_read(results: Path) -> None:
    store = BeforeImageStore(results)
    assert store.hosts() == CURED
    kinds = {host: {item["kind"] for item in store.unrestored(host)[0].items} for host in CURED}
    assert kinds["local-gpo"] == {"registry_value", "file"}
    assert kinds["switches"] == {"registry_value"}


def test_a_report_is_made_of_its_runs(results: Path) -> None:
    outcome = build_report(Options(path=[str(results / "audit")]))
    assert (outcome["endpoints"], outcome["problems"]) == (6, [])


def test_its_files_fit_the_schemas_of_today(results: Path) -> None:
    for folder in ("audit", "tonight"):
        found, seen = complaints_of_folder(results / folder)
        assert found == []
        assert seen["result-1"] >= 6
    assert complaints_of_backups(results) == ([], 4)
