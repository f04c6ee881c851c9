# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Rings: which endpoints are taken up one after another, and what lets the next ring begin.

A list of mappings, in order::

    - {name: canaries, hosts: [pc1, pc2], soak: 1800, promote: proven}
    - {name: pilot, share: 10%, promote: 95%, max_unavailable: 50}
    - {name: rest, hosts: rest}

``hosts`` are names (a play makes them from a group, a pattern or an expression), or ``rest``; ``tag`` takes the
endpoints whose variable ``tetra_ring`` holds it; ``count`` and ``share`` take so many of those that no ring names, in
order. Every endpoint is in exactly one ring.
"""

from __future__ import annotations

import collections.abc as c
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some

REST: t.Final = "rest"
BUDGET: t.Final = "budget"
"""The next ring begins unless the failure budget stops the run."""
PROVEN: t.Final = "proven"
"""The next ring begins only where every endpoint of this one that was taken up ended well."""
APPROVED: t.Final = "approved"
"""The next ring begins once somebody approves it."""
_KEYS = ("name", "hosts", "tag", "count", "share", "soak", "promote", "max_unavailable")
_WAYS = ("hosts", "tag", "count", "share")
_NAMED = 5


class RingError(ValueError):
    """Rings cannot be meant as they are written; the message is one sentence."""


@dataclass(frozen=True)
class Ring:
    name: str
    hosts: tuple[str, ...]
    window: int
    """So many endpoints are under way at once."""
    soak: float = 0.0
    """Seconds between the last end of this ring and the next ring."""
    promote: str = BUDGET
    """``budget``, ``proven``, ``approved``, or a share such as ``95%``."""

    def promotes(self, good: int, bad: int) -> bool:
        """Whether the next ring may begin without anybody's hand. ``good`` and ``bad`` are ends of endpoints."""
        if self.promote == PROVEN:
            return bad == 0
        if self.promote == APPROVED:
            return False
        if self.promote == BUDGET:
            return True
        return good * 100 >= int(self.promote[:-1]) * (good + bad)


