# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SARIF 2.1.0, checked against its JSON Schema."""

from __future__ import annotations

import json
import pathlib
import typing as t

import jsonschema
import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import RULES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import sarif
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import make_report
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

SCHEMA = pathlib.Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft4Validator:
    return jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def rendered(results: t.Iterable[factories.Document], problems: t.Sequence[str] = ()) -> factories.Document:
    fleet = factories.fleet_of(results)
    fleet.problems.extend(problems)
    document = json.loads("".join(sarif.render(make_report(fleet))))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([], id="empty"),
        pytest.param(list(factories.fleet_results(60)), id="mixed"),
        pytest.param([factories.result(host, "non_compliant") for host in factories.AWKWARD_HOSTS], id="awkward"),
    ],
)
def test_the_document_is_valid(validator: jsonschema.Draft4Validator, results: list[factories.Document]) -> None:
    document = rendered(results, ["hosts/x.json was written by another run."])
    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_whole_catalogue_is_described() -> None:
    rules = rendered([])["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)


def test_results_are_for_non_compliant_and_unknown_endpoints_only() -> None:
    run = rendered(factories.fleet_results(20))["runs"][0]
    by_state: dict[str, set[str]] = {}
    for result in run["results"]:
        by_state.setdefault(result["properties"]["state"], set()).add(result["properties"]["host"])
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert {state: len(hosts) for state, hosts in by_state.items()} == {"non_compliant": 4, "unknown": 2}


def test_an_unreachable_endpoint_is_an_error_with_its_reason() -> None:
    (result,) = rendered([factories.result("pc", "unknown")])["runs"][0]["results"]
    assert result["ruleId"] == "TETRA-NOT-AUDITED"
    assert result["level"] == "error"
    assert "connection refused" in result["message"]["text"]


def test_a_result_points_to_the_record_of_its_endpoint() -> None:
    run = rendered([factories.result("a/b", "non_compliant")])["runs"][0]
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"].startswith("hosts/a_b~")
    assert run["originalUriBaseIds"][location["uriBaseId"]]["uri"] == "file:///results/run-1/"


def test_fingerprints_tell_results_apart_and_stay_the_same() -> None:
    def prints() -> list[str]:
        results = rendered(factories.fleet_results(60))["runs"][0]["results"]
        return [result["partialFingerprints"]["endpointRulePath/v1"] for result in results]

    assert prints() == prints()
    assert len(set(prints())) == len(prints())


def test_problems_with_the_results_are_notifications() -> None:
    (invocation,) = rendered([], ["hosts/x.json is damaged."])["runs"][0]["invocations"]
    assert [one["message"]["text"] for one in invocation["toolExecutionNotifications"]] == ["hosts/x.json is damaged."]
