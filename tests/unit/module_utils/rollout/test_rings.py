# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every endpoint is in exactly one ring, or the rings are refused in one sentence."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.rollout.rings import (
    Ring,
    RingError,
    check_rings,
    parse_rings,
    parse_window,
    rings_of_waves,
)

HOSTS = [f"pc-{number:02}" for number in range(10)]


def names(rings: t.Iterable[Ring]) -> dict[str, tuple[str, ...]]:
    return {ring.name: ring.hosts for ring in rings}


@given(
    st.integers(0, 60),
    st.lists(st.one_of(st.integers(1, 80), st.integers(1, 100).map("{}%".format)), min_size=1, max_size=6),
)
def test_waves_are_rings_that_hold_every_endpoint_once_and_in_order(number: int, waves: list[t.Any]) -> None:
    hosts = [f"h{one}" for one in range(number)]
    rings = rings_of_waves(waves, hosts)
    assert [host for ring in rings for host in ring.hosts] == hosts
    assert all(ring.window > 0 for ring in rings)


def test_the_last_wave_is_the_window_of_all_that_are_left() -> None:
    rings = rings_of_waves([1, 3, 2], HOSTS)
    assert [(len(ring.hosts), ring.window) for ring in rings] == [(1, 1), (3, 3), (6, 2)]


def test_canaries_are_chosen_by_name_tag_order_and_share() -> None:
    rings = parse_rings(
        [
            {"name": "chosen", "hosts": ["pc-07", "pc-03"], "promote": "proven", "soak": 60},
            {"name": "tagged", "tag": "pilot"},
            {"name": "some", "share": "20%", "max_unavailable": "50%"},
            {"name": "all", "hosts": "rest"},
        ],
        HOSTS,
        4,
        {"pc-09": "pilot", "pc-00": "pilot"},
    )
    assert names(rings) == {
        "chosen": ("pc-07", "pc-03"),
        "tagged": ("pc-00", "pc-09"),
        "some": ("pc-01", "pc-02"),
        "all": ("pc-04", "pc-05", "pc-06", "pc-08"),
    }
    assert [ring.window for ring in rings] == [4, 4, 5, 4]
    assert (rings[0].soak, rings[0].promote) == (60, "proven")


def test_endpoints_that_have_nothing_to_be_done_leave_their_ring() -> None:
    rings = parse_rings([{"name": "a", "hosts": ["pc-01", "gone"]}, {"name": "b", "hosts": "rest"}], ["pc-02"], 1)
    assert names(rings) == {"b": ("pc-02",)}


@pytest.mark.parametrize(
    ("rings", "sentence"),
    [
        ([{"name": "a", "count": 3}], "No ring holds pc-03"),
        ([{"name": "a", "hosts": ["pc-01"]}, {"name": "b", "hosts": ["pc-01"]}], "is in two rings"),
        ([{"name": "a", "hosts": ["pc-01", "pc-01"]}], "twice"),
        ([{"name": "a", "hosts": ["nobody"]}, {"name": "b", "hosts": "rest"}], "which this run does not have"),
        ([{"name": "a", "tag": "x"}, {"name": "b", "hosts": "rest"}], "No endpoint is in the ring a"),
        ([{"name": "a", "hosts": "rest"}, {"name": "a", "hosts": "rest"}], "Two rings"),
        ([{"name": "a", "hosts": "rest", "count": 1}], "exactly one of"),
        ([{"name": "a", "host": "rest"}], "none of"),
        ([{"name": "a", "hosts": "rest", "soak": -1}], "seconds from 0"),
        ([{"name": "a", "hosts": "rest", "promote": "101%"}], "promote"),
        ([{"name": "a", "hosts": "rest", "max_unavailable": "0%"}], "from 1"),
        ("canaries", "written as a list"),
        ([7], "has no name"),
    ],
)
def test_rings_that_cannot_be_meant_are_refused(rings: t.Any, sentence: str) -> None:
    with pytest.raises(RingError, match=sentence) as caught:
        check_rings(rings, HOSTS, 2, {})
    assert "\n" not in str(caught.value)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(RingError, match="no endpoint of which"):
        parse_window("10%", 0)


@pytest.mark.parametrize(
    ("promote", "good", "bad", "goes"),
    [("proven", 5, 0, True), ("proven", 5, 1, False), ("90%", 9, 1, True), ("90%", 8, 1, False), ("90%", 0, 0, True),
     ("budget", 0, 9, True), ("approved", 9, 0, False)],
)  # fmt: skip
def test_a_rule_promotes(promote: str, good: int, bad: int, goes: bool) -> None:
    assert Ring("a", (), 1, promote=promote).promotes(good, bad) is goes
