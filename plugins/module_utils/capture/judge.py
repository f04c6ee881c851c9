# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What became of one connection to a definition server, in one code and one sentence.

A verdict rests on what the packets show. What they do not show is never guessed: ``incomplete`` and ``unknown`` are
answers.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.connections import Connection
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import TLS_1_3, algorithms

Code = t.Literal[
    "established",
    "no_suite_in_common",
    "no_group_in_common",
    "version",
    "handshake_refused",
    "alert",
    "interception",
    "certificate_rejected",
    "proxy_refused",
    "connection_refused",
    "never_answered",
    "reset",
    "closed_early",
    "interrupted",
    "not_tls",
    "incomplete",
    "no_handshake",
]
BASE_GROUPS: t.Final = frozenset({23})
"""NistP256 (secp256r1): which groups the servers have is not known; this is the one that every server has."""


class CaptureVerdict(t.TypedDict):
    """``common``: suites of the hello that the servers accept, in the order offered; ``inspection``: whether somebody
    between the endpoint and the server seems to decrypt (yes, suspected, no, unknown) and why."""

    code: Code
    sentence: str
    common: list[str]
    offers_tls_1_3: bool | None
    inspection: dict[str, str]


@dataclass(frozen=True)
class Expected:
    """What the definition servers accept. ``issuers``: words in the issuer's name that were found to be right;
    ``groups``: numbers of groups that they are known to have, or None."""

    suites: tuple[str, ...] = ALLOW_LIST
    issuers: tuple[str, ...] = ()
    groups: frozenset[int] | None = None


def judge(one: Connection, expected: Expected) -> CaptureVerdict:
    """The verdict on one connection."""
    hello = one["hello"]
    common = [suite["name"] for suite in hello["suites"] if suite["name"] in expected.suites] if hello else []
    if hello and TLS_1_3 not in hello["versions"]:
        common = [name for name in common if not algorithms(name).tls13]
    inspection = inspected(one, expected)
    code, sentence = _code(one, expected, common, inspection)
    return {
        "code": code,
        "sentence": sentence,
        "common": common,
        "offers_tls_1_3": TLS_1_3 in hello["versions"] if hello else None,
        "inspection": inspection,
    }


def inspected(one: Connection, expected: Expected) -> dict[str, str]:
    """``{answer, why}`` by the certificate, and by the suite that was chosen."""
    answer, chain = one["answer"], one["certificate"]
    offered = {suite["id"] for suite in one["hello"]["suites"]} if one["hello"] else set()
    if answer["kind"] == "suite" and answer["suite"] and offered and answer["suite"]["id"] not in offered:
        name = answer["suite"]["name"]
        return {"answer": "suspected", "why": f"The answer chose {name}, which was not offered."}
    if chain is not None and chain["issuer"] is not None:
        issuer, top = chain["issuer"], chain["top_issuer"] or ""
        if expected.issuers:
            known = any(word.lower() in f"{issuer} {top}".lower() for word in expected.issuers)
            if not known:
                return {
                    "answer": "yes",
                    "why": f"The certificate was issued by {issuer}, not by what was told to be right.",
                }
            return {"answer": "no", "why": f"The certificate was issued by {issuer}, as was told to be right."}
        if chain["public_authority"] is False:
            return {
                "answer": "yes",
                "why": f"The certificate was issued by {issuer}, which bears the name of no public authority.",
            }
        if chain["name_matches"] is False:
            return {"answer": "suspected", "why": f"The certificate is not for {one['server_name']}."}
        return {"answer": "no", "why": f"The certificate bears the name of a public authority: {issuer}."}
    if answer["kind"] == "suite" and answer["suite"] and answer["suite"]["name"] not in expected.suites:
        why = f"{answer['suite']['name']} was chosen, which the definition servers were not seen to accept."
        return {"answer": "suspected", "why": why}
    return {"answer": "unknown", "why": "No certificate is visible."}


