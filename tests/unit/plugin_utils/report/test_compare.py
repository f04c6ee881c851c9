# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every pair of states is one kind of change."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.compare import CHANGES, change_of, compare
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Fleet, FleetBuilder, RunInfo
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


def fleet(**states: str) -> Fleet:
    run = RunInfo("/runs/1", factories.run_info(list(states)))
    builder = FleetBuilder()
    builder.add_run(run)
    for host, state in states.items():
        builder.add(run, factories.result(host, state))
    return builder.build()


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        ("compliant", "compliant", "unchanged"),
        ("unknown", "unknown", "unchanged"),
        ("compliant", "non_compliant", "newly_broken"),
        ("unknown", "non_compliant", "newly_broken"),
        ("not_applicable", "non_compliant", "newly_broken"),
        ("non_compliant", "compliant", "repaired"),
        ("non_compliant", "not_applicable", "changed"),
        ("non_compliant", "unknown", "newly_unknown"),
        ("compliant", "unknown", "newly_unknown"),
        ("unknown", "compliant", "newly_known"),
        ("compliant", "not_applicable", "changed"),
        (None, "non_compliant", "new"),
        ("compliant", None, "gone"),
    ],
)
def test_change_of(before: str | None, now: str | None, change: str) -> None:
    assert change_of(before, now) == change
    assert change in CHANGES


def test_every_endpoint_of_both_fleets_is_counted_once() -> None:
    earlier = fleet(a="compliant", b="non_compliant", c="compliant", d="unknown")
    now = fleet(a="non_compliant", b="compliant", c="compliant", e="compliant")
    made = compare(earlier, now)
    assert {name: count for name, count in made["counts"].items() if count} == {
        "newly_broken": 1,
        "repaired": 1,
        "unchanged": 1,
        "gone": 1,
        "new": 1,
    }
    assert made["changes"] == [
        {"host": "a", "change": "newly_broken", "before": "compliant", "now": "non_compliant"},
        {"host": "b", "change": "repaired", "before": "non_compliant", "now": "compliant"},
        {"host": "e", "change": "new", "before": None, "now": "compliant"},
        {"host": "d", "change": "gone", "before": "unknown", "now": None},
    ]
