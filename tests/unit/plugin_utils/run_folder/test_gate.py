# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends: nothing tested never passes, and the counts of a report are judged as those of a run."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import (
    as_task_result,
    judge_report,
    judge_run,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import STATES


def report(asked: int | None = None, **counts: int) -> dict[str, t.Any]:
    numbers = {state: counts.get(state, 0) for state in STATES}
    hosts = {state: [f"{state}-{number}" for number in range(count)] for state, count in numbers.items()}
    return {"counts": numbers, "hosts_by_state": hosts, "asked": sum(counts.values()) if asked is None else asked}


@pytest.mark.parametrize(
    ("given", "fail_on", "result"),
    [
        (report(compliant=2, not_applicable=1), "unknown", "passed"),
        (report(compliant=2, unknown=1), "non_compliant", "passed"),
        (report(compliant=2, unknown=1), "unknown", "could_not_test"),
        (report(compliant=2, non_compliant=1), "none", "passed"),
        (report(compliant=2, non_compliant=1, unknown=1), "unknown", "failed"),
        (report(), "none", "could_not_test"),
        (report(asked=0, unknown=3), "none", "could_not_test"),
    ],
)
def test_a_report_ends_as_its_counts_say(given: dict[str, t.Any], fail_on: str, result: str) -> None:
    assert judge_report(given, fail_on).result == result


def test_the_sentence_names_some_and_counts_the_rest() -> None:
    message = judge_report(report(non_compliant=8, compliant=1), "non_compliant").message
    assert "non_compliant-4 and 3 more" in message
    assert "non_compliant-5" not in message


def test_a_folder_that_is_no_run_could_not_be_tested(tmp_path: t.Any) -> None:
    outcome = judge_run(tmp_path, None, "none")
    assert outcome.result == "could_not_test"
    assert str(tmp_path) in outcome.message
    assert as_task_result(outcome)["unreachable"] is True
