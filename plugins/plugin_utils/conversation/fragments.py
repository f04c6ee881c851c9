# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""PSRP messages out of fragments ([MS-PSRP] 2.2.4), in one pass over the bytes.

pypsrp cuts what is left of an answer anew for every fragment and makes objects of every message. The rest of its
fragmenter, which is all that is sent, stays.
"""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.limits import MAX_CONVERSATION
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

try:
    from pypsrp.exceptions import FragmentError
    from pypsrp.messages import Message
    from pypsrp.powershell import Fragmenter
except ImportError:
    if not t.TYPE_CHECKING:
        Fragmenter = object

MAX_MESSAGES = 100_000
"""Messages of one answer; an object of the endpoint is one."""
_HEAD = struct.Struct(">QQBI")
_MESSAGE = struct.Struct("<II16s16s")
_PIPELINE_OUTPUT = 0x00041004
_ERROR_RECORD = 0x00041005
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ErrorText:
    """An error record as its CLIXML; pypsrp asks a message for its type."""

    MESSAGE_TYPE: t.ClassVar[int] = _ERROR_RECORD

    clixml: str


@dataclass(frozen=True)
class _Output:
    data: str


@dataclass(frozen=True)
class _Light:
    """As much of pypsrp's Message as its readers ask for."""

    message_type: int
    data: t.Any


class OnePassFragmenter(Fragmenter):
    """Output objects and error records come as their CLIXML."""

    @classmethod
    def in_place_of(cls, given: t.Any) -> t.Any:
        made = cls.__new__(cls)
        made.__dict__.update(given.__dict__)
        return made

    def defragment(self, data: bytes) -> list[t.Any]:
        """Raises FragmentError as pypsrp does, and SessionError for more than an answer can hold."""
        whole: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            if end - position < _HEAD.size:
                raise FragmentError("a fragment that ends in its head")
            number, part, flags, size = _HEAD.unpack_from(data, position)
            position += _HEAD.size
            piece = data[position : position + size]
            position += size
            begun = self.incoming_buffer.get(number)
            if part != (begun["id"] if begun is not None else 0):
                raise FragmentError(f"Fragment {part} of {number} is out of order")
            if flags & 3 == 3:
                self.incoming_buffer.pop(number, None)
                whole.append(piece)
                continue
            if begun is None or flags & 1:
                begun = self.incoming_buffer[number] = {"data": bytearray(), "id": part}
            begun["data"] += piece
            begun["id"] += 1
            if len(begun["data"]) > MAX_CONVERSATION or len(self.incoming_buffer) > MAX_MESSAGES:
                raise SessionError("session", "The endpoint sends a message that does not end.")
            if flags & 2:
                del self.incoming_buffer[number]
                whole.append(bytes(begun["data"]))
        if len(whole) > MAX_MESSAGES:
            raise SessionError("session", "The endpoint sends more objects than an answer can hold.")
        return [self._message(one) for one in whole]

    def _message(self, data: bytes) -> t.Any:
        _destination, kind, _pool, _pipeline = _MESSAGE.unpack_from(data)
        if kind not in (_PIPELINE_OUTPUT, _ERROR_RECORD) or not getattr(self.serializer, "keeps_clixml", False):
            return Message.unpack(data, self.serializer)
        text = data[_MESSAGE.size :].removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogatepass")
        return _Light(kind, _Output(text) if kind == _PIPELINE_OUTPUT else ErrorText(text))
