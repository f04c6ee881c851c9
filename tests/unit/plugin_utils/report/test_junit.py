# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JUnit XML: strict, and in agreement with the verdicts."""

from __future__ import annotations

from xml.etree import ElementTree

import junitparser
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import RULES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import junit
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import make_report
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


def rendered(*results: factories.Document) -> ElementTree.Element:
    text = "".join(junit.render(make_report(factories.fleet_of(results))))
    return ElementTree.fromstring(text.encode("utf-8", "strict"))


def suite(result: factories.Document) -> ElementTree.Element:
    root = rendered(result)
    assert len(root) == 1
    return root[0]


def outcome(case: ElementTree.Element) -> str:
    tags = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    assert len(tags) <= 1
    return tags[0] if tags else "passed"


def outcomes(element: ElementTree.Element) -> dict[str, str]:
    return {case.attrib["name"]: outcome(case) for case in element.iter("testcase")}


def test_a_compliant_endpoint_passes_every_rule_that_it_was_tested_against() -> None:
    made = outcomes(suite(factories.result("a", "compliant")))
    assert set(made.values()) == {"passed"}
    assert made.keys() >= {"state", "TETRA-NO-SUITE", "TETRA-PROTOCOL-OFF", "TETRA-CIPHER-OFF"}
    assert "TETRA-FIPS" not in made, "an info rule is no test"
    assert "TETRA-PROBE-FAILED" not in made, "nobody asked for a probe"


def test_probe_rules_are_tests_where_a_probe_was_made() -> None:
    result = factories.result("a", "compliant")
    result["facts"]["probe"] = {"status": "ok", "reason": None, "outcome": "tls_ok"}
    assert outcomes(suite(result))["TETRA-PROBE-FAILED"] == "passed"


def test_non_compliant_is_a_failure_and_unknown_an_error() -> None:
    failing = outcomes(suite(factories.result("a", "non_compliant")))
    assert {name for name, how in failing.items() if how == "failure"} == {"state", "TETRA-NO-SUITE"}
    assert "error" not in failing.values()
    unreachable = outcomes(suite(factories.result("b", "unknown")))
    assert unreachable == {"state": "error", "TETRA-NOT-AUDITED": "error"}


def test_an_unknown_endpoint_without_a_finding_still_has_an_error_of_a_rule() -> None:
    result = factories.result("a", "unknown", error={"kind": "answer", "message": "The answer had no list."})
    result["facts"] = factories.facts("a")
    made = outcomes(suite(result))
    assert made["state"] == made["TETRA-SUITES-UNKNOWN"] == "error"


def test_not_applicable_is_skipped_with_its_reason() -> None:
    element = suite(factories.result("a", "not_applicable"))
    case = element.find("testcase[@name='state']")
    assert case is not None
    assert outcome(case) == "skipped"
    assert case[0].attrib["message"] == "Nothing to do: TETRA is switched off on this endpoint."


def test_a_finding_on_a_compliant_endpoint_is_told_and_is_no_failure() -> None:
    result = factories.result("a", "compliant")
    spelling = {"rule": "TETRA-LIST-SPELLING", "severity": "medium", "title": "Spaces", "evidence": {}, "source": "x"}
    result["verdict"]["findings"] = [spelling]
    case = suite(result).find("testcase[@name='TETRA-LIST-SPELLING']")
    assert case is not None
    assert [child.tag for child in case] == ["system-out"]
    assert case[0].text == "Spaces\nsource: x"


def test_the_evidence_stands_in_the_failure() -> None:
    case = suite(factories.result("a", "non_compliant")).find("testcase[@name='TETRA-NO-SUITE']/failure")
    assert case is not None
    assert factories.POLICY_PATH in str(case.text)
    assert "TLS_RSA_WITH_AES_128_CBC_SHA256" in str(case.text)


def test_every_name_makes_legal_xml() -> None:
    root = rendered(*(factories.result(host, "non_compliant", policy_value=host) for host in factories.AWKWARD_HOSTS))
    names = [element.attrib["name"] for element in root]
    assert len(names) == len(factories.AWKWARD_HOSTS)
    assert names[0] == "<script>alert(1)</script>"
    assert "bellnullescape[31m" in names


@given(st.text())
def test_any_text_from_an_endpoint_makes_legal_xml(text: str) -> None:
    result = factories.result(text, "non_compliant", policy_value=text)
    result["verdict"]["next_step"] = text
    assert len(rendered(result)) == 1


def test_the_counts_are_those_that_another_parser_counts() -> None:
    text = "".join(junit.render(make_report(factories.fleet_of(factories.fleet_results(60)))))
    parsed = junitparser.JUnitXml.fromstring(text.encode())
    said = (parsed.tests, parsed.failures, parsed.errors, parsed.skipped)
    suites = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in parsed]
    parsed.update_statistics()
    assert (parsed.tests, parsed.failures, parsed.errors, parsed.skipped) == said
    assert len(suites) == 60
    for element, counted in zip(parsed, suites, strict=True):
        element.update_statistics()
        assert (element.tests, element.failures, element.errors, element.skipped) == counted
    assert {case.name for one in parsed for case in one} - {"state"} <= RULES.keys()
