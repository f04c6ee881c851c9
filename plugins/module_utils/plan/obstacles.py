# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What keeps a suite from use, as things that can be removed: a verdict's reasons, sorted by what would cure them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Reason, SwitchKind, Verdict

_CURABLE_SWITCHES: tuple[SwitchKind, ...] = ("protocol", "cipher", "hash", "key_exchange", "key_length")
_OF_LISTS = ("not_in_policy_list", "wrong_policy_type", "not_in_local_list", "unresolved_name", "contradiction")
ObstacleKind = t.Union[  # noqa: UP007 - pylint of ansible-test knows no |
    SwitchKind, t.Literal["policy_list", "local_list", "curves", "unsupported_by_release", "not_read", "elsewhere"]
]
ELSEWHERE: t.Final = "elsewhere"
_INCURABLE = ("unsupported_by_release", "not_read", ELSEWHERE)
_PASSING = ("not_in_force_yet",)


@dataclass(frozen=True)
class Obstacle:
    """``kind``: ``policy_list``, ``local_list``, ``curves``, ``protocol``, ``cipher``, ``hash``, ``key_exchange``,
    ``key_length``; or one that no change of ours removes: ``unsupported_by_release``, ``not_read``, ``elsewhere`` (a
    setting of another program or of an MDM)."""

    kind: ObstacleKind
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
        obstacle = _obstacle(reason, policy_counts)
        if obstacle is not None and obstacle not in found:
            found.append(obstacle)
    return found


def _obstacle(reason: Reason, policy_counts: bool) -> Obstacle | None:
    code, switch = reason["code"], reason.get("switch")
    if code in _PASSING:
        return None
    if code in _OF_LISTS:
        if code == "not_in_local_list" and policy_counts:
            return None
        return Obstacle(
            "policy_list" if code == "wrong_policy_type" or reason.get("list") == "policy" else "local_list"
        )
    if code == "no_usable_curve":
        return Obstacle("curves")
    if code == "no_usable_signature":
        return Obstacle(ELSEWHERE)
    if switch is not None and switch in _CURABLE_SWITCHES:
        key = reason.get("key")
        return Obstacle(ELSEWHERE) if key is None else Obstacle(switch, key)
    return Obstacle("unsupported_by_release" if code == "unsupported_by_release" else "not_read")
