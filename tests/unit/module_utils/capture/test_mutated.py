# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutated captures: no traceback, no hang, bounded memory. ``make prove-captures`` takes 100,000 of them.

Mutations: flipped, removed, inserted and repeated bytes, cut ends, lengths set to extremes, parts of other captures.
"""

from __future__ import annotations

import gzip
import os
import random
import resource
import signal
import struct
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab.capture import files, wire
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError
from ansible_collections.fleetops.tetra.tests.captures import scenarios

pytestmark = pytest.mark.needs("openssl")

COUNT = int(os.environ.get("TETRA_MUTATIONS", "1500"))
NAMES = ("good", "good-proxy", "weak-proxy", "retry", "proxy-407", "rejected", "no-syn-ack")
MEMORY = 200 << 20
"""Bytes that reading all of them may add."""
SECONDS = 20
"""For one capture of a few kilobytes: far beyond what the slowest machine needs, so that only a hang is caught."""


def seeds() -> list[bytes]:
    found = []
    for number, name in enumerate(NAMES):
        parts = wire.segments(scenarios.made(name), mss=300 if number % 2 else 1460)
        link: wire.Link = ("ethernet", "sll", "raw", "vlan", "sll2", "wifi", "null")[number]  # type: ignore[assignment]
        rows = list(wire.frames(parts, link, fragment=200 if number == 3 else 0))
        kind = wire.LINK_TYPES[link]
        found.append(files.pcap(rows, kind))
        found.append(files.pcapng(rows, kind))
        if link in ("ethernet", "wifi"):
            found += [files.etl(rows, "netsh", wifi=link == "wifi"), files.etl(rows, "pktmon", wifi=link == "wifi")]
    return found


EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def mutated(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    changed = bytearray(data)
    for _round in range(chance.choice((1, 1, 2, 3, 8, 30))):
        at = chance.randrange(len(changed)) if changed else 0
        kind = chance.randrange(8)
        if kind == 0 and changed:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and changed:
            changed[at] = chance.choice((0, 1, 0x16, 0x15, 0x14, 0x17, 3, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del changed[at : at + chance.choice((1, 2, 4, 16, 100))]
        elif kind == 3:
            changed[at:at] = chance.randbytes(chance.choice((1, 2, 4, 16, 100)))
        elif kind == 4:
            changed[at:at] = changed[at : at + chance.choice((4, 60, 400))]
        elif kind == 5:
            size = chance.choice((2, 4))
            number = chance.choice(EXTREMES) & (1 << 8 * size) - 1
            changed[at : at + size] = struct.pack(chance.choice("<>") + ("H" if size == 2 else "I"), number)
        elif kind == 6:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            changed[at : at + 200] = other[start : start + 200]
        elif chance.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def test_mutated_captures(tmp_path: Path) -> None:
    originals = seeds()
    path = tmp_path / "mutated"
    wanted = document.Wanted(everything=True)

    def hang(_signal: int, _frame: object) -> None:
        raise AssertionError("reading hangs")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    previous = signal.signal(signal.SIGALRM, hang)
    read = refused = 0
    try:
        for number in range(COUNT):
            chance = random.Random(number)
            data = mutated(chance.choice(originals), chance, originals)
            if chance.random() < 0.05:
                data = gzip.compress(data, 1)
                if chance.random() < 0.5:
                    data = mutated(data, chance, originals)
            path.write_bytes(data)
            signal.alarm(SECONDS)
            try:
                found = document.read(path, wanted, max_size=1 << 26)
                read += 1
                assert found["sentence"] and "\n" not in found["sentence"]
            except CaptureError as error:
                refused += 1
                assert "\n" not in str(error)
            except BaseException:
                (tmp_path / f"failing-{number}").write_bytes(data)
                raise
            finally:
                signal.alarm(0)
    finally:
        signal.signal(signal.SIGALRM, previous)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(f"{COUNT} mutated captures: {read} read, {refused} refused in one sentence, {grown >> 20} MiB more memory")
    assert read > COUNT // 2
    assert grown < MEMORY
