# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""report.csv: one line for each endpoint, for spreadsheets."""

from __future__ import annotations

import csv
import io
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import summary
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Entry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import Report

BYTE_ORDER_MARK: t.Final = "\ufeff"
"""Without it Excel reads UTF-8 as the local code page."""

_FORMULA_STARTS: t.Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins like this is run as a formula by spreadsheets; the last four are the full-width forms.
Source: OWASP, CSV Injection."""

COLUMNS: t.Final[tuple[tuple[str, t.Callable[[Entry], t.Any]], ...]] = (
    ("host", lambda e: e.host),
    ("state", lambda e: e.state),
    ("reachability", lambda e: (e.verdict.get("reachability") or {}).get("answer")),
    ("usable_suites", lambda e: " ".join((e.verdict.get("reachability") or {}).get("usable") or [])),
    ("strictness", lambda e: (e.verdict.get("strictness") or {}).get("answer")),
    ("cause", lambda e: (e.verdict.get("cause") or {}).get("code")),
    ("reasons", lambda e: " ".join(sorted(summary.reason_codes(e)))),
    ("findings", lambda e: " ".join(sorted({str(f.get("rule")) for f in e.verdict.get("findings") or []}))),
    ("in_force", lambda e: e.verdict.get("in_force")),
    ("owner", summary.owner_name),
    ("next_step", lambda e: e.verdict.get("next_step")),
    ("computer_name", lambda e: e.system.get("computer_name")),
    ("windows", lambda e: e.system.get("product")),
    ("version", lambda e: e.system.get("display_version")),
    ("build", lambda e: e.system.get("build")),
    ("ubr", lambda e: e.system.get("ubr")),
    ("connector", lambda e: e.system.get("connector")),
    ("last_update", lambda e: (e.system.get("last_update") or {}).get("result")),
    ("last_update_code", lambda e: (e.system.get("last_update") or {}).get("code")),
    ("last_update_time", lambda e: (e.system.get("last_update") or {}).get("time")),
    ("error_kind", lambda e: (e.error or {}).get("kind")),
    ("error", lambda e: (e.error or {}).get("message")),
    ("measured_at", lambda e: e.measured_at),
    ("run_id", lambda e: e.run_id),
)


def render(report: Report) -> t.Iterator[str]:
    yield BYTE_ORDER_MARK + _line([name for name, _read in COLUMNS])
    for entry in report.entries:
        yield _line([cell(read(entry)) for _name, read in COLUMNS])


def cell(value: t.Any) -> str:
    """Text that a spreadsheet shows and never runs: numbers stay numbers, a risky text gets an apostrophe in front."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _line(cells: t.Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
