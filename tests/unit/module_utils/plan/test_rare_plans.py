# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that hardly an endpoint needs, each stated whole."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.tests.unit.module_utils.plan.test_make_plan import (
    SERVER_2012_R2,
    WINDOWS_7,
    WINDOWS_11,
    planned,
    switched,
    windows,
)

DH = "KeyExchangeAlgorithms\\Diffie-Hellman"
DHE = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"


@pytest.mark.parametrize(
    ("values", "removed"),
    [
        ({"ClientMaxKeyBitLength": 1024}, ["ClientMaxKeyBitLength"]),
        ({"ClientMinKeyBitLength": 4096}, ["ClientMinKeyBitLength"]),
        (
            {"ClientMinKeyBitLength": 3072, "ClientMaxKeyBitLength": 1024},
            ["ClientMinKeyBitLength", "ClientMaxKeyBitLength"],
        ),
        ({"ClientMinKeyBitLength": 3072, "ServerMinKeyBitLength": 3072}, ["ClientMinKeyBitLength"]),
    ],
)  # fmt: skip
def test_key_lengths_that_keep_the_only_suite_off_are_removed(values: dict[str, int], removed: list[str]) -> None:
    facts = switched(windows(SERVER_2012_R2, DHE), DH, **values)
    document = planned(facts)
    assert document["todo"] == "change", document["blocked"]
    assert [(step["action"], step["name"]) for step in document["steps"]] == [("remove_value", one) for one in removed]
    assert {step["path"].rpartition("SCHANNEL\\")[2] for step in document["steps"]} == {DH}
    assert [step["before"]["data"] for step in document["steps"]] == [values[one] for one in removed]
    assert document["steps"][0]["why"] == f"The key lengths allowed below {DH} may not fit the server's group."
    assert document["predicted"] == {"reachability": "yes"}


def test_a_release_that_has_no_suite_of_the_list_is_told_so() -> None:
    document = planned(
        windows(WINDOWS_11, "TLS_RSA_WITH_AES_128_CBC_SHA"), allow_list=["TLS_DHE_DSS_WITH_AES_128_CBC_SHA"]
    )
    (closed,) = document["blocked"]
    assert (document["todo"], document["steps"]) == ("blocked", [])
    assert closed["code"] == "no_suite_for_this_release"
    assert closed["why"] == "No suite of the allow list can be made to work on Windows 11 23H2."
    assert closed["what_to_do"].startswith("Upgrade Windows")


def test_an_old_release_that_cannot_have_the_suite_is_not_told_of_an_update() -> None:
    """The update is told of only where the release could have a suite of the list with it."""
    document = planned(windows(WINDOWS_7, "TLS_RSA_WITH_AES_128_CBC_SHA"), allow_list=["TLS_AES_128_GCM_SHA256"])
    assert document["blocked"][0]["code"] == "no_suite_for_this_release"
