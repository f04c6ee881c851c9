# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the requests of the endpoint's own curl.exe say: which way works, and which pair of ways differs.

Exit codes: curl/curl, docs/libcurl/libcurl-errors; Schannel's codes in the message: winerror.h.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.certificates import PUBLIC_AUTHORITIES
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import is_cisco_cloud
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Attempt, Evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.signs import Sign
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.signs_of_capture import of_status

CURL = "curl"
_REVOCATION = ("80092012", "80092013", "80092010")
_UNTRUSTED = ("80090325", "800b0109", "800b010a")
_EXPIRED = ("80090328", "800b0101")
_RESET = ("10054", "reset")
_REFUTED: t.Final = (
    "no_suite_in_common",
    "no_group_in_common",
    "tls_1_2_off",
    "algorithm_switched_off",
    "name_resolution",
    "connection_refused",
    "connection_dropped",
    "proxy_rule",
    "root_missing",
    "revocation_blocked",
)
"""What a completed handshake speaks against; the last two only where the request succeeded as well."""


def signs(evidence: Evidence, _verdict: t.Any) -> c.Iterator[Sign]:
    ways = evidence["ways"]
    if ways["status"] != "ok":
        return
    default = ways["attempts"].get("default")
    if default is None or default["exit"] is None:
        return
    if default["handshake"]:
        yield from _works(evidence, default)
    else:
        yield from _fails(evidence, default)
    yield from _certificate(evidence, default)
    yield from _pinned(evidence, default)


def _works(evidence: Evidence, default: Attempt) -> c.Iterator[Sign]:
    host = evidence["ways"]["host"]
    for code in _REFUTED if default["exit"] == 0 else _REFUTED[:-2]:
        yield Sign(code, -3, CURL, f"The endpoint's curl.exe completed a handshake with {host}.")
    if default["exit"] in (18, 56) and evidence["update"]["result"] == "failed":
        yield Sign(
            "download_interrupted", 3, CURL, f"curl.exe was cut off after the handshake (code {default['exit']})."
        )
    elif evidence["update"]["result"] == "failed":
        yield Sign("definitions_damaged", 3, CURL, f"curl.exe reaches {host}, and the update fails all the same.")


def _fails(evidence: Evidence, default: Attempt) -> c.Iterator[Sign]:
    ways = evidence["ways"]
    code, proxy = default["exit"], ways["proxy"]
    told = f"curl.exe ended with code {code}"
    if default["connect"] and not 200 <= default["connect"] < 300:
        yield Sign(
            of_status(default["connect"]), 5, CURL, f"The proxy {proxy} answered CONNECT with {default['connect']}."
        )
    elif code == 5:
        yield Sign("proxy_name", 6, CURL, f"{told}: the name of the proxy {proxy} does not resolve.")
    elif code == 6:
        yield Sign("name_resolution", 6, CURL, f"{told}: {ways['host']} does not resolve.")
    elif code == 7 and proxy:
        yield Sign("proxy_unreachable", 6, CURL, f"{told}: no TCP connection to the proxy {proxy}.")
    elif code == 7:
        yield Sign("connection_refused", 5, CURL, f"{told}: no TCP connection to {ways['host']}:{ways['port']}.")
    elif code == 28 and not default["connected"]:
        cause = "proxy_unreachable" if proxy else "connection_dropped"
        yield Sign(cause, 5, CURL, f"{told}: the TCP connection to {proxy or ways['host']} was never answered.")
    elif code == 28:
        yield Sign("silence_after_hello", 4, CURL, f"{told}: connected, and the handshake was never answered.")
    elif code in (35, 56, 60, 77):
        yield from _handshake(evidence, default, told)
    yield from _pairs(evidence, default)
    pac = evidence["pac"]
    if ways["proxy"] is None and pac["status"] == "ok" and pac["proxies"] and not default["connected"]:
        told = f"Windows' proxy script {pac['url']} names the proxy {pac['proxies'][0]}; the connector has none."
        yield Sign("connection_refused" if code == 7 else "connection_dropped", 2, "proxy script", told)
    if ways["proxy"] is None and not is_cisco_cloud(ways["host"]) and ways["host"]:
        yield Sign("own_update_server", 12, CURL, f"The policy names {ways['host']}, which is not Cisco's; {told}.")


def _handshake(evidence: Evidence, default: Attempt, told: str) -> c.Iterator[Sign]:
    text = default["error"].lower()
    if any(word in text for word in _REVOCATION):
        yield Sign("revocation_blocked", 4, CURL, f"{told}: the revocation check failed.")
    elif any(word in text for word in _EXPIRED):
        yield Sign(
            "clock_wrong", 4, CURL, f"{told}: the certificate is expired or not valid yet by the endpoint's clock."
        )
    elif any(word in text for word in _UNTRUSTED) or default["exit"] in (60, 77):
        yield Sign("root_missing", 3, CURL, f"{told}: the certificate is not trusted.")
        yield Sign("interception", 2, CURL, f"{told}: the certificate is not trusted.")
    elif "80090326" in text or "80090331" in text:
        for code in ("no_suite_in_common", "no_group_in_common", "server_refuses_otherwise"):
            yield Sign(code, 2, CURL, f"{told}: the handshake was refused.")
    elif "80090308" in text:
        yield Sign("not_tls", 5, CURL, f"{told}: the answer was no TLS.")
    elif "80090302" in text or "8009030e" in text:
        yield Sign("tls_1_2_off", 3, CURL, f"{told}: no version in common, or no credential could be made.")
    elif "80090304" in text:
        yield Sign("server_fault", 3, CURL, f"{told}: the other side reported a fault of its own.")
    elif any(word in text for word in _RESET):
        yield Sign("reset_after_hello", 4, CURL, f"{told}: the connection was reset.")


