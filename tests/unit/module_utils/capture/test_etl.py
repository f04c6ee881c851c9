# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows traces against others' knowledge of their format: written by it, and read by it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document, etl
from ansible_collections.fleetops.tetra.tests.captures import hellos, independent_etl, scenarios

TOOLS: tuple[t.Literal["netsh", "pktmon"], ...] = ("netsh", "pktmon")
NAMES = ("good", "good-proxy", "weak-proxy", "proxy-407", "no-syn-ack")


def frames(name: str) -> list[wire.Frame]:
    conversation = hellos.note_conversation() if name == "note" else scenarios.made(name)
    return sorted(wire.frames(wire.segments(conversation)), key=lambda row: row.at)


def ours(path: Path) -> etl.Trace:
    with path.open("rb") as file:
        return etl.read(file.read(etl.HEADER), file.read)


@pytest.mark.parametrize("clock", [1, 2, 3])
def test_the_three_clocks_of_a_trace(clock: int, tmp_path: Path) -> None:
    rows, path = frames("note"), tmp_path / "trace.etl"
    path.write_bytes(independent_etl.written(rows, "netsh", clock=clock))
    began = (independent_etl.START - 116_444_736_000_000_000) * 100
    passed = [(packet[0] - began) / 1e9 for packet in ours(path).packets]
    assert passed == pytest.approx([row.at - rows[0].at for row in rows], abs=1e-6)
    told = [seconds for seconds, _data in independent_etl.packets_by_others(path)]
    assert told == pytest.approx([packet[0] / 1e9 for packet in ours(path).packets], abs=1e-5)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["note", *NAMES])
def test_a_trace_of_an_independent_writer(name: str, tool: t.Literal["netsh", "pktmon"], tmp_path: Path) -> None:
    rows, path = frames(name), tmp_path / "trace.etl"
    path.write_bytes(independent_etl.written(rows, tool))
    trace = ours(path)
    assert trace.problem is None
    assert [packet[4] for packet in trace.packets] == [row.kept for row in rows]
    told = list(independent_etl.packets_by_others(path))
    assert [packet[4] for packet in trace.packets] == [data for _seconds, data in told]
    assert [packet[0] // 1000 for packet in trace.packets] == pytest.approx(
        [seconds * 1_000_000 for seconds, _data in told], abs=2
    )
    plain = tmp_path / "plain.pcap"
    plain.write_bytes(files.pcap(rows, 1))
    by_etl, by_pcap = (document.read(one, document.Wanted(everything=True)) for one in (path, plain))
    assert by_etl["verdict"] == by_pcap["verdict"]
    assert any("no capture that Windows itself wrote" in note for note in by_etl["notes"])


def test_packets_in_fragments_as_windows_7_writes_them(tmp_path: Path) -> None:
    rows, path = frames("note"), tmp_path / "trace.etl"
    path.write_bytes(independent_etl.written(rows, "netsh", fragment=50))
    assert [packet[4] for packet in ours(path).packets] == [row.kept for row in rows]
    assert document.read(path)["verdict"] == "no_suite_in_common"


@pytest.mark.parametrize("tool", TOOLS)
def test_the_labs_traces_are_read_alike_by_others(tool: t.Literal["netsh", "pktmon"], tmp_path: Path) -> None:
    rows, path = frames("note"), tmp_path / "trace.etl"
    path.write_bytes(files.etl(rows, tool))
    told = independent_etl.packets_by_others(path)
    assert [data for _seconds, data in told] == [packet[4] for packet in ours(path).packets] == [r.kept for r in rows]
    assert [seconds for seconds, _data in told] == pytest.approx([row.at for row in rows], abs=1e-5)


def test_a_trace_without_packets_says_so(tmp_path: Path) -> None:
    path = tmp_path / "trace.etl"
    path.write_bytes(independent_etl.written([], "netsh"))
    found = document.read(path)
    assert (found["verdict"], found["file"]["complete"]) == ("no_connection", False)
    assert "no packet: it was made without capturing" in found["sentence"]
