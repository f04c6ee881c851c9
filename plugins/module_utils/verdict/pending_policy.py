# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""An image whose local GPO sets a list, a curve or a switch that its registry does not hold yet.

The image passes today and fails as soon as a machine made from it has started and applied its own policy. So such an
image is judged twice, by its registry and by what the policy will make of it, and the worse answer counts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import (
    Facts,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Finding, Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_steps import policy_steps

NOTE = (
    "The local Registry.pol sets something else than the registry holds; the image is judged by the worse of the two, "
    "since Windows applies the policy after it has started."
)
NOTE_UNREAD = (
    "The local Registry.pol of the image could not be read; a machine made from it may apply another list than the "
    "registry holds."
)
_BADNESS = {"not_applicable": 0, "compliant": 1, "unknown": 2, "non_compliant": 3}


def facts_after_policy(facts: Facts) -> Facts | None:
    """The facts as they will be when the local policy has been applied; None where nothing is pending."""
    if facts["source"] != "image":
        return None
    origin = facts["policy_origin"]
    section = origin["local_gpo"]
    disabled = origin["lgpo_processing_disabled"]
    if section["status"] != f.OK:
        return None
    if disabled["status"] == f.OK and disabled["data"] == 1:
        return None
    # Of a value that was not read nobody knows whether it waits: it stays unknown.
    waiting = policy_steps(facts, local_gpo.as_pol(section))
    steps = [step for step in waiting if step["before"]["status"] in (f.OK, f.ABSENT)]
    if not steps:
        return None
    later = apply_steps(facts, steps)
    # What the cmdlets of a running build machine say is what they said before.
    gone = f.section(f.NOT_READ, "The local policy will change what this says.")
    later["cipher_suites"] = {**gone, "suites": []}
    later["curves"] = {**later["curves"], "cmdlet": {**gone, "names": []}}
    return later


def is_worse(later: Verdict, now: Verdict) -> bool:
    """Whether ``later`` is the worse of two verdicts; of two equal states the one that reaches Tetra less."""
    return _badness(later) > _badness(now)


def _badness(verdict: Verdict) -> tuple[int, int]:
    return _BADNESS[verdict["state"]], ("yes", "unknown", "no").index(verdict["reachability"]["answer"])


def worse(now: Verdict, later: Verdict, note: str, findings: t.Sequence[Finding] = ()) -> Verdict:
    """The worse of two verdicts about one machine, with the owner and the findings of the registry as it is now.

    ``note`` is told in either case, ``findings`` only where ``later`` is the worse one; they come first.
    """
    if not is_worse(later, now):
        return {**now, "notes": [*now["notes"], note]}
    first = [*findings, *later["findings"]]
    known = {row["rule"] for row in first}
    return {
        **later,
        "policy_origin": now["policy_origin"],
        "findings": [*first, *(row for row in now["findings"] if row["rule"] not in known)],
        "notes": [*later["notes"], note],
    }


def is_unreadable(facts: Facts) -> bool:
    """Whether an image may hold a local policy that could not be read."""
    section = facts["policy_origin"]["local_gpo"]
    disabled = facts["policy_origin"]["lgpo_processing_disabled"]
    if facts["source"] != "image" or (disabled["status"] == f.OK and disabled["data"] == 1):
        return False
    return section["status"] not in (f.OK, f.ABSENT)


def doubted(verdict: Verdict) -> Verdict:
    """The verdict of an image whose local policy could not be read: never better than unknown."""
    if verdict["state"] != "compliant":
        return verdict
    return {
        **verdict,
        "state": "unknown",
        "reachability": {**verdict["reachability"], "answer": "unknown"},
        "notes": [*verdict["notes"], NOTE_UNREAD],
        "next_step": "Have the image's Registry.pol read as well: its local policy may hold another list.",
    }
