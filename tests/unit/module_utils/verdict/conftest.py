# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of the tests of verdicts has exactly the findings that tests/data/verdict_findings.json states for it.

After a change that is meant, write the file anew with ``TETRA_WRITE_FINDINGS=1`` (one process) and read its diff.
"""

from __future__ import annotations

import collections
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import evaluate as module

STATED = Path(__file__).resolve().parents[3] / "data" / "verdict_findings.json"
_MANY = 12
"""Of more judgements in one test it is stated how often each set of findings occurs."""
_LONG = 2000
"""Of tests over whole fleets of made-up endpoints nothing is stated here; they hold properties."""
_WRITE = bool(os.environ.get("TETRA_WRITE_FINDINGS"))


@cache
def _stated() -> dict[str, list[str]]:
    found = json.loads(STATED.read_text(encoding="utf-8")) if STATED.exists() else {}
    assert isinstance(found, dict)
    return found


@pytest.fixture(autouse=True)
def exact_findings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Notes the findings of every judgement that a test makes, and compares them at its end."""
    if getattr(request.function, "is_hypothesis_test", False) or hasattr(request.module, "FINDINGS_NOT_STATED_HERE"):
        yield
        return
    seen: list[str] = []
    judge = module._Judgement.verdict

    def noting(self: Any) -> Any:
        verdict = judge(self)
        seen.append(" ".join(sorted(row["rule"].removeprefix("TETRA-") for row in verdict["findings"])))
        return verdict

    monkeypatch.setattr(module._Judgement, "verdict", noting)
    monkeypatch.setattr(module.MEMORY, "judge", module.evaluate_anew)
    yield
    name = f"{Path(str(request.node.path)).stem}::{request.node.name}"
    if len(seen) > _MANY:
        seen = [f"{number} times: {rules}" for rules, number in sorted(collections.Counter(seen).items())]
    if sum(map(len, seen)) > _LONG:
        return
    if _WRITE:
        if seen:
            _stated()[name] = seen
        STATED.write_text(json.dumps(_stated(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    else:
        assert seen == _stated().get(name, []), f"{name}: other findings than are stated"
