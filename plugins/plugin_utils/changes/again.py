# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Doing something once more where the connection broke over it."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.reboot import Endpoint, Waiter
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError

_T = t.TypeVar("_T")

_TRIES = 3


def again(endpoint: Endpoint, wait: Waiter, act: t.Callable[[], _T]) -> _T:
    """A connection that breaks between a write and its answer says nothing about the write: ``act`` looks, and goes on.

    It is tried three times at most, over a new session each time. Raises SessionError when that did not help.
    """
    for attempt in range(1, _TRIES):
        try:
            return act()
        except SessionError:
            if not wait(2.0 * attempt):
                raise
            endpoint.renew()
    return act()
