# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The verdicts of a fleet repeat: endpoints whose facts differ only in what is their own are judged once.

An endpoint's *own* are its names, the times of its start, of its policy files, of our change and of its last update,
and the line of the log. A verdict depends on them by how the times compare, and quotes them word for word; all the rest
of the facts, byte for byte, is the class. Its verdict is that of the first one met, with the own words of each.

Where anything is not as it should be (another type, a time that is none, a part that is missing) the endpoint is judged
by itself. So a verdict from here is the one that judging it anew would give; a property test says so.
"""

from __future__ import annotations

import copy
import itertools
import marshal
import secrets
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Verdict
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import SECTIONS

Judge = t.Callable[[t.Any, t.Any, t.Optional[t.Mapping[str, bytes]]], Verdict]  # noqa: UP045 (pylint of ansible-test)
"""Facts, policy, and what tells the sections apart (``read_facts``) → verdict, anew."""

_FORMAT = 2
"""Of marshal: the last one whose bytes depend on nothing but the value (no references)."""
_LONGEST = 65_536
"""Bytes; a longer document is judged by itself."""
_TRIED, _LEFT_ALONE = 300, 1200
"""Endpoints that are looked up in vain in a row, and then judged without a look."""
_OWN_OF_OS = ("computer_name", "domain", "machine_guid")
_QUOTED = ("value", "note")
"""The parts of an evidence that quote; nothing else is ever written anew."""
_Path = tuple[t.Any, ...]


class _Own(t.NamedTuple):
    """What is quoted, or ``None`` where it is not known."""

    changed: str | None
    policy_written: str | None
    archive_written: str | None
    updated: str | None
    line: str | None
    boot: str | None


class _Taken(t.NamedTuple):
    key: tuple[t.Any, ...]
    own: _Own
    marks: dict[str, bytes]
    """Section → its bytes without what is own; the empty name: source and policy."""


@dataclass
class _Class:
    """``spots``: which of the own words of an endpoint stands where; ``None``: not looked for yet. ``alone``: what is
    quoted cannot be told apart, so each is judged by itself."""

    verdict: Verdict
    first: _Own
    spots: tuple[tuple[int, _Path], ...] | None = None
    alone: bool = False


class Memory:
    """What a process remembers of the classes it met. ``most``: classes; the one not met for longest is forgotten."""

    def __init__(self, judge: Judge, most: int = 1024) -> None:
        self._judge = judge
        self._most = most
        self._classes: dict[tuple[t.Any, ...], _Class] = {}
        self._in_vain = 0
        """Endpoints in a row that were of no class met before."""

    def forget(self) -> None:
        self._classes.clear()
        self._in_vain = 0

    def judge(self, document: t.Any, policy: t.Any) -> Verdict:
        taken = _class_of(document, policy) if self._is_worth_it() else None
        if taken is None:
            return self._judge(document, policy, None)
        key, own, marks = taken
        found = self._classes.pop(key, None)
        self._in_vain = self._in_vain + 1 if found is None else 0
        if found is None:
            found = self._new(document, policy, own, marks)
            if len(self._classes) >= self._most:
                del self._classes[next(iter(self._classes))]
        elif found.spots is None and not found.alone:
            found.spots = _spots(found.verdict, found.first)
            found.alone = found.spots is None
        self._classes[key] = found
        if found.first is own:
            return _written_out(found.verdict, (), document["host"], own)
        if found.spots is None:
            return self._judge(document, policy, marks)
        return _written_out(found.verdict, found.spots, document["host"], own)

    def _is_worth_it(self) -> bool:
        """Not for a while where hundreds in a row were all different; then it is tried again."""
        if self._in_vain < _TRIED:
            return True
        self._in_vain = self._in_vain + 1 if self._in_vain < _TRIED + _LEFT_ALONE else 0
        return False

    def _new(self, document: t.Any, policy: t.Any, own: _Own, marks: t.Mapping[str, bytes]) -> _Class:
        if not own.line:
            return _Class(self._judge(document, policy, marks), own)
        # A line may hold any text, also one that the verdict holds as well: a mark stands in its place.
        marked = own._replace(line=f"line {secrets.token_hex(16)}")
        connector = document["connector"]
        last = {**connector["last_update"], "line": marked.line}
        verdict = self._judge({**document, "connector": {**connector, "last_update": last}}, policy, marks)
        spots = _spots(verdict, marked)
        return _Class(verdict, marked, spots, spots is None)


def _class_of(document: t.Any, policy: t.Any) -> _Taken | None:
    """``None`` where an endpoint has to be judged by itself."""
    try:
        rest = document.copy()
        if rest.pop("host").__class__ is not str or not _is_text(rest.pop("collected_at", None)):
            return None
        system = rest["os"] = rest["os"].copy()
        for name in _OWN_OF_OS:
            if not _is_text(system.pop(name, None)):
                return None
        reboot = rest["reboot"] = rest["reboot"].copy()
        boot, changed = reboot.pop("last_boot", None), reboot.pop("changed_by_us", None)
        mark = reboot.get("mark")
        if mark is not None and mark["status"] == "ok" and mark["type"] == "REG_SZ" and mark["data"].__class__ is str:
            reboot["mark"] = {**mark, "data": None}
        origin = rest["policy_origin"] = rest["policy_origin"].copy()
        local = origin["local_gpo"] = origin["local_gpo"].copy()
        archive = origin["archive"] = origin["archive"].copy()
        connector = rest["connector"] = rest["connector"].copy()
        last = connector["last_update"] = connector["last_update"].copy()
        written = local.pop("modified", None), archive.pop("modified", None)
        own = _Own(changed, *written, last.pop("time", None), last.pop("line", None), boot)
        failed = last.get("result") == "failed"
        relations = _relations(own, failed)
        if relations is None:
            return None
        get, dumps = rest.get, marshal.dumps
        marks: dict[str, bytes] = {name: dumps(get(name), _FORMAT) for name in SECTIONS}
        told = dumps((rest["schema"], get("source"), policy), _FORMAT)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # a strange shape, or a type that is not plain data
    if sum(map(len, marks.values())) > _LONGEST:
        return None
    # Of an update that did not fail nothing is quoted.
    own = own if failed else own._replace(updated=None, line=None)
    marks[""] = told
    return _Taken((relations, *marks.values()), own, marks)


def _is_text(value: t.Any) -> bool:
    return value is None or value.__class__ is str


def _relations(own: _Own, failed: bool) -> tuple[t.Any, ...] | None:
    """How the own times compare, as far as a verdict asks (``in_force``, ``cause``). ``None``: a time is none."""
    found = []
    for text in (own.boot, own.changed, own.policy_written, own.archive_written, own.updated):
        time = None if text is None else moment(text)
        if time is None and text is not None:
            return None
        found.append(time)
    boot, changed, policy_written, archive_written, updated = found
    if not _is_text(own.line):
        return None
    update = (bool(own.line), _order(updated, boot), _order(updated, changed)) if failed else None
    return (_order(changed, boot), _order(policy_written, boot), _order(archive_written, boot), update)


def _order(one: t.Any, other: t.Any) -> t.Any:
    """-1, 0, 1; where a time is missing, which one."""
    if one is None or other is None:
        return (one is None, other is None)
    return (one > other) - (one < other)


def _spots(verdict: Verdict, own: _Own) -> tuple[tuple[int, _Path], ...] | None:
    """Where a verdict quotes what is the endpoint's own; ``None`` where that cannot be told for sure."""
    marks = {r.plain(text): number for number, text in enumerate(own) if text}
    if len(marks) != sum(map(bool, own)):
        return None
    spots: list[tuple[int, _Path]] = []
    for path, text in _texts(verdict, ()):
        number = marks.get(text)
        if number is not None and path[-1] in _QUOTED:
            spots.append((number, path))
        elif any(one in text for one in marks):
            return None
    return tuple(spots)


def _texts(value: t.Any, path: _Path) -> t.Iterator[tuple[_Path, str]]:
    """Every text of the verdict but the host, which is no quotation."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if path or key != "host":
                yield from _texts(inner, (*path, key))
    elif isinstance(value, (list, tuple)):
        yield from itertools.chain.from_iterable(_texts(inner, (*path, at)) for at, inner in enumerate(value))


def _written_out(verdict: Verdict, spots: tuple[tuple[int, _Path], ...], host: str, own: _Own) -> Verdict:
    """A document of its own; what lies deeper than its lists is shared with its class and never changed."""
    found: dict[str, t.Any] = {**verdict, "host": host}
    for name, value in verdict.items():
        if type(value) in (dict, list):
            found[name] = t.cast(t.Any, value).copy()
    for number, path in spots:
        part: t.Any = found
        for key in path[:-1]:
            part[key] = part = copy.copy(part[key])
        part[path[-1]] = r.plain(own[number])
    return t.cast(Verdict, found)
