# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What keeps a suite from use, as things that can be removed: a verdict's reasons, sorted by what would cure them."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Reason, Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import algorithms

_LISTS = {
    "not_in_policy_list": "policy_list",
    "wrong_policy_type": "policy_list",
    "not_in_local_list": "local_list",
}
_SWITCHES = {
    "protocol_disabled": "protocol",
    "cipher_disabled": "cipher",
    "hash_disabled": "hash",
    "key_exchange_disabled": "key_exchange",
    "key_length_out_of_range": "key_length",
}
_INCURABLE = ("unsupported_by_release", "not_read")
_PASSING = ("not_in_force_yet",)
_EXCHANGES = {"ECDHE": "ECDH", "DHE": "Diffie-Hellman", "RSA": "PKCS"}


@dataclass(frozen=True)
class Obstacle:
    """``kind``: ``policy_list``, ``local_list``, ``curves``, ``protocol``, ``cipher``, ``hash``, ``key_exchange``,
    ``key_length``; or one that no change removes: ``unsupported_by_release``, ``not_read``."""

    kind: str
    switch: str = ""
    """The key below SCHANNEL, for those that are a switch."""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.switch

    @property
    def is_curable(self) -> bool:
        return self.kind not in _INCURABLE

    @property
    def is_unknown(self) -> bool:
        return self.kind == "not_read"


def obstacles_of(verdict: Verdict, suite: str) -> list[Obstacle]:
    """The obstacles of one suite, each once, in the order of the verdict's reasons; none where it is usable."""
    row = verdict["suites"].get(suite)
    if row is None or row["usable"] == "yes":
        return []
    policy_counts = any(reason["code"] in ("not_in_policy_list", "wrong_policy_type") for reason in row["reasons"])
    found = []
    for reason in row["reasons"]:
        obstacle = _obstacle(reason, suite, policy_counts)
        if obstacle is not None and obstacle not in found:
            found.append(obstacle)
    return found


def _obstacle(reason: Reason, suite: str, policy_counts: bool) -> Obstacle | None:
    code = reason["code"]
    if code in _PASSING:
        return None
    if code in _LISTS:
        if code == "not_in_local_list" and policy_counts:
            return None
        return Obstacle(_LISTS[code])
    if code in ("unresolved_name", "contradiction"):
        return Obstacle("policy_list" if _is_policy(reason) else "local_list")
    if code == "no_usable_curve":
        return Obstacle("curves")
    if code in _SWITCHES:
        return Obstacle(_SWITCHES[code], _named_hash(reason) or _switch(code, suite))
    return Obstacle(code if code in _INCURABLE else "not_read")


def _is_policy(reason: Reason) -> bool:
    evidence = reason["evidence"]
    return "policies" in str(evidence["path"] or "").lower()


def _named_hash(reason: Reason) -> str | None:
    """The hash that is off need not be the suite's own: signatures use SHA256 whatever the suite has."""
    if reason["code"] != "hash_disabled":
        return None
    parts = str(reason["evidence"]["path"] or "").split("\\")
    return f"Hashes\\{parts[-2]}" if len(parts) > 2 and parts[-3].lower() == "hashes" else None


def _switch(code: str, suite: str) -> str:
    parts = algorithms(suite)
    if code == "protocol_disabled":
        return f"Protocols\\TLS {'1.3' if parts.tls13 else '1.2'}\\Client"
    if code == "cipher_disabled":
        return f"Ciphers\\{parts.cipher}"
    if code == "hash_disabled":
        return f"Hashes\\{parts.hash}"
    return f"KeyExchangeAlgorithms\\{_EXCHANGES.get(parts.key_exchange or '', 'ECDH')}"
