# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""history.html: lines over time, what happened run by run, relapses, exceptions; one file, no network."""

from __future__ import annotations

import datetime
import pathlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.history.exceptions import Exemption, soon
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import HistoryError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.trend import Line, Trend, unexcused
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.html import asset, content_security_policy, percent
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.page_data import embedded_json

try:
    import jinja2

    JINJA2_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    JINJA2_IMPORT_ERROR = exc

ASSETS: t.Final = pathlib.Path(__file__).parent / "assets"
_MOST_LINES: t.Final = 8
_MOST_ROWS: t.Final = 200
_SOON_DAYS: t.Final = 30
_TITLES: t.Final[t.Mapping[str, str]] = {
    "state": "Endpoints by state",
    "cause": "Non-compliant endpoints by cause",
    "owner": "Non-compliant endpoints by who owns the setting",
    "release": "Non-compliant endpoints by release of Windows",
    "site": "Non-compliant endpoints by site",
}


def render(found: Trend, exemptions: t.Sequence[Exemption], now: datetime.datetime, title: str) -> t.Iterator[str]:
    """The page in pieces. Errors: HistoryError where a library or file of ours is missing."""
    if JINJA2_IMPORT_ERROR is not None:
        raise HistoryError("The page needs the Python library Jinja2, which ansible-core brings.")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    library = f"/*\n{_asset('vendor/uplot/LICENSE').strip()}\n*/\n{_asset('vendor/uplot/uPlot.iife.min.js')}"
    scripts = [library, _asset("history.js")]
    charts = [
        {"title": _TITLES[dimension], "lines": _shown(lines)}
        for dimension, lines in found.lines.items()
        if lines and not (len(lines) == 1 and lines[0]["name"] == "not told")
    ]
    times = [int(when.timestamp()) if (when := moment(run.started_at)) else 0 for run in found.runs]
    yield from environment.from_string(_asset("history.html.j2")).generate(
        title=title,
        content_security_policy=content_security_policy(scripts),
        styles=[_asset("vendor/uplot/uPlot.min.css"), asset("palette.css"), _asset("history.css")],
        scripts=scripts,
        runs=found.runs,
        headline=_headline(found),
        figures=_figures(found, exemptions, now),
        charts=charts,
        happened={
            run.seq: found.happened.get(run.seq, {"broken": 0, "relapsed": 0, "repaired": 0}) for run in found.runs
        },
        lists=_lists(found, exemptions, now),
        data=embedded_json({"times": times, "charts": charts}),
    )


def _shown(lines: list[Line]) -> list[Line]:
    if len(lines) <= _MOST_LINES:
        return lines
    rest = lines[_MOST_LINES - 1 :]
    together: Line = {
        "name": f"{len(rest)} others",
        "values": [sum(column) for column in zip(*(one["values"] for one in rest), strict=True)],
    }
    return [*lines[: _MOST_LINES - 1], together]


def _latest(found: Trend) -> dict[str, int]:
    return {line["name"]: line["values"][-1] for line in found.lines["state"]}


def _headline(found: Trend) -> str:
    latest = _latest(found)
    good, bad, unknown = (latest.get(name, 0) for name in ("compliant", "non_compliant", "unknown"))
    return f"{good:,} compliant, {bad:,} non-compliant, {unknown:,} unknown at the newest run"


def _figures(found: Trend, exemptions: t.Sequence[Exemption], now: datetime.datetime) -> list[dict[str, str]]:
    latest = _latest(found)
    judged = latest.get("compliant", 0) + latest.get("non_compliant", 0)
    level = found.level
    open_ones, covered = unexcused(found, exemptions, now.date())
    whole = sum(latest.values())
    kept = percent(level.kept / level.due) if level.due else "none due"
    aim = "" if level.met is None else ": met" if level.met else ": missed"
    return [
        {
            "name": "Compliant, of those judged",
            "value": percent(latest.get("compliant", 0) / judged) if judged else "none judged",
            "hint": f"{latest.get('compliant', 0):,} of {judged:,}; {whole - judged:,} unknown or not applicable",
        },
        {
            "name": f"Repaired within {level.days:g} days",
            "value": kept,
            "hint": f"{level.kept:,} of {level.due:,} due; aim {percent(level.share)}{aim}",
        },
        {
            "name": "Days to repair, median",
            "value": "none yet" if found.repairs.median is None else f"{found.repairs.median:.1f}",
            "hint": ""
            if found.repairs.ninety is None
            else f"nine of ten within {found.repairs.ninety:.1f}, {found.repairs.number:,} repairs",
        },
        {
            "name": "Broken now",
            "value": f"{len(open_ones) + len(covered):,}",
            "hint": f"{len(covered):,} of them excused by an exception",
        },
    ]


def _lists(found: Trend, exemptions: t.Sequence[Exemption], now: datetime.datetime) -> list[dict[str, t.Any]]:
    relapses = sorted(
        (
            (sum(event.kind == "relapsed" for event in events), host, events)
            for host, events in found.lives.items()
            if any(event.kind == "relapsed" for event in events)
        ),
        key=lambda row: (-row[0], row[1]),
    )
    again = [
        (host, number, last.run.started_at, last.cause, last.owner)
        for number, host, events in relapses[:_MOST_ROWS]
        for last in [[event for event in events if event.kind == "relapsed"][-1]]
    ]
    open_ones, _covered = unexcused(found, exemptions, now.date())
    begun = {
        host: [event for event in found.lives[host] if event.kind != "repaired"] for host in open_ones[:_MOST_ROWS]
    }
    waiting = sorted(
        (events[-1].run.started_at, host, events[-1].cause, events[-1].owner)
        for host, events in begun.items()
        if events
    )
    due = soon(exemptions, now.date(), _SOON_DAYS)
    return [
        {
            "title": "Broken again: drift",
            "columns": ("Endpoint", "Times", "Last at", "Cause", "Owner of the setting"),
            "rows": again,
            "more": max(0, len(relapses) - _MOST_ROWS),
        },
        {
            "title": "Broken now, longest first, without an exception",
            "columns": ("Since", "Endpoint", "Cause", "Owner of the setting"),
            "rows": waiting,
            "more": max(0, len(open_ones) - _MOST_ROWS),
        },
        {
            "title": f"Exceptions that run out within {_SOON_DAYS} days, or have run out",
            "columns": ("Endpoints", "Owner", "Reason", "Last day"),
            "rows": [(one.hosts, one.owner, one.reason, one.expires.isoformat()) for one in due[:_MOST_ROWS]],
            "more": max(0, len(due) - _MOST_ROWS),
        },
    ]


def _asset(name: str) -> str:
    try:
        return (ASSETS / name).read_text(encoding="utf-8")
    except OSError:
        raise HistoryError(
            f"The collection is not installed completely: {ASSETS / name} cannot be read; install it again."
        ) from None
