# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Verdicts as release 1.0.0 wrote them: a path says there what later ones say as ``list``, ``switch`` and ``key``.

This is the only place that reads a path of the evidence. Later verdicts pass unchanged.
"""

from __future__ import annotations

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.reasons import SWITCHES
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import ListKind, Reason, Verdict

_SCHANNEL = "\\securityproviders\\schannel\\"
_LISTS = ("unresolved_name", "contradiction")


def with_reasons_as_data(verdict: Verdict) -> Verdict:
    """The verdict, its reasons with ``list``, ``switch`` and ``key``. The one passed in stays as it is."""
    rows = verdict["suites"].values()
    if all("list" in reason for row in rows for reason in row["reasons"]):
        return verdict
    suites = {
        name: {**row, "reasons": [_filled(reason) for reason in row["reasons"]]}
        for name, row in verdict["suites"].items()
    }
    return {**verdict, "suites": suites}  # type: ignore[typeddict-item]


def _filled(reason: Reason) -> Reason:
    if "list" in reason:
        return reason
    code, path = reason["code"], str(reason["evidence"].get("path") or "")
    about: ListKind | None = None
    if code in ("not_in_policy_list", "wrong_policy_type"):
        about = "policy"
    elif code == "not_in_local_list":
        about = "local"
    elif code in _LISTS:
        about = "policy" if "policies" in path.lower() else "local"
    switch = SWITCHES.get(code)
    return {**reason, "list": about, "switch": switch, "key": _key(path) if switch else None}


def _key(path: str) -> str | None:
    """``…\\SCHANNEL\\Ciphers\\AES 128/128\\Enabled`` → ``Ciphers\\AES 128/128``; None for a place elsewhere."""
    start = path.lower().find(_SCHANNEL)
    return path[start + len(_SCHANNEL) :].rpartition("\\")[0] or None if start >= 0 else None
