# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the connector's own state means for the verdict: is there anything to update from Cisco's cloud at all?"""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import Findings
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Connector, Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import allow_list

NOTE_UNKNOWN = "Whether Tetra is on, and from which server it updates, was not read; Cisco's cloud is assumed."
NOTE_IMAGE = "The image holds no connector yet; the suites are judged for the time when it is installed."


def not_applicable(facts: Facts, findings: Findings) -> str | None:
    """Why there is nothing to judge: ``absent``, ``off``, ``own_server``; ``None`` where the suites decide.

    Only what was really read counts: a connector that could not be looked at is judged on TLS.
    """
    section = facts["connector"]
    if section["status"] == ABSENT:
        findings.add("TETRA-CONNECTOR-ABSENT", r.evidence("facts", "connector", None, section.get("reason")))
        if facts["source"] == "image":
            findings.note(NOTE_IMAGE)
            return None
        return "absent"
    if section["status"] != OK:
        findings.add("TETRA-CONNECTOR-UNKNOWN", r.evidence("facts", "connector", None, section.get("reason")))
        findings.note(NOTE_UNKNOWN)
        return None
    _service(section, findings)
    tetra = section["tetra"]
    if tetra["status"] != OK:
        proof = r.evidence("file", "policy.xml", None, tetra.get("reason"))
        findings.add("TETRA-CONNECTOR-UNKNOWN", proof, "Whether Tetra is on, and its update server, could not be read")
        findings.note(NOTE_UNKNOWN)
        return None
    if tetra["enabled"] is False:
        findings.add("TETRA-OFF", r.evidence("file", "policy.xml", False, "Tetra is off."))
        return "off"
    server = tetra["update_server"]
    if server and not allow_list.is_cisco_cloud(server):
        if not allow_list.names_a_host(server):
            proof = r.evidence("file", "policy.xml", server, "The update server is no host name.")
            findings.add(
                "TETRA-CONNECTOR-UNKNOWN", proof, "Whether Tetra is on, and its update server, could not be read"
            )
            findings.note(NOTE_UNKNOWN)
            return None
        findings.add("TETRA-OWN-SERVER", r.evidence("file", "policy.xml", server, "The update server."))
        return "own_server"
    return None


def _service(section: Connector, findings: Findings) -> None:
    evidence = stopped_service(section)
    if evidence is not None:
        findings.add("TETRA-CONNECTOR-STOPPED", evidence)


def stopped_service(section: Connector) -> Evidence | None:
    """Evidence that the connector's service does not run; ``None`` where it runs or nobody knows."""
    if section["status"] != OK:
        return None
    service = section["service"]
    if service["status"] == ABSENT:
        return r.evidence("service", "CiscoAMP", None, "There is no such service.")
    state = service["state"]
    if service["status"] != OK or not isinstance(state, str) or state.lower() == "running":
        return None
    return r.evidence("service", service["name"], state, "Not running.")


def failed_update(facts: Facts) -> Evidence | None:
    """Evidence that the last definition update failed."""
    section = facts["connector"]
    if section["status"] != OK or section["last_update"]["status"] != OK:
        return None
    last = section["last_update"]
    if last["result"] != "failed":
        return None
    return r.evidence("log", "sfc.exe.log", last["line"] or last["code"], f"Code {last['code']}.")
