# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page "How sure are we" is what behaviours and observations say, and an observation changes it."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
import typing as t

from ansible_collections.fleetops.tetra.lab.machine import behaviours, observed
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.probes import NOT_HERE, all_probes

ROOT = pathlib.Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("how_sure", ROOT / "tools" / "how_sure.py")
assert _SPEC is not None and _SPEC.loader is not None
how_sure: t.Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(how_sure)


def test_the_page_is_made_from_behaviours_and_observations() -> None:
    assert how_sure.PAGE.read_text(encoding="utf-8") == how_sure.render(), "make how-sure"


def row(text: str, release: str) -> list[int]:
    """recorded, observed, documented, inferred of a release."""
    found = re.search(rf"^\| {re.escape(release)} \(.*?\) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert found is not None, release
    return [int(number) for number in found.groups()]


def test_every_release_counts_every_behaviour_once() -> None:
    for line in re.findall(r"^\| Windows .*$", how_sure.render(), re.MULTILINE):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert sum(int(cell) for cell in cells[1:5]) == len(behaviours.TABLE), line


def test_an_observation_moves_its_release_and_no_other(tmp_path: pathlib.Path) -> None:
    before = how_sure.render(tmp_path)
    assert "No Windows has been observed yet" in before
    rows = [
        {"behaviour": name, "variant": variant, "reason": None, "answers": []}
        for name, variant in {
            "policy_spaces": "trimmed",
            "policy_after_reboot": "after_reboot",
            "jea_names": None,
        }.items()
    ]
    windows = {"product": "Windows 10 22H2", "build": 19045, "ubr": 1, "kind": "client"}
    document = {"schema": observed.SCHEMA, "observed_at": "2026-11-24T22:00:00Z", "windows": windows, "rows": rows}
    (tmp_path / "seen.json").write_text(json.dumps(document))
    observed.load.cache_clear()
    after = how_sure.render(tmp_path)
    observed.load.cache_clear()
    recorded, seen, documented, inferred = row(before, "Windows 10 22H2")
    assert row(after, "Windows 10 22H2") == [recorded, seen + 2, documented - 1, inferred - 1]
    assert row(after, "Windows 10 21H2") == row(before, "Windows 10 21H2")
    assert "`seen.json`" in after and "client 19045: policy_spaces `trimmed`" in after


def test_the_ten_beliefs_are_ten_and_each_is_asked_or_says_why_not() -> None:
    probed = {probe.behaviour for probe in all_probes(t.cast(t.Any, None))}
    assert len(how_sure.BELIEFS) == 10
    for belief, names in how_sure.BELIEFS:
        assert names and set(names) <= probed | set(NOT_HERE), belief