def parse_window(value: object, endpoints: int, what: str = "max_unavailable") -> int:
    """A number of endpoints from 1, or a share of ``endpoints`` (at least one). Raises RingError."""
    match = None if isinstance(value, bool) else re.fullmatch(r"0*([1-9]\d{0,8})(%?)", str(value).strip())
    if match is None or (match[2] and int(match[1]) > 100):
        raise RingError(f"{what} is {value!r}; it is a number of endpoints from 1 or a share from 1% to 100%.")
    if match[2] and endpoints == 0:
        raise RingError(f"{what} is {value}, but there is no endpoint of which that would be a share.")
    return max(1, endpoints * int(match[1]) // 100) if match[2] else int(match[1])


def rings_of_waves(waves: object, hosts: c.Sequence[str], window: int | None = None) -> tuple[Ring, ...]:
    """Waves as rings: the last wave does not repeat, it is the window of all that are left. Raises RingError."""
    sizes = [
        parse_window(one, len(hosts), "The wave") for one in (waves if isinstance(waves, list) else [waves]) if hosts
    ]
    rings, begun = [], 0
    for number, size in enumerate(sizes, 1):
        last = number == len(sizes)
        part = tuple(hosts[begun:] if last else hosts[begun : begun + size])
        begun += len(part)
        if part:
            rings.append(Ring(f"wave {number}", part, min(size, window or size)))
    return tuple(rings)


def parse_rings(
    value: object, hosts: c.Sequence[str], window: object, tags: c.Mapping[str, str] | None = None
) -> tuple[Ring, ...]:
    """``hosts``: all that are to be taken up, in order. Raises RingError.

    A ring whose endpoints have nothing to be done is empty and left out; one that names an endpoint that is not in
    the run is wrong only where ``known`` says so, which ``check_rings`` does before anything is asked.
    """
    return tuple(ring for ring in _shared_out(value, hosts, window, tags or {}, hosts) if ring.hosts)


def check_rings(value: object, hosts: c.Sequence[str], window: object, tags: c.Mapping[str, str]) -> None:
    """Before anything is asked: ``hosts`` are all endpoints of the run. Raises RingError also for a ring that names an
    endpoint that is none of them, and for one that no endpoint is in."""
    for ring in _shared_out(value, hosts, window, tags, None):
        if not ring.hosts:
            raise RingError(f"No endpoint is in the ring {ring.name}.")


def _shared_out(
    value: object,
    hosts: c.Sequence[str],
    window: object,
    tags: c.Mapping[str, str],
    among: c.Sequence[str] | None,
) -> list[Ring]:
    rows = _rows(value)
    taken: dict[str, str] = {}
    named: list[list[str]] = []
    for row in rows:
        found = _named(row, hosts, tags, among)
        for host in found:
            if host in taken:
                raise RingError(f"The endpoint {host} is in two rings, {taken[host]} and {row['name']}.")
            taken[host] = str(row["name"])
        named.append(found)
    rings = []
    for row, found in zip(rows, named, strict=True):
        left = [host for host in hosts if host not in taken]
        if row.get("hosts") == REST:
            found = left
        elif "count" in row or "share" in row:
            key = "count" if "count" in row else "share"
            found = left[: parse_window(row[key], len(hosts), f"{key} of the ring {row['name']}")]
        taken.update(dict.fromkeys(found, str(row["name"])))
        limit = row.get("max_unavailable", window)
        size = parse_window(limit, len(hosts) or 1, f"max_unavailable of the ring {row['name']}")
        rings.append(
            Ring(str(row["name"]), tuple(found), size, float(row.get("soak", 0)), str(row.get("promote", BUDGET)))
        )
    missed = [host for host in hosts if host not in taken]
    if missed:
        raise RingError(f"No ring holds {some(missed, _NAMED)}: let the last ring have hosts: rest.")
    return rings


def _named(
    row: c.Mapping[str, t.Any], hosts: c.Sequence[str], tags: c.Mapping[str, str], among: c.Sequence[str] | None
) -> list[str]:
    if "tag" in row:
        return [host for host in hosts if tags.get(host) == row["tag"]]
    if not isinstance(row.get("hosts"), list):
        return []
    found = [str(host) for host in row["hosts"]]
    twice = sorted({host for host in found if found.count(host) > 1})
    if twice:
        raise RingError(f"The ring {row['name']} names {some(twice, _NAMED)} twice.")
    known = set(hosts)
    unknown = [host for host in found if host not in known]
    if unknown and among is None:
        raise RingError(f"The ring {row['name']} names {some(unknown, _NAMED)}, which this run does not have.")
    return [host for host in found if host in known]


def _rows(value: object) -> list[dict[str, t.Any]]:
    if not isinstance(value, list) or not value:
        raise RingError("Rings are written as a list such as [{name: canaries, count: 5}, {name: all, hosts: rest}].")
    names: set[str] = set()
    for row in value:
        if not isinstance(row, dict) or not row.get("name"):
            raise RingError(f"The ring {row!r} has no name.")
        name = str(row["name"])
        if name in names:
            raise RingError(f"Two rings have the name {name}.")
        names.add(name)
        unknown = sorted(str(key) for key in row if key not in _KEYS)
        if unknown:
            raise RingError(f"The ring {name} has {some(unknown, _NAMED)}, which is none of {', '.join(_KEYS)}.")
        if sum(way in row for way in _WAYS) != 1:
            raise RingError(f"The ring {name} needs exactly one of {', '.join(_WAYS)}.")
        if "hosts" in row and row["hosts"] != REST and not isinstance(row["hosts"], list):
            raise RingError(f"hosts of the ring {name} is neither a list of names nor rest.")
        _check_numbers(name, row)
    return value


def _check_numbers(name: str, row: c.Mapping[str, t.Any]) -> None:
    soak = str(row.get("soak", 0))
    if isinstance(row.get("soak"), bool) or not re.fullmatch(r"\d{1,7}", soak):
        raise RingError(f"soak of the ring {name} is {soak}; it is a number of seconds from 0.")
    promote = str(row.get("promote", BUDGET))
    share = re.fullmatch(r"(\d{1,3})%", promote)
    if promote not in (BUDGET, PROVEN, APPROVED) and not (share and int(share[1]) <= 100):
        raise RingError(f"promote of the ring {name} is {promote}; it is budget, proven, approved or a share as 95%.")
