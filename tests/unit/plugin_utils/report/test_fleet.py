# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging runs, and keeping only what a report needs."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Fleet, FleetBuilder, RunInfo
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


def merge(*runs: tuple[RunInfo, list[factories.Document]]) -> Fleet:
    builder = FleetBuilder()
    for run, results in runs:
        builder.add_run(run)
        for result in results:
            builder.add(run, result)
    return builder.build()


def run(number: int) -> RunInfo:
    started_at = f"2026-11-2{number}T00:00:00Z"
    return RunInfo(f"/runs/{number}", factories.run_info([], run_id=str(number), started_at=started_at))


def test_the_latest_result_of_a_host_counts_in_any_order() -> None:
    old = (run(1), [factories.result("a", "non_compliant", started_at="2026-11-21T01:00:00Z")])
    new = (run(2), [factories.result("a", "compliant", started_at="2026-11-22T01:00:00Z")])
    assert [entry.state for entry in merge(old, new).entries] == ["compliant"]
    assert [entry.state for entry in merge(new, old).entries] == ["compliant"]


def test_a_host_that_the_later_run_never_reached_is_unknown() -> None:
    old = (run(1), [factories.result("a", "compliant", started_at="2026-11-21T01:00:00Z")])
    new = (run(2), [factories.result("a", "unknown", started_at=None)])
    assert [entry.state for entry in merge(old, new).entries] == ["unknown"]
    assert [entry.state for entry in merge(new, old).entries] == ["unknown"]


def test_a_later_result_that_is_not_selected_hides_an_earlier_one_that_is() -> None:
    builder = FleetBuilder(lambda result: result["verdict"]["state"] == "non_compliant")
    builder.add(run(1), factories.result("a", "non_compliant", started_at="2026-11-21T01:00:00Z"))
    builder.add(run(2), factories.result("a", "compliant", started_at="2026-11-22T01:00:00Z"))
    assert builder.build().entries == []


def test_equal_parts_of_verdicts_are_kept_once() -> None:
    entries = merge((run(1), list(factories.fleet_results(2000)))).entries
    compliant = [entry for entry in entries if entry.state == "compliant"]
    assert len({id(entry.verdict["suites"]) for entry in compliant}) == 1
    assert len({id(entry.verdict["allow_list"]) for entry in entries}) == 1


def test_facts_that_a_reader_looks_for_are_kept_and_missing_sections_are_none() -> None:
    entry = merge((run(1), [factories.result("a", "compliant")])).entries[0]
    assert entry.system["product"] == "Microsoft Windows 10 Enterprise"
    assert entry.system["last_update"] == {"result": "failed", "code": -3000, "time": None}
    assert entry.system["proxy"] is None
    unknown = merge((run(1), [factories.result("a", "unknown")])).entries[0]
    assert unknown.system["product"] is None
