# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One changed value for ``--diff``: a line per suite."""

from __future__ import annotations

import typing as t

Document = dict[str, t.Any]


def suite_diff(step: t.Mapping[str, t.Any]) -> Document:
    """One step for ``--diff``: what each suite's line was and will be; other values as they are."""
    header = f"{step['path']}\\{step['name']} ({step['target']})"
    return {
        "before_header": header,
        "after_header": header,
        "before": _lines(step["before"]),
        "after": _lines(step["after"]),
        "prepared": "".join(
            f"{sign} {name}\n"
            for sign, names in (
                ("added  ", step["suites"]["added"]),
                ("moved  ", step["suites"]["moved"]),
                ("removed", step["suites"]["removed"]),
            )
            for name in names
        ),
    }


def _lines(state: t.Mapping[str, t.Any]) -> str:
    data = state["data"]
    if state["status"] == "absent":
        return ""
    if isinstance(data, list):
        return "".join(f"{name}\n" for name in data)
    if isinstance(data, str):
        return "".join(f"{name.strip()}\n" for name in data.split(","))
    return f"{data}\n"
