# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manager reads: counts, shares, rankings, sentences."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import cause
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict import evaluate as verdict
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import html, labels, summary
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Entry, FleetBuilder, RunInfo
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


def entries(results: t.Iterable[factories.Document]) -> list[Entry]:
    run = RunInfo("/runs/1", factories.run_info([]))
    builder = FleetBuilder()
    builder.add_run(run)
    for result in results:
        builder.add(run, result)
    return builder.build().entries


def test_counts_and_shares_add_up() -> None:
    made = summary.summarize(entries(factories.fleet_results(200)))
    assert made["endpoints"] == 200
    assert {state: row["count"] for state, row in made["states"].items()} == {
        "compliant": 130,
        "non_compliant": 40,
        "unknown": 20,
        "not_applicable": 10,
    }
    assert sum(row["share"] for row in made["states"].values()) == pytest.approx(1.0)
    assert made["reachability"] == {"yes": 140, "no": 40, "unknown": 20}


def test_the_headline_says_it_in_plain_words() -> None:
    said = summary.summarize(entries(factories.fleet_results(200)))["sentences"]
    assert said["headline"] == "130 of 200 endpoints can fetch Tetra definitions, as far as TLS is concerned."
    assert said["cannot"] == "40 endpoints cannot: no cipher suite in common with the server."
    assert said["unknown"] == "20 endpoints could not be judged: could not be reached."
    assert said["next"].startswith("Start with this, it concerns 10 endpoints: Add the four suites")


def test_one_endpoint_is_singular() -> None:
    said = summary.summarize(entries([factories.result("a", "unknown")]))["sentences"]
    assert said["headline"].startswith("0 of 1 endpoint can")
    assert said["unknown"] == "1 endpoint could not be judged: could not be reached."


def test_the_owner_of_the_setting_is_ranked_by_gpo() -> None:
    results = [factories.result(f"a{n}", "non_compliant", gpo="A") for n in range(3)]
    results += [factories.result(f"b{n}", "non_compliant", gpo="B") for n in range(5)]
    owners = summary.summarize(entries(results))["owners"]
    assert [(row["label"], row["count"]) for row in owners] == [("Domain GPO: B", 5), ("Domain GPO: A", 3)]


def test_a_reason_counts_once_per_endpoint() -> None:
    made = summary.summarize(entries([factories.result("a", "non_compliant")]))
    assert [(row["code"], row["count"]) for row in made["reasons"]] == [("not_in_policy_list", 1)]
    assert [(row["rule"], row["count"]) for row in made["findings"]] == [("TETRA-NO-SUITE", 1)]


def test_strictness_is_told_apart_from_reachability() -> None:
    strict = factories.result("strict", "compliant")
    strict["verdict"]["state"] = "non_compliant"
    said = summary.summarize(entries([strict, factories.result("broken", "non_compliant")]))["sentences"]["cannot"]
    assert said == (
        "1 endpoint cannot: no cipher suite in common with the server."
        " 1 endpoint can, but offers suites outside the list, which this run's policy forbids."
    )


def test_no_endpoint_is_not_a_green_report() -> None:
    said = summary.summarize([])["sentences"]
    assert said["headline"] == "No endpoint was audited."
    assert "nothing was selected" in said["next"]


def test_an_unknown_code_is_shown_as_it_is() -> None:
    result = factories.result("a", "non_compliant")
    result["verdict"]["cause"] = {"code": "of_a_later_release", "confirm": None}
    causes = summary.summarize(entries([result]))["causes"]
    assert causes == [{"code": "of_a_later_release", "label": "Of a later release", "count": 1}]


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.99999, "99.9 %"), (0.000001, "0.1 %"), (0.5, "50 %"), (0.1234, "12.3 %")],
)
def test_a_share_never_rounds_to_all_or_nothing(share: float, words: str) -> None:
    assert html.percent(share) == words


def test_an_endpoint_that_tls_lets_through_can_fail_for_another_reason() -> None:
    result = factories.result("a", "compliant")
    result["verdict"].update(cause={"code": "proxy", "confirm": "x"}, next_step="Let the proxy pass CONNECT.")
    made = summary.summarize(entries([result, factories.result("b", "compliant")]))
    assert made["causes"] == []
    assert [(row["code"], row["count"]) for row in made["other_causes"]] == [("proxy", 1)]
    assert made["sentences"]["otherwise"] == (
        "1 endpoint can, yet its updates fail for another reason: the proxy refuses the connection."
    )
    assert made["next_steps"] == [{"step": "Let the proxy pass CONNECT.", "state": "compliant", "count": 1}]


def test_an_unknown_endpoint_that_was_read_is_unknown_for_the_reason_of_its_suites() -> None:
    result = factories.result("a", "unknown")
    result["error"] = None
    result["verdict"]["cause"] = {"code": "cipher_mismatch", "confirm": "x"}
    assert [row["code"] for row in summary.summarize(entries([result]))["unknown_because"]] == ["not_read"]


def test_every_code_that_a_verdict_can_carry_has_words() -> None:
    assert cause.CONFIRM.keys() <= labels.CAUSES.keys()
    assert set(reasons.REASON_CODES) == labels.REASONS.keys()
    assert tuple(labels.STATES) == verdict.STATES
    contract = (pathlib.Path(__file__).resolve().parents[4] / "docs" / "documents.md").read_text(encoding="utf-8")
    (kinds,) = re.findall(r"^`error\.kind`: (.*)\.$", contract, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", kinds)) == labels.ERROR_KINDS.keys()


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ({"product": "Windows 10 Enterprise", "build": 22631, "display_version": "23H2"}, "Windows 11 Enterprise 23H2"),
        ({"product": "Windows 10 Enterprise", "build": 19045, "display_version": "22H2"}, "Windows 10 Enterprise 22H2"),
        ({"product": "Windows Server 2025 Standard", "build": 26100, "kind": "server", "display_version": None},
         "Windows Server 2025 Standard"),
        ({"product": "Microsoft Windows 7 Enterprise", "build": 7601, "display_version": None}, "Windows 7 Enterprise"),
        ({"product": None, "build": None}, "Windows release not known"),
    ],
)  # fmt: skip
def test_the_name_of_the_release(system: dict[str, t.Any], name: str) -> None:
    result = factories.result("a")
    result["facts"]["os"].update({"kind": "client", **system})
    assert summary.system_name(entries([result])[0]) == name
