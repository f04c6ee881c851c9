# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""How Enable- and Disable-TlsCipherSuite turn one local list into another, with as few calls as it takes.

A name that has to move is disabled and enabled again: what Enable-TlsCipherSuite does with a name that is listed
already is documented nowhere. Names that the release cannot enable (Windows lists some of its own) are not moved where
that can be avoided.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

Names = list[str]


class Call(t.NamedTuple):
    """One run of a cmdlet: ``enable`` puts ``name`` at ``position`` (0 first); ``disable`` takes it away."""

    enable: bool
    name: str
    position: int = 0


def arrangement(before: c.Sequence[str], after: c.Sequence[str], movable: c.Container[str]) -> list[Call]:
    """The calls, in order. Names stand in each list once; ``movable``: those that the release can enable."""
    kept = _kept(before, after, movable)
    calls = [Call(False, name) for name in before if name not in kept]
    calls += [Call(True, name, position) for position, name in enumerate(after) if name not in kept]
    return calls


def states(before: c.Sequence[str], calls: c.Iterable[Call]) -> list[Names]:
    """The list before the first call, and after each one."""
    now = list(before)
    found = [list(now)]
    for call in calls:
        if call.enable:
            now.insert(call.position, call.name)
        else:
            now = [name for name in now if name != call.name]
        found.append(list(now))
    return found


def _kept(before: c.Sequence[str], after: c.Sequence[str], movable: c.Container[str]) -> set[str]:
    """The names that stay where they are: the heaviest common sequence, where what cannot be enabled weighs most."""
    place = {name: number for number, name in enumerate(after)}
    common = [name for name in before if name in place]
    best: list[tuple[int, Names]] = []
    for name in common:
        weight = 1 if name in movable else len(common) + 1
        chains = [chain for chain in best if place[chain[1][-1]] < place[name]]
        longest, names = max(chains, key=lambda chain: chain[0], default=(0, []))
        best.append((longest + weight, [*names, name]))
    return set(max(best, key=lambda chain: chain[0], default=(0, []))[1])
