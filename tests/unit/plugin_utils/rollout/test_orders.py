# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders are chained: whatever is changed in them later shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.rollout.orders import OrderError, Orders, hand_of


def given_orders(tmp_path: Path) -> Orders:
    orders = Orders(tmp_path)
    orders.give("start", who="alice", ticket="CHG1")
    orders.give("approve", who="alice", ring="rest")
    orders.give("pause", who="bob")
    return orders


def test_orders_come_to_a_hand(tmp_path: Path) -> None:
    orders = given_orders(tmp_path)
    hand = hand_of(orders.all(), by_another=False)
    assert "bob paused" in str(hand.paused)
    assert hand.approved == {"rest"}
    assert hand_of(orders.all(), by_another=True).approved == set()
    orders.give("approve", who="bob", ring="rest")
    orders.give("go_on", who="bob")
    orders.give("skip", host="pc-1")
    hand = hand_of(orders.all(), by_another=True)
    assert (hand.paused, hand.approved, hand.skipped) == (None, {"rest"}, {"pc-1"})
    orders.give("abort", who="bob")
    assert "bob aborted" in str(hand_of(orders.all(), by_another=True).aborted)
    orders.give("start", who="carol")
    assert hand_of(orders.all(), by_another=True).aborted is None


@pytest.mark.parametrize("attack", ["edit", "take out", "another first", "garbage"])
def test_an_edit_shows(tmp_path: Path, attack: str) -> None:
    given_orders(tmp_path)
    file = tmp_path / "control" / "orders.jsonl"
    lines = file.read_text(encoding="ascii").splitlines(keepends=True)
    changed = {
        "edit": [lines[0], lines[1].replace('"alice"', '"bob"', 1), lines[2]],
        "take out": [lines[0], lines[2]],
        "another first": lines[1:],
        "garbage": [lines[0], "{", lines[1]],
    }[attack]
    file.write_text("".join(changed), encoding="ascii")
    with pytest.raises(OrderError, match=r"Line \d of .* does not continue"):
        Orders(tmp_path).all()
    with pytest.raises(OrderError):
        Orders(tmp_path).give("go_on")


def test_orders_that_are_cut_while_the_rollout_goes_on_are_told(tmp_path: Path) -> None:
    orders = given_orders(tmp_path)
    orders.all()
    file = tmp_path / "control" / "orders.jsonl"
    file.write_text("".join(file.read_text(encoding="ascii").splitlines(keepends=True)[:2]), encoding="ascii")
    with pytest.raises(OrderError, match="were replaced"):
        orders.all()
