# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured of the definition servers, judged as one."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.telling.servers import LookError, look, notice_of


def measured(answer: str, host: str = "a.example", **more: t.Any) -> dict[str, t.Any]:
    drift = {"answer": answer, "missing": [], "extra": [], "untested": []}
    return {"host": host, "port": 443, "reached": True, "drift": drift, "problem": None, "accepted": ["A"], **more}


@pytest.mark.parametrize(
    ("answers", "whole"),
    [
        (["none"], "none"),
        (["none", "unknown"], "unknown"),
        (["unknown", "drift", "none"], "drift"),
        (["odd"], "unknown"),
    ],
)
def test_the_worst_of_them_counts(answers: list[str], whole: str) -> None:
    seen = look([measured(answer) for answer in answers], ["A"])
    assert seen["answer"] == whole
    assert len(notice_of(seen).lines) == 1


def test_a_server_that_was_not_reached_is_unknown_and_never_agrees() -> None:
    seen = look([measured("none", reached=False, problem="It timed out.")], ["A"])
    assert seen["answer"] == "unknown"
    assert seen["sentences"] == ["a.example could not be measured: It timed out."]
    failed = look([{"failed": True, "msg": "host cannot be used."}], ["A"])
    assert failed["answer"] == "unknown"


@pytest.mark.parametrize("results", [[], ["text"], [{}], [{"drift": "none"}]])
def test_what_is_no_measurement_is_refused(results: list[t.Any]) -> None:
    with pytest.raises(LookError):
        look(results, ["A"])
