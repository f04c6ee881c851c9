# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a packet capture and Windows' own events say for and against causes."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.document import (
    Capture,
    Judged,
    failing_one,
    good_one,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Event, Evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.signs import Sign

CAPTURE, EVENTS = "capture", "events"
_TLS_OFFER: t.Final = ("no_suite_in_common", "no_group_in_common", "tls_1_2_off", "algorithm_switched_off")
_OF_CODE: t.Final[dict[str, str]] = {
    "no_suite_in_common": "no_suite_in_common",
    "no_group_in_common": "no_group_in_common",
    "version": "tls_1_2_off",
    "handshake_refused": "server_refuses_otherwise",
    "interception": "interception",
    "connection_refused": "connection_refused",
    "reset": "reset_after_hello",
    "not_tls": "not_tls",
    "interrupted": "download_interrupted",
}


def signs(evidence: Evidence, _verdict: t.Any) -> c.Iterator[Sign]:
    capture: Capture | None = evidence["capture"]
    if capture is not None:
        failing = failing_one(capture)
        if failing is not None:
            yield from _failing(failing)
        good = good_one(capture)
        if good is not None and failing is None:
            for code in (*_TLS_OFFER, "connection_refused", "connection_dropped", "proxy_rule"):
                yield Sign(code, -4, CAPTURE, f"The capture shows the opposite: {good['verdict']['sentence']}")
            if evidence["update"]["result"] == "failed":
                yield Sign(
                    "definitions_damaged", 4, CAPTURE, f"{good['verdict']['sentence']} The update failed all the same."
                )
    for event in evidence["schannel_events"]["events"]:
        yield from _schannel(event)
    for event in evidence["capi2_events"]["events"]:
        yield from _capi2(event)


def _failing(judged: Judged) -> c.Iterator[Sign]:
    one, verdict = judged["connection"], judged["verdict"]
    code, sentence = verdict["code"], verdict["sentence"]
    if code in _OF_CODE:
        cause = _OF_CODE[code]
        if cause == "connection_refused" and _is_proxy(judged):
            cause = "proxy_unreachable"
        yield Sign(cause, 5, CAPTURE, sentence)
    if code == "no_suite_in_common":
        # The same alert would come where suites agree and something else does not: here they do not.
        for other in ("no_group_in_common", "server_refuses_otherwise"):
            yield Sign(other, -4, CAPTURE, "No suite of the Client Hello is accepted, which is enough for the alert.")
    if code == "never_answered":
        yield Sign("silence_after_hello" if one["hello"] else "connection_dropped", 5, CAPTURE, sentence)
    if code == "proxy_refused" and one["via"]:
        yield Sign(of_status(one["via"]["status"]), 5, CAPTURE, sentence)
    if code == "closed_early" and one["encrypted_alert"]:
        yield Sign("root_missing", 2, CAPTURE, sentence)
        yield Sign("interception", 2, CAPTURE, sentence)
    elif code == "closed_early":
        yield Sign("reset_after_hello", 3, CAPTURE, sentence)
    if code == "certificate_rejected":
        alert = one["client_alerts"][0]["alert"] if one["client_alerts"] else 0
        cause = {45: "clock_wrong", 44: "revocation_blocked"}.get(alert, "root_missing")
        yield Sign(cause, 4, CAPTURE, sentence)
    if code == "alert":
        yield Sign("server_fault", 5 if one["answer"]["alert"] == 80 else 3, CAPTURE, sentence)
    if one["hello"] is not None and verdict["common"] and code != "no_suite_in_common":
        yield Sign(
            "no_suite_in_common", -4, CAPTURE, f"The Client Hello offers {verdict['common'][0]}, which is accepted."
        )
    ttl = one["ttl"]
    if code == "reset" and ttl["reset"] is not None and ttl["opening"] is not None and ttl["reset"] != ttl["opening"]:
        told = f"The reset has the TTL {ttl['reset']}, the server's first answer had {ttl['opening']}."
        yield Sign("reset_after_hello", 6, CAPTURE, told)
    yield from _against_settings(judged)


def _against_settings(judged: Judged) -> c.Iterator[Sign]:
    """Settings that would do, and a hello that does not follow them: a restart is missing."""
    expectation = judged["expectation"]
    if expectation is None or judged["verdict"]["code"] not in ("no_suite_in_common", "no_group_in_common", "version"):
        return
    if expectation["answer"] == "as_predicted":
        yield Sign("restart_pending", -3, CAPTURE, "The Client Hello is the one that the settings predict.")
    elif expectation["answer"] == "differs" and expectation["missing"]:
        told = f"The settings offer {some(expectation['missing'], 3)}; the Client Hello does not."
        yield Sign("restart_pending", 6, CAPTURE, told)
        yield Sign("no_suite_in_common", -2, "settings", told)


def _is_proxy(judged: Judged) -> bool:
    return judged["connection"]["via"] is not None


def of_status(status: int | None) -> str:
    """The cause behind a proxy's answer to CONNECT."""
    if status == 407:
        return "proxy_authentication"
    return "proxy_upstream" if status in (502, 503, 504) else "proxy_rule"


def _schannel(event: Event) -> c.Iterator[Sign]:
    number, data = event["id"], event["data"]
    image = data.get("CallerProcessImageName", "")
    by = f" of {image.rpartition(chr(92))[2]}" if image else ""
    theirs = image.lower().endswith("sfc.exe")
    alert = int(data["AlertDesc"][:4]) if data.get("AlertDesc", "").isdecimal() else None
    when = f"At {event['time']} Schannel logged {number}"
    if number == 36887 and alert in (40, 71):
        for code in ("no_suite_in_common", "no_group_in_common", "server_refuses_otherwise"):
            yield Sign(code, 2 if theirs else 1, EVENTS, f"{when}: alert {alert} was received{by}.")
    elif number == 36887 and alert == 70:
        yield Sign("tls_1_2_off", 3, EVENTS, f"{when}: alert 70 was received{by}.")
    elif number == 36887 and alert == 80:
        yield Sign("server_fault", 2, EVENTS, f"{when}: alert 80 was received{by}.")
    elif number == 36888 and alert == 48:
        for code in ("root_missing", "interception"):
            yield Sign(code, 2, EVENTS, f"{when}: the endpoint itself sent alert 48{by}.")
    elif number == 36888 and alert == 45:
        yield Sign("clock_wrong", 3, EVENTS, f"{when}: the endpoint itself sent alert 45{by}.")
    elif number == 36871 and data.get("Type", "client").lower() == "client":
        for code in ("tls_1_2_off", "algorithm_switched_off"):
            yield Sign(code, 3, EVENTS, f"{when}: no client credential could be made{by}.")
    elif number == 36882:
        yield Sign("root_missing", 2, EVENTS, f"{when}: the server's certificate leads to no trusted root.")


# Results of CAPI2 events (winerror.h).
_RESULTS: t.Final = {
    "800b0109": "root_missing",
    "800b010a": "root_missing",
    "80092012": "revocation_blocked",
    "80092013": "revocation_blocked",
    "800b0101": "clock_wrong",
}


def _capi2(event: Event) -> c.Iterator[Sign]:
    result = event["data"].get("Result", "").lower().removeprefix("0x")
    code = _RESULTS.get(result)
    if code is not None:
        about = event["data"].get("URL") or event["data"].get("serverName") or "a chain"
        yield Sign(code, 3, EVENTS, f"At {event['time']} CAPI2 logged {event['id']}: 0x{result} for {about}.")
