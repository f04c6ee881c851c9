# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Options → report files → what the task returns."""

from __future__ import annotations

import pathlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import csv_report, html, json_report, junit, sarif
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosed import diagnosed
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.labels import STATES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import DEFAULT_TITLE, Report, make_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.sources import find_runs, read_fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically

FORMATS: t.Final[dict[str, tuple[str, t.Callable[[Report], t.Iterator[str]]]]] = {
    "html": ("index.html", html.render),
    "json": ("report.json", json_report.render),
    "csv": ("report.csv", csv_report.render),
    "junit": ("junit.xml", junit.render),
    "sarif": ("report.sarif", sarif.render),
}
"""Format → file name and renderer."""

HOSTS_PER_STATE: t.Final = 100
"""Names that a task result lists for each state: Ansible keeps and prints every result."""


@dataclass(frozen=True)
class Options:
    """What the user asked for; see plugins/modules/report.yml."""

    path: t.Sequence[str]
    formats: t.Sequence[str] = tuple(FORMATS)
    output_dir: str | None = None
    policy: Document | None = None
    where: str | None = None
    compare_with: t.Sequence[str] = ()
    title: str = DEFAULT_TITLE


def build_report(options: Options) -> Document:
    """Reads, judges again if asked, counts, writes, and gives the values of the task result.

    Raises ReportError with one sentence for the user.
    """
    runs = find_runs(options.path)
    folder = _output_folder(options, runs)
    earlier = find_runs(options.compare_with) if options.compare_with else None
    report = make_report(
        read_fleet(runs, options.where, options.policy),
        title=options.title,
        where=options.where,
        policy=options.policy,
        earlier=read_fleet(earlier, options.where, options.policy) if earlier else None,
    )
    report.diagnosed = diagnosed(_diagnoses(options, runs), {entry.host for entry in report.entries}, folder)
    files = {}
    for name in dict.fromkeys(options.formats):
        file_name, render = FORMATS[name]
        write_atomically(folder / file_name, render(report))
        files[name] = str(folder / file_name)
    return _outcome(report, files, options)


def _output_folder(options: Options, runs: t.Sequence[pathlib.Path]) -> pathlib.Path:
    if options.output_dir is not None:
        return pathlib.Path(options.output_dir)
    if len(options.path) > 1:
        raise ReportError("The option path names several folders; say with output_dir where their report goes.")
    return pathlib.Path(options.path[0]) / "report"


def _diagnoses(options: Options, runs: t.Sequence[pathlib.Path]) -> list[pathlib.Path]:
    """Where ``fleetops.tetra.diagnose`` leaves its folder: in the results folder, beside the runs."""
    places = [*map(pathlib.Path, options.path), *(run.parent for run in runs)]
    return [place / "diagnoses" for place in places]


def _outcome(report: Report, files: Document, options: Options) -> Document:
    by_state: dict[str, list[str]] = {state: [] for state in STATES}
    for entry in report.entries:
        by_state[entry.state].append(entry.host)
    return {
        "files": files,
        "runs": [run.path for run in report.fleet.runs],
        "endpoints": report.summary["endpoints"],
        "asked": sum(entry.facts_read for entry in report.entries),
        "counts": {state: len(hosts) for state, hosts in by_state.items()},
        "hosts_by_state": {state: hosts[:HOSTS_PER_STATE] for state, hosts in by_state.items()},
        "hosts": [entry.host for entry in report.entries] if options.where is not None else None,
        "sentences": report.summary["sentences"],
        "causes": report.summary["causes"],
        "comparison": report.comparison["counts"] if report.comparison else None,
        "problems": report.fleet.problems[:HOSTS_PER_STATE],
        "problem_count": len(report.fleet.problems),
    }
