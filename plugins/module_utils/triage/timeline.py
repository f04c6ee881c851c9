# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What happened when, on one axis: log lines, packets, events, all by the endpoint's own clock."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.document import failing_one
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.evidence import Evidence

MOST: t.Final = 200
_LINE = re.compile(r"\(\d+, \+\d+ ms\) ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) \[\d+\]: (.*)")
_MONTHS: t.Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TELLING: t.Final = ("Update failed", "PerformTetraUpdate: bUpdated", "TetraUpdateInterface::update")


class Moment(t.TypedDict):
    """``at``: seconds since the first; ``failure``: whether it is one."""

    time: str
    at: float
    source: t.Literal["log", "packets", "events"]
    what: str
    failure: bool


def log_time(text: str, taken_at: str, utc_offset_minutes: int | None) -> str | None:
    """When a line of the connector's log was written, in UTC; its year is the one that lies nearest to ``taken_at``."""
    found, taken = _LINE.match(text), moment(taken_at)
    if found is None or taken is None or utc_offset_minutes is None or found[1] not in _MONTHS:
        return None
    zone = dt.timezone(dt.timedelta(minutes=utc_offset_minutes))
    for year in (taken.year, taken.year - 1, taken.year + 1):
        try:
            month = _MONTHS.index(found[1]) + 1
            when = dt.datetime(year, month, int(found[2]), int(found[3]), int(found[4]), int(found[5]), tzinfo=zone)
        except ValueError:
            continue
        if abs((when - taken).total_seconds()) < 183 * 86_400:
            return when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


def timeline(evidence: Evidence) -> list[Moment]:
    """The moments of the update that was asked for, in order."""
    rows: list[tuple[dt.datetime, t.Literal["log", "packets", "events"], str, bool]] = []
    began = moment(evidence["update"]["began"])
    earliest = began - dt.timedelta(seconds=2) if began is not None else None
    ahead = dt.timedelta(seconds=evidence["clock"]["ahead"]) if evidence["clock"]["status"] == "ok" else dt.timedelta()
    earliest = earliest + ahead if earliest is not None else None
    for line in evidence["update"]["lines"]:
        when = moment(line["time"])
        message = line["text"].partition("]: ")[2] or line["text"]
        if when is not None and any(word in message for word in _TELLING):
            rows.append((when, "log", message, "failed" in message or "status: -" in message))
    judged = failing_one(evidence["capture"]) if evidence["capture"] else None
    if judged is None and evidence["capture"] and evidence["capture"]["connections"]:
        judged = evidence["capture"]["connections"][-1]
    for row in judged["connection"]["timeline"] if judged else ():
        when = moment(row["time"])
        if when is not None:
            rows.append(
                (when, "packets", f"{row['who']}: {row['what']}", "Alert" in row["what"] or "RST" in row["what"])
            )
    for event in evidence["schannel_events"]["events"]:
        when = moment(_six_digits(event["time"]))
        if when is not None:
            data = ", ".join(f"{name} {value}" for name, value in event["data"].items())
            rows.append(
                (when, "events", f"{event['provider']} {event['id']}: {data}", event["id"] in (36887, 36888, 36871))
            )
    rows = sorted((row for row in rows if earliest is None or row[0] >= earliest), key=lambda row: row[0])[:MOST]
    return [
        {
            "time": when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "at": round((when - rows[0][0]).total_seconds(), 6),
            "source": source,
            "what": what[:300],
            "failure": failure,
        }
        for when, source, what, failure in rows
    ]


def _six_digits(text: str) -> str:
    """Windows writes seven or nine digits of a second."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


class SuiteRow(t.TypedDict):
    """``offered``: place in the Client Hello, from 1, or None; ``accepted``: by the definition servers."""

    name: str
    hex: str | None
    offered: int | None
    accepted: bool


def suites_side_by_side(evidence: Evidence) -> list[SuiteRow]:
    """What the last Client Hello offered beside what the servers accept; empty where none was captured."""
    capture = evidence["capture"]
    hellos = (
        [one["connection"]["hello"] for one in capture["connections"] if one["connection"]["hello"]] if capture else []
    )
    if not hellos:
        return []
    rows: list[SuiteRow] = [
        {"name": suite["name"], "hex": suite["hex"], "offered": place, "accepted": suite["name"] in ALLOW_LIST}
        for place, suite in enumerate(hellos[-1]["suites"], 1)
    ]
    known = {row["name"] for row in rows}
    return rows + [
        {"name": name, "hex": None, "offered": None, "accepted": True} for name in ALLOW_LIST if name not in known
    ]
