# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The one most likely cause of a failing definition update, and what would confirm it.

Causes and what separates them: Cisco TechNote 214787 (name lookup, certificate and revocation check, interruption,
proxy) and the note on error -3000 (suites). -3000 itself means *unknown error*, so it names no cause.
A mismatch of suites is claimed only where the suites were read and share nothing with the server's.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import NO, UNKNOWN, YES
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer, Cause, Reason
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import OK
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.connector_state import (
    failed_update,
    stopped_service,
)

CIPHER_MISMATCH = "cipher_mismatch"
TLS12_DISABLED = "tls12_disabled"
ALGORITHM_DISABLED = "algorithm_disabled"
CURVE_MISMATCH = "curve_mismatch"
SIGNATURE_MISMATCH = "signature_mismatch"
KEY_LENGTH = "key_length"
NOT_REBOOTED = "not_rebooted"
HANDSHAKE_OTHER = "handshake_other"
CERTIFICATE = "certificate"
CLOCK = "clock"
CONNECTOR_STOPPED = "connector_stopped"
DNS = "dns"
CONNECT = "connect"
PROXY = "proxy"
NETWORK_TIMEOUT = "network_timeout"
STALE_LOG = "stale_log"
OTHER = "other"
NOT_ASKED = "not_asked"

CONFIRM: dict[str, str] = {
    CIPHER_MISMATCH: "A capture of the update shows a fatal alert 40 (handshake_failure) right after the Client Hello, "
    "and no accepted suite in it.",
    TLS12_DISABLED: "A capture shows a Client Hello below TLS 1.2, an alert 70 (protocol_version), or none at all.",
    ALGORITHM_DISABLED: "A capture shows a Client Hello that lacks the suites built on the algorithm that is off.",
    CURVE_MISMATCH: "A capture shows an accepted suite in the Client Hello, no NistP256 among its groups, "
    "and alert 40.",
    SIGNATURE_MISMATCH: "A capture shows an accepted suite in the Client Hello, no RSA with SHA256 or better among its "
    "signature algorithms, and alert 40.",
    KEY_LENGTH: "A capture shows that the endpoint itself ends the handshake after the server's key exchange.",
    NOT_REBOOTED: "After a reboot the next update succeeds.",
    HANDSHAKE_OTHER: "A capture shows an accepted suite in the Client Hello and alert 40 all the same "
    "(curves, signature algorithms), or the handshake succeeds without the proxy (TLS inspection).",
    CERTIFICATE: "The handshake gets past the Server Hello; certutil -verify -urlfetch of the server's chain fails on "
    "the issuer or on the revocation check.",
    CLOCK: "The endpoint's clock is off by more than the certificate's life allows.",
    CONNECTOR_STOPPED: "The service runs, and the next update succeeds.",
    DNS: "The name of the update server does not resolve on this endpoint.",
    CONNECT: "A TCP connection to the update server (or to the proxy) on its port fails before any TLS.",
    PROXY: "The proxy answers CONNECT with another status than 200 (407: authentication, 403: rule, 502 or 504: "
    "upstream).",
    NETWORK_TIMEOUT: "A capture shows requests without an answer.",
    STALE_LOG: "A new update is triggered, and its log lines are newer than the change.",
    OTHER: "The configured suites would do. Trigger an update with debug logging and look at its log lines and a "
    "capture: name lookup, certificate and revocation check, interrupted download, proxy, free space.",
    NOT_ASKED: "The endpoint answers, and an audit says more.",
}
"""Every cause code with what would confirm it."""

