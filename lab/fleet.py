# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files: which endpoints there are, how they are reached, what an expert says about each."""

from __future__ import annotations

import pathlib
import typing as t
from dataclasses import dataclass, field

import yaml

from ansible_collections.fleetops.tetra.lab import checks
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.transport import Transport

SCHEMA = "fleetops.tetra/fleet/1"
MAX_ENDPOINTS = 5000
_FLEET_KEYS = ("schema", "describe", "endpoints")
_OURS = ("describe", "transport", "expect", "after", "inventory", "repeat")
STATES = ("compliant", "non_compliant", "unknown", "not_applicable")


@dataclass(frozen=True)
class EndpointDefinition:
    """One endpoint of a fleet file."""

    name: str
    describe: str
    transport: Transport
    expect: dict[str, t.Any]
    """The verdict that an expert gives; see the comparison."""
    after: dict[str, t.Any]
    """What a remediation makes of it; see the comparison of outcomes."""
    inventory: dict[str, t.Any]
    """Inventory variables to add or override; null removes one."""
    machine: dict[str, t.Any]
    """Everything else: the simulated Windows reads it."""


@dataclass(frozen=True)
class Fleet:
    describe: str
    endpoints: tuple[EndpointDefinition, ...] = field(default=())

    def __iter__(self) -> t.Iterator[EndpointDefinition]:
        return iter(self.endpoints)


def load(path: str | pathlib.Path) -> Fleet:
    """Reads a fleet file. Raises FleetError with one sentence that says where and what."""
    file = pathlib.Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as problem:
        raise FleetError(f"The fleet file {file} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise FleetError(f"The fleet file {file} is not UTF-8 text.") from None
    try:
        document = yaml.load(text, Loader=_Loader)
    except _DuplicateKey as problem:
        raise FleetError(f"{file}: {problem}") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise FleetError(f"{file}{line} is not valid YAML: {getattr(problem, 'problem', None) or problem}.") from None
    return from_mapping(document, str(file))


def from_mapping(document: t.Any, where: str = "The fleet") -> Fleet:
    """The fleet of a document already read."""
    given = checks.as_mapping(document, where)
    checks.known_keys(given, _FLEET_KEYS, where)
    if given.get("schema") != SCHEMA:
        raise FleetError(f"{where} must say schema: {SCHEMA}, but says {given.get('schema')!r}.")
    endpoints = checks.as_mapping(given.get("endpoints"), f"{where}: endpoints")
    if not endpoints:
        raise FleetError(f"{where} has no endpoints.")
    definitions: list[EndpointDefinition] = []
    for name, mapping in endpoints.items():
        definitions.extend(_definitions(name, mapping, where))
        if len(definitions) > MAX_ENDPOINTS:
            raise FleetError(f"{where} has more than {MAX_ENDPOINTS} endpoints.")
    seen: set[str] = set()
    for definition in definitions:
        if definition.name in seen:
            raise FleetError(f"{where} has the endpoint {definition.name!r} twice (repeat makes numbered names).")
        seen.add(definition.name)
    describe = given.get("describe", "")
    return Fleet(
        describe=checks.as_text(describe, f"{where}: describe") if describe else "", endpoints=tuple(definitions)
    )


def _definitions(name: str, mapping: t.Any, where: str) -> t.Iterator[EndpointDefinition]:
    here = f"{where}: endpoint {name!r}"
    if not name.strip():
        raise FleetError(f"{where} has an endpoint without a name.")
    given = checks.as_mapping(mapping, here)
    repeat = given.get("repeat", 1)
    if isinstance(repeat, bool) or not isinstance(repeat, int) or not 1 <= repeat <= MAX_ENDPOINTS:
        raise FleetError(f"{here}: repeat must be a number from 1 to {MAX_ENDPOINTS}, but is {repeat!r}.")
    describe = given.get("describe", "")
    expect = checks.as_mapping(given.get("expect", {}), f"{here}: expect")
    if "state" in expect:
        checks.one_of(expect["state"], STATES, f"{here}: expect: state")
    definition: dict[str, t.Any] = {
        "describe": checks.as_text(describe, f"{here}: describe") if describe else "",
        "transport": Transport.from_mapping(given.get("transport"), f"{here}: transport"),
        "expect": expect,
        "after": checks.as_mapping(given.get("after", {}), f"{here}: after"),
        "inventory": checks.as_mapping(given.get("inventory", {}), f"{here}: inventory"),
        "machine": {key: value for key, value in given.items() if key not in _OURS},
    }
    names = [name] if "repeat" not in given else [f"{name}-{number:04}" for number in range(1, repeat + 1)]
    for one in names:
        yield EndpointDefinition(name=one, **definition)


class _DuplicateKey(Exception):
    """A key that stands twice in one mapping; YAML would quietly keep the last."""


class _Loader(yaml.SafeLoader):
    """The safe loader, but a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[t.Any, t.Any]:
        seen = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, t.Hashable):
                if key in seen:
                    raise _DuplicateKey(
                        f"the key {key!r} stands twice in one mapping, again in line {key_node.start_mark.line + 1}."
                    )
                seen.add(key)
        return super().construct_mapping(node, deep=deep)
