# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``lab compare``: holds the verdicts of a run against what the fleet file expects.

What ``expect`` of an endpoint may name:

| key | compared with |
|---|---|
| ``state`` | ``verdict.state`` |
| ``reachability`` | ``verdict.reachability.answer`` |
| ``usable`` | ``verdict.reachability.usable`` (the same suites, in any order) |
| ``strictness`` | ``verdict.strictness.answer`` |
| ``cause`` | ``verdict.cause.code``, ``null`` for none |
| ``in_force`` | ``verdict.in_force`` |
| ``origin`` | ``verdict.policy_origin.origin`` |
| ``gpo`` | ``verdict.policy_origin.gpo.name`` |
| ``findings`` | rules that must be among ``verdict.findings`` |
| ``error`` | ``error.kind`` |

A list stands for "one of these", except for ``usable`` and ``findings``.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab import fleet as fleets
from ansible_collections.fleetops.tetra.lab import outcomes
from ansible_collections.fleetops.tetra.lab.errors import FleetError

EXPECTATIONS = (
    "state",
    "reachability",
    "usable",
    "strictness",
    "cause",
    "in_force",
    "origin",
    "gpo",
    "findings",
    "error",
)
_MISSING = "no record"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as expected; ``key`` is empty where there is no record at all."""

    endpoint: str
    key: str
    expected: t.Any
    found: t.Any

    def __str__(self) -> str:
        if not self.key:
            return f"{self.endpoint}: {self.found}"
        return f"{self.endpoint}: {self.key} should be {_shown(self.expected)}, but is {_shown(self.found)}"


def check_expectation(name: str, expect: t.Mapping[str, t.Any]) -> None:
    """Raises FleetError for an expectation that cannot be compared."""
    unknown = [key for key in expect if key not in EXPECTATIONS]
    if unknown:
        raise FleetError(f"endpoint {name!r}: expect: unknown key {unknown[0]!r}; use {', '.join(EXPECTATIONS)}.")


def differences(name: str, expect: t.Mapping[str, t.Any], record: t.Mapping[str, t.Any] | None) -> list[Difference]:
    """What differs for one endpoint; ``record`` is a ``fleetops.tetra/result/1`` or ``None``."""
    check_expectation(name, expect)
    if record is None:
        return [Difference(name, "", None, _MISSING)]
    found = found_in(record)
    return [
        Difference(name, key, wanted, found[key])
        for key, wanted in expect.items()
        if not _agrees(key, wanted, found[key])
    ]


def found_in(record: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What can be compared of a record ``fleetops.tetra/result/1``, by the names of EXPECTATIONS."""
    verdict = _mapping(record.get("verdict"))
    origin = _mapping(verdict.get("policy_origin"))
    reachability = _mapping(verdict.get("reachability"))
    findings = verdict.get("findings")
    return {
        "state": verdict.get("state"),
        "reachability": reachability.get("answer"),
        "usable": reachability.get("usable"),
        "strictness": _mapping(verdict.get("strictness")).get("answer"),
        "cause": _mapping(verdict.get("cause")).get("code"),
        "in_force": verdict.get("in_force"),
        "origin": origin.get("origin"),
        "gpo": _mapping(origin.get("gpo")).get("name"),
        "findings": [one.get("rule") for one in findings] if isinstance(findings, list) else None,
        "error": _mapping(record.get("error")).get("kind"),
    }


def _mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _agrees(key: str, wanted: t.Any, found: t.Any) -> bool:
    if key == "usable":
        return isinstance(found, list) and sorted(wanted) == sorted(found)
    if key == "findings":
        return isinstance(found, list) and set(wanted) <= set(found)
    return found in wanted if isinstance(wanted, list) else bool(found == wanted)


def _shown(value: t.Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "nothing"
    return "nothing" if value is None else str(value)


def records(folder: pathlib.Path) -> dict[str, dict[str, t.Any]]:
    """The records of a run folder by host. Raises FleetError where there are none to read."""
    hosts = folder / "hosts"
    if not hosts.is_dir():
        runs = sorted(child for child in folder.glob("*/hosts") if child.is_dir())
        if len(runs) != 1:
            raise FleetError(f"{folder} is no run folder: it has no folder hosts.")
        hosts = runs[0]
    found: dict[str, dict[str, t.Any]] = {}
    for path in sorted(hosts.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FleetError(f"The record {path} cannot be read: {error}.") from None
        if isinstance(record, dict) and isinstance(record.get("host"), str):
            found[record["host"]] = record
    return found


def main(arguments: t.Sequence[str]) -> int:
    """Prints the comparison. 0: all as expected, 1: differences or missing records, 2: wrong use or wrong files."""
    parser = argparse.ArgumentParser(prog="lab compare", description="Compare a run's verdicts with the fleet file.")
    parser.add_argument("--fleet", required=True, type=pathlib.Path, help="fleet file (YAML)")
    parser.add_argument(
        "--results",
        required=True,
        type=pathlib.Path,
        help="run folder (it holds run.json and hosts/), or the folder of a remediation",
    )
    parser.add_argument("--all", action="store_true", help="list every endpoint, not only those that differ")
    options = parser.parse_args(arguments)
    try:
        definitions = list(fleets.load(options.fleet))
        remediated = (options.results / outcomes.SUMMARY).is_file()
        found = records(options.results / "before" if remediated else options.results)
        rows = [(one, differences(one.name, one.expect, found.get(one.name))) for one in definitions]
        ends = outcomes.load(options.results) if remediated else {}
        wrong_ends = [outcomes.differences(one, ends.get(one.name)) for one in definitions] if remediated else []
    except FleetError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 2
    judged = sum(1 for _one, wrong in rows if not wrong)
    _print_table(rows, found)
    if options.all:
        for definition, wrong in rows:
            print(f"{'ok   ' if not wrong else 'DIFF '} {definition.name:<40} {definition.expect.get('state', '')}")
    for _definition, wrong in rows:
        for difference in wrong:
            print(f"  {difference}")
    print(f"{judged} of {len(rows)} endpoints judged as the fleet file expects")
    if remediated:
        _print_ends(wrong_ends)
    return 0 if judged == len(rows) and not any(wrong_ends) else 1


def _print_ends(wrong: t.Sequence[list[str]]) -> None:
    for sentence in (sentence for sentences in wrong for sentence in sentences):
        print(f"  {sentence}")
    print(f"{sum(not one for one in wrong)} of {len(wrong)} endpoints ended as the fleet file expects")


def _print_table(
    rows: list[tuple[fleets.EndpointDefinition, list[Difference]]], found: t.Mapping[str, t.Mapping[str, t.Any]]
) -> None:
    """Expected states against found ones, by count."""
    states = (*fleets.STATES, _MISSING)
    counts = {(wanted, got): 0 for wanted in fleets.STATES for got in states}
    for definition, _wrong in rows:
        record = found.get(definition.name)
        got = _MISSING if record is None else str(found_in(record)["state"])
        pair = (str(definition.expect.get("state")), got)
        counts[pair] = counts.get(pair, 0) + 1
    width = max(len(state) for state in states) + 2
    print("expected".ljust(width) + "".join(state.rjust(width) for state in states))
    for wanted in fleets.STATES:
        cells = "".join(str(counts[wanted, got] or "-").rjust(width) for got in states)
        print(wanted.ljust(width) + cells)
