# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter fleetops.tetra.plan: what would be changed on an endpoint, and why."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Plan
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import SCHEMA
from ansible_collections.fleetops.tetra.plugins.module_utils.plan import make_plan as planning
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate


def plan(facts: t.Any, verdict: t.Any = None, **options: t.Any) -> Plan:
    """The plan for facts; without a verdict they are judged by the defaults and the plan's allow list."""
    if not isinstance(facts, c.Mapping) or facts.get("schema") != SCHEMA:
        raise AnsibleFilterError(
            f"fleetops.tetra.plan takes the facts of an endpoint, a document of the kind {SCHEMA}."
        )
    try:
        if verdict is None:
            names = options.get("allow_list")
            verdict = evaluate(facts, {"allow_list": names} if names else None)
        return planning.plan(t.cast(Facts, facts), verdict, options)
    except ValueError as error:
        raise AnsibleFilterError(f"fleetops.tetra.plan: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise AnsibleFilterError(
            "fleetops.tetra.plan: a part of the facts or of the verdict is missing or has the wrong type; give whole "
            "documents, as audit and endpoint_info return them."
        ) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"plan": plan}
