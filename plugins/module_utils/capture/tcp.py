# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""TCP connections put together from segments in any order, with loss, duplicates and overlaps, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.capture.packets import ACK, FIN, RST, SYN, Segment
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.tls import HandshakeReader

_MASK = 0xFFFFFFFF
_HALF = 0x80000000
MOST_WAITING = 192 << 10
"""Bytes of one direction that wait for an earlier segment; then the earlier one counts as lost."""
MOST_UNANCHORED = 48 << 10
"""The same where the start of the connection was not captured, so that the lowest number seen has to count as start."""


@dataclass(slots=True)
class Direction:
    """One direction: where reading stands, and what waits for what is missing."""

    talker: HandshakeReader = field(default_factory=HandshakeReader)
    next: int | None = None
    """Sequence number of the next byte wanted; ``None`` until the start is known."""
    initial: int | None = None
    """Initial sequence number, of the SYN."""
    waiting: list[tuple[int, bytes, int, int]] = field(default_factory=list)
    """(sequence, data, time, bytes not kept)."""
    held: int = 0
    more: bool = True
    lost: int = 0
    """Bytes that the capture does not have."""
    cut: bool = False
    """Whether the capture kept only a part of a packet that was wanted (snaplen)."""
    base: int | None = None
    last: int = 0
    """Highest sequence number seen."""
    acknowledged: bool = False
    """Whether the other side acknowledged data of this one."""
    ttl: int | None = None
    data_ttl: int | None = None
    data_time: int = 0


@dataclass(slots=True, eq=False)
class Flow:
    """One TCP connection. Direction 0 goes from the first to the second half of ``key``."""

    key: bytes
    started: int
    directions: tuple[Direction, Direction] = field(default_factory=lambda: (Direction(), Direction()))
    last_time: int = 0
    syn_time: list[int] = field(default_factory=lambda: [0, 0])
    """When each side's SYN was seen, 0 for never."""
    closed: list[tuple[int, int, str]] = field(default_factory=list)
    """(time, direction, ``fin`` or ``reset``), in order."""
    reset_ttl: int | None = None

    def opener(self) -> int | None:
        """The direction of the side that opened the connection; ``None`` where that was not captured."""
        first, second = self.syn_time
        if not first and not second:
            return None
        return 1 if not first or (second and second < first) else 0


def swapped(key: bytes) -> bytes:
    """The key of the other direction."""
    half = (len(key) - 4) // 2
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]


def add(flow: Flow, side: int, part: Segment, time: int) -> None:
    """Takes a segment into its connection."""
    here, there = flow.directions[side], flow.directions[1 - side]
    flow.last_time = max(time, flow.last_time)
    flags, sequence = part.flags, part.sequence
    if flags & SYN:
        if here.initial is None:
            here.initial, here.ttl = sequence, part.ttl
            flow.syn_time[side] = time
            if here.next is None:
                here.next = here.base = (sequence + 1) & _MASK
                here.last = here.next
                _drain(here)
        sequence = (sequence + 1) & _MASK
    if flags & ACK and there.base is not None and (part.acknowledged - there.base) & _MASK not in (0, 1, _MASK):
        there.acknowledged = there.acknowledged or (part.acknowledged - there.base) & _MASK < _HALF
    if part.data or part.lost:
        _take(here, sequence, part, time)
    if flags & (RST | FIN):
        # What was skipped since reading ended is known by the numbers that the end carries.
        _reach(here, sequence)
        if flags & ACK:
            _reach(there, part.acknowledged)
    if flags & RST:
        flow.closed.append((time, side, "reset"))
        flow.reset_ttl = part.ttl
    elif flags & FIN and len(flow.closed) < 8:
        flow.closed.append((time, side, "fin"))


def _reach(here: Direction, sequence: int) -> None:
    if here.base is not None and 0 < (sequence - here.last) & _MASK < _HALF:
        here.last = sequence


