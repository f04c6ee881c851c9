# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Connections of a capture, one after the other, in bounded memory whatever the size of the file.

Most bytes of a capture are downloads whose handshake is over. A packet of such a connection costs one look into a
table.
"""

from __future__ import annotations

import collections
import collections.abc as c
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.capture import files, packets, tcp
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.packets import SYN

MOST_FLOWS = 8192
"""Open connections that are followed at a time; of more the one opened first is given up."""
MOST_CLOSED = 512
"""Closed connections that are kept for packets that come late."""
MOST_HELD = 64 << 20
"""Bytes of all connections that wait for an earlier segment."""


@dataclass
class Counts:
    """What was read. ``cut``: packets of which the capture kept only a part; ``other_links``: frames by link type that
    is not known here."""

    packets: int = 0
    bytes: int = 0
    segments: int = 0
    cut: int = 0
    connections: int = 0
    given_up: int = 0
    first_time: int = 0
    last_time: int = 0
    other_links: dict[int, int] = field(default_factory=dict)


_NEAR = 1 << 17
# link type -> offset of the IP header where nothing special stands before it
_FAST = {
    packets.ETHERNET: 14,
    packets.SLL: 16,
    packets.SLL2: 20,
    packets.RAW: 0,
    packets.IPV4: 0,
    packets.IPV6: 0,
}


class Table:
    """The connections that are followed."""

    def __init__(self) -> None:
        self.flows: dict[bytes, tuple[tcp.Flow, int, tcp.Direction, tcp.Direction]] = {}
        """By the key of each direction: connection, which direction, this one, the other one."""
        self._closed: collections.deque[tcp.Flow] = collections.deque()
        self._held = 0
        self.counts = Counts()

    def add(self, part: packets.Segment, time: int) -> c.Iterator[tcp.Flow]:
        """Takes one segment in; gives the connections that are over because of it."""
        found = self.flows.get(part.key)
        if (
            found is not None
            and part.flags & SYN
            and not part.flags & packets.ACK
            and _again(found[0], found[1], part, time)
        ):
            yield self._end(found[0])
            found = None
        if found is None:
            if not part.data and not part.flags & SYN and not part.lost:
                return  # the tail of a connection whose talk was not captured
            if len(self.flows) >= 2 * MOST_FLOWS:
                self.counts.given_up += 1
                yield self._end(self._oldest())
            flow = tcp.Flow(part.key, time)
            self.counts.connections += 1
            one, other = flow.directions
            self.flows[part.key] = found = (flow, 0, one, other)
            self.flows[tcp.swapped(part.key)] = (flow, 1, other, one)
        flow, side, here, _there = found
        before, closed = here.held, len(flow.closed)
        tcp.add(flow, side, part, time)
        self._held += here.held - before
        if flow.closed and not closed:
            self._closed.append(flow)
            if len(self._closed) > MOST_CLOSED:
                over = self._closed.popleft()
                now = self.flows.get(over.key)
                if now is not None and now[0] is over:
                    yield self._end(over)
        if self._held > MOST_HELD:
            self.counts.given_up += 1
            yield self._end(max((entry[0] for entry in self.flows.values()), key=_waiting))

    def end(self) -> c.Iterator[tcp.Flow]:
        """All that are left, in the order in which they began."""
        while self.flows:
            yield self._end(self._oldest())

    def _oldest(self) -> tcp.Flow:
        for flow, _side, _here, _there in self.flows.values():
            return flow
        raise IndexError("no connection is held")

    def _end(self, flow: tcp.Flow) -> tcp.Flow:
        self._held -= _waiting(flow)
        for key in (flow.key, tcp.swapped(flow.key)):
            self.flows.pop(key, None)
        tcp.finish(flow)
        return flow


def _waiting(flow: tcp.Flow) -> int:
    return flow.directions[0].held + flow.directions[1].held


def _again(flow: tcp.Flow, side: int, part: packets.Segment, time: int) -> bool:
    """Whether a SYN opens a new connection with the ports of an old one, rather than being a late or repeated one."""
    here = flow.directions[side]
    if here.initial is None:
        # The start was not captured, or comes late: then its number stands right before the data's.
        late = here.base is not None and (here.base - part.sequence) & 0xFFFFFFFF < _NEAR
        return bool(flow.closed) and time > flow.last_time and not late
    return here.initial != part.sequence and (bool(flow.closed) or here.data_ttl is not None)


def flows(
    path: Path, source: files.Source, table: Table, max_size: int = files.DEFAULT_MAX_SIZE
) -> c.Iterator[tcp.Flow]:
    """The connections of a capture file, each when it is over or the file is. Raises CaptureError."""
    counts, known = table.counts, table.flows
    fragments = packets.Fragments()
    link_before, start = -1, -1
    read = size = 0
    try:
        for time, link, wire, kept, data, at in files.packets(path, source, max_size):
            read += 1
            size += kept
            if link != link_before:
                link_before = link
                start = _FAST.get(link, -1)
                if link not in packets.SUPPORTED:
                    counts.other_links[link] = counts.other_links.get(link, 0)
            if start >= 0 and kept - start >= 40:
                here = at + start
                first = data[here]
                # A key that fits by chance in a frame of another kind is one of 2^96.
                if first == 0x45 and data[here + 9] == 6 and not data[here + 33] & 7:
                    found = known.get(data[here + 12 : here + 24])
                    if found is not None and (
                        not found[2].more
                        or (
                            not found[3].more  # no data, and the other side has nothing to be acknowledged
                            and data[here + 2] << 8 | data[here + 3] == 20 + (data[here + 32] >> 4) * 4
                        )
                    ):
                        continue
                elif first >> 4 == 6 and kept - start >= 60 and data[here + 6] == 6 and not data[here + 53] & 7:
                    found = known.get(data[here + 8 : here + 44])
                    if found is not None and (
                        not found[2].more
                        or (not found[3].more and data[here + 4] << 8 | data[here + 5] == (data[here + 52] >> 4) * 4)
                    ):
                        continue
            if not counts.first_time:
                counts.first_time = time
            counts.last_time = time
            if start < 0 and link in counts.other_links:
                counts.other_links[link] += 1
                continue
            end = at + kept
            if kept < wire:
                counts.cut += 1
            part = packets.segment(data, packets.ip_offset(link, data, at, end), end, wire - kept, fragments)
            if part is not None:
                counts.segments += 1
                yield from table.add(part, time)
    finally:
        counts.packets, counts.bytes = read, size
    yield from table.end()
