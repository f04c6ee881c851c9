# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Which computers fail to update their definitions, as the console knows it, and why each is in the list.

The note's list by hand: console > Computers, filter on definitions. Here age decides beside the console's word: only
"Definitions Outdated" is an attested word, and an agent that has not called cannot say anything new.
"""

from __future__ import annotations

import csv
import datetime
import io
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.visible import visible
from ansible_collections.fleetops.tetra.plugins.module_utils.console.computers import Computer, age_hours

Standing = t.Literal["failing", "stale_connector", "unknown", "fresh"]
COLUMNS: t.Final = (
    "hostname",
    "standing",
    "why",
    "definitions_said",
    "definitions_version",
    "definitions_updated_at",
    "definitions_age_hours",
    "last_seen",
    "connector_version",
    "policy",
    "groups",
    "operating_system",
    "guid",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Judged(t.TypedDict):
    """``why``: one sentence. ``age_hours``: of the definitions."""

    computer: Computer
    standing: Standing
    why: str
    age_hours: float | None


class Limits(t.NamedTuple):
    """``age``: hours after which definitions count as old; ``silence``: days after which a connector does not count."""

    age: float = 24.0
    silence: float = 7.0


def judge(one: Computer, now: datetime.datetime, limits: Limits | None = None) -> Judged:
    """Where a computer stands. ``fresh`` only by the age of its definitions, never by a word of the console."""
    limits = limits or Limits()
    definitions = one["definitions"]
    age = age_hours(definitions["updated_at"], now)
    silent = age_hours(one["last_seen"], now)
    if silent is None or silent > limits.silence * 24:
        since = "has never called" if silent is None else f"has not called for {silent / 24:.0f} days"
        return _judged(one, "stale_connector", f"The connector {since}: what the console shows is old.", age)
    if definitions["state"] == "outdated":
        return _judged(one, "failing", f"The console says {definitions['said']!r}.", age)
    if age is not None:
        if age > limits.age:
            why = f"The definitions are {age:.0f} hours old, more than {limits.age:g}."
            return _judged(one, "failing", why, age)
        return _judged(one, "fresh", f"The definitions are {age:.0f} hours old.", age)
    if definitions["state"] == "absent":
        return _judged(one, "unknown", "The console shows no definitions for this computer.", age)
    return _judged(one, "unknown", "The console does not say when the definitions were updated.", age)


def as_csv(judged: t.Iterable[Judged]) -> str:
    """A table with a head, one line each; cells that a spreadsheet would calculate are quoted by an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in _values(one)] for one in judged)
    return text.getvalue()


def _values(judged: Judged) -> tuple[t.Any, ...]:
    one = judged["computer"]
    definitions = one["definitions"]
    age = judged["age_hours"]
    return (
        one["hostname"],
        judged["standing"],
        judged["why"],
        definitions["said"],
        definitions["version"],
        definitions["updated_at"],
        None if age is None else round(age, 1),
        one["last_seen"],
        one["connector_version"],
        one["policy"]["name"],
        " | ".join(group["name"] or group["guid"] or "" for group in one["groups"]),
        one["operating_system"],
        one["guid"],
    )


def _cell(value: t.Any) -> str:
    text = "" if value is None else visible(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _judged(one: Computer, standing: Standing, why: str, age: float | None) -> Judged:
    return {"computer": one, "standing": standing, "why": why, "age_hours": age}
