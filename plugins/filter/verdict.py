# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter fleetops.tetra.verdict: judges the facts of an endpoint, without touching it."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.plain_data import plain
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate


def verdict(
    facts: t.Any,
    allow_list: t.Any = None,
    require: t.Any = None,
    strict: t.Any = None,
    observations: t.Any = None,
    answers: t.Any = None,
) -> Verdict:
    """The verdict of one facts document."""
    if not isinstance(facts, c.Mapping):
        raise AnsibleFilterError("fleetops.tetra.verdict takes the facts of an endpoint, which are a mapping.")
    try:
        policy = {"allow_list": allow_list, "require": require, "strict": strict, "observations": observations,
                  "answers": answers}  # fmt: skip
        return evaluate(plain(facts), {name: plain(value) for name, value in policy.items() if value is not None})
    except ValueError as error:
        raise AnsibleFilterError(f"fleetops.tetra.verdict: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"verdict": verdict}
