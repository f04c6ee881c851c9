# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The worlds that still count for one endpoint.

A verdict computes every behaviour that the sources leave open in each of its variants. Where a run trusts an
observation of this very release (build number, client or server), the variants that were seen not to hold are not
counted. Every world that is left out for that is told in the verdict's notes.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OK
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import OPEN, Observation

NOTE_OTHER_RELEASE = (
    "No observation of this run is about this release and build, so everything that the sources leave open was counted."
)


class Worlds:
    """Ask ``counts("policy_multi_sz", "used")`` before a world is computed; without an observation every one counts."""

    def __init__(
        self,
        observations: c.Sequence[Observation] = (),
        facts: t.Mapping[str, t.Any] | None = None,
        findings: Findings | None = None,
    ) -> None:
        self._findings = findings
        self._seen: dict[str, tuple[str, Observation]] = {}
        self.key: frozenset[tuple[str, str]] = frozenset()
        section = facts["os"] if facts is not None else {"status": None}
        if section["status"] != OK:
            return
        for one in observations:
            if (one.build, one.kind) == (section.get("build"), section.get("kind")):
                for behaviour, variant in one.behaviours.items():
                    if behaviour in OPEN:
                        self._seen.setdefault(behaviour, (variant, one))
        self.key = frozenset((behaviour, variant) for behaviour, (variant, _one) in self._seen.items())
        """What was observed of this endpoint's release: endpoints with the same have the same worlds."""
        if observations and not self._seen and findings is not None:
            findings.note(NOTE_OTHER_RELEASE)

    def counts(self, behaviour: str, variant: str) -> bool:
        """Whether the world in which this behaviour has this variant is to be computed. ``behaviour`` and ``variant``
        stand in ``OPEN``; anything else is a mistake of the caller (KeyError, ValueError)."""
        if variant not in OPEN[behaviour]:
            raise ValueError(f"{behaviour} has no variant {variant}")
        found = self._seen.get(behaviour)
        if found is None or found[0] == variant:
            return True
        if self._findings is not None:
            seen, one = found
            where = f"{one.title()}, {one.observed_at}, {one.file} (sha256 {one.sha256})"
            self._findings.note(f"Observed on {where}: {behaviour} is {seen}.")
        return False

    def only(self, behaviour: str) -> str | None:
        """The one variant that is left; ``None`` where nothing was observed. Tells the observation."""
        found = self._seen.get(behaviour)
        if found is None:
            return None
        for variant in OPEN[behaviour]:
            self.counts(behaviour, variant)
        return found[0]


ALL = Worlds()
"""Nothing was observed: every world counts."""
