# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name is bound to the machine that answered first; another one is told and not repaired."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.identity import (
    Identity,
    differences,
    identity_of,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities
from ansible_collections.fleetops.tetra.tests.schemas import complaints

GUID = "9d2e5a40-0000-4000-8000-000000000001"
OTHER = "9d2e5a40-0000-4000-8000-000000000002"


def facts(name: t.Any = "PC-1", guid: t.Any = GUID, domain: t.Any = "example.org") -> dict[str, t.Any]:
    return {"os": {"computer_name": name, "machine_guid": guid, "domain": domain}}


def ask(folder: Path, host: str, seen: dict[str, t.Any], *accepted: str) -> str | None:
    return Identities(folder, accepted).stranger(host, seen)


def test_the_same_machine_is_no_stranger_however_it_is_written(tmp_path: Path) -> None:
    assert ask(tmp_path, "pc-1", facts()) is None
    assert ask(tmp_path, "pc-1", facts("pc-1", GUID.upper(), "EXAMPLE.org")) is None
    kept = json.loads((tmp_path / "identities" / "pc-1.json").read_text(encoding="utf-8"))
    assert complaints("identity-1", kept) == []


@pytest.mark.parametrize(
    ("seen", "word"),
    [(facts(name="PC-2"), "computer name PC-2"), (facts(guid=OTHER), OTHER), (facts(domain="b.org"), "domain b.org")],
)
def test_another_machine_is_told_until_it_is_accepted(tmp_path: Path, seen: dict[str, t.Any], word: str) -> None:
    assert ask(tmp_path, "pc-1", facts()) is None
    for _run in range(2):
        sentence = ask(tmp_path, "pc-1", seen)
        assert sentence is not None
        assert "Another machine answers" in sentence
        assert word in sentence
    assert ask(tmp_path, "pc-1", seen, "pc-1") is None
    assert ask(tmp_path, "pc-1", seen) is None, "kept from then on"
    assert ask(tmp_path, "pc-1", facts()) is not None


def test_one_machine_under_two_names_is_told_of_the_second(tmp_path: Path) -> None:
    assert ask(tmp_path, "pc-1", facts()) is None
    sentence = ask(tmp_path, "pc-2", facts())
    assert sentence is not None
    assert "under the name pc-1 as well" in sentence
    assert ask(tmp_path, "pc-1", facts()) is None
    assert ask(tmp_path, "pc-2", facts(), "all") is None


def test_clones_that_were_renamed_are_two_machines(tmp_path: Path) -> None:
    assert ask(tmp_path, "pc-1", facts("PC-1")) is None
    assert ask(tmp_path, "pc-2", facts("PC-2")) is None


def test_a_name_that_moved_on_does_not_hold_the_machine_for_ever(tmp_path: Path) -> None:
    assert ask(tmp_path, "old", facts("A", GUID)) is None
    assert ask(tmp_path, "old", facts("B", OTHER), "old") is None
    assert ask(tmp_path, "new", facts("A", GUID)) is None


def test_what_is_not_known_is_no_difference_and_nothing_is_forgotten(tmp_path: Path) -> None:
    assert ask(tmp_path, "pc-1", facts()) is None
    assert ask(tmp_path, "pc-1", facts(None, None, None)) is None
    assert ask(tmp_path, "pc-1", facts("PC-1", None, None)) is None
    assert ask(tmp_path, "pc-1", facts("PC-1", OTHER)) is not None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, '{"schema": "fleetops.tetra/identity/1", "domain": 4}']
)
def test_a_damaged_file_is_bound_anew(tmp_path: Path, text: str) -> None:
    assert ask(tmp_path, "pc-1", facts()) is None
    (tmp_path / "identities" / "pc-1.json").write_text(text, encoding="utf-8")
    assert ask(tmp_path, "pc-1", facts()) is None


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5)
)
def test_damaged_facts_have_no_identity_and_raise_nothing(section: t.Any) -> None:
    found = identity_of({"os": section})
    assert differences(found, found) == []
    assert identity_of({}) == Identity(None, None, None)
