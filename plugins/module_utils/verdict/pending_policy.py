# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""An image whose local GPO sets the list of suites or of curves, while its registry does not hold that value yet.

The image passes today and fails as soon as a machine made from it has started and applied its own policy. So such an
image is judged twice, by its registry and by what the policy will make of it, and the worse answer counts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import (
    Facts,
    LocalGpo,
    RegistryValue,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Finding, Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as f
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import local_gpo

NOTE = (
    "The local Registry.pol sets another list than the registry holds; the image is judged by the worse of the two, "
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
    suites = _pending(section, f.SUITES_VALUE, facts["policy_order"])
    curves = _pending(section, f.CURVES_VALUE, facts["curves"]["policy"])
    if suites is None and curves is None:
        return None
    # What the cmdlets of a running build machine say is what they said before.
    gone = f.section(f.NOT_READ, "The local policy will change what this says.")
    return {
        **facts,
        "policy_order": suites or facts["policy_order"],
        "cipher_suites": {**gone, "suites": []},
        "curves": {**facts["curves"], "policy": curves or facts["curves"]["policy"], "cmdlet": {**gone, "names": []}},
    }


def _pending(section: LocalGpo, name: str, stored: RegistryValue) -> RegistryValue | None:
    """What the local policy will make of one of the two SSL values; None where it is that already."""
    action, entry = local_gpo.entry_for(section, name)
    if action == "none" or entry is None or stored["status"] not in (f.OK, f.ABSENT):
        return None
    if action == "deleted":
        if stored["status"] == f.ABSENT:
            return None
        return f.registry_value(f.POLICY_KEY, name, f.ABSENT, "The local policy removes the value.")
    if holds(stored, entry["type"], entry["data"]):
        return None
    return f.registry_value(f.POLICY_KEY, name, type=entry["type"], data=entry["data"])


def holds(value: t.Mapping[str, t.Any], kind: str | None, data: t.Any) -> bool:
    """Whether a registry value of the facts is this one already."""
    if value["status"] != f.OK or value["data"] != data:
        return False
    open_type = value["type"] == "REG_SZ_OR_EXPAND_SZ" and kind in ("REG_SZ", "REG_EXPAND_SZ")
    return open_type or value["type"] == kind


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
