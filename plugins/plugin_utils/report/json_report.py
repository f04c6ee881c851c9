# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""report.json, schema fleetops.tetra/report/1 (docs/schemas/report-1.json)."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import SCHEMA, Report

VERDICT_SCHEMA: t.Final = "fleetops.tetra/verdict/1"
RUN_FIELDS: t.Final[tuple[str, ...]] = (
    "run_id",
    "started_at",
    "playbook",
    "check_mode",
    "collection_version",
    "ansible_version",
    "python_version",
    "policy",
)


def render(report: Report) -> t.Iterator[str]:
    """The document in pieces: the head, then one line for each endpoint."""
    head = json.dumps(head_of(report), indent=2)
    # The head is an object; the endpoints become its last member, one line each, so that the file never lies in
    # memory as a whole and line tools can work on it.
    yield head.removesuffix("\n}") + ',\n  "results": ['
    for number, entry in enumerate(report.entries):
        yield (",\n    " if number else "\n    ") + json.dumps(result_of(entry), separators=(",", ":"))
    yield "\n  ]\n}\n" if report.entries else "]\n}\n"


def head_of(report: Report) -> Document:
    """Everything but the results."""
    return {
        "schema": SCHEMA,
        "title": report.title,
        "made_at": report.made_at,
        "runs": [
            {"path": run.path, "hosts": len(run.info.get("hosts") or []), **{n: run.info.get(n) for n in RUN_FIELDS}}
            for run in report.fleet.runs
        ],
        "where": report.where,
        "policy": report.policy,
        "problems": report.fleet.problems,
        "summary": report.summary,
        "comparison": report.comparison,
    }


def result_of(entry: Entry) -> Document:
    return {
        "host": entry.host,
        "state": entry.state,
        "run_id": entry.run_id,
        "measured_at": entry.measured_at,
        "seconds": entry.seconds,
        "system": entry.system,
        "error": entry.error,
        "verdict": {"schema": VERDICT_SCHEMA, "host": entry.host, "state": entry.state, **entry.verdict},
    }
