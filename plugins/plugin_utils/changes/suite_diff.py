# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One changed value for ``--diff``: a line per suite."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import Step, SuiteChanges


class Difference(t.TypedDict):
    """What Ansible shows with ``--diff``."""

    before_header: str
    after_header: str
    before: str
    after: str
    prepared: str


def step_diff(step: Step) -> Difference:
    """One step for ``--diff``: what each suite's line was and will be; other values as they are."""
    return suite_diff(
        f"{step['path']}\\{step['name']} ({step['target']})", step["before"], step["after"], step["suites"]
    )


def suite_diff(header: str, before: ValueState, after: ValueState, suites: SuiteChanges) -> Difference:
    """A value for ``--diff``; ``header`` says where it stands."""
    return {
        "before_header": header,
        "after_header": header,
        "before": _lines(before),
        "after": _lines(after),
        "prepared": "".join(
            f"{sign} {name}\n"
            for sign, names in (
                ("added  ", suites["added"]),
                ("moved  ", suites["moved"]),
                ("removed", suites["removed"]),
            )
            for name in names
        ),
    }


def _lines(state: ValueState) -> str:
    data = state["data"]
    if state["status"] == "absent":
        return ""
    if isinstance(data, list):
        return "".join(f"{name}\n" for name in data)
    if isinstance(data, str):
        return "".join(f"{name.strip()}\n" for name in data.split(","))
    return f"{data}\n"