def _code(one: Connection, expected: Expected, common: list[str], inspection: dict[str, str]) -> tuple[Code, str]:
    answer, hello, via = one["answer"], one["hello"], one["via"]
    kind = answer["kind"]
    where = _where(one)
    if kind == "no_connection":
        return "never_answered", f"{where} never answered to the opening of a TCP connection."
    if kind == "refused":
        return "connection_refused", f"{where} refused the TCP connection."
    if kind == "proxy_refused" and via is not None:
        return "proxy_refused", f"The proxy at {where} answered CONNECT with {via['status']}{_status(via['status'])}."
    doubtful = kind in ("none", "silence", "closed", "not_tls", "reset")
    if one["incomplete"] and (doubtful or (kind == "suite" and not one["established"])):
        return "incomplete", one["incomplete"]
    if hello is None:
        if via is not None and via["status"] is None and kind in ("silence", "closed", "reset"):
            how = {"silence": "did not answer", "closed": "closed the connection", "reset": "reset it"}[kind]
            return (
                "never_answered" if kind == "silence" else "proxy_refused",
                f"The proxy at {where} {how} after CONNECT.",
            )
        if one["incomplete"]:
            return "incomplete", one["incomplete"]
        return "no_handshake", f"No Client Hello was sent to {where}."
    if kind == "alert":
        return _alert(one, expected, common)
    if kind == "silence":
        return "never_answered", f"{where} took the connection and never answered the Client Hello."
    if kind == "reset":
        return "reset", f"{where} reset the connection after the Client Hello, without an alert."
    if kind == "closed":
        return "closed_early", f"{where} closed the connection after the Client Hello, without an alert."
    if kind == "not_tls":
        return "not_tls", f"{where} answered the Client Hello with something that is not TLS."
    return _after_answer(one, inspection, where)


def _alert(one: Connection, expected: Expected, common: list[str]) -> tuple[Code, str]:
    answer, hello = one["answer"], one["hello"]
    number = answer["alert"]
    told = f"alert {number} ({answer['alert_name']})"
    if number == 70:
        offered = ", ".join(hello["version_names"]) if hello else "none"
        return "version", f"No protocol version in common: the hello offers {offered}, and {told} came back."
    if number not in (40, 71) or hello is None:
        meaning = f": {answer['alert_meaning']}" if answer["alert_meaning"] else ""
        return "alert", f"The Client Hello was answered with {told}{meaning}."
    if not common:
        count = len(hello["suites"])
        return (
            "no_suite_in_common",
            f"None of the {count} suites offered is one that the definition servers accept; {told} came back.",
        )
    groups = {group["id"] for group in hello["groups"]}
    needed = expected.groups if expected.groups is not None else BASE_GROUPS
    if 10 in hello["extensions"] and all(_needs_group(name) for name in common) and not groups & needed:
        offered = some([group["name"] for group in hello["groups"]]) if groups else "none"
        return "no_group_in_common", (
            f"{common[0]} is in common, but the suites in common need a group and the hello offers {offered}; {told} "
            "came back."
        )
    return "handshake_refused", (
        f"{told.capitalize()} came back although {common[0]} was offered: the server's list has changed, a signature "
        "algorithm is missing, or a middlebox answered."
    )


def _after_answer(one: Connection, inspection: dict[str, str], where: str) -> tuple[Code, str]:
    suite = one["answer"]["suite"]
    chosen = suite["name"] if suite else "a suite"
    rejected = next((alert for alert in one["client_alerts"] if 42 <= alert["alert"] <= 49), None)
    if inspection["answer"] == "yes":
        tail = f" The endpoint sent alert {rejected['alert']} ({rejected['alert_name']})." if rejected else ""
        return "interception", f"{inspection['why']}{tail}"
    if rejected is not None:
        return "certificate_rejected", (
            f"{where} chose {chosen}, then the endpoint sent alert {rejected['alert']} ({rejected['alert_name']}): "
            f"{rejected['alert_meaning']}."
        )
    if one["established"]:
        if one["ending"] == "reset" and one["ended_by"] == "server":
            return (
                "interrupted",
                f"The connection was established with {chosen}, then reset after {one['bytes_received']} bytes.",
            )
        return "established", f"The connection was established with {chosen}."
    if one["client_alerts"]:
        alert = one["client_alerts"][0]
        return (
            "alert",
            f"{where} chose {chosen}, then the endpoint sent alert {alert['alert']} ({alert['alert_name']}).",
        )
    if one["encrypted_alert"]:
        return "closed_early", (
            f"{where} chose {chosen}, then the endpoint ended the handshake with an alert that TLS 1.3 encrypts; most "
            "likely it rejected the certificate."
        )
    if one["ending"] == "open":
        return "incomplete", f"{where} chose {chosen}; the capture ends before the handshake does."
    who = {"client": "the endpoint", "server": where, "nobody": "nobody"}[one["ended_by"]]
    return "closed_early", f"{where} chose {chosen}, then {who} ended the connection before the handshake was over."


def _needs_group(name: str) -> bool:
    found = algorithms(name)
    return found.tls13 or found.key_exchange == "ECDHE"


def _where(one: Connection) -> str:
    address = f"[{one['server']}]" if ":" in one["server"] else one["server"]
    return f"{address}:{one['server_port']}"


def _status(status: int | None) -> str:
    return {
        403: " (forbidden by a rule)",
        407: " (it asks for authentication)",
        502: " (it cannot reach the server)",
        503: " (it cannot reach the server)",
        504: " (it cannot reach the server)",
    }.get(status or 0, "")
