# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The capture reader against tshark: the same connections, hellos, answers and alerts, however the capture is written.

tshark is the reference only where nothing was lost or shuffled; there the clean capture of the same talk is.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.lab.capture.conversation import Conversation
from ansible_collections.fleetops.tetra.tests.captures import ours, scenarios, tshark

pytestmark = pytest.mark.needs("tshark", "openssl")

ALL = sorted(scenarios.MAKERS)
SIX = {"client": ("2001:db8::10", 50123), "server": ("2001:db8:ffff::7", 443)}


def everything(**change: object) -> list[wire.Segment]:
    """All scenarios in one capture, each with a client port of its own, packets in order of time."""
    parts: list[wire.Segment] = []
    for number, name in enumerate(ALL):
        one = scenarios.made(name)
        began = 1_659_591_020.0 + number / 7
        fresh = Conversation(**{**vars(one), "client": (one.client[0], 40000 + number), "began": began})
        for key, value in change.items():
            setattr(fresh, key, (value[0], getattr(fresh, key)[1]))  # type: ignore[index]
        parts += wire.segments(fresh, seed=number + 1)
    return sorted(parts, key=lambda part: part.at)


def written(parts: list[wire.Segment], link: wire.Link = "ethernet", **how: int) -> bytes:
    return files.pcap(wire.frames(parts, link, **how), wire.LINK_TYPES[link])


def six() -> list[wire.Segment]:
    return everything(client=("2001:db8::10", 0), server=("2001:db8:ffff::7", 0))


def small(size: int) -> list[wire.Segment]:
    parts: list[wire.Segment] = []
    for number, name in enumerate(ALL):
        one = scenarios.made(name)
        fresh = Conversation(**{**vars(one), "client": (one.client[0], 40000 + number)})
        parts += wire.segments(fresh, mss=size, seed=number + 1)
    return parts


WAYS: dict[str, Callable[[], bytes]] = {
    "ethernet": lambda: written(everything()),
    "big endian": lambda: files.pcap(wire.frames(everything()), 1, big_endian=True),
    "nanoseconds": lambda: files.pcap(wire.frames(everything()), 1, nanoseconds=True),
    "pcapng": lambda: files.pcapng(wire.frames(everything()), 1),
    "pcapng, other order": lambda: files.pcapng(wire.frames(everything()), 1, big_endian=True, resolution=9),
    "gzip": lambda: gzip.compress(written(everything()), 1),
    "gzipped pcapng": lambda: gzip.compress(files.pcapng(wire.frames(everything()), 1), 1),
    **{link: (lambda link=link: written(everything(), link)) for link in wire.LINK_TYPES},  # type: ignore[misc]
    **{f"IPv6, {link}": (lambda link=link: written(six(), link)) for link in ("ethernet", "sll", "raw", "vlan")},  # type: ignore[misc]
    "fragments": lambda: written(everything(), fragment=400),
    "fragments of IPv6": lambda: written(six(), fragment=400),
    "segments of 100": lambda: written(small(100)),
    "segments of 7": lambda: written(small(7)),
    "retransmitted": lambda: written(wire.overlapping(everything(), 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_each_scenario(name: str, tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    path.write_bytes(written(wire.segments(scenarios.made(name))))
    expected = tshark.talks(path)
    assert len(expected) == 1
    assert ours.talks(path) == expected


@pytest.mark.parametrize("way", WAYS)
def test_all_scenarios_in_one_capture(way: str, tmp_path: Path) -> None:
    path = tmp_path / "all.pcap"
    path.write_bytes(WAYS[way]())
    expected = tshark.talks(path)
    assert len(expected) == len(ALL)
    assert sum(len(talk["hellos"]) for talk in expected.values()) >= 17
    assert ours.talks(path) == expected


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "harm",
    [
        lambda parts, seed: wire.reordered(parts, 0.35, seed),
        lambda parts, seed: wire.duplicated(parts, 0.3, seed),
        wire.overlapping,
        lambda parts, seed: wire.reordered(wire.duplicated(parts, 0.2, seed), 0.2, seed),
    ],
    ids=["reordered", "duplicated", "overlapping", "both"],
)
def test_what_a_net_does_changes_nothing(
    harm: Callable[[list[wire.Segment], int], list[wire.Segment]], seed: int, tmp_path: Path
) -> None:
    clean, harmed = tmp_path / "clean.pcap", tmp_path / "harmed.pcap"
    clean.write_bytes(written(small(200)))
    harmed.write_bytes(written(harm(small(200), seed)))
    assert ours.talks(harmed) == ours.talks(clean)


@pytest.mark.parametrize("seed", range(6))
def test_lost_packets_invent_nothing(seed: int, tmp_path: Path) -> None:
    clean, harmed = tmp_path / "clean.pcap", tmp_path / "harmed.pcap"
    clean.write_bytes(written(small(200)))
    harmed.write_bytes(written(wire.without(small(200), 0.2, seed)))
    truth, found = ours.talks(clean), ours.talks(harmed)
    for kind in ("hellos", "answers", "alerts"):
        known = [said for talk in truth.values() for said in talk[kind]]
        assert all(said in known for talk in found.values() for said in talk[kind])
    assert 0 < sum(len(talk["hellos"]) for talk in found.values()) < sum(len(t["hellos"]) for t in truth.values())