def _take(here: Direction, sequence: int, part: Segment, time: int) -> None:
    end = (sequence + len(part.data) + part.lost) & _MASK
    if here.base is None:
        here.base, here.last = sequence, end
    elif (end - here.last) & _MASK < _HALF:
        here.last = end
    if here.data_ttl is None:
        here.data_ttl = part.ttl
        here.data_time = time
    if not here.more:
        return
    if part.lost:
        here.cut = True
    if here.next is None:
        _wait(here, sequence, part.data, time, part.lost)
        if here.held > MOST_UNANCHORED:
            anchor(here)
        return
    ahead = (sequence - here.next) & _MASK
    if ahead == 0 and not here.waiting:
        _feed(here, part.data, time, part.lost)
    elif ahead < _HALF:
        _wait(here, sequence, part.data, time, part.lost)
        _drain(here)
        while here.held > MOST_WAITING and here.more:
            skip_gap(here)
    else:
        behind = _MASK + 1 - ahead
        if behind < len(part.data) + part.lost:
            _feed(here, part.data[behind:], time, part.lost if behind <= len(part.data) else 0)
            _drain(here)


def _wait(here: Direction, sequence: int, data: bytes, time: int, lost: int) -> None:
    for number, (other, kept, _time, _lost) in enumerate(here.waiting):
        if other == sequence:
            if len(data) > len(kept):
                here.held += len(data) - len(kept)
                here.waiting[number] = (sequence, data, time, lost)
            return
    here.waiting.append((sequence, data, time, lost))
    here.held += len(data) + 64


def _feed(here: Direction, data: bytes, time: int, lost: int) -> None:
    if here.next is None:
        return
    here.next = (here.next + len(data)) & _MASK
    if data:
        here.more = here.talker.feed(data, time)
    if lost and here.more:
        # The rest of this packet was not kept; what follows may start a record.
        here.next = (here.next + lost) & _MASK
        here.lost += lost
        here.more = here.talker.gap(lost, _first_waiting(here))
    if not here.more:
        here.waiting.clear()
        here.held = 0


def _first_waiting(here: Direction) -> bytes:
    for sequence, data, _time, _lost in here.waiting:
        if sequence == here.next:
            return data
    return b""


def _drain(here: Direction) -> None:
    """Takes what waits and is wanted now."""
    again = True
    while again and here.waiting and here.more and here.next is not None:
        again = False
        for number, (sequence, data, time, lost) in enumerate(here.waiting):
            ahead = (sequence - here.next) & _MASK
            behind = 0 if ahead == 0 else _MASK + 1 - ahead
            if ahead and ahead < _HALF:
                continue
            del here.waiting[number]
            here.held -= len(data) + 64
            if behind < len(data) + lost or (behind == 0 and lost):
                _feed(here, data[behind:], time, lost)
            again = True
            break


def anchor(here: Direction) -> None:
    """Makes the lowest sequence number seen the start, where the real one was not captured."""
    if here.next is not None or not here.waiting:
        return
    start = here.waiting[0][0]
    for sequence, _data, _time, _lost in here.waiting:
        if (sequence - start) & _MASK >= _HALF:
            start = sequence
    here.next = start
    if here.base is None or (start - here.base) & _MASK >= _HALF:
        here.base = start
    _drain(here)


def skip_gap(here: Direction) -> None:
    """Gives up what is missing before the first waiting segment."""
    if not here.waiting or here.next is None or not here.more:
        return
    wanted = here.next
    nearest = min(here.waiting, key=lambda one: (one[0] - wanted) & _MASK)
    missing = (nearest[0] - here.next) & _MASK
    here.lost += missing
    here.next = nearest[0]
    here.more = here.talker.gap(missing, nearest[1])
    if here.more:
        _drain(here)
    else:
        here.waiting.clear()
        here.held = 0


def finish(flow: Flow) -> None:
    """The connection or the capture has ended: what waits is read as far as it can be."""
    for here in flow.directions:
        anchor(here)
        while here.waiting and here.more:
            before = len(here.waiting)
            skip_gap(here)
            if len(here.waiting) >= before:
                break
        here.waiting.clear()
        here.held = 0