_OF_PROBE = {"dns": DNS, "connect": CONNECT, "proxy": PROXY, "timeout": NETWORK_TIMEOUT}
_OF_REASON = (
    (r.PROTOCOL_DISABLED, TLS12_DISABLED),
    (r.CIPHER_DISABLED, ALGORITHM_DISABLED),
    (r.HASH_DISABLED, ALGORITHM_DISABLED),
    (r.KEY_EXCHANGE_DISABLED, ALGORITHM_DISABLED),
    (r.NO_USABLE_CURVE, CURVE_MISMATCH),
    (r.NO_USABLE_SIGNATURE, SIGNATURE_MISMATCH),
    (r.KEY_LENGTH_OUT_OF_RANGE, KEY_LENGTH),
)
_LIST_REASONS = frozenset(
    {
        r.NOT_IN_POLICY_LIST,
        r.NOT_IN_LOCAL_LIST,
        r.UNSUPPORTED_BY_RELEASE,
        r.UNRESOLVED_NAME,
        r.WRONG_POLICY_TYPE,
    }
)
# Schannel status codes that curl prints, by what they tell (winerror.h).
_CERTIFICATE_CODES = (
    "0x80090325", "0x80090327", "0x80092010", "0x80092012", "0x80092013", "0x800b0109", "0x800b010a", "0x800b010f",
)  # fmt: skip
_CLOCK_CODES = ("0x80090328", "0x800b0101")


@dataclass(frozen=True)
class Situation:
    """``answer``: reachability in the end; ``configured``: by the configured list. For both one suite is enough: that
    not every suite is offered is no reason for a failure. ``suites``: reasons by suite; ``pending``: a change seems to
    wait for a reboot."""

    facts: Facts
    answer: Answer
    configured: Answer
    pending: bool
    probe: str | None
    suites: t.Mapping[str, tuple[Answer, list[Reason]]] = field(default_factory=dict)


def likely_cause(situation: Situation) -> Cause | None:
    """``{code, confirm}``, or ``None`` where nothing fails."""
    code = _code(situation)
    return None if code is None else {"code": code, "confirm": CONFIRM[code]}


def _code(now: Situation) -> str | None:
    failed = failed_update(now.facts)
    if stopped_service(now.facts["connector"]) is not None:
        return CONNECTOR_STOPPED
    if now.configured == NO:
        if now.probe == "tls_ok":
            return NOT_REBOOTED
        # Another list, which would do, seems to be in force: nothing fails yet, so there is nothing to explain.
        return _tls_code(now) if now.answer == NO or failed is not None else None
    if now.probe in _OF_PROBE:
        return _OF_PROBE[now.probe]
    if now.probe == "tls_failed":
        return _failed_handshake(now)
    if now.probe == "other":
        return _certificate(now) or OTHER
    if failed is None:
        return NOT_REBOOTED if now.pending and now.answer != YES else None
    if now.pending:
        return NOT_REBOOTED
    if _older_than_our_change(now.facts):
        return STALE_LOG
    if now.configured == UNKNOWN:
        return _suspected(now)
    return OTHER


def _tls_code(now: Situation) -> str:
    """Nothing is offered for sure: the switch that takes away a listed suite, else the list."""
    listed_only = [why for answer, why in now.suites.values() if answer == NO and why]
    for code, cause in _OF_REASON:
        for why in listed_only:
            codes = {item["code"] for item in why}
            if code in codes and not codes & _LIST_REASONS:
                return cause
    if all(any(item["code"] in _LIST_REASONS for item in why) for why in listed_only):
        return CIPHER_MISMATCH
    return OTHER


def _failed_handshake(now: Situation) -> str:
    certificate = _certificate(now)
    if certificate is not None:
        return certificate
    if now.configured == UNKNOWN:
        suspected = _suspected(now)
        return HANDSHAKE_OTHER if suspected == OTHER else suspected
    return NOT_REBOOTED if now.pending else HANDSHAKE_OTHER


def _certificate(now: Situation) -> str | None:
    detail = str(now.facts["probe"]["detail"] or "").lower()
    if any(code in detail for code in _CLOCK_CODES):
        return CLOCK
    if any(code in detail for code in _CERTIFICATE_CODES) or now.facts["probe"]["exit_code"] in (60, 77):
        return CERTIFICATE
    return None


def _suspected(now: Situation) -> str:
    """Something about the offer is open, and the update fails: the open point that fits, if there is one."""
    codes = {item["code"] for answer, why in now.suites.values() if answer != YES for item in why}
    for code, cause in _OF_REASON:
        if code in codes:
            return cause
    return OTHER


def _older_than_our_change(facts: Facts) -> bool:
    if facts["reboot"]["status"] != OK:
        return False
    changed = moment(facts["reboot"]["changed_by_us"])
    time = moment(facts["connector"]["last_update"]["time"])
    return changed is not None and time is not None and time < changed
