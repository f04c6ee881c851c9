# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP messages cut into fragments (MS-PSRP 2.2.1 and 2.2.4)."""

from __future__ import annotations

import struct
import uuid

FRAGMENT_SIZE = 32768
"""Bytes of one fragment with its header. Recorded: Windows sends one fragment of at most this size per stream."""
FRAGMENT_HEADER = struct.Struct(">QQBI")
MESSAGE_HEADER = struct.Struct("<II16s16s")
_TO_CLIENT = 1
_START, _END = 1, 2
_NO_PIPELINE = uuid.UUID(int=0)


def to_fragments(
    object_id: int, message_type: int, data: bytes, pool: uuid.UUID, pipeline: uuid.UUID | None
) -> list[bytes]:
    """One message as the fragments that carry it."""
    pid = pipeline or _NO_PIPELINE
    message = MESSAGE_HEADER.pack(_TO_CLIENT, message_type, pool.bytes_le, pid.bytes_le) + data
    size = FRAGMENT_SIZE - FRAGMENT_HEADER.size
    if len(message) <= size:
        return [FRAGMENT_HEADER.pack(object_id, 0, _START | _END, len(message)) + message]
    pieces = [message[start : start + size] for start in range(0, len(message), size)]
    last = len(pieces) - 1
    return [
        FRAGMENT_HEADER.pack(
            object_id, number, (_START if number == 0 else 0) | (_END if number == last else 0), len(piece)
        )
        + piece
        for number, piece in enumerate(pieces)
    ]


def pipeline_of(fragment: bytes) -> uuid.UUID:
    """The pipeline that the first fragment of a message is for.

    It need not be the WS-Man CommandId: one recorded client sends it with its bytes swapped.
    Raises ValueError where the fragment is too short to hold a message header.
    """
    start = FRAGMENT_HEADER.size
    header = fragment[start : start + MESSAGE_HEADER.size]
    if len(header) < MESSAGE_HEADER.size:
        raise ValueError("the fragment is shorter than a message header")
    return uuid.UUID(bytes_le=MESSAGE_HEADER.unpack(header)[3])
