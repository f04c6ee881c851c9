# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the product sends, as it sends it, and whether a role capability of ``docs/jea`` lets it through.

The questions are those of the product's own functions, put to machines of the mixed fleet.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.machine.role_capability import Entry, Role
from ansible_collections.fleetops.tetra.lab.pipeline import Caller
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, Command, Statement
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import diagnose_task
from ansible_collections.fleetops.tetra.tests.unit.lab.test_asking_variants import ENDPOINTS, MIXED, Direct

WHEN = "2026-11-24T03:43:00Z"
ENGINES = ("5.1", "7.6")
ARGUMENTS = {
    "request_seconds": 20,
    "site": None,
    "hosts": [],
    "addresses": [],
    "issuers": [],
    "capture": False,
    "capture_megabytes": 16,
    "support_bundle": False,
    "end_after_minutes": 10,
}


class Recording(Direct):
    def __init__(self, endpoint: Endpoint, caller: Caller) -> None:
        super().__init__(endpoint, caller)
        self.asked: list[Statement] = []

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        self.asked += statements
        return super().ask(statements)


def _machines() -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for name in ENDPOINTS:
        definition = MIXED[name]
        if "sessions" not in definition.machine and "powershell" not in definition.machine:
            yield name, definition.machine


def _asked(work: t.Callable[[Recording, str], object]) -> list[Command]:
    """Every command once, by its text."""
    found: dict[str, Command] = {}
    for name, machine in _machines():
        for version in ENGINES:
            endpoint = Endpoint.from_mapping(name, {**machine, "sessions": {"Engine": {"powershell": version}}})
            asker = Recording(endpoint, Caller("lab", "Engine"))
            work(asker, name)
            found.update({repr(one): one for statement in asker.asked for one in statement})
    return list(found.values())


@functools.cache
def of_the_audit() -> list[Command]:
    return _asked(lambda asker, name: collect(asker, name, WHEN, None))


@functools.cache
def of_the_diagnosis() -> list[Command]:
    """Without what it switches on: in check mode."""
    return _asked(lambda asker, name: diagnose_task.gather_evidence(asker, name, ARGUMENTS, lambda _s: False, True))


def refused(role: Role, one: Command) -> str | None:
    """Why a role does not let a command through, or None. What the script of a function checks is not known here."""
    found = entry(role, one.name)
    if found is None:
        return f"{one.name}: no entry"
    if found.parameters is None:
        return None
    limits = {name.lower(): limit for name, limit in found.parameters.items()}
    for name, value in one.parameters:
        if name is None or name.lower() == "erroraction":
            continue
        limit = limits.get(name.lower())
        if limit is None:
            return f"{one.name} -{name}: no such parameter in the entry"
        if isinstance(value, dict):
            continue
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item is not None and not limit.accepts(str(item)):
                return f"{one.name} -{name} {item}: refused"
    return None


def entry(role: Role, name: str) -> Entry | None:
    """What answers to a command of this name."""
    for visible, about in role.visible.items():
        if visible.lower() == name.lower():
            return about
        if about.kind == "plain" and visible.lower() == name.rpartition("\\")[2].lower():
            return about
    return None
