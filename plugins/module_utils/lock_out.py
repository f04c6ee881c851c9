# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock-out guards: changes of suites or switches after which nobody would get onto the endpoint any more.

The lists and the switches for ciphers, hashes and key exchanges bind both roles of Schannel, the client's and the
listener's: WinRM over HTTPS and Remote Desktop use the same suites.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.cipher_suites import algorithms
from ansible_collections.fleetops.tetra.plugins.module_utils.effective import Endpoint
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import ABSENT, SCHANNEL_KEYS, registry_key
from ansible_collections.fleetops.tetra.plugins.module_utils.facts_reader import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.windows_releases import Release

Names = frozenset[str]


class LockOut(t.NamedTuple):
    """What would be lost and how to keep it; a sentence each."""

    why: str
    what_to_do: str


def lost_tls13(before: c.Iterable[str], after: c.Iterable[str], release: Release | None) -> LockOut | None:
    """With TLS 1.3 on and no suite for it listed, a listener negotiates 1.3 and then fails (pywinrm issue 363).

    ``before`` and ``after``: the names of the list that counts.
    """
    if release is None or release.tls13_client == "unsupported":
        return None
    if any(map(_is_tls13, before)) and not any(map(_is_tls13, after)):
        return LockOut(
            "The new list would leave TLS 1.3 without a suite, and with it WinRM over HTTPS.",
            "Keep a TLS_AES_* suite in the list.",
        )
    return None


def lost_listener(before: c.Mapping[str, t.Any], after: c.Mapping[str, t.Any], over_https: bool) -> LockOut | None:
    """``before`` and ``after`` are facts; ``over_https``: the endpoint is managed through a TLS listener."""
    old, new = _suites_of_listener(before), _suites_of_listener(after)
    if any(old) and not all(new):
        return LockOut(
            "No suite that this Windows can use would be left, so all its TLS would stop, Remote Desktop and WinRM "
            "over HTTPS included.",
            "Keep a suite that this release supports and whose cipher, hash and key exchange are switched on.",
        )
    if over_https and any(map(_offered_by_controllers, old)) and not all(map(_offered_by_controllers, new)):
        return LockOut(
            "WinRM over HTTPS would be left without a suite that Python offers on the controller, so the endpoint "
            "could not be managed any more.",
            "Keep a suite with ECDHE or DHE, RSA and AES that does not end in _SHA, or a TLS 1.3 suite.",
        )
    return None


def _suites_of_listener(facts: c.Mapping[str, t.Any]) -> list[Names]:
    """For each list that may count: the suites that work, or perhaps work, for a listener."""
    endpoint = Endpoint(read_facts(_without_client_protocols(facts)))
    return [frozenset(name for name, _answer in endpoint.offered(one)) for one in endpoint.all_readings()]


def _without_client_protocols(facts: c.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Which protocols are on for the client says nothing about the listener."""
    keys = dict(facts["schannel"]["keys"])
    for name in SCHANNEL_KEYS:
        if name.startswith("Protocols\\") and name in keys:
            keys[name] = registry_key(keys[name]["path"], ABSENT)
    return {**facts, "schannel": {**facts["schannel"], "keys": keys}}


def _offered_by_controllers(names: Names) -> bool:
    """Python's own choice since 3.10: TLS 1.3, else forward secrecy, AES or ChaCha20, no SHA-1. The certificate of a
    WinRM listener is taken to be RSA, as it nearly always is."""
    for name in names:
        suite = algorithms(name)
        modern = suite.key_exchange in ("ECDHE", "DHE") and suite.authentication == "RSA" and suite.hash != "SHA"
        if suite.tls13 or (modern and (suite.cipher or "").startswith(("AES", "CHACHA20"))):
            return True
    return False


def _is_tls13(name: str) -> bool:
    return algorithms(name).tls13
