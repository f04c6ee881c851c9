# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that hardly an endpoint needs, each stated whole; and what is said of an endpoint that was never asked."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import unknown_verdict
from ansible_collections.fleetops.tetra.tests.unit.module_utils.plan.test_make_plan import (
    SERVER_2012_R2,
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


def test_of_an_endpoint_that_was_never_asked_nothing_is_usable() -> None:
    verdict = unknown_verdict("pc", "unreachable", "It was not reached.")
    assert set(verdict["suites"]) == set(ALLOW_LIST)
    assert {row["usable"] for row in verdict["suites"].values()} == {"unknown"}
    assert {reason["code"] for row in verdict["suites"].values() for reason in row["reasons"]} == {"not_read"}
    assert (verdict["state"], verdict["in_force"], verdict["reachability"]) == (
        "unknown",
        "unknown",
        {"answer": "unknown", "usable": []},
    )
    assert verdict["strictness"] == {"answer": "unknown", "outside": []}
    assert verdict["either_way"] == {"in_force": "unknown", "if_not_in_force": "unknown"}
    assert [row["rule"] for row in verdict["findings"]] == ["TETRA-NOT-AUDITED"]
