# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A page for each diagnosed endpoint, and one over all: files that work from a disk, without network and scripts.

The axis of the timeline is drawn in SVG by the template. Nothing an endpoint said is put in unescaped.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Evidence
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.fleet import FleetView, fleet_view
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import Diagnosis
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.timeline import suites_side_by_side, timeline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosed import read_diagnoses
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.html import asset
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically

try:
    import jinja2

    JINJA2_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    JINJA2_IMPORT_ERROR = exc

WIDTH: t.Final = 960
_ROWS: t.Final = {"log": 25, "packets": 65, "events": 105}


def write_page(folder: Path, evidence: Evidence, found: Diagnosis) -> Path:
    """The page of one endpoint: ``index.html`` in the folder of its diagnosis. Raises ReportError."""
    moments = timeline(evidence)
    span = max(moments[-1]["at"] if moments else 0.0, 0.001)
    points = [
        {**one, "x": round(60 + (WIDTH - 80) * one["at"] / span, 1), "y": _ROWS[one["source"]]} for one in moments
    ]
    text = _template("diagnosis.html.j2").render(
        found=found,
        evidence=evidence,
        points=points,
        span=span,
        width=WIDTH,
        rows=_ROWS,
        suites=suites_side_by_side(evidence),
        connections=evidence["capture"]["connections"] if evidence["capture"] else [],
    )
    write_atomically(folder / "index.html", [text])
    return folder / "index.html"


def write_fleet(folder: Path) -> tuple[FleetView, Path]:
    """The page over all diagnoses in a folder, and ``fleet.json`` beside it. Raises ReportError."""
    found = read_diagnoses(folder)
    if not found:
        raise ReportError(f"{folder} holds no diagnosis: run fleetops.tetra.diagnose first.")
    view = fleet_view(list(found.values()))
    text = _template("diagnoses.html.j2").render(view=view, diagnoses=found)
    write_atomically(folder / "index.html", [text])
    write_atomically(folder / "fleet.json", [json.dumps(view, indent=1) + "\n"])
    return view, folder / "index.html"


def _template(name: str) -> t.Any:
    if JINJA2_IMPORT_ERROR is not None:
        raise ReportError(
            "The page needs the Python library Jinja2, which ansible-core brings."
        ) from JINJA2_IMPORT_ERROR
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.globals["style"] = asset("diagnosis.css")
    return environment.from_string(asset(name))
