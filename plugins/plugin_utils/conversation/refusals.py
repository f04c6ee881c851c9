# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Error records as refusals, whatever form they came in."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation import clixml
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.fragments import ErrorText
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    CATEGORIES,
    PSObject,
    Refusal,
)


def refusal(record: t.Any) -> Refusal:
    """A Refusal from an error record, as text or as pypsrp's object; whatever it lacks is left empty."""
    if isinstance(record, ErrorText):
        obj = clixml.parse(record.clixml)
        return refusal_of_object(obj if isinstance(obj, PSObject) else PSObject((), {}))
    target = getattr(record, "target_object", None)
    if not isinstance(target, str):
        target = getattr(record, "target_name", None)
    return _make_refusal(
        getattr(record, "category", None),
        getattr(record, "fq_error", None),
        getattr(record, "activity", None),
        target,
    )


def refusal_of_object(obj: PSObject) -> Refusal:
    target = obj.get("TargetObject")
    if not isinstance(target, str):
        target = obj.get("ErrorCategory_TargetName")
    return _make_refusal(
        obj.get("ErrorCategory_Category"),
        obj.get("FullyQualifiedErrorId"),
        obj.get("ErrorCategory_Activity"),
        target,
    )


def _make_refusal(category: t.Any, error_id: t.Any, activity: t.Any, target: t.Any) -> Refusal:
    known = isinstance(category, int) and 0 <= category < len(CATEGORIES)
    return Refusal(
        category=CATEGORIES[category] if known else "NotSpecified",
        error_id=str(error_id or ""),
        command=str(activity) if activity else None,
        target=target if isinstance(target, str) and target else None,
    )
