# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the journal of one endpoint knows, whatever else was written down: the journal is the truth.

A cure that was killed, or whose worker died, has filed nothing. Its journal says how far it came, and from that follows
what may stand on the endpoint.
"""

from __future__ import annotations

import collections.abc as c
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.journal import JournalEntry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.remediation.journal import PROGRESS

DEAD = "Its process ended without a result; the journal says how far it came."


@dataclass(frozen=True)
class Known:
    """``may_be_changed_since``: when a change was begun of which nobody knows what became (UTC), or None.

    ``went_down``: a restart was ordered after it, and the endpoint was not seen again.
    """

    may_be_changed_since: str | None = None
    went_down: bool = False

    def sentence(self) -> str:
        """For a reader; empty where there is nothing to say."""
        if self.may_be_changed_since is None:
            return "It did not come back from its restart, as far as is known." if self.went_down else ""
        since = f"It may be changed since {self.may_be_changed_since}; what stands there now is not known."
        return f"{since} It did not come back from its restart, as far as is known." if self.went_down else since


def known_of(entries: c.Sequence[JournalEntry]) -> Known:
    """``entries``: the journal of one endpoint, oldest first."""
    since: str | None = None
    went_down = False
    for entry in entries:
        event = entry["event"]
        if event == "changing":
            since, went_down = entry["at"], False
        elif event == "rebooting":
            went_down = True
        elif event == "proving":
            went_down = False
        elif event not in PROGRESS and not is_death(entry):
            # An end that a cure has written itself: its own document says what stands there.
            since, went_down = None, False
    return Known(since, went_down)


def is_death(entry: JournalEntry) -> bool:
    """Whether the entry was written for a process that could not write its end any more."""
    return entry["event"] == "failed" and str(entry["detail"] or "").startswith(DEAD)


def last_try(entries: c.Sequence[JournalEntry]) -> list[JournalEntry]:
    """The entries from the last ``running`` on, without what was noted for the dead."""
    alive = [entry for entry in entries if not is_death(entry)]
    starts = [number for number, entry in enumerate(alive) if entry["event"] == "running"]
    return alive[starts[-1] :] if starts else alive
