# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every endpoint of every fleet file has exactly the findings that tests/data/findings.json states: not one too many.

After a change that is meant, write the file anew with ``TETRA_WRITE_FINDINGS=1`` and read its diff line by line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetops.tetra.lab import fleet
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.tests.unit.lab_session import NearWindows

FINDINGS_NOT_STATED_HERE = True
"""They are stated in a file of their own."""
STATED = Path(__file__).resolve().parents[3] / "data" / "findings.json"
FLEETS = Path(fleet.__file__).parent / "fleets"
NAMES = sorted(path.stem for path in FLEETS.glob("*.yml"))


def findings_of(mapping: dict[str, Any]) -> list[str]:
    """The rules that speak about one endpoint, asked as an audit asks it, but over no wire."""
    try:
        facts = collect(NearWindows(**mapping).session, "pc", "2026-11-24T03:43:00Z")
    except SessionError as lost:
        return [f"cannot be asked: {lost.kind}"]
    return sorted(row["rule"] for row in evaluate(facts)["findings"])


def found_in(name: str) -> dict[str, list[str]]:
    """By endpoint; of one that is repeated, the first stands for all."""
    found: dict[str, list[str]] = {}
    seen: list[Any] = []
    for definition in fleet.load(FLEETS / f"{name}.yml"):
        if definition.machine not in seen:
            seen.append(definition.machine)
            found[definition.name] = findings_of(definition.machine)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_endpoint_has_exactly_the_findings_that_are_stated(name: str) -> None:
    stated = json.loads(STATED.read_text(encoding="utf-8")) if STATED.exists() else {}
    found = found_in(name)
    if os.environ.get("TETRA_WRITE_FINDINGS"):
        stated[name] = found
        STATED.write_text(json.dumps(stated, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert found == stated[name]
