# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for a Receive: the fragments of a pool or of one pipeline, in order."""

from __future__ import annotations

import asyncio
import collections
from dataclasses import dataclass, field


@dataclass
class Answers:
    """A queue of fragments that a Receive empties, a bounded number of bytes at a time."""

    finished: bool = False
    """Nothing more will come; the last answer says Done."""
    failure: Exception | None = None
    """What a Receive is answered with once everything that came before has been taken."""
    _waiting: collections.deque[tuple[bytes, bool]] = field(default_factory=collections.deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, fragments: list[bytes], apart: bool = False) -> None:
        """Adds a message; ``apart`` keeps it out of the answer that carries what came before it."""
        for number, fragment in enumerate(fragments):
            self._waiting.append((fragment, apart and number == 0))
        self._arrived.set()

    def finish(self) -> None:
        self.finished = True
        self._arrived.set()

    def fail(self, failure: Exception) -> None:
        """Whoever produced the answers is gone."""
        if not self.finished:
            self.failure = failure
            self._arrived.set()

    async def wait(self, seconds: float) -> bool:
        """Waits until there is something to say. False when the time is over. Raises ``failure``."""
        if not self._waiting and not self.finished and self.failure is None:
            self._arrived.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()
            except TimeoutError:
                return False
        if not self._waiting and self.failure is not None:
            raise self.failure
        return True

    def take(self, limit: int) -> tuple[list[bytes], bool]:
        """The next fragments, at least one and otherwise at most ``limit`` bytes, and whether they are the last."""
        taken: list[bytes] = []
        size = 0
        while self._waiting:
            fragment, apart = self._waiting[0]
            if taken and (apart or size + len(fragment) > limit):
                break
            self._waiting.popleft()
            taken.append(fragment)
            size += len(fragment)
        return taken, self.finished and not self._waiting
