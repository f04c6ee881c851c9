# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wire does, and how it is known that Windows does the same. docs/lab.md prints this table.

``recorded``: seen in recorded answers of a real Windows. ``documented``: written down by Microsoft or by the people who
maintain the clients. ``inferred``: neither; concluded from something else.
"""

from __future__ import annotations

from dataclasses import dataclass

_RECORDINGS = "pypsrp's recorded answers of Server 2016 and Windows 10 1803 (its tests/responses)"


@dataclass(frozen=True)
class WireFact:
    """One behaviour of the server."""

    behaviour: str
    evidence: str
    source: str


FACTS = (
    WireFact("Envelope, headers and fields of Create, Receive, Command, Signal, Delete", "recorded", _RECORDINGS),
    WireFact(
        "A runspace opens in three answers: shell; capability and private data; state Opened", "recorded", _RECORDINGS
    ),
    WireFact(
        "SESSION_CAPABILITY has an empty pool id and PSVersion 2.0; messages begin with a BOM", "recorded", _RECORDINGS
    ),
    WireFact("No PIPELINE_STATE Running is sent", "recorded", _RECORDINGS),
    WireFact("Fragments of 32768 bytes, one for each stream element, about four an answer", "recorded", _RECORDINGS),
    WireFact("Receive without output ends with fault 2150858793 after OperationTimeout", "recorded", _RECORDINGS),
    WireFact("Unknown command: fault 2150858843 with its own inner message", "recorded", _RECORDINGS),
    WireFact("A terminating error is the state Failed with the error record in it", "recorded", _RECORDINGS),
    WireFact("An error record's ToString, exception object and category properties", "recorded", _RECORDINGS),
    WireFact("Private data: PSVersionTable as nested PSPrimitiveDictionary", "recorded", _RECORDINGS),
    WireFact("winrm/config and its fields", "recorded", _RECORDINGS),
    WireFact(
        "Error records bring no invocation information although the client asks for it",
        "inferred",
        "left out by the lab",
    ),
    WireFact("Unknown shell: code and subcode as for a command", "documented", "Windows error 0x8033805B"),
    WireFact("Sealed messages over HTTP", "documented", "MS-WSMV 2.2.9.1"),
    WireFact("NTLM and Negotiate belong to the TCP connection", "documented", "MS-NTHT, RFC 4559"),
    WireFact("Identify, with zeros for the version when unauthenticated", "documented", "DSP0226 11, MS-WSMV 3.1.4.13"),
    WireFact(
        "A message that is not sealed gets HTTP 500 where AllowUnencrypted is false",
        "documented",
        "diyan/pywinrm issues 129 and 208",
    ),
    WireFact(
        "Basic over HTTP is not offered where AllowUnencrypted is false", "inferred", "hashicorp/packer issue 6205"
    ),
    WireFact(
        "channel_binding strict refuses a client without binding", "documented", "CbtHardeningLevel, Microsoft Learn"
    ),
    WireFact(
        "Unknown session configuration: the resource URI is not in the catalog",
        "documented",
        "about_Remote_Troubleshooting; the form of the fault is inferred",
    ),
    WireFact("An account without the right to a configuration: fault with code 5", "inferred", "Windows error 5"),
    WireFact(
        "NTLM is also offered under its own name when the fleet file says so", "inferred", "for clients such as curl"
    ),
    WireFact(
        "PowerShell 2.0 (protocol 2.1) runs the first statement of a pipeline only",
        "inferred",
        "ExtraCmds came with protocol 2.2",
    ),
    WireFact("A restart resets connections and the port refuses until the service is back", "inferred", "TCP"),
)


def as_markdown() -> str:
    """The table for the documentation."""
    rows = ["| behaviour | evidence | source |", "|---|---|---|"]
    rows += [f"| {fact.behaviour} | {fact.evidence} | {fact.source} |" for fact in FACTS]
    return "\n".join(rows)
