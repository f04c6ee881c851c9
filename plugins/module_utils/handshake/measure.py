# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What a server accepts, measured: one handshake a suite, one after the other, and compared with the allow-list."""

from __future__ import annotations

import collections
import time
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import offer as offers
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake import tls_library, tunnel
from ansible_collections.fleetops.tetra.plugins.module_utils.handshake.certificate import judge_inspection
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import allow_list as allowed
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS, TLS_1_2, TLS_1_3

_NO_WAY = ("dns", "connect", "proxy")
"""Outcomes that say nothing about a suite and would be the same for the next one."""
_PATIENCE = 2
"""So many connections in a row may time out before the measurement stops."""


def measure(
    target: tunnel.Endpoint,
    suites: t.Sequence[str],
    *,
    server_name: str | None = None,
    proxy: tunnel.Endpoint | None = None,
    timeout: float = 10.0,
    pause: float = 0.0,
    max_connections: int = 100,
    ca_file: str | None = None,
    allow_list: t.Sequence[str] | None = None,
    details: bool = False,
) -> dict[str, t.Any]:
    """Offers each suite in a handshake of its own and tells which the server takes.

    ``timeout``: seconds for one handshake, connection included. ``pause``: seconds between two connections.
    ``max_connections``: no more are made, whatever is asked. Stops early where the next connection would end the same
    way (no address, no TCP, proxy refuses) and after two timeouts in a row.

    ``details``: groups and signature algorithms as well, one a handshake.

    Answers ``{host, port, server_name, proxy, address, library, reached, suites: {NAME: {…}}, accepted, refused,
    unknown, drift, certificate, inspection, connections, problem}``; ``reached`` means that the server answered in TLS
    at least once, ``problem`` is one sentence where it did not. Errors: ``tls_library.LibraryError``.
    """
    tls_library.require()
    names = list(dict.fromkeys(suites))
    attempts: dict[str, offers.Attempt] = {}
    way, problem = _way(target, server_name or target.host, proxy, timeout, ca_file)
    made = silent = 0
    certificate: dict[str, t.Any] | None = None
    for name in names:
        if way is None or silent >= _PATIENCE or (problem and made):
            attempts[name] = _not_tried(name, problem or "The server stopped answering.")
            continue
        if not tls_library.can_offer(name):
            attempts[name] = offers.offer(way, name)
            continue
        if made >= max_connections:
            attempts[name] = _not_tried(name, f"Not tried: {max_connections} connections were made already.")
            continue
        if made and pause > 0:
            time.sleep(pause)
        attempt = offers.offer(way, name, with_certificate=certificate is None)
        made += 1
        attempts[name] = attempt
        certificate = certificate or attempt.certificate
        silent = silent + 1 if attempt.outcome == "timeout" else 0
        if attempt.outcome in _NO_WAY or attempt.outcome == "not_tls":
            problem = attempt.detail
    reached = any(attempt.outcome in ("accepted", "refused", "alert", "failed_later") for attempt in attempts.values())
    if not reached and not problem:
        problem = next((a.detail for a in attempts.values() if a.outcome != "not_tried"), "No suite was offered.")
    by_answer = collections.defaultdict(list)
    for name, attempt in attempts.items():
        by_answer[attempt.accepted].append(name)
    versions = _versions(attempts)
    groups, signatures = _nothing(), _nothing()
    if details and way is not None and reached:
        groups, signatures, more = _details(way, by_answer["yes"], max_connections - made, pause)
        made += more
    return {
        "versions": versions,
        "groups": groups,
        "signature_algorithms": signatures,
        "answers": _answers(versions, groups, signatures),
        "host": target.host,
        "port": target.port,
        "server_name": server_name or target.host,
        "proxy": str(proxy) if proxy else None,
        "address": None if way is None else str(way.addresses[0][1][0]),
        "library": tls_library.name_and_version(),
        "reached": reached,
        "suites": {name: _plain(attempt) for name, attempt in attempts.items()},
        "accepted": by_answer["yes"],
        "refused": by_answer["no"],
        "unknown": by_answer["unknown"],
        "drift": drift(attempts, allow_list),
        "certificate": certificate,
        "inspection": judge_inspection(server_name or target.host, certificate),
        "connections": made,
        "problem": None if reached else problem,
    }


def _versions(attempts: t.Mapping[str, offers.Attempt]) -> dict[str, str]:
    """TLS 1.2 and 1.3: *no* only where the server said that it does not speak it (alert 70)."""
    found: dict[str, str] = {}
    for number, title in ((TLS_1_2, "TLS 1.2"), (TLS_1_3, "TLS 1.3")):
        these = [attempt for attempt in attempts.values() if attempt.version == number]
        refused = any(attempt.alert == offers.PROTOCOL_VERSION for attempt in these)
        found[title] = "yes" if any(one.accepted == "yes" for one in these) else "no" if refused else "unknown"
    return found


