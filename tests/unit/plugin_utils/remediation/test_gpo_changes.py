# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain GPOs in the folder of a remediation: what is to be changed, what became of it, what is said of it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation import gpo_changes
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import write_json
from ansible_collections.fleetops.tetra.tests.unit.test_schemas import complaints

GUID = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
GOOD = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
NOW = {"status": "ok", "type": "REG_SZ", "data": GOOD}
STEP = {"owner": {"kind": "domain_gpo", "name": "Baseline", "guid": GUID}, "name": "Functions"}


def change(**more: t.Any) -> dict[str, t.Any]:
    known: dict[str, t.Any] = {
        "guid": GUID,
        "name": "Baseline",
        "domain": "corp.example",
        "path": POLICY_KEY,
        "value": "Functions",
        "before": {"status": "absent", "type": None, "data": None},
        "after": NOW,
        "suites": {"added": [GOOD], "removed": [], "moved": []},
        "endpoints": ["pc-1", "pc-2"],
        "also_governed": [],
        "rivals": [],
        "conflicts": [],
        "why": "Because.",
        "outcome": None,
    }
    return {**known, **more}


def folder_with(folder: pathlib.Path, *changes: dict[str, t.Any], permitted: bool = True) -> pathlib.Path:
    document = {"schema": gpo_changes.SCHEMA, "permitted": permitted, "gpos": list(changes)}
    assert complaints("domain-gpos-1", document) == []
    write_json(folder / gpo_changes.FILE, document)
    return folder


def outcome(event: str, **more: t.Any) -> dict[str, t.Any]:
    known = {"event": event, "at": "2026-11-20T10:00:00Z", "management_host": "gpo-admin", "before_image": None}
    return {**known, "now": NOW, "detail": None, **more}


CONFLICT = {"code": "different_values", "why": "They differ.", "endpoints": ["pc-1"]}


def test_only_what_is_permitted_and_without_conflict_is_changed(tmp_path: pathlib.Path) -> None:
    both = (change(), change(name="Other", conflicts=[CONFLICT], after=None))
    assert [one["name"] for one in gpo_changes.to_change(folder_with(tmp_path, *both))] == ["Baseline"]
    assert gpo_changes.to_change(folder_with(tmp_path, *both, permitted=False)) == []


def test_a_management_host_that_gave_no_result_changed_nothing(tmp_path: pathlib.Path) -> None:
    ((_lost, why),) = gpo_changes.not_changed(folder_with(tmp_path, change()))
    assert why == "The management host gave no result."
    assert gpo_changes.not_changed(folder_with(tmp_path, change(), permitted=False)) == []


def test_an_outcome_goes_to_the_gpo_of_its_own_domain(tmp_path: pathlib.Path) -> None:
    folder = folder_with(tmp_path, change(), change(domain="other.example"))
    gpo_changes.record_outcome(folder, change(), outcome("changed"))
    assert complaints("domain-gpos-1", gpo_changes.read(folder)) == []
    assert gpo_changes.value_to_follow(folder, STEP, "corp.example") == NOW
    assert gpo_changes.value_to_follow(folder, STEP, "other.example") is None
    assert [one["domain"] for one, _why in gpo_changes.not_changed(folder)] == ["other.example"]


def test_nobody_follows_a_gpo_that_was_not_changed(tmp_path: pathlib.Path) -> None:
    folder = folder_with(tmp_path, change())
    assert gpo_changes.value_to_follow(folder, STEP, "corp.example") is None
    gpo_changes.record_outcome(folder, change(), outcome("failed", now=None, detail="No right."))
    assert gpo_changes.value_to_follow(folder, STEP, "corp.example") is None


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"schema": "other/1", "gpos": [1]}'])
def test_a_file_that_is_missing_or_damaged_names_no_gpo(tmp_path: pathlib.Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / gpo_changes.FILE).write_bytes(content)
    assert gpo_changes.to_change(tmp_path) == []
    assert gpo_changes.value_to_follow(tmp_path, STEP, "corp.example") is None


BEYOND = "All other computers that this GPO reaches get the value too, also those that are not part of this run."


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, f"Functions has to become {GOOD}. {BEYOND}"),
        (
            {"after": {"status": "absent", "type": None, "data": None}},
            f"Functions has to become Not configured. {BEYOND}",
        ),
        ({"conflicts": [CONFLICT], "why": "It is not changed: They differ."}, "It is not changed: They differ."),
        ({"outcome": outcome("changed")}, f"Functions was changed to {GOOD}. {BEYOND}"),
        ({"outcome": outcome("already")}, f"Functions holds {GOOD} already."),
        ({"outcome": outcome("failed", now=None, detail="No right.")}, "Functions was not changed. No right."),
    ],
)
def test_each_gpo_has_its_sentence(more: dict[str, t.Any], said: str) -> None:
    (line,) = gpo_changes.sentences([change(**more)])
    assert line == f"Domain GPO Baseline {GUID} (2 endpoints: pc-1, pc-2): {said}"


def test_endpoints_that_did_not_follow_or_were_offline_are_named() -> None:
    ends = {"proven": ["pc-1"], "timed_out": ["pc-4"], "unproven": ["pc-2"], "unreachable": ["pc-3"]}
    _first, *more = gpo_changes.sentences([change(outcome=outcome("changed"), ends=ends)])
    assert more == [
        f"Did not follow it, or are not proven (Baseline {GUID}): pc-2.",
        f"Offline, or without an answer, when they had to follow (Baseline {GUID}): pc-3, pc-4.",
    ]


def test_many_endpoints_are_counted_and_the_first_ones_named() -> None:
    (line,) = gpo_changes.sentences([change(endpoints=[f"pc-{number:03}" for number in range(300)])])
    assert "(300 endpoints: pc-000, " in line and "pc-009 and 290 more)" in line
