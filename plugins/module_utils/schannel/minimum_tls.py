# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Whether an MDM policy may have raised the lowest TLS version of clients above TLS 1.2.

``OverrideMinimumEnabledTLSVersionClient`` (Policy CSP Cryptography, Windows 11 24H2 and later) is a text of which
Microsoft documents neither the form nor the place in the registry. So a value of this name proves nothing; but one
that is not clearly TLS 1.2 or lower leaves TLS 1.2 open. That none was found is no proof either, and changes nothing.
"""

from __future__ import annotations

import re

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import UNKNOWN
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import HOLDS, Factor, Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import MINIMUM_TLS_VALUE, OK

NOTE = (
    "An MDM policy names a lowest TLS version for clients. Where Windows keeps it, in which form, and whether the "
    "value that was found is in effect, is not documented."
)
_TLS_1_2_OR_LOWER = re.compile(r"\s*(?:TLS[ _v]*)?1[._][0-2]\s*", re.IGNORECASE)


def minimum_tls(facts: Facts, findings: Findings) -> Factor:
    """Whether TLS 1.2 is left to clients as far as this policy goes: yes or unknown."""
    reasons: list[r.Reason] = []
    for value in (facts["policy_origin"].get("mdm") or {}).get("values") or ():
        if value.get("status") != OK or value["name"].lower() != MINIMUM_TLS_VALUE.lower():
            continue
        data = value["data"]
        if isinstance(data, str) and not data.strip():
            continue
        findings.note(NOTE)
        if isinstance(data, str) and _TLS_1_2_OR_LOWER.fullmatch(data):
            continue
        proof = r.registry_evidence(value, NOTE)
        findings.add("TETRA-MDM-MINIMUM-TLS", proof)
        reasons.append(r.reason(r.PROTOCOL_DISABLED, proof))
    return Factor(UNKNOWN, tuple(reasons)) if reasons else HOLDS
