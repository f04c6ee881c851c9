# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""fleetops.tetra.history: run folders into the store, the page and the life of an endpoint out of it."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.history.exceptions import (
    Exemption,
    exemptions,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.add import add
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.page import render
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.store import HistoryError, Store
from ansible_collections.fleetops.tetra.plugins.plugin_utils.history.trend import one_life, trend, unexcused
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.where import Expression
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.writing import write_atomically
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpecs

Arguments = dict[str, t.Any]
HISTORY: t.Final[OptionSpecs] = {
    "store": {"type": "str", "required": True, "no_log": False},
    "add": {"type": "list", "elements": "path", "default": []},
    "site_by": {"type": "str"},
    "exceptions": {"type": "path"},
    "page": {"type": "path"},
    "title": {"type": "str", "default": "Tetra compliance over time"},
    "host": {"type": "str"},
    "level_days": {"type": "float", "default": 14.0},
    "level_share": {"type": "float", "default": 0.95},
    "keep_days": {"type": "int"},
    "now": {"type": "str"},
}


def history_task(arguments: Arguments, excused: t.Any = None) -> dict[str, t.Any]:
    """The result of the module; ``excused``: what the file of exceptions holds.

    Errors: HistoryError, ExceptionsError, ReportError, ResultsError.
    """
    now = _now(arguments["now"])
    if not 0 < arguments["level_share"] <= 1:
        raise HistoryError(
            f"The option level_share is {arguments['level_share']:g}; it is a share above 0 and up to 1."
        )
    granted = exemptions(excused) if arguments["exceptions"] else []
    site_of = site_by(arguments["site_by"])
    store = Store(arguments["store"])
    try:
        added = [add(store, Path(folder), site_of) for folder in arguments["add"]]
        forgotten = _forget(store, arguments["keep_days"], now)
        result = {
            "changed": bool(forgotten) or any(not one.again for one in added),
            "store": store.name,
            "added": [one._asdict() for one in added],
            "forgotten": forgotten,
            **_told(store, arguments, granted, now),
        }
    finally:
        store.close()
    return result


def _told(store: Store, arguments: Arguments, granted: list[Exemption], now: datetime.datetime) -> dict[str, t.Any]:
    found = trend(store, now, arguments["level_days"], arguments["level_share"])
    open_ones, covered = unexcused(found, granted, now.date())
    if arguments["page"]:
        write_atomically(Path(arguments["page"]), render(found, granted, now, arguments["title"]))
    newest = found.runs[-1]
    result: dict[str, t.Any] = {
        "runs": len(found.runs),
        "newest": newest._asdict(),
        "happened": dict(found.happened.get(newest.seq, {})),
        "states": {line["name"]: line["values"][-1] for line in found.lines["state"]},
        "broken": len(open_ones),
        "excused": len(covered),
        "repairs": found.repairs._asdict(),
        "level": found.level._asdict(),
        "page": arguments["page"],
    }
    if arguments["host"]:
        runs, spans, events = one_life(store, arguments["host"])
        began = {run.seq: run.started_at for run in runs}
        result["life"] = {
            "spans": [
                {"from": began[span.first], "to": began.get(span.last or 0), **span.is_._asdict()} for span in spans
            ],
            "events": [
                {"kind": one.kind, "run": one.run.run_id, "at": one.run.started_at, "cause": one.cause,
                 "owner": one.owner, "days": one.days}
                for one in events
            ],
        }  # fmt: skip
    return result


def _now(given: str | None) -> datetime.datetime:
    if given is None:
        return datetime.datetime.now(datetime.UTC)
    try:
        found = datetime.datetime.fromisoformat(given)
    except ValueError:
        raise HistoryError(f"The option now is {given!r}; write a time as 2026-11-24T12:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _forget(store: Store, keep_days: int | None, now: datetime.datetime) -> int:
    if keep_days is None:
        return 0
    if keep_days < 1:
        raise HistoryError(f"The option keep_days is {keep_days}; it is a number of days from 1 on.")
    with store.begin() as connection:
        number = store.forget(connection, written(now - datetime.timedelta(days=keep_days)))
    if number:
        store.vacuum()
    return number


def site_by(expression: str | None) -> t.Callable[[t.Mapping[str, t.Any]], str] | None:
    """The option ``site_by`` as a function over a record. Errors: HistoryError."""
    try:
        return None if expression is None else Expression("site_by", expression).text
    except ReportError as error:
        raise HistoryError(str(error)) from error
