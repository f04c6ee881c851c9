# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics, read by prometheus_client's parsers of both formats and by promtool."""

from __future__ import annotations

import subprocess

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from ansible_collections.fleetops.tetra.plugins.module_utils.telling.summary import OverTime, Summary, Told
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.metrics import (
    MOST_CAUSES,
    MOST_SITES,
    run_metrics,
    server_metrics,
)
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

OVER: OverTime = {
    "runs": 3, "broken_new": 1, "repaired": 3, "relapsed": 0, "broken": 1, "excused": 0, "expiring": 2,
    "repair_days": 7.0, "level_days": 14.0, "level_due": 4, "level_kept": 3, "level_met": False,
}  # fmt: skip


def told(number: int = 40) -> Told:
    summary = Summary(lambda record: f"site {record['host'][3:6]}")
    for one in factories.fleet_results(number):
        summary.take(one)  # type: ignore[arg-type]
    return summary.told("run-1", "p", "2026-11-24T03:43:00Z", OVER)


def values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in openmetrics.text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_both_parsers_read_the_same() -> None:
    text = run_metrics(told(), "1.1.0")
    found = values(text)
    assert found["tetra_endpoints", (("state", "non_compliant"),)] == 8
    assert found["tetra_changed_endpoints", (("event", "repaired"),)] == 3
    assert found["tetra_repair_median_seconds", ()] == 7 * 86400
    older = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert older == found
    assert {family.type for family in openmetrics.text_string_to_metric_families(text)} == {"gauge"}


def test_no_label_grows_with_the_fleet() -> None:
    many = told(8000)
    many["causes"] = {f"cause_{number}": 1 + number for number in range(500)}
    found = values(run_metrics(many, "1.1.0"))
    assert len(many["sites"]) == 80
    many["sites"] = {f"s{number}": {"compliant": number, "unknown": 1} for number in range(5000)}
    found = values(run_metrics(many, "1.1.0"))
    causes = {labels: value for (name, labels), value in found.items() if name.endswith("by_cause_endpoints")}
    assert len(causes) == MOST_CAUSES
    assert sum(causes.values()) == sum(many["causes"].values())
    sites = {dict(labels)["site"] for (name, labels) in found if name == "tetra_site_endpoints"}
    assert len(sites) == MOST_SITES
    whole = sum(value for (name, _labels), value in found.items() if name == "tetra_site_endpoints")
    assert whole == sum(sum(states.values()) for states in many["sites"].values())
    assert len(found) < 700


@pytest.mark.needs("promtool")
def test_promtool_finds_nothing_wrong() -> None:
    servers = server_metrics(
        [{"host": "a.example", "drift": "drift", "accepted": 3, "missing": 1, "extra": 0}], "2026-11-24T03:43:00Z"
    )
    for text in (run_metrics(told(), "1.1.0"), servers):
        # The closing line is OpenMetrics'; the older format reads it as a comment.
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
