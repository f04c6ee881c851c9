# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The handshake that the endpoint made itself with curl.exe, which stands on Schannel: what it proves.

It proves something only for the server that the connector uses. curl asks for its protocols by itself, so it says
nothing where TLS 1.2 is left to programs that do so.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts, ProbeOutcome
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OK
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import allow_list

NOTE_PROXY = "The endpoint's own handshake went through a proxy; a proxy that inspects TLS would have answered itself."


class Seen(t.NamedTuple):
    """``sure``: the host is known to be the connector's; where its server was not read, another of Cisco's may be."""

    outcome: ProbeOutcome
    sure: bool


def outcome(facts: Facts, findings: Findings) -> Seen | None:
    """``None`` where no handshake was made or it was made with another host."""
    section = facts["probe"]
    found = section["outcome"]
    if section["status"] != OK or found is None:
        return None
    proof = r.evidence("probe", section["host"], found, r.plain(section["detail"]))
    ours = _of_the_connector(facts, section["host"])
    if ours is False:
        findings.add("TETRA-PROBE-HOST", proof)
        return None
    if found == "tls_ok":
        findings.add("TETRA-PROBE-OK", proof)
        if section["via_proxy"]:
            findings.note(NOTE_PROXY)
    elif found == "tls_failed":
        findings.add("TETRA-PROBE-FAILED", proof)
    else:
        findings.add("TETRA-PROBE-NETWORK", proof)
    return Seen(found, ours is True)


def _of_the_connector(facts: Facts, host: t.Any) -> bool | None:
    """``None``: one of Cisco's, and from which of them this connector updates was not read."""
    if not isinstance(host, str):
        return False
    probed = allow_list.host_of(host)
    connector = facts["connector"]
    if connector["status"] == OK and connector["tetra"]["status"] == OK:
        server = allow_list.host_of(connector["tetra"]["update_server"] or "")
        if server:
            return probed == server
        return allow_list.is_cisco_cloud(host)
    return None if allow_list.is_cisco_cloud(host) else False
