# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of captures (pcap, pcapng, ETL, TLS, CONNECT): what was written comes back, and any bytes are survived."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import struct
import typing as t
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.lab.capture import files as written
from ansible_collections.fleetops.tetra.lab.capture.wire import Frame
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import etl, files, tls
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError
from ansible_collections.fleetops.tetra.tests.captures import hellos, independent_etl

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FRAME = st.builds(
    lambda at, kept, more: Frame(at, kept, len(kept) + more),
    st.integers(1_600_000_000_000_000, 1_900_000_000_000_000).map(lambda micro: micro / 1_000_000),
    st.binary(min_size=1, max_size=200),
    st.integers(0, 100),
)


def packets(path: Path) -> tuple[list[t.Any], files.Source]:
    source = files.Source()
    return list(files.packets(path, source)), source


@QUICK
@given(st.lists(FRAME, max_size=8), st.booleans(), st.booleans())
def test_a_pcap_comes_back(tmp_path: Path, rows: list[Frame], big: bool, nano: bool) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(written.pcap(rows, 1, big_endian=big, nanoseconds=nano))
    found, source = packets(path)
    assert (source.format, source.problem) == ("pcap", None)
    assert [(bytes(one[4][one[5] : one[5] + one[3]]), one[2]) for one in found] == [
        (row.kept, row.wire) for row in rows
    ]
    assert [one[0] / 1e9 for one in found] == pytest.approx([row.at for row in rows], abs=1e-5)


@QUICK
@given(st.lists(FRAME, max_size=8), st.booleans(), st.sampled_from([3, 6, 9]))
def test_a_pcapng_comes_back(tmp_path: Path, rows: list[Frame], big: bool, resolution: int) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(written.pcapng(rows, 1, big_endian=big, resolution=resolution))
    found, source = packets(path)
    assert (source.format, source.problem) == ("pcapng", None)
    assert [(bytes(one[4][one[5] : one[5] + one[3]]), one[2]) for one in found] == [
        (row.kept, row.wire) for row in rows
    ]
    assert [one[0] / 1e9 for one in found] == pytest.approx([row.at for row in rows], abs=2e-3)


@QUICK
@given(st.lists(FRAME, min_size=1, max_size=8), st.sampled_from(["netsh", "pktmon"]))
def test_a_trace_of_an_independent_writer_comes_back(rows: list[Frame], tool: t.Literal["netsh", "pktmon"]) -> None:
    rows.sort(key=lambda row: row.at)
    rows = [Frame(rows[0].at + number, row.kept, row.wire) for number, row in enumerate(rows)]
    stream = io.BytesIO(independent_etl.written(rows, tool))
    trace = etl.read(stream.read(etl.HEADER), stream.read)
    assert [one[4] for one in trace.packets] == [row.kept for row in rows]


@QUICK
@given(st.binary(max_size=400), st.integers(72, 4096).map(lambda size: size // 8 * 8), st.integers(0, 0xFFFF))
def test_a_trace_of_any_bytes_never_raises(data: bytes, saved: int, flags: int) -> None:
    head = bytearray(etl.HEADER)
    struct.pack_into("<II", head, 0, 4096, saved)
    struct.pack_into("<HH", head, 0x34, flags, 4)
    stream = io.BytesIO(data)
    trace = etl.read(bytes(head), stream.read)
    assert trace.problem is None or "\n" not in trace.problem


@QUICK
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x0a\x0d\x0d\x0a", b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1"]))
def test_a_capture_of_any_bytes_is_read_or_refused(tmp_path: Path, data: bytes, magic: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(magic + data)
    try:
        _found, source = packets(path)
    except CaptureError as error:
        assert "\n" not in str(error)
    else:
        assert source.problem is None or "\n" not in source.problem


def said(parts: t.Iterable[bytes]) -> dict[str, t.Any]:
    talker = tls.HandshakeReader()
    for part in parts:
        if not talker.feed(part, 1):
            break
    return dataclasses.asdict(talker.said)


def pieces(data: bytes, cuts: t.Iterable[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[low:high] for low, high in itertools.pairwise(places)]


# The note's own stream: CONNECT, then the hello.
STREAM = b"".join(one.data for one in hellos.note_conversation().events if (one.side, one.kind) == ("client", "data"))


@QUICK
@given(st.lists(st.integers(0, 1000), max_size=12))
def test_a_hello_after_connect_may_be_cut_anywhere(cuts: list[int]) -> None:
    found = said(pieces(STREAM, cuts))
    assert found == said([STREAM])
    assert found["connect"]["target"] == "tetra-defs.amp.cisco.com:443"
    assert [len(one["suites"]) for one in found["client_hellos"]] == [16]


HOST = st.from_regex(r"[a-z0-9.-]{1,60}:[0-9]{1,5}", fullmatch=True)


NAMES = st.sampled_from(["Host", "User-Agent", "Via"])
PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@QUICK
@given(HOST, st.lists(st.integers(0, 400), max_size=6), st.dictionaries(NAMES, PLAIN, max_size=3))
def test_what_a_proxy_is_asked_for(target: str, cuts: list[int], headers: dict[str, str]) -> None:
    lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    found = said(pieces("\r\n".join(lines).encode("ascii"), cuts))
    assert (found["kind"], found["connect"]["target"], found["damaged"]) == ("http", target, None)


@QUICK
@given(st.integers(100, 999), PLAIN)
def test_what_a_proxy_answers(status: int, words: str) -> None:
    found = said([f"HTTP/1.1 {status} {words}\r\nVia: x\r\n\r\n".encode("ascii")])
    assert found["damaged"] is None
    assert found["connect"] is None if 100 <= status < 200 and status != 101 else found["connect"]["status"] == status


@QUICK
@given(
    st.lists(st.binary(max_size=120), max_size=6),
    st.sampled_from([b"", b"\x16\x03\x01\x00\x10\x01", b"CONNECT ", b"HTTP/1.1 "]),
)
@example([b"\x00\x2a\x01\x00\x00\x26\x03\x03"], b"\x16\x03\x01")
def test_any_bytes_of_one_direction_never_raise(parts: list[bytes], start: bytes) -> None:
    found = said([start, *parts])
    assert found["kind"] in ("", "tls", "http", "other")
    whole = said([start + b"".join(parts)])
    assert {**whole, "first_time": 0} == {**found, "first_time": 0}


@QUICK
@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_bodies_of_any_bytes(body: bytes, version: int) -> None:
    for read in (
        lambda: tls.client_hello(body, version, 1),
        lambda: tls.server_hello(body, 1),
        lambda: tls.certificates(body),
    ):
        with contextlib.suppress(ValueError):  # the one error that they have
            read()


NUMBERS = st.lists(st.integers(0, 0xFFFF).filter(lambda one: not tls.grease(one)), min_size=1, max_size=40)


@QUICK
@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from([0x0301, 0x0302, 0x0303]))
def test_a_hello_comes_back(suites: list[int], groups: list[int], signatures: list[int], version: int) -> None:
    found = said([hellos.record(suites, version, groups, signatures=signatures)])
    (hello,) = found["client_hellos"]
    assert (hello["suites"], hello["groups"], hello["signatures"]) == (suites, groups, signatures)
    assert hello["server_name"] == "tetra-defs.amp.cisco.com"
