# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of behaviours, the page printed from it, and that every switch is really looked at."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.fleetops.tetra.lab import machine
from ansible_collections.fleetops.tetra.lab.machine.behaviours import (
    BY_NAME,
    SWITCHABLE,
    TABLE,
    Behaviours,
    as_markdown,
)

_MACHINE = pathlib.Path(machine.__file__).parent
_PAGE = _MACHINE.parents[1] / "docs" / "lab-behaviours.md"


def test_the_page_is_the_table() -> None:
    assert _PAGE.read_text(encoding="utf-8") == as_markdown()


def test_names_are_unique_and_every_behaviour_names_its_source() -> None:
    assert len(BY_NAME) == len(TABLE)
    assert all(behaviour.source and behaviour.what for behaviour in TABLE)


def test_only_inferred_behaviours_can_be_switched() -> None:
    assert {BY_NAME[name].evidence for name in SWITCHABLE} == {"inferred"}


@pytest.mark.parametrize("name", sorted(SWITCHABLE))
def test_every_switch_is_looked_at(name: str) -> None:
    sources = [path for path in _MACHINE.rglob("*.py") if path.name != "behaviours.py"]
    assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in sources)


def test_a_choice_of_an_endpoint() -> None:
    chosen = Behaviours({"pkcs_off_kills_ecdhe_rsa": True, "stdregprov_missing_code": 2})
    assert (chosen["pkcs_off_kills_ecdhe_rsa"], chosen["stdregprov_missing_code"]) == ("yes", "2")
    assert chosen["policy_multi_sz"] == "ignored"
    assert "policy_multi_sz" not in chosen


@pytest.mark.parametrize(
    "wrong,word", [({"no_such": "x"}, "unknown behaviour"), ({"policy_multi_sz": "maybe"}, "has the variants")]
)
def test_a_wrong_choice_is_one_sentence(wrong: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Behaviours(wrong)
