# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""What is gathered of the console for one question: computers with their standing, policies, events of definitions."""

from __future__ import annotations

import datetime
import re
import typing as t
from collections import Counter

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.console.computers import USED
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.module_utils.console.failing import Judged, Limits, judge
from ansible_collections.fleetops.tetra.plugins.module_utils.console.fleet import Fleet, fleet_of, gathered
from ansible_collections.fleetops.tetra.plugins.module_utils.console.pages import Row
from ansible_collections.fleetops.tetra.plugins.module_utils.console.policies import (
    PolicySettings,
    settings_of,
    without_xml,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.access import Access
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.client import Query

_TETRA_EVENT = re.compile(r"\btetra\b|\bdefinitions? update", re.IGNORECASE)
_OTHER_ENGINE = re.compile(r"\bioc\b", re.IGNORECASE)
_FILTERS: t.Final = {"hostname": "hostname[]", "group_guid": "group_guid[]"}
_SINCE: t.Final = ("last_seen_within", "last_seen_over")


class Computers(t.NamedTuple):
    """``judged`` in the order of names; ``notes``: sentences about what did not add up."""

    fleet: Fleet
    judged: list[Judged]
    notes: list[str]


class Events(t.TypedDict):
    """``kinds``: names of the console's kinds of events that speak of definitions; ``rows``: newest first."""

    kinds: list[str]
    rows: list[Row]
    sentence: str


def query_of(filters: t.Mapping[str, t.Any]) -> list[tuple[str, str]]:
    """Filters that the console itself applies, as it wants them written."""
    query = [(_FILTERS[name], str(value)) for name in _FILTERS for value in filters.get(name) or []]
    return query + [(name, str(filters[name])) for name in _SINCE if filters.get(name)]


def computers(
    access: Access,
    now: datetime.datetime,
    limits: Limits,
    query: Query = (),
    demo: bool = False,
    only_windows: bool = True,
    whole: bool = True,
) -> Computers:
    """All computers that are meant, each with its standing. Errors: ConsoleError.

    Without ``whole`` a computer has no ``other``, and no ``links``, which saves half of the memory.
    """
    read = access.need_v1().computers(query, None if whole else USED - {"links"})
    notes = list(read.notes)
    found, odd = gathered(read.rows)
    del read
    fleet = fleet_of(found, odd, demo, only_windows)
    del found
    if fleet.odd:
        notes.append(f"{fleet.odd} rows of the console have no connector GUID and name no computer.")
    return Computers(fleet, [judge(one, now, limits) for one in fleet.computers], notes)


def counts(judged: t.Iterable[Judged]) -> dict[str, int]:
    """How many stand where."""
    found = Counter(one["standing"] for one in judged)
    return {standing: found[standing] for standing in ("failing", "stale_connector", "unknown", "fresh")}


def policies(access: Access) -> list[PolicySettings]:
    """Every Windows policy with its settings: by version 1, by version 3 where that does not answer.

    One whose XML cannot be had stands in the list with the reason. Errors: ConsoleError where there is no list.
    """
    source = access.v1 or access.v3
    if source is None:
        access.need_v1()
        return []
    found: list[PolicySettings] = []
    for row in source.policies().rows:
        if str(row.get("product", row.get("operatingSystem", "windows"))).casefold() != "windows":
            continue
        found.append(_settings(access, row))
    return sorted(found, key=lambda one: (one["name"] or "").casefold())


def _settings(access: Access, row: Row) -> PolicySettings:
    reasons: list[str] = []
    for source in (access.v1, access.v3):
        if source is None:
            continue
        try:
            return settings_of(row, source.policy_xml(row))
        except ConsoleError as error:
            reasons.append(str(error))
    return without_xml(row, " ".join(reasons), "not_read")


def events(access: Access, since: datetime.datetime | None, most: int) -> Events:
    """Events of definition updates, by the names that this console gives its kinds of events. Errors: ConsoleError.

    No kind is documented for Tetra; those of the engine for Endpoint IOCs are not its updates and are left out.
    """
    console = access.need_v1()
    kinds = {
        str(row["id"]): str(row["name"])
        for row in console.event_types().rows
        if _TETRA_EVENT.search(str(row.get("name"))) and not _OTHER_ENGINE.search(str(row.get("name"))) and "id" in row
    }
    if not kinds:
        return {
            "kinds": [],
            "rows": [],
            "sentence": "This console has no kind of event that names Tetra's definitions.",
        }
    query = [("event_type[]", number) for number in kinds]
    if since is not None:
        query.append(("start_date", written(since)))
    rows = sorted(console.events(query).rows, key=lambda row: str(row.get("date")), reverse=True)
    sentence = f"{len(rows)} events of the kinds {', '.join(kinds.values())}."
    return {"kinds": list(kinds.values()), "rows": rows[:most], "sentence": sentence}
