# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json against its schema."""

from __future__ import annotations

import json
import pathlib

import jsonschema
import pytest
from referencing import Registry, Resource

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import json_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Fleet
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import make_report
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

SCHEMAS = pathlib.Path(__file__).resolve().parents[4] / "docs" / "schemas"


def validator() -> jsonschema.Draft202012Validator:
    documents = [json.loads((SCHEMAS / f"{name}-1.json").read_text(encoding="utf-8")) for name in ("report", "verdict")]
    registry = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in documents])
    return jsonschema.Draft202012Validator(documents[0], registry=registry)


def rendered(fleet: Fleet, earlier: Fleet | None = None) -> tuple[str, factories.Document]:
    text = "".join(json_report.render(make_report(fleet, where="host", policy={"require": "all"}, earlier=earlier)))
    return text, json.loads(text)


@pytest.mark.parametrize("count", [0, 1, 60])
def test_the_document_is_valid(count: int) -> None:
    _text, document = rendered(factories.fleet_of(factories.fleet_results(count)))
    assert [f"{list(error.absolute_path)}: {error.message}" for error in validator().iter_errors(document)] == []
    assert len(document["results"]) == count


def test_a_comparison_is_valid() -> None:
    earlier = factories.fleet_of([factories.result("a"), factories.result("gone")])
    _text, document = rendered(factories.fleet_of([factories.result("a", "unknown")]), earlier)
    assert [error.message for error in validator().iter_errors(document)] == []
    assert document["comparison"]["counts"]["gone"] == 1


def test_one_line_an_endpoint() -> None:
    text, document = rendered(factories.fleet_of(factories.fleet_results(5)))
    lines = text.split('"results": [\n', 1)[1].splitlines()
    assert [json.loads(line.strip().rstrip(","))["host"] for line in lines[:5]] == [
        result["host"] for result in document["results"]
    ]


def test_a_verdict_comes_back_whole() -> None:
    result = factories.result("pc", "non_compliant")
    _text, document = rendered(factories.fleet_of([result]))
    assert document["results"][0]["verdict"] == result["verdict"]


def test_awkward_names_come_back_as_they_were() -> None:
    results = [factories.result(host) for host in factories.AWKWARD_HOSTS]
    _text, document = rendered(factories.fleet_of(results))
    assert [row["host"] for row in document["results"]] == list(factories.AWKWARD_HOSTS)
