# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects to CLIXML and back through psrpcore, remembering what was converted before.

A fleet sends the same few hundred objects over and over, and conversion is most of the server's work.
"""

from __future__ import annotations

import collections
import pickle
import typing as t
from xml.etree import ElementTree

from psrpcore.types import PSCryptoProvider, deserialize, serialize

BOM = b"\xef\xbb\xbf"
"""Recorded: every message from Windows starts with it."""
_SECURE_STRING = b"<SS"

K = t.TypeVar("K", bound=t.Hashable)
V = t.TypeVar("V")


class Memory(t.Generic[K, V]):
    """The last so many results by their key."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: collections.OrderedDict[K, V] = collections.OrderedDict()

    def get(self, key: K) -> V | None:
        value = self._known.get(key)
        if value is not None:
            self._known.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._known[key] = value
        if len(self._known) > self._size:
            self._known.popitem(last=False)


_serialised: Memory[bytes, bytes] = Memory(8192)
_deserialised: Memory[bytes, t.Any] = Memory(256)


def pickled(value: t.Any) -> bytes | None:
    """The value's pickle; None where it has none."""
    try:
        return pickle.dumps(value, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError):
        return None


def holds_secret(data: bytes) -> bool:
    """Whether the CLIXML has a secure string, whose meaning depends on the key of its runspace."""
    return _SECURE_STRING in data


def to_clixml(value: t.Any, cipher: PSCryptoProvider, make: t.Callable[[], t.Any] | None = None) -> bytes:
    """The object as CLIXML with a byte order mark.

    ``make`` builds the object to serialise, where ``value`` is only the plain description of it.
    Equal pickles mean equal content, so the pickle is the key; what cannot be pickled is converted anew.
    """
    key = pickled(value)
    known = _serialised.get(key) if key is not None else None
    if known is not None:
        return known
    element = serialize(value if make is None else make(), cipher)
    data: bytes = BOM + ElementTree.tostring(element, encoding="utf-8", method="xml")
    if key is not None and not holds_secret(data):
        _serialised.put(key, data)
    return data


def from_clixml(data: bytes, cipher: PSCryptoProvider) -> t.Any:
    """The object in a message. Callers share it and must not change it."""
    known = _deserialised.get(data)
    if known is not None:
        return known
    value = deserialize(ElementTree.fromstring(data), cipher=cipher)
    if value is not None and not holds_secret(data):
        _deserialised.put(data, value)
    return value
