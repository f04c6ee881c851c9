# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an endpoint that was never asked."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import unknown_verdict


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
