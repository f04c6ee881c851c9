# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What the endpoint's settings, services, disk and log say for and against causes."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, OK
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import algorithms
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.client_hello import predict
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.signs import Sign

LEAST_FREE: t.Final = 1_000_000_000
"""Bytes that Tetra needs free (community.cisco.com, ta-p/4115038)."""
_OF_VERDICT: t.Final = {
    "cipher_mismatch": "no_suite_in_common",
    "tls12_disabled": "tls_1_2_off",
    "algorithm_disabled": "algorithm_switched_off",
    "key_length": "algorithm_switched_off",
    "curve_mismatch": "no_group_in_common",
    "not_rebooted": "restart_pending",
}
_OF_SWITCH: t.Final = (
    ("protocol_disabled", "tls_1_2_off"),
    ("no_usable_curve", "no_group_in_common"),
    ("cipher_disabled", "algorithm_switched_off"),
    ("hash_disabled", "algorithm_switched_off"),
    ("key_exchange_disabled", "algorithm_switched_off"),
)
_NOT_LISTED: t.Final = frozenset({"not_in_policy_list", "not_in_local_list", "unresolved_name"})
_NOT_THERE: t.Final = "unsupported_by_release"
_OFFER: t.Final = ("no_suite_in_common", "tls_1_2_off", "algorithm_switched_off")


def signs(evidence: Evidence, verdict: t.Any) -> c.Iterator[Sign]:
    yield from _verdict_says(verdict)
    facts = evidence["facts"]
    if facts is not None:
        yield from _connector(facts["connector"])
        yield from _curves(facts)
    disk = evidence["disk"]
    if disk["status"] == OK and disk["free_bytes"] < LEAST_FREE:
        told = f"{disk['drive']} has {disk['free_bytes'] / 1e6:.0f} MB free; Tetra needs a gigabyte."
        yield Sign("disk_full", 7, "disk", told)
    isolation = evidence["isolation"]
    if isolation["status"] == OK and isolation["isolated"]:
        yield Sign("isolated", 14, "connector", "The connector holds the code that ends an isolation.")
    yield from _log(evidence)


def _verdict_says(verdict: t.Any) -> c.Iterator[Sign]:
    if not verdict:
        return
    answer = verdict["reachability"]["answer"]
    cause = verdict["cause"]["code"] if verdict["cause"] else None
    if answer == "no" and cause in _OF_VERDICT:
        yield Sign(_OF_VERDICT[cause], 5, "settings", f"By its settings it cannot: {verdict['next_step']}")
    elif answer == "no":
        yield Sign(_of_suites(verdict), 5, "settings", "By its settings it offers no suite that the servers accept.")
    elif cause in _OF_VERDICT:
        # That a restart may be missing is no more than a guess where nothing was changed since the last one.
        guess = cause == "not_rebooted" and verdict["in_force"] != "after_reboot"
        told = f"By its settings this is the likely cause: {verdict['next_step']}"
        yield Sign(_OF_VERDICT[cause], 2 if guess else 4, "settings", told)
    if answer == "no":
        for code in _each_enough(verdict):
            yield Sign(code, 4, "settings", "By its settings this alone leaves no suite that the servers accept.")
    if answer == "yes":
        usable = ", ".join(verdict["reachability"]["usable"][:2])
        for code in _OFFER:
            yield Sign(code, -3, "settings", f"By its settings it offers {usable}.")
        if verdict["in_force"] == "after_reboot":
            yield Sign("restart_pending", 4, "settings", "The settings were changed after the last start.")
    elif verdict["in_force"] == "after_reboot":
        yield Sign("restart_pending", 3, "settings", "The settings were changed after the last start.")


def _reasons(verdict: t.Any) -> list[set[str]]:
    """Why each suite is not offered, of those that this release has and that TLS 1.2 would do for."""
    found = [
        {reason["code"] for reason in suite["reasons"]}
        for name, suite in verdict["suites"].items()
        if not algorithms(name).tls13  # its protocol is a switch of its own
    ]
    return [codes for codes in found if codes and _NOT_THERE not in codes]


def _of_suites(verdict: t.Any) -> str:
    """Why none is offered: a switch where a suite stands in the list all the same, else the list."""
    listed = [codes for codes in _reasons(verdict) if not codes & _NOT_LISTED]
    for reason, code in _OF_SWITCH:
        if any(reason in codes for codes in listed):
            return code
    return "no_suite_in_common"


def _each_enough(verdict: t.Any) -> list[str]:
    """Causes of which each alone rules every suite out: mending one of them is not enough."""
    reasons = _reasons(verdict)
    switches = {code: {reason for reason, of in _OF_SWITCH if of == code} for _reason, code in _OF_SWITCH}
    ruled_out = {"no_suite_in_common": set(_NOT_LISTED), **switches}
    return [code for code, words in ruled_out.items() if reasons and all(codes & words for codes in reasons)]


def _curves(facts: t.Any) -> c.Iterator[Sign]:
    """NistP256 is the one group that every server is known to have (docs: open questions of a verdict)."""
    curves = predict(facts)["curves"]
    if curves and "nistp256" not in {curve.lower() for curve in curves}:
        told = f"By its settings it offers the curves {', '.join(curves[:3])}, and not NistP256."
        yield Sign("no_group_in_common", 4, "settings", told)


def _connector(connector: t.Mapping[str, t.Any]) -> c.Iterator[Sign]:
    if connector["status"] == ABSENT:
        yield Sign("connector_missing", 9, "connector", "Neither the connector's service nor its folder was found.")
        return
    service = connector["service"]
    if service["status"] == OK and service.get("state") not in (None, "Running"):
        told = f"The service {service.get('name')} is {service.get('state')}, start mode {service.get('start_mode')}."
        yield Sign("service_stopped", 8, "connector", told)
    tetra = connector["tetra"]
    if tetra["status"] == OK and tetra["enabled"] is False:
        yield Sign("tetra_off", 9, "connector", "Policy or installation have Tetra switched off.")


def _log(evidence: Evidence) -> c.Iterator[Sign]:
    update = evidence["update"]
    if update["status"] == ABSENT:
        yield Sign("connector_broken", 9, "connector", str(update["reason"]))
    elif update["result"] in ("updated", "up_to_date"):
        yield Sign("works_now", 9, "log", f"The update that was asked for succeeded: {update['line']}")
    elif update["status"] == OK and update["result"] is None and update["began"]:
        yield Sign("does_not_try", 5, "log", "The log told of no update after one was asked for.")
    elif update["result"] == "failed" and update["code"] == -2108:
        for code in ("connection_dropped", "proxy_unreachable"):
            yield Sign(code, 1, "log", "The update ended with -2108, a timeout in other products with this engine.")
