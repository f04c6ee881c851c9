# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A capture bounded to what was asked for: only the packets of wanted connections, as a pcap file.

Of a capture taken for a diagnosis nothing else is kept, since it holds other people's traffic.
"""

from __future__ import annotations

import struct
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document, files, flows, packets, tcp
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.connections import describe

MOST_BYTES: t.Final = 4 << 20
"""Of one connection: a handshake has a few kilobytes, the rest is the download, which nobody needs."""


def extract(path: Path, out: t.BinaryIO, wanted: document.Wanted) -> int:
    """Copies the packets of the wanted connections; gives their number. Raises CaptureError, OSError.

    Reads the capture twice. Fragments of IP packets are left out, and packets of another link type than the first one
    copied.
    """
    keys: dict[bytes, int] = {}
    for flow in flows.flows(path, files.Source(), flows.Table()):
        if document.is_wanted(describe(flow), wanted):
            keys[flow.key] = keys[tcp.swapped(flow.key)] = 0
    count, link_of_file, fragments = 0, -1, packets.Fragments()
    for time, link, wire, kept, data, at in files.packets(path, files.Source()) if keys else ():
        end = at + kept
        part = packets.segment(data, packets.ip_offset(link, data, at, end), end, wire - kept, fragments)
        if part is None or part.key not in keys or keys[part.key] > MOST_BYTES:
            continue
        if link_of_file < 0:
            link_of_file = link
            out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, link))
        if link == link_of_file:
            keys[part.key] += kept
            head = struct.pack("<IIII", time // 1_000_000_000 & 0xFFFFFFFF, time % 1_000_000_000, kept, wire)
            out.write(head + data[at:end])
            count += 1
    return count