def _nothing() -> dict[str, list[str]]:
    return {"accepted": [], "refused": [], "unknown": []}


def _details(
    way: offers.Route, accepted: t.Sequence[str], most: int, pause: float
) -> tuple[dict[str, list[str]], dict[str, list[str]], int]:
    """Groups with one accepted ECDHE or TLS 1.3 suite, signature algorithms with one accepted suite of each version."""
    groups, signatures, made = _nothing(), _nothing(), 0
    needs_group = [name for name in accepted if "_DHE_" not in name and not name.startswith("TLS_RSA_")]
    by_version = {tls_library.version_of(name): name for name in reversed(accepted)}
    tries: list[tuple[str, str | None, str | None]] = [
        (needs_group[0], group, None) for group in tls_library.GROUPS if needs_group
    ]
    tries += [(name, None, one) for one in tls_library.SIGNATURES for name in by_version.values()]
    answers: dict[str, set[str]] = {}
    for suite, group, signature in tries:
        if made >= most:
            break
        if pause > 0:
            time.sleep(pause)
        attempt = offers.offer(way, suite, group=group, signature=signature)
        made += 1
        answers.setdefault(group or signature or "", set()).add(attempt.accepted)
    for names, found in ((tls_library.GROUPS, groups), (tls_library.SIGNATURES, signatures)):
        for name in names:
            told = answers.get(name, set())
            word = "accepted" if "yes" in told else "refused" if told == {"no"} else "unknown"
            found[word].append(name)
    return groups, signatures, made


def _answers(
    versions: t.Mapping[str, str], groups: t.Mapping[str, list[str]], signatures: t.Mapping[str, list[str]]
) -> dict[str, t.Any]:
    """What the measurement says about the open questions, as ``answers`` of a policy."""
    found: dict[str, t.Any] = {}
    if versions["TLS 1.3"] != "unknown":
        found["server_has_tls13"] = versions["TLS 1.3"]
    for question, told in (("server_groups", groups), ("server_signature_algorithms", signatures)):
        if told["accepted"] or told["refused"]:
            found[question] = {"accepted": told["accepted"], "refused": told["refused"]}
    return found


def drift(attempts: t.Mapping[str, offers.Attempt], allow_list: t.Sequence[str] | None) -> dict[str, t.Any]:
    """Compares with the allow-list: ``{answer: none|drift|unknown, missing, extra, untested, allow_list}``.

    ``missing``: on the list, refused by the server. ``extra``: accepted, not on the list (can only be found among the
    suites that were offered). ``untested``: on the list, and not known. Any of the first two is drift; else any
    untested makes the answer unknown.
    """
    against = allowed.describe(None if allow_list is None else tuple(allow_list))
    answers = {name: attempt.accepted for name, attempt in attempts.items()}
    missing = [name for name in against["names"] if answers.get(name) == "no"]
    untested = [name for name in against["names"] if answers.get(name, "unknown") == "unknown"]
    extra = [name for name, answer in answers.items() if answer == "yes" and name not in against["names"]]
    answer = "drift" if missing or extra else "unknown" if untested else "none"
    return {"answer": answer, "missing": missing, "extra": extra, "untested": untested, "allow_list": against}


def _way(
    target: tunnel.Endpoint, server_name: str, proxy: tunnel.Endpoint | None, timeout: float, ca_file: str | None
) -> tuple[offers.Route | None, str | None]:
    """Looks the name up once, so that all handshakes go to the same server; behind a proxy only the proxy's name."""
    try:
        addresses = tunnel.resolve(proxy or target, timeout)
    except tunnel.WayError as error:
        return None, str(error)
    return offers.Route(target, tuple(addresses), server_name, proxy, timeout, ca_file), None


def _not_tried(suite: str, why: str) -> offers.Attempt:
    return offers.Attempt(suite, tls_library.version_of(suite), "unknown", "not_tried", why)


def _plain(attempt: offers.Attempt) -> dict[str, t.Any]:
    number = IDS.get(attempt.suite)
    return {
        "accepted": attempt.accepted,
        "outcome": attempt.outcome,
        "detail": attempt.detail,
        "id": number,
        "version": attempt.version,
        "alert": attempt.alert,
        "proxy_status": attempt.proxy_status,
        "seconds": attempt.seconds,
    }
