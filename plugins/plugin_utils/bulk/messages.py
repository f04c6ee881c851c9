# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What passes between the task and the processes that ask."""

from __future__ import annotations

import json
import pickle
import struct
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import ErrorKind
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import State
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicy
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities

_LENGTH = struct.Struct(">I")
MAX_FRAME = 4 * 1024 * 1024


@dataclass(frozen=True)
class Orders:
    """What is the same for all endpoints."""

    run: Path
    token: str
    policy: dict[str, t.Any] | None
    domain: DomainPolicy | None = None
    as_image: bool = False
    identities: Identities | None = None
    memory: int = 1024 * 1024 * 1024
    """Bytes that a process may take beyond what it begins with."""


@dataclass(frozen=True)
class Job:
    """One endpoint. ``options`` are those of the psrp connection, by their names there; they hold secrets."""

    host: str
    options: dict[str, t.Any] = field(repr=False)
    seconds: float
    probe: ProbeOptions | None = None
    refused: tuple[ErrorKind, str] | None = None
    """(kind, sentence) where the endpoint is not to be asked at all."""


@dataclass(frozen=True)
class Done:
    """What became of one endpoint; the rest is in its record."""

    host: str
    state: State
    cause: str | None
    error: str | None
    failed: str | None = None
    """Why the record could not be filed."""


class Given(t.Protocol):
    """What any process is given: an endpoint, and the seconds after which its process is taken for stuck (0: never)."""

    @property
    def host(self) -> str: ...

    @property
    def seconds(self) -> float: ...


class Frames:
    """Messages out of a stream of bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are now complete. Raises ValueError for one that is too long."""
        self._buffer += data
        found = []
        while len(self._buffer) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer)
            if size > MAX_FRAME:
                raise ValueError("a message that is too long")
            if len(self._buffer) < _LENGTH.size + size:
                break
            found.append(bytes(self._buffer[_LENGTH.size : _LENGTH.size + size]))
            del self._buffer[: _LENGTH.size + size]
        return found


def frame(message: bytes) -> bytes:
    return _LENGTH.pack(len(message)) + message


def pack_job(job: Given | None) -> bytes:
    """None says that no more will come."""
    return frame(pickle.dumps(job))


def unpack_job(message: bytes) -> Job | None:
    """Only for what our own parent process has packed."""
    found: Job | None = pickle.loads(message)
    return found


def pack_done(done: Done) -> bytes:
    return frame(json.dumps(vars(done)).encode("ascii"))


def unpack_done(message: bytes) -> Done:
    """From a process that talked to endpoints, so as plain data. Raises ValueError or TypeError."""
    return Done(**json.loads(message))
