# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""index.html: one file that works from a disk, without a network.

The summary is rendered here and reads without JavaScript; the table of endpoints and their details are drawn by
assets/page.js from JSON inside the page. A content security policy names the scripts by their hash, so that nothing an
endpoint said can run, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import pathlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import labels
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.compare import CHANGES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.page_data import embedded_json, page_data
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import Report

try:
    import jinja2

    JINJA2_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    JINJA2_IMPORT_ERROR = exc

ASSETS: t.Final = pathlib.Path(__file__).parent / "assets"
TABLE_LIBRARY: t.Final = "vendor/tabulator/tabulator.min.js"
TABLE_STYLE: t.Final = "vendor/tabulator/tabulator.min.css"
TABLE_LICENCE: t.Final = "vendor/tabulator/LICENSE"

_RANKED_ROWS: t.Final = 8
"""Rows that a ranking shows before it is folded."""


def render(report: Report) -> t.Iterator[str]:
    """The page in pieces."""
    if JINJA2_IMPORT_ERROR is not None:
        raise ReportError("The HTML report needs the Python library Jinja2, which ansible-core brings.") from (
            JINJA2_IMPORT_ERROR
        )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["percent"] = percent
    template = environment.from_string(asset("page.html.j2"))
    scripts = [_licensed(_without_source_map(asset(TABLE_LIBRARY))), asset("page.js")]
    styles = [_without_source_map(asset(TABLE_STYLE)), asset("palette.css"), asset("page.css")]
    yield from template.generate(
        report=report,
        summary=report.summary,
        sentences=report.summary["sentences"],
        states=labels.STATES,
        changes=CHANGES,
        shown=_RANKED_ROWS,
        runs=report.fleet.runs[:20],
        more_runs=max(0, len(report.fleet.runs) - 20),
        policy=_policy_in_words(report),
        scripts=scripts,
        styles=styles,
        content_security_policy=content_security_policy(scripts),
        data=embedded_json(page_data(report)),
    )


def asset(name: str) -> str:
    """A file of this package. Raises ReportError where the installation is incomplete."""
    try:
        return (ASSETS / name).read_text(encoding="utf-8")
    except OSError as exc:
        raise ReportError(
            f"The collection is not installed completely: {ASSETS / name} cannot be read; install it again."
        ) from exc


def percent(share: float) -> str:
    """0.9987 → "99.9 %"; never 100 % or 0 % for what is not all or nothing."""
    value = share * 100
    if 0 < share < 1:
        value = min(max(value, 0.1), 99.9)
    return f"{value:.1f} %" if value % 1 else f"{value:.0f} %"


def _policy_in_words(report: Report) -> str | None:
    """What was asked of an endpoint: the policy of this report, or of its runs where they agree."""
    policies = [report.policy] if report.policy is not None else [run.info.get("policy") for run in report.fleet.runs]
    if not policies or any(policy != policies[0] for policy in policies):
        return "The runs in this report used different policies." if policies else None
    policy = policies[0] or {}
    every = policy.get("require") == "all"
    text = "every allow-listed suite that the release can have" if every else "at least one allow-listed suite"
    strict = ", and none outside the list" if policy.get("strict") else ""
    again = " Saved facts were judged again with this policy." if report.policy is not None else ""
    return f"Required of an endpoint: {text}{strict}.{again}"


def _without_source_map(text: str) -> str:
    """Developer tools would look for the map beside the page."""
    maps = ("//# sourceMappingURL=", "/*# sourceMappingURL=")
    return "\n".join(line for line in text.splitlines() if not line.startswith(maps)) + "\n"


def _licensed(script: str) -> str:
    """The page is a copy of the library, so its licence text goes along."""
    return f"/*\n{asset(TABLE_LICENCE).strip()}\n*/\n{script}"


def content_security_policy(scripts: t.Sequence[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )
