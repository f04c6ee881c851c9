# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Waiting with an end."""

from __future__ import annotations

import collections.abc as c
import contextlib
import time

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import pause


class Countdown:
    """``countdown(seconds)`` sleeps, and says whether time is left for another try."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @contextlib.contextmanager
    def paused(self) -> c.Iterator[None]:
        """What is waited for in this block uses up nothing."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - begun

    def extend(self, seconds: float) -> None:
        self._end += seconds

    def part(self, seconds: float) -> Countdown:
        """A shorter wait within this one; what it uses up is used up here too."""
        return Countdown(min(seconds, self.left))

    def __call__(self, seconds: float) -> bool:
        if self.left <= 0:
            return False
        pause.sleep(min(seconds, self.left))
        return True
