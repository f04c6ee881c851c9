# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From what was gathered of an endpoint to its record; facts that cannot be judged are *unknown* too."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.record import Record
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import DomainPolicy
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.domain_join import evaluate_joined
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.identity import stranger_finding
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import Gathered
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import results
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.identities import Identities


def judge(
    host: str,
    gathered: Gathered,
    token: str | None,
    policy: dict[str, t.Any] | None,
    domain: DomainPolicy | None = None,
    identities: Identities | None = None,
) -> Record:
    """The record of what was gathered, judged with the policy of a domain as well where there is one.

    ``identities`` tells whether it is the machine that answered before. Raises OSError where that cannot be kept.
    """
    if gathered.facts is None:
        error = gathered.error or SessionError("internal", "Nothing was gathered.")
        return results.unknown_record(host, error.kind, str(error), token, policy, gathered.timing)
    try:
        verdict = evaluate_joined(gathered.facts, policy, domain)
    except Exception as fault:
        sentence = f"The collection could not judge these facts ({type(fault).__name__})."
        record = results.unknown_record(host, "internal", sentence, token, policy, gathered.timing)
        return {**record, "facts": gathered.facts}
    stranger = identities.stranger(host, gathered.facts) if identities is not None else None
    if stranger is not None:
        verdict["findings"].append(stranger_finding(host, stranger))
    return results.make_record(host, token, verdict, gathered.facts, gathered.timing)
