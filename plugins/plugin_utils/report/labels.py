# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Plain words for the codes of verdicts and errors.

The codes are fixed in docs/documents.md. A code that is not in a table here is shown as it is, with spaces.
"""

from __future__ import annotations

import typing as t

STATES: t.Final[dict[str, str]] = {
    "compliant": "Can fetch definitions",
    "non_compliant": "Cannot fetch definitions",
    "unknown": "Unknown",
    "not_applicable": "Not applicable",
}
"""In the order in which they are shown."""

STATES_SHORT: t.Final[dict[str, str]] = {
    "compliant": "Can fetch",
    "non_compliant": "Cannot fetch",
    "unknown": "Unknown",
    "not_applicable": "Not applicable",
}
"""For a column of a table."""

REASONS: t.Final[dict[str, str]] = {
    "not_in_policy_list": "Not in the group policy's cipher suite list",
    "not_in_local_list": "Not in the local cipher suite list",
    "unsupported_by_release": "This Windows release does not support it",
    "unresolved_name": "Windows does not know the suite by this name",
    "protocol_disabled": "The TLS version is switched off",
    "cipher_disabled": "The cipher is switched off",
    "hash_disabled": "The hash is switched off",
    "key_exchange_disabled": "The key exchange is switched off",
    "key_length_out_of_range": "The key length limits exclude it",
    "no_usable_curve": "No usable elliptic curve",
    "no_usable_signature": "No usable signature algorithm",
    "wrong_policy_type": "The policy value has the wrong registry type",
    "not_read": "Could not be read",
    "not_in_force_yet": "Configured, not in force yet",
    "contradiction": "The sources contradict each other",
}

ERROR_KINDS: t.Final[dict[str, str]] = {
    "unreachable": "Could not be reached",
    "authentication": "The endpoint refused the account",
    "tls": "TLS error on the management connection",
    "timeout": "No answer in time",
    "connection_plugin": "Not reached through the psrp connection",
    "session": "The session could not be opened or broke",
    "answer": "The answer had the wrong shape",
    "unsupported": "The endpoint cannot be asked",
    "image": "The image could not be read",
    "delegated": "The task was delegated to another host",
    "not_audited": "Was never audited in this run",
    "damaged_record": "The saved result is damaged",
    "foreign_record": "The saved result belongs to another run",
    "internal": "Internal error while auditing",
}

ORIGINS: t.Final[dict[str, str]] = {
    "domain_gpo": "Domain GPO",
    "local_gpo": "Local group policy",
    "mdm": "MDM",
    "direct": "Written directly to the registry",
    "none": "No policy",
    "unknown": "Unknown owner",
}

CAUSES: t.Final[dict[str, str]] = {
    "cipher_mismatch": "No cipher suite in common with the server",
    "tls12_disabled": "TLS 1.2 is switched off",
    "algorithm_disabled": "A cipher, hash or key exchange is switched off",
    "curve_mismatch": "The elliptic curves may not suit the server",
    "signature_mismatch": "The signature algorithms may not suit the server",
    "key_length": "The key length limits exclude the server",
    "not_rebooted": "A change waits for a reboot",
    "handshake_other": "The handshake fails, although a suite is shared",
    "certificate": "The server's certificate cannot be validated",
    "clock": "The endpoint's clock is wrong",
    "connector_stopped": "The connector's service does not run",
    "dns": "The server's name does not resolve",
    "connect": "The server cannot be connected to",
    "proxy": "The proxy refuses the connection",
    "network_timeout": "The network does not answer",
    "stale_log": "The failed update is older than the last change",
    "other": "Updates fail, and the cipher suites are not the cause",
    "not_asked": "The endpoint could not be asked",
    "suites_outside_list": "Offers suites outside the list",
    "cause_not_established": "Cause not established",
}
"""The codes of module_utils/verdict/cause.py and, last, two that only a summary uses."""

IN_FORCE: t.Final[dict[str, str]] = {"yes": "In force", "after_reboot": "After a reboot", "unknown": "Not known"}

SEVERITIES: t.Final[tuple[str, ...]] = ("high", "medium", "low", "info")


def label(table: t.Mapping[str, str], code: str) -> str:
    """The words for ``code``, or the code itself with spaces and a capital letter."""
    words = table.get(code)
    if words is not None:
        return words
    spaced = code.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]
