# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What capture_info's document says: verdicts, the note's own hello, comparison, predictions, and bad input."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document, fingerprints, tls
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.open_questions import read_answers
from ansible_collections.fleetops.tetra.tests.captures import hellos, scenarios
from ansible_collections.fleetops.tetra.tests.schemas import complaints
from ansible_collections.fleetops.tetra.tests.unit.endpoint_facts import endpoint

pytestmark = pytest.mark.needs("openssl")

VERDICTS = {
    "good": "established",
    "good-modern": "established",
    "good-proxy": "established",
    "weak": "no_suite_in_common",
    "weak-proxy": "no_suite_in_common",
    "intercepted": "interception",
    "proxy-407": "proxy_refused",
    "proxy-403": "proxy_refused",
    "proxy-502": "proxy_refused",
    "no-group": "no_group_in_common",
    "old-version": "version",
    "retry": "established",
    "long-hello": "established",
    "huge-hello": "established",
    "rejected": "certificate_rejected",
    "not-tls": "not_tls",
    "http-page": "not_tls",
    "silent": "never_answered",
    "reset": "reset",
}


def capture(tmp_path: Path, name: str, **how: Any) -> document.Capture:
    path = tmp_path / f"{name}.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made(name)), **how), 1))
    return document.read(path)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name: str, tmp_path: Path) -> None:
    found = capture(tmp_path, name)
    assert (found["verdict"], len(found["connections"])) == (VERDICTS[name], 1), found["sentence"]
    assert complaints("capture-1", found) == []


def test_a_certificate_rejected_in_tls_1_3_is_said_as_far_as_it_shows(tmp_path: Path) -> None:
    # OpenSSL's client says in the clear what Schannel may encrypt.
    assert capture(tmp_path, "rejected-modern")["verdict"] in ("certificate_rejected", "closed_early")


def test_connections_without_a_name_are_found_by_address(tmp_path: Path) -> None:
    path = tmp_path / "none.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made("no-syn-ack"))), 1))
    assert document.read(path)["verdict"] == "no_connection"
    found = document.read(path, document.Wanted(addresses=frozenset({"198.51.100.7"})))
    assert found["verdict"] == "never_answered"


# What is answered for the whole fleet --------------------------------------------------------------------------------


def answers(tmp_path: Path, name: str, facts: Any = None) -> dict[str, str]:
    path = tmp_path / f"{name}.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made(name))), 1))
    return dict(document.read(path, facts=facts)["answers"])


def test_whether_the_updater_offers_tls_1_3_is_answered_where_the_endpoint_could(tmp_path: Path) -> None:
    new, old = endpoint("11_23h2"), endpoint("10_22h2")
    assert answers(tmp_path, "good") == {}, "nothing is known of what this endpoint could offer"
    assert answers(tmp_path, "good", old) == {}, "Windows 10 has no TLS 1.3 to offer"
    assert answers(tmp_path, "good", new) == {"updater_offers_tls13": "no"}
    assert answers(tmp_path, "good-modern") == {"updater_offers_tls13": "yes"}
    for found in ({"updater_offers_tls13": "no"}, answers(tmp_path, "good-modern"), {}):
        assert read_answers(found).of("updater_offers_tls13") == found.get("updater_offers_tls13", "unknown")


# The note's own story ----------------------------------------------------------------------------------------------


def note(tmp_path: Path) -> document.Capture:
    """The failing stream of the note: through a proxy at 6050, Linux cooked, alert 0.55 s after the hello."""
    path = tmp_path / "note.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(hellos.note_conversation()), "sll"), 113))
    return document.read(path)


def test_the_note(tmp_path: Path) -> None:
    found = note(tmp_path)
    one = found["connections"][0]["connection"]
    assert found["verdict"] == "no_suite_in_common"
    assert one["via"] == {"target": "tetra-defs.amp.cisco.com:443", "status": 200, "headers": {}}
    assert one["server_port"] == 6050
    assert [suite["id"] for suite in one["hello"]["suites"]] == list(hellos.NOTE_SUITES)  # type: ignore[index]
    assert (one["answer"]["alert"], one["answer"]["alert_name"]) == (40, "handshake_failure")
    assert one["answer"]["after_ms"] == pytest.approx(550, abs=1)
    assert (one["ending"], one["ended_by"]) == ("fin", "server")
    assert found["offers_tls_1_3"] is False
    assert [row["what"] for row in one["timeline"] if "Hello" in row["what"] or "Alert" in row["what"]] == [
        "Client Hello, 16 suites, TLS 1.2",
        "Alert 40 handshake_failure",
    ]


