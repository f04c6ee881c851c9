# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whether an MDM policy may have raised the lowest TLS version of clients above TLS 1.2.

``OverrideMinimumEnabledTLSVersionClient`` (Policy CSP Cryptography, Windows 11 24H2 and later) is a text of which
Microsoft documents neither the form nor the place in the registry. So a value of this name proves nothing; but one
that is not clearly TLS 1.2 or lower leaves TLS 1.2 open, and so does a place of it that could not be read. That none
was found is no proof either, and changes nothing. Older releases do not have the policy.
"""

from __future__ import annotations

import re

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import HOLDS, Factor, Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Reason
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    ABSENT,
    MDM_PLACES,
    MINIMUM_TLS_VALUE,
    OK,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.observations.worlds import ALL, Worlds
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

NOTE = (
    "An MDM policy names a lowest TLS version for clients. Where Windows keeps it, in which form, and whether the "
    "value that was found is in effect, is not documented."
)
_TLS_1_3 = re.compile(r"\s*(?:TLS[ _v]*)?1[._]3\s*", re.IGNORECASE)
_TLS_1_2_OR_LOWER = re.compile(r"\s*(?:TLS[ _v]*)?1[._][0-2]\s*", re.IGNORECASE)


FIRST_BUILD = 26100
"""Windows 11 24H2 and Server 2025: the first release with the policy."""


def minimum_tls(facts: Facts, release: Release | None, findings: Findings, worlds: Worlds = ALL) -> Factor:
    """Whether TLS 1.2 is left to clients as far as this policy goes: yes or unknown; no only where a value was observed
    to count on this release and this one clearly says TLS 1.3."""
    reasons: list[Reason] = []
    raised = False
    newer = release is None or release.builds[0] >= FIRST_BUILD
    if newer:
        reasons += _unread(facts)
    for value in (facts["policy_origin"].get("mdm") or {}).get("values") or ():
        if not newer or value.get("status") != OK or value["name"].lower() != MINIMUM_TLS_VALUE.lower():
            continue
        data = value["data"]
        if isinstance(data, str) and not data.strip():
            continue
        findings.note(NOTE)
        if isinstance(data, str) and _TLS_1_2_OR_LOWER.fullmatch(data):
            continue
        if not worlds.counts("mdm_minimum_tls", "counts"):
            continue
        raised = raised or (
            isinstance(data, str)
            and _TLS_1_3.fullmatch(data) is not None
            and not worlds.counts("mdm_minimum_tls", "ignored")
        )
        proof = r.registry_evidence(value, NOTE)
        findings.add("TETRA-MDM-MINIMUM-TLS", proof)
        reasons.append(r.reason(r.PROTOCOL_DISABLED, proof))
    if raised:
        return Factor(NO, tuple(reasons))
    return Factor(UNKNOWN, tuple(reasons)) if reasons else HOLDS


def _unread(facts: Facts) -> list[Reason]:
    """A reason for each place of the policy that was not looked at."""
    part = facts["policy_origin"].get("mdm") or {}
    values = part.get("values") or ()
    known = {(value["path"].lower(), value["name"].lower()) for value in values if value.get("status") in (OK, ABSENT)}
    places = [(key, name) for key, name in MDM_PLACES if name == MINIMUM_TLS_VALUE]
    why = part.get("reason")
    return [
        r.reason(r.NOT_READ, r.evidence("registry", f"{key}\\{name}", None, why))
        for key, name in places
        if (key.lower(), name.lower()) not in known
    ]
