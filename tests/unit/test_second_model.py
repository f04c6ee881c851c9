# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product before the second model (``tests/second_model``) and before the lab: what an expert says, one record.

The second model shares nothing with lab and product, so a belief of theirs that is wrong has to be written down twice
more, by page, to pass here. The product's unmodified conversation asks it, over PSRP.
"""

from __future__ import annotations

import ast
import functools
import pathlib
import re
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine.build import build
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import Facts
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import collect
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.gather import gather
from ansible_collections.fleetops.tetra.tests.second_model import answers
from ansible_collections.fleetops.tetra.tests.unit.lab_session import InProcess

FOLDER = pathlib.Path(answers.__file__).parent
ROWS = answers.table()["endpoints"]
MODELS = answers.all_endpoints()
_RELEASES = {
    "7": "7_2008r2", "8.1": "8.1_2012r2", "1607": "10_1607_2016", "1809": "10_1809_2019", "21H2": "10_21h2",
    "22H2": "10_22h2", "2022": "2022", "11_21H2": "11_21h2", "11_23H2": "11_23h2", "24H2": "11_24h2_2025",
}  # fmt: skip
"""The second model's releases → the lab's."""


def test_the_rule_of_the_folder() -> None:
    """Nothing of the lab and nothing of the product, on the first lines of each file and in what it imports."""
    for file in FOLDER.glob("*"):
        if file.is_file():
            assert "RULE" in "".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[:8]), file
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1
                names = [str(node.module)]
            assert not any("fleetops" in name or "lab" in name.split(".") for name in names), file


def test_there_are_at_least_sixty_and_each_names_its_source() -> None:
    assert len(ROWS) >= 60
    assert all(row["source"] and row["expect"]["state"] for row in ROWS.values())
    assert {row["expect"]["state"] for row in ROWS.values()} == {
        "compliant", "non_compliant", "unknown", "not_applicable",
    }  # fmt: skip


@functools.cache
def asked(name: str) -> Facts:
    model = MODELS[name]
    found = gather(t.cast(t.Any, model.connection()), "pc", 60)
    assert found.error is None and found.facts is not None, found.error
    assert model.not_modelled == []
    return found.facts


@pytest.mark.parametrize("name", ROWS)
def test_the_product_says_what_an_expert_says(name: str) -> None:
    expect, facts = ROWS[name]["expect"], asked(name)
    verdict = evaluate(facts)
    assert verdict["state"] == expect["state"]
    by_state = {"compliant": "yes", "non_compliant": "no"}.get(expect["state"])
    assert verdict["reachability"]["answer"] == expect.get("reachability", by_state)
    if "usable" in expect:
        assert sorted(verdict["reachability"]["usable"]) == sorted(expect["usable"])
    if "cause" in expect:
        assert verdict["cause"] is not None and verdict["cause"]["code"] == expect["cause"]
    if "in_force" in expect:
        assert verdict["in_force"] == expect["in_force"]
    for path, value in expect.get("facts", {}).items():
        assert functools.reduce(lambda found, part: found[part], path.split("."), t.cast(t.Any, facts)) == value


DIFFERENCES: dict[str, tuple[dict[str, str], str]] = {
    "policy-spaces": (
        {"policy_spaces": "unresolved"},
        "Recordings show configured names verbatim and unresolved ones with the id 0; the lab trims by default.",
    ),
}
"""Where lab and second model differ and neither is wrong: the lab's variant that is the other's, and why."""


def of_the_lab(name: str) -> dict[str, t.Any]:
    """A row in the lab's words. Only words are translated."""
    row = ROWS[name]
    release = answers.table()["releases"][row["release"]]
    suffixed = bool(release.get("suffixed"))
    about: dict[str, t.Any] = {
        "release": _RELEASES[row["release"]], "kind": row.get("kind", release["kind"]), "ubr": release["ubr"],
        "computer_name": "SECOND", "machine_guid": "00000000-0000-4000-8000-00000000beef", "utc_offset_minutes": 0,
        "local": row.get("local", release["list"]), "signatures": row.get("signatures", release["signatures"]),
        "fips": row.get("fips", False), "schannel": row.get("schannel", {}), "denied": row.get("denied", []),
    }  # fmt: skip
    registry: dict[str, t.Any] = {}
    for key, values in row.get("registry", {}).items():
        registry[str(key)] = {name: pair[1] for name, pair in values.items()}
    if "policy" in row:
        kind = row.get("policy_type", "SZ")
        about["policy"] = row["policy"] if kind == "SZ" else {"type": f"REG_{kind}", "data": row["policy"]}
    curves = {"policy": row["policy_curves"]} if "policy_curves" in row else {}
    about["curves"] = curves if suffixed else {"local": row.get("local_curves", release["curves"]), **curves}
    about["registry"] = registry
    given = row.get("connector", {})
    if given == "absent":
        about["connector"] = "absent"
    else:
        about["connector"] = {"version": given.get("version", "7.5.3.20938")}
        if "tetra" in given:
            about["connector"]["tetra"] = given["tetra"]
        if "server" in given:
            about["connector"]["update_server"] = given["server"]
    about["behaviours"] = DIFFERENCES.get(name, ({}, ""))[0]
    if row["release"] == "7":
        about["powershell"] = "5.1"
    return about


_OF_THE_MOMENT = re.compile(
    r"^psrp\.|collected_at|last_boot|\.modified$|connector\.(definitions|last_update|log)|^timing|^probe"
)
"""Times, and the log of a connector that has updated itself, which the second model leaves out."""


def flat(value: t.Any, path: str = "") -> t.Iterator[tuple[str, t.Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from flat(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from flat(item, f"{path}[{number}]")
    elif not _OF_THE_MOMENT.search(path):
        yield path, value


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if "shown" not in row])
def test_lab_and_second_model_lead_to_the_same_record(name: str) -> None:
    """Rows that say what the cmdlet shows are states that the lab reaches only by a restart, and are left out."""
    facts = asked(name)
    played = collect(InProcess("pc", build("pc", of_the_lab(name))), "pc", facts["collected_at"])
    left, right = dict(flat(facts)), dict(flat(played))
    different = {key: (left.get(key), right.get(key)) for key in left | right if left.get(key) != right.get(key)}
    assert not different
    assert judged(facts) == judged(played)


def judged(facts: Facts) -> dict[str, t.Any]:
    verdict: t.Any = evaluate(facts)
    return {key: verdict[key] for key in ("state", "reachability", "strictness", "suites", "in_force")}
