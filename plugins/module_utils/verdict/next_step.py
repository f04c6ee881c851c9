# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One sentence: what to do next about this endpoint."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, YES
from ansible_collections.fleetops.tetra.plugins.module_utils.documents import verdict as documents
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Cause, Cure, PolicyOrigin, State
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import cause as causes
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.in_force import InForce

NOT_ASKED = "Make the endpoint reachable for the audit (fleetops.tetra.preflight says how), then audit it again."
NOT_OPENED = "Give an image that can be read (its error says what is wrong with this one), then judge it again."

_SWITCHES = ("cipher", "hash", "key_exchange")
_EXEMPT = {
    "absent": "Nothing to do: the connector is not installed.",
    "off": "Nothing to do while Tetra is off; switch it on in the console's policy if it should be on.",
    "own_server": "Measure the own update server with fleetops.tetra.server_info and judge with its list.",
}
_BY_CAUSE = {
    causes.TLS12_DISABLED: "Switch TLS 1.2 on for clients (Enabled = 1, DisabledByDefault = 0), then update again.",
    causes.ALGORITHM_DISABLED: "Remove the Schannel switch that the reasons name, reboot, then update again.",
    causes.CURVE_MISMATCH: "Add NistP256 to the order of ECC curves, reboot, then update again.",
    causes.SIGNATURE_MISMATCH: "Put RSA/SHA256 (with TLS 1.3 also RSAE-PSS/SHA256) back into the list of signature "
    "algorithms, reboot, then update again.",
    causes.KEY_LENGTH: "Allow Diffie-Hellman groups of 2048 to 4096 bits, then update again.",
    causes.CERTIFICATE: "Make the root certificate and the revocation lists of the server reachable, then probe again.",
    causes.CLOCK: "Set the endpoint's clock, then probe again.",
    causes.CONNECTOR_STOPPED: "Start the connector's service and update again.",
    causes.DNS: "Make the name of the update server resolve on this endpoint, then probe again.",
    causes.CONNECT: "Open the way to the update server (TCP 443, or the proxy's port), then probe again.",
    causes.PROXY: "Let the proxy pass CONNECT to the update server, then probe again.",
    causes.NETWORK_TIMEOUT: "Find out where packets to the update server get lost, then probe again.",
    causes.STALE_LOG: "Trigger a definition update and read its log lines.",
    causes.HANDSHAKE_OTHER: "Capture the handshake and compare it with and without the proxy: curves, signature "
    "algorithms, TLS inspection.",
}


def choose(
    state: State,
    exempt: str | None,
    cause: Cause | None,
    in_force: documents.InForce,
    force: InForce,
    origin: PolicyOrigin,
    configured: str,
) -> str:
    if exempt is not None:
        return _EXEMPT[exempt]
    code = cause["code"] if cause else None
    if code == causes.CONNECTOR_STOPPED:
        return _BY_CAUSE[code]
    if force.signs and configured == YES and state != "compliant" and code not in _BY_CAUSE:
        return "Reboot, then audit again; or let the endpoint make a handshake itself now (tetra_probe)."
    if state == "compliant":
        if force.signs:
            return "Reboot at the next occasion: a change of the list seems to wait for it."
        if code is None:
            return "Nothing to do."
    if configured == NO and (code == causes.NOT_REBOOTED or (code is None and state == "unknown")):
        return f"Correct the list before the next reboot: {_list_fix(origin)}"
    if code == causes.CIPHER_MISMATCH:
        return f"Put the accepted suites into the list: {_list_fix(origin)}"
    if code in _BY_CAUSE:
        return _BY_CAUSE[code]
    if state == "non_compliant":
        if configured == NO:
            return f"See the reasons of each suite: {_list_fix(origin)}"
        return "Take the suites outside the accepted list out of it, or add the missing ones, as the findings say."
    if state == "unknown":
        return "Read what is missing (see the reasons), or let the endpoint make a handshake itself (tetra_probe)."
    return "The suites would do; trigger an update with debug logging and look at its log lines and a capture."


def all_of_them(step: str, cures: t.Sequence[Cure], origin: PolicyOrigin) -> str:
    """``step``, or where there is more than one fault: all of them, in the order to mend them, and the one restart."""
    faults = [cure for cure in cures if cure["fault"] != "restart"]
    if len(faults) < 2:
        return step
    told = "; ".join(f"({number}) {_mend(cure, origin)}" for number, cure in enumerate(faults, 1))
    restart = " Then reboot once." if any(cure["restart"] for cure in cures) else ""
    return f"Mend {len(faults)} things: {told}.{restart}"


def _mend(cure: Cure, origin: PolicyOrigin) -> str:
    fault, wanted = cure["fault"], cure["wanted"]
    if fault == "list":
        return _list_fix(origin).removesuffix(", then reboot.")
    if fault == "update":
        return f"install {wanted}, unless it is there"
    if fault == "curves":
        return f"put NistP256 into {cure['place']}"
    if fault == "signatures":
        return f"put RSA/SHA256 (with TLS 1.3 also RSAE-PSS/SHA256) back into {cure['place']}"
    if fault in _SWITCHES or fault in ("protocol", "winhttp"):
        where = str(cure["place"])
        shown = wanted if isinstance(wanted, str) else f"{wanted:#x}"
        return f"set {shown} in {where}" if fault == "protocol" else f"set {where} to {shown}"
    if fault == "key_length":
        return f"let {cure['place']} allow 2048 to 4096 bits"
    return cure["what"].removesuffix(".")


def _list_fix(origin: PolicyOrigin) -> str:
    kind, gpo = origin["origin"], origin["gpo"] or {"name": None, "guid": None}
    if kind == "domain_gpo":
        return f"change the policy SSL Cipher Suite Order in the GPO {gpo['name'] or gpo['guid']}, then reboot."
    if kind == "local_gpo":
        return "change the policy SSL Cipher Suite Order in the local group policy, then reboot."
    if kind == "mdm":
        return "change the policy TLSCipherSuites in the device management, then reboot."
    if kind == "none":
        return "enable them in the local list (Enable-TlsCipherSuite), then reboot."
    if kind == "direct":
        return "change the registry value that the reasons name, then reboot."
    return "change it where it is set (its origin could not be told), then reboot."