def test_the_note_beside_a_good_one(tmp_path: Path) -> None:
    good = capture(tmp_path, "good-proxy")
    found = document.compare(good, note(tmp_path), ALLOW_LIST)
    stages = [one["stage"] for one in found["differences"]]
    assert "hello" in stages and "answer" in stages
    hello = next(one for one in found["differences"] if one["what"] == "suites")
    assert "None of what it offers is accepted by the servers" in hello["sentence"]
    accepted = {row["name"]: row for row in found["suites"] if row["accepted"]}
    assert accepted["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]["good"] == 1
    assert all(row["failing"] is None for row in accepted.values())


def test_nothing_to_compare(tmp_path: Path) -> None:
    failing = capture(tmp_path, "weak")
    found = document.compare(failing, failing, ALLOW_LIST)
    assert found["sentence"].startswith("The good capture has no established connection")


# Fingerprints: hellos of Schannel by release as published in testssl.sh's client simulation -------------------------


@pytest.mark.parametrize(("release", "wanted"), hellos.KNOWN_JA4)
def test_ja4_of_known_hellos(release: str, wanted: str) -> None:
    record = hellos.known(release)
    talker = tls.HandshakeReader()
    talker.feed(record, 1)
    (hello,) = talker.said.client_hellos
    assert fingerprints.ja4(hello) == wanted


def test_grease_is_left_out() -> None:
    record = hellos.record([0x1A1A, 0xC030], groups=[0x2A2A, 23])
    talker = tls.HandshakeReader()
    talker.feed(record, 1)
    assert (talker.said.client_hellos[0].suites, talker.said.client_hellos[0].groups) == ([0xC030], [23])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 50])
def test_a_hello_in_pieces(size: int) -> None:
    record, talker = hellos.record([0xC030]), tls.HandshakeReader()
    for start in range(0, len(record), size):
        talker.feed(record[start : start + size], start)
    assert talker.said.client_hellos[0].suites == [0xC030]


# Bad input ---------------------------------------------------------------------------------------------------------


def test_not_a_capture(tmp_path: Path) -> None:
    for name, data in {"text": b"hello, this is a log\n" * 20, "empty": b"", "gz": gzip.compress(b"text" * 50)}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(CaptureError, match=r"is no capture|is empty"):
            document.read(path)
    with pytest.raises(CaptureError, match="cannot be opened"):
        document.read(tmp_path / "none")


def test_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made("weak"))), 1)[:-30])
    found = document.read(path)
    assert not found["file"]["complete"]
    assert "cut short" in (found["file"]["problem"] or "")
    assert found["verdict"] == "no_suite_in_common"


def test_snaplen_96(tmp_path: Path) -> None:
    found = capture(tmp_path, "good-proxy", snaplen=96)
    assert found["verdict"] == "incomplete"
    assert "capture with size 0" in found["sentence"]


def test_no_handshake_inside(tmp_path: Path) -> None:
    path = tmp_path / "http.pcap"
    talk = (
        Conversation().say("client", b"GET / HTTP/1.1\r\n\r\n").say("server", b"HTTP/1.1 200 OK\r\n\r\n").end("server")
    )
    path.write_bytes(files.pcap(wire.frames(wire.segments(talk)), 1))
    found = document.read(path)
    assert (found["verdict"], found["connections"]) == ("no_connection", [])
    assert found["sentence"].startswith("No TLS handshake is in the capture")


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    with path.open("wb") as file:
        file.truncate(20_000_000_000)
    with pytest.raises(CaptureError, match=r"20\.0 GB, more than max_size"):
        document.read(path)


def test_a_packed_flood_ends_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    head = files.pcap([], 1)
    with gzip.open(path, "wb", 1) as file:
        file.write(head)
        for _block in range(40):
            file.write((b"\x00" * 8 + b"\x10\x00\x00\x00" * 2 + bytes(16)) * 32768)
    found = document.read(path, max_size=20_000_000)
    assert "Only the first" in (found["file"]["problem"] or "")


def test_encrypted_client_hello(tmp_path: Path) -> None:
    path = tmp_path / "ech.pcap"
    talk = Conversation().say("client", hellos.record([0x1301], extra=[(0xFE0D, bytes(40))]))
    path.write_bytes(files.pcap(wire.frames(wire.segments(talk)), 1))
    found = document.read(path)
    assert any("outer one" in sentence for sentence in found["notes"])


def test_unknown_link_type(tmp_path: Path) -> None:
    path = tmp_path / "usb.pcap"
    path.write_bytes(files.pcap(wire.frames(wire.segments(scenarios.made("weak"))), 220))
    assert "link type 220 is not known" in document.read(path)["sentence"]


@pytest.mark.parametrize("tool", ["netsh", "pktmon"])
@pytest.mark.parametrize("wifi", [False, True])
def test_windows_traces(tool: Any, wifi: bool, tmp_path: Path) -> None:
    path = tmp_path / "trace.etl"
    rows = list(wire.frames(wire.segments(scenarios.made("weak-proxy")), "wifi" if wifi else "ethernet"))
    path.write_bytes(files.etl(rows, tool, wifi=wifi))
    found = document.read(path)
    assert (found["verdict"], found["file"]["packets"]) == ("no_suite_in_common", len(rows))
    assert any("prove" in sentence for sentence in found["notes"])


def test_a_trace_without_packets(tmp_path: Path) -> None:
    path = tmp_path / "trace.etl"
    rows = list(wire.frames(wire.segments(scenarios.made("weak"))))
    path.write_bytes(files.etl(rows, "netsh", packets=False))
    found = document.read(path)
    assert (found["verdict"], found["file"]["complete"]) == ("no_connection", False)
    assert "no packet: it was made without capturing" in found["sentence"]
