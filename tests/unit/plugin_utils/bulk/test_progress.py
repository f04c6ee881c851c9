# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run is going, told in a file that another process reads."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.messages import Done
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.progress import Progress
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.supervisor import Tally
from ansible_collections.fleetops.tetra.tests.schemas import complaints


def told(run: Path) -> dict[str, t.Any]:
    document: dict[str, t.Any] = json.loads((run / "progress.json").read_text(encoding="utf-8"))
    assert complaints("progress-1", document) == []
    return document


def test_a_run_is_told_about_once_a_second_and_at_its_end(tmp_path: Path) -> None:
    moment = [100.0]
    progress, tally = Progress(tmp_path, 4, lambda: moment[0]), Tally(4)
    progress.told(tally)
    assert told(tmp_path)["done"] == 0
    assert told(tmp_path)["expected_end"] is None
    tally.take(Done("a", "non_compliant", "cipher_mismatch", None))
    moment[0] = 100.5
    progress.told(tally)
    assert told(tmp_path)["done"] == 0, "too early"
    moment[0] = 102.0
    progress.told(tally)
    assert told(tmp_path)["per_second"] == 0.5
    assert told(tmp_path)["expected_end"] is not None
    for host in "bcd":
        tally.take(Done(host, "unknown", None, "timeout"))
    progress.told(tally)
    found = told(tmp_path)
    assert found["ended"] is True
    assert found["states"] == {"non_compliant": 1, "unknown": 3}
    assert found["worst_causes"] == [{"code": "cipher_mismatch", "count": 1}]
    assert found["errors"] == [{"kind": "timeout", "count": 3}]


def test_a_later_batch_goes_on_with_the_counts_of_the_earlier(tmp_path: Path) -> None:
    for batch in range(2):
        tally = Tally(2)
        for host in "ab":
            tally.take(Done(f"{host}{batch}", "unknown", None, "tls"))
        Progress(tmp_path, 4).told(tally)
        assert told(tmp_path)["ended"] is (batch == 1)
    assert told(tmp_path)["done"] == 4
    assert told(tmp_path)["errors"] == [{"kind": "tls", "count": 4}]


def test_what_stands_there_and_is_damaged_is_no_obstacle(tmp_path: Path) -> None:
    for text in ("", "[]", "[" * 100_000, '{"schema": "fleetops.tetra/progress/1", "done": "x", "errors": 1}'):
        (tmp_path / "progress.json").write_text(text, encoding="utf-8")
        tally = Tally(1)
        tally.take(Done("a", "compliant", None, None))
        Progress(tmp_path, 1).told(tally)
        assert told(tmp_path)["done"] == 1