def _pairs(evidence: Evidence, default: Attempt) -> c.Iterator[Sign]:
    attempts = evidence["ways"]["attempts"]

    def works(name: str) -> bool:
        return name in attempts and attempts[name]["handshake"]

    if works("no_revocation") and attempts["no_revocation"]["exit"] == 0:
        yield Sign("revocation_blocked", 4, "curl pair", "It succeeds without the revocation check.")
    elif works("insecure"):
        issuer = _public(evidence)
        if issuer is not False:
            yield Sign("root_missing", 2, "curl pair", "It succeeds with the check of the certificate off.")
        if issuer is not True:
            yield Sign("interception", 2, "curl pair", "It succeeds with the check of the certificate off.")
    if evidence["ways"]["proxy"] and works("direct"):
        yield Sign("proxy_rule", 1, "curl pair", "It succeeds without the proxy.")
    if works("ipv4") and "ipv6" in attempts and not attempts["ipv6"]["handshake"]:
        yield Sign("connection_dropped", 2, "curl pair", "IPv4 works, IPv6 does not.")


def _public(evidence: Evidence) -> bool | None:
    """Whether the issuer bears the name of a public authority; None where it was not seen."""
    issuer = evidence["issuer"]["issuer"]
    if issuer is None:
        return None
    return any(word.lower() in issuer.lower() for word in PUBLIC_AUTHORITIES)


def _certificate(evidence: Evidence, default: Attempt) -> c.Iterator[Sign]:
    issuer = evidence["issuer"]
    public = _public(evidence)
    if public is False and is_cisco_cloud(evidence["ways"]["host"]):
        told = f"The endpoint is shown a certificate issued by {issuer['issuer']}, which is no public authority."
        yield Sign("interception", 6, "certificate", told)
        yield Sign("root_missing", -3, "certificate", told)
    elif public:
        yield Sign("interception", -3, "certificate", f"The certificate was issued by {issuer['issuer']}.")
    clock = evidence["clock"]
    off = abs(clock["ahead"]) - clock["tolerance"] if clock["status"] == "ok" else 0.0
    if off > 300:
        way = "ahead" if clock["ahead"] > 0 else "behind"
        # A day off puts certificates and revocation lists out of their time; minutes alone seldom do.
        yield Sign(
            "clock_wrong",
            4 if off > 86_400 else 3,
            "clock",
            f"The endpoint's clock is {abs(clock['ahead']) / 60:.0f} minutes {way}.",
        )
        start, end, taken = moment(issuer["not_before"]), moment(issuer["not_after"]), moment(evidence["taken_at"])
        if start is not None and end is not None and taken is not None:
            theirs = taken.timestamp() + clock["ahead"]
            if not start.timestamp() <= theirs <= end.timestamp():
                told = f"By it the certificate ({issuer['not_before']} to {issuer['not_after']}) is not valid."
                yield Sign("clock_wrong", 4, "certificate", told)
    failing = not default["handshake"] or default["exit"] not in (0, None)
    roots = evidence["roots"]
    if (
        failing
        and roots["status"] == "ok"
        and "IdenTrust Commercial Root CA 1" in roots["absent"]
        and public is not False
    ):
        blocked = roots["update"] == "off" or roots["update_reachable"] is False
        if blocked:
            why = "switched off" if roots["update"] == "off" else "not reachable"
            told = f"IdenTrust Commercial Root CA 1 is missing, and the update of roots is {why}."
            yield Sign("root_missing", 4, "roots", told)
    elif roots["status"] == "ok" and "IdenTrust Commercial Root CA 1" in roots["present"]:
        yield Sign("root_missing", -2, "roots", "IdenTrust Commercial Root CA 1 is in the store.")
    dead = [url for url, answers in evidence["revocation"]["points"].items() if not answers]
    if failing and dead:
        yield Sign("revocation_blocked", 2, "revocation", f"{dead[0]} does not answer.")


def _pinned(evidence: Evidence, default: Attempt) -> c.Iterator[Sign]:
    pinned = evidence["hosts_file"]["pinned"]
    if pinned and not default["handshake"]:
        line = f"{pinned[0]['address']} {pinned[0]['name']}"
        yield Sign("hosts_file", 10, "hosts file", f"The hosts file has the line {line}.")
        if default["address"] == pinned[0]["address"]:
            yield Sign("hosts_file", 2, CURL, f"curl.exe went to {default['address']}.")
    rules = evidence["firewall"]["blocking"]
    if rules and (not default["connected"] or any(_is_sfc(rule["program"]) for rule in rules)):
        yield Sign("windows_firewall", 12, "firewall", f"The outbound rule {rules[0]['name']} blocks.")
    elif evidence["firewall"]["default_blocks"] and not default["connected"]:
        yield Sign("windows_firewall", 3, "firewall", "What no rule allows is blocked on the way out.")


def _is_sfc(program: str | None) -> bool:
    return program is not None and program.lower().endswith("sfc.exe")
