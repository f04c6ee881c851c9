# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, signature algorithms and versions of real servers, and what a verdict makes of them."""

from __future__ import annotations

from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake.measure import measure
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake.tunnel import Endpoint
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts as e


def test_what_a_server_without_tls_1_3_takes_settles_the_open_questions() -> None:
    classic = [name for name in ALLOW_LIST if "_WITH_" in name]
    with TlsServer(classic, curves=["NistP256", "NistP384"], signatures=b"RSA+SHA256:RSA-PSS+SHA256") as server:
        found = measure(Endpoint("127.0.0.1", server.port), ALLOW_LIST, details=True)
    assert found["versions"] == {"TLS 1.2": "yes", "TLS 1.3": "no"}
    assert found["groups"] == {
        "accepted": ["NistP256", "NistP384"],
        "refused": ["curve25519", "NistP521"],
        "unknown": [],
    }
    assert found["signature_algorithms"]["accepted"] == ["RSAE-PSS/SHA256", "RSA/SHA256"]
    assert "RSA/SHA512" in found["signature_algorithms"]["refused"]
    answers = {"answers": found["answers"]}
    p384 = e.set_curves(e.endpoint("11_23h2"), ["NistP384"])
    assert (evaluate(p384)["state"], evaluate(p384, answers)["state"]) == ("unknown", "compliant")
    dead_end = e.endpoint("11_23h2", policy=f"TLS_AES_256_GCM_SHA384,{e.ECDHE_128}")
    assert (evaluate(dead_end)["state"], evaluate(dead_end, answers)["state"]) == ("unknown", "compliant")
    p521 = e.set_curves(e.endpoint("10_22h2"), ["NistP521"])
    assert evaluate(p521, answers)["state"] == "non_compliant"


def test_without_details_nothing_is_claimed() -> None:
    with TlsServer(ALLOW_LIST) as server:
        found = measure(Endpoint("127.0.0.1", server.port), ALLOW_LIST)
    assert found["versions"] == {"TLS 1.2": "yes", "TLS 1.3": "yes"}
    assert found["answers"] == {"server_has_tls13": "yes"}
    assert found["connections"] == len(ALLOW_LIST)
