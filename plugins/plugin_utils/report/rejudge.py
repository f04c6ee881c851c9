# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Saved facts judged again under another policy; no endpoint is touched."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate, unknown_verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_options import OptionsError, read_options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document

_NOT_AUDITED: t.Final = ("not_audited", "The result holds no facts and no error; audit the endpoint again.")


def check_policy(policy: Document) -> None:
    """Raises ReportError with one sentence on a policy that cannot be meant."""
    try:
        read_options(policy)
    except OptionsError as exc:
        raise ReportError(f"The option policy cannot be used: {exc}") from exc


def rejudge(result: t.Mapping[str, t.Any], policy: Document) -> Document:
    """The result with the verdict that ``policy`` gives on its facts.

    A result without facts stays unknown, with its error, and one that a domain join would spoil stays as it is: the
    policy of that domain is not at hand. ``policy`` has passed ``check_policy``.
    """
    facts = result.get("facts")
    if any(row.get("rule") == "TETRA-DOMAIN-JOIN" for row in result["verdict"]["findings"]):
        return dict(result)
    if facts is not None:
        # Facts that a run read and could not judge are judged now; that error is past.
        judged = {"error": None} if (result.get("error") or {}).get("kind") == "internal" else {}
        return {**result, **judged, "verdict": evaluate(facts, policy)}
    error = result.get("error") or {}
    code, sentence = (error.get("kind"), error.get("message")) if error else _NOT_AUDITED
    verdict = unknown_verdict(str(result["host"]), str(code), str(sentence), policy)
    return {**result, "verdict": verdict}
