# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a task wants of an endpoint, worked out from its facts: the steps to get there, or why it is refused."""

from __future__ import annotations

import collections.abc as c
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Step, SuiteChanges
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.plan.planner import Refused
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate


class WantedError(ValueError):
    """An option makes no sense. The message is one sentence; no endpoint was looked at."""


@dataclass(frozen=True)
class WantedChange:
    """``steps`` as in a plan; none where the endpoint is as wanted. ``reachability``: whether the endpoint reaches the
    Tetra servers with its configuration as it is and as it would be (yes, no, unknown)."""

    steps: list[Step]
    reachability: dict[str, str]
    warnings: list[str] = field(default_factory=list)

    @property
    def needs_reboot(self) -> bool:
        return any(step["needs_reboot"] for step in self.steps)

    @property
    def suites(self) -> SuiteChanges:
        """``{added, removed, moved}`` over all steps."""
        found = [step["suites"] for step in self.steps]
        return {
            "added": [name for one in found for name in one["added"]],
            "removed": [name for one in found for name in one["removed"]],
            "moved": [name for one in found for name in one["moved"]],
        }


def refuse_32_bit(facts: Facts) -> None:
    """Raises Refused for a session that is redirected to other folders and keys than Windows uses."""
    if facts["psrp"]["process_bits"] == 32:
        raise Refused(
            "session_32_bit",
            "This session runs in a 32-bit process, which writes into other folders and keys than Windows reads.",
            "Use a 64-bit session configuration, such as Microsoft.PowerShell.",
        )


def reachability(facts: Facts, steps: c.Sequence[Step]) -> dict[str, str]:
    """``{before, after}``; both by the configuration, whatever is in force until the next restart."""
    before = str(evaluate(facts)["either_way"]["in_force"])
    if not steps:
        return {"before": before, "after": before}
    return {"before": before, "after": str(evaluate(apply_steps(facts, steps))["reachability"]["answer"])}
