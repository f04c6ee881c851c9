# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endpoint's life: broken, repaired, broken again; how long it took; exceptions with their last day."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.history.exceptions import (
    ExceptionsError,
    exemptions,
    soon,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.history.spans import (
    Event,
    Run,
    Span,
    State,
    happened,
    life,
    repairs,
    service_level,
)

BEGIN = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)
WEEK = datetime.timedelta(days=7)
RUNS = {
    number: Run(number, f"run{number}", (BEGIN + WEEK * (number - 1)).isoformat(), "compliance")
    for number in range(1, 11)
}


def spans(*states: str) -> list[Span]:
    """One state a run; equal neighbours are one span."""
    found: list[Span] = []
    for number, state in enumerate(states, 1):
        if not found or found[-1].is_.state != state:
            if found:
                found[-1] = found[-1]._replace(last=number - 1)
            found.append(Span(number, None, State(state, "cause", "gpo", "11", "")))
    return found


def kinds(*states: str) -> list[tuple[str, int]]:
    return [(event.kind, event.run.seq) for event in life(spans(*states), RUNS)]


@pytest.mark.parametrize(
    ("states", "events"),
    [
        (("compliant",), []),
        (("non_compliant",), [("broken", 1)]),
        (("compliant", "non_compliant", "compliant"), [("broken", 2), ("repaired", 3)]),
        (("non_compliant", "unknown", "non_compliant", "compliant"), [("broken", 1), ("repaired", 4)]),
        (("non_compliant", "absent", "compliant"), [("broken", 1), ("repaired", 3)]),
        (("non_compliant", "unknown"), [("broken", 1)]),
        (
            ("non_compliant", "compliant", "non_compliant", "compliant", "unknown", "non_compliant"),
            [("broken", 1), ("repaired", 2), ("relapsed", 3), ("repaired", 4), ("relapsed", 6)],
        ),
    ],
)
def test_what_happened_to_an_endpoint(states: tuple[str, ...], events: list[tuple[str, int]]) -> None:
    assert kinds(*states) == events


@given(st.lists(st.sampled_from(["compliant", "non_compliant", "unknown", "absent", "not_applicable"]), max_size=10))
def test_a_life_is_broken_and_repaired_in_turn(states: list[str]) -> None:
    events = kinds(*states)
    assert [kind for kind, _run in events[1::2]] == ["repaired"] * len(events[1::2])
    assert all(kind in ("broken", "relapsed") for kind, _run in events[::2])
    assert [kind for kind, _run in events].count("broken") <= 1
    if "compliant" not in states:
        assert len(events) == ("non_compliant" in states)


def test_days_to_repair() -> None:
    lives = [life(spans(*states), RUNS) for states in (
        ("non_compliant", "compliant"), ("non_compliant", "non_compliant", "compliant"), ("non_compliant",),
    )]  # fmt: skip
    found = repairs(lives)
    assert (found.number, found.median, found.ninety) == (2, 10.5, 14.0)
    assert repairs([]) == (0, None, None)
    assert happened(lives)[1] == {"broken": 3}


def test_the_service_level_counts_what_is_due() -> None:
    lives: list[list[Event]] = [
        life(spans("non_compliant", "compliant"), RUNS),
        life(spans("non_compliant", "non_compliant", "non_compliant", "non_compliant", "compliant"), RUNS),
        life(spans("compliant", "compliant", "compliant", "compliant", "non_compliant"), RUNS),
        life(spans("non_compliant"), RUNS),
    ]
    now = BEGIN + WEEK * 4 + datetime.timedelta(days=1)
    level = service_level(lives, now, 14, 0.5)
    assert (level.due, level.kept, level.met) == (3, 1, False)
    assert service_level(lives, now, 60, 0.5).due == 2
    assert service_level([], now, 14, 0.95).met is None


def test_an_exception_counts_until_its_last_day() -> None:
    (one,) = exemptions(
        {
            "exceptions": [
                {"hosts": "Kiosk-*", "owner": "retail", "reason": "old", "expires": datetime.date(2026, 3, 31)}
            ]
        }
    )
    assert one.covers("kiosk-7", datetime.date(2026, 3, 31))
    assert not one.covers("kiosk-7", datetime.date(2026, 4, 1))
    assert not one.covers("pc-7", datetime.date(2026, 3, 1))
    assert soon([one], datetime.date(2026, 3, 1), 30) == [one]
    assert soon([one], datetime.date(2026, 2, 1), 30) == []


GOOD: dict[str, t.Any] = {"hosts": "a", "owner": "b", "reason": "c", "expires": "2026-03-31"}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (None, "holds a list named 'exceptions'"),
        ({"exceptions": {}}, "holds a list named 'exceptions'"),
        ({"exceptions": [GOOD, {**GOOD, "owner": " "}]}, "Exception 2 has no text in 'owner'"),
        ({"exceptions": [{**GOOD, "expires": "soon"}]}, "write a day as 2027-03-31"),
        ({"exceptions": [{**GOOD, "expires": None}]}, "has no day in 'expires'"),
        ({"exceptions": [{"hosts": "a"}]}, "must have hosts, owner, reason and expires"),
        ({"exceptions": [{**GOOD, "until": 1}]}, "and nothing else"),
    ],
)
def test_an_exception_without_an_end_is_none(document: t.Any, sentence: str) -> None:
    with pytest.raises(ExceptionsError, match=sentence):
        exemptions(document)
