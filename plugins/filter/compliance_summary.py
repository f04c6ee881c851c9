# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter fleetops.tetra.compliance_summary: many verdicts in a few counts."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.plain_data import plain
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.summary import summarise


def compliance_summary(results: t.Any) -> dict[str, t.Any]:
    """Counts over a list of verdicts or results."""
    if not isinstance(results, c.Iterable) or isinstance(results, (str, bytes, c.Mapping)):
        raise AnsibleFilterError("fleetops.tetra.compliance_summary takes a list of verdicts or results.")
    try:
        return summarise(plain(item) for item in results)
    except ValueError as error:
        raise AnsibleFilterError(f"fleetops.tetra.compliance_summary: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"compliance_summary": compliance_summary}
