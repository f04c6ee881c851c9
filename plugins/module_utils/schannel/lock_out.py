# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Lock-out guards: changes of suites or switches after which nobody would get onto the endpoint any more.

The lists and the switches for ciphers, hashes and key exchanges bind both roles of Schannel, the client's and the
listener's: WinRM over HTTPS and Remote Desktop use the same suites.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import UNKNOWN, YES
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts, RegistryKey
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ABSENT, registry_key
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import algorithms
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import Endpoint
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import Release

Names = frozenset[str]


class LockOut(t.NamedTuple):
    """What would be lost and how to keep it; a sentence each. ``certain``: not only perhaps."""

    why: str
    what_to_do: str
    certain: bool = True


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


def lost_listener(before: Facts, after: Facts, over_https: bool, accept_doubt: bool = False) -> LockOut | None:
    """``before`` and ``after`` are facts; ``over_https``: the endpoint is managed through a TLS listener.

    A suite that works for certain must not give way to one that perhaps works, unless ``accept_doubt``.
    """
    for answers, doubt in (((YES, UNKNOWN), ""), ((YES,), " for certain")):
        if doubt and accept_doubt:
            continue
        old, new = _suites_of_listener(before, answers), _suites_of_listener(after, answers)
        if any(old) and not all(new):
            return LockOut(
                f"No suite would be left that this Windows can use{doubt}, so all its TLS would stop, Remote Desktop "
                "and WinRM over HTTPS included.",
                "Keep a suite that this release supports and whose cipher, hash and key exchange are switched on.",
                not doubt,
            )
        if over_https and any(map(_offered_by_controllers, old)) and not all(map(_offered_by_controllers, new)):
            return LockOut(
                f"WinRM over HTTPS would be left without a suite that Python offers on the controller{doubt}, so the "
                "endpoint could not be managed any more.",
                "Keep a suite with ECDHE or DHE, RSA and AES that does not end in _SHA, or a TLS 1.3 suite.",
                not doubt,
            )
    return None


def _suites_of_listener(facts: Facts, answers: c.Container[str]) -> list[Names]:
    """For each list that may count: the suites whose answer for a listener is one of ``answers``."""
    endpoint = Endpoint(read_facts(_without_client_values(facts)))
    return [
        frozenset(name for name, answer in endpoint.offered(one) if answer in answers)
        for one in endpoint.all_readings()
    ]


def _without_client_values(facts: Facts) -> Facts:
    """Protocols and key lengths of the client say nothing about the listener."""
    keys: dict[str, RegistryKey] = {}
    for name, key in facts["schannel"]["keys"].items():
        if name.startswith("Protocols\\"):
            keys[name] = registry_key(key["path"], ABSENT)
        else:
            values = {one: value for one, value in key["values"].items() if not one.lower().startswith("client")}
            keys[name] = {**key, "values": values}
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
