# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From run folders on disk to files and the values of the task."""

from __future__ import annotations

import json
import pathlib
import shutil

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import empty_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import IDS
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import build
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.build import Options, build_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.results import record_path
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


@pytest.fixture
def run(tmp_path: pathlib.Path) -> pathlib.Path:
    return factories.write_run(tmp_path / "results" / "run-1", factories.fleet_results(40))


def judged(host: str, suites: list[str]) -> factories.Document:
    """A result with real facts of a Windows 10 22H2 that offers ``suites``, and their real verdict."""
    facts = empty_facts(host, collected_at="2026-11-24T03:43:00Z")
    facts["os"] = factories.facts(host)["os"]
    names = [{"name": name, "id": IDS[name], "protocols": [771, 65277]} for name in suites]
    facts["cipher_suites"] = {"status": "ok", "reason": None, "suites": names}
    facts["local_order"].update(status="ok", reason=None, type="REG_MULTI_SZ", data=suites)
    facts["policy_order"].update(status="absent", reason="The value is not there.")
    for key in facts["schannel"]["keys"].values():
        key.update(status="absent", reason="The key is not there.")
    facts["schannel"].update(status="ok", reason=None)
    facts["fips"].update(status="ok", reason=None, enabled=False)
    return {**factories.result(host), "facts": facts, "verdict": evaluate(facts)}


def test_all_files_are_written_and_the_outcome_tells_the_counts(run: pathlib.Path) -> None:
    outcome = build_report(Options(path=[str(run)]))
    assert sorted(path.name for path in (run / "report").iterdir()) == sorted(
        name for name, _render in build.FORMATS.values()
    )
    assert outcome["files"]["html"] == str(run / "report" / "index.html")
    assert outcome["counts"] == {"compliant": 26, "non_compliant": 8, "unknown": 4, "not_applicable": 2}
    assert outcome["endpoints"] == 40
    assert outcome["hosts"] is None
    assert len(outcome["hosts_by_state"]["non_compliant"]) == 8
    assert outcome["problems"] == []


def test_only_the_wanted_formats(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    outcome = build_report(Options(path=[str(run)], formats=["csv", "csv"], output_dir=str(tmp_path / "out")))
    assert outcome["files"] == {"csv": str(tmp_path / "out" / "report.csv")}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.csv"]


def test_hosts_without_with_damaged_and_with_foreign_records_are_unknown_and_named(run: pathlib.Path) -> None:
    missing, damaged, foreign = (f"pc-{number:05d}.example.com" for number in (0, 1, 2))
    record_path(run, missing).unlink()
    record_path(run, damaged).write_text("{", encoding="utf-8")
    other = {**factories.result(foreign), "token": "of another run"}
    record_path(run, foreign).write_text(json.dumps(other), encoding="utf-8")
    (run / "hosts" / "stranger.json").write_text("{}", encoding="utf-8")
    outcome = build_report(Options(path=[str(run)]))
    assert outcome["counts"] == {"compliant": 23, "non_compliant": 8, "unknown": 7, "not_applicable": 2}
    assert {missing, damaged, foreign} <= set(outcome["hosts_by_state"]["unknown"])
    assert len(outcome["problems"]) == 3
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    for name in (record_path(run, damaged).name, record_path(run, foreign).name, "stranger.json"):
        assert any(name in problem for problem in outcome["problems"])
        assert name in page


def test_a_second_report_replaces_the_first(run: pathlib.Path) -> None:
    build_report(Options(path=[str(run)]))
    record_path(run, "pc-00000.example.com").unlink()
    assert build_report(Options(path=[str(run)]))["counts"]["unknown"] == 5
    assert len(list((run / "report").iterdir())) == len(build.FORMATS)


def test_a_folder_of_runs_is_merged_and_its_report_is_no_run(run: pathlib.Path) -> None:
    repaired = [factories.result("pc-00013.example.com", "compliant", started_at="2026-11-25T00:00:00Z")]
    factories.write_run(
        run.parent / "run-2", repaired, run_id="run-2", token="token-2", started_at="2026-11-25T00:00:00Z"
    )
    for _time in range(2):
        outcome = build_report(Options(path=[str(run.parent)]))
        assert outcome["runs"] == [str(run), str(run.parent / "run-2")]
        assert outcome["counts"]["non_compliant"] == 7
        assert outcome["files"]["html"] == str(run.parent / "report" / "index.html")


def test_where_selects_and_names_all_its_hosts(run: pathlib.Path) -> None:
    outcome = build_report(
        Options(path=[str(run)], where="verdict.state == 'non_compliant' && facts.os.build > `20000`")
    )
    assert outcome["hosts"] == [f"pc-000{number}.example.com" for number in (13, 16, 33, 36)]
    assert outcome["endpoints"] == 4


def test_a_where_that_selects_nothing_is_not_green(run: pathlib.Path) -> None:
    outcome = build_report(Options(path=[str(run)], where="host == 'typo'"))
    assert outcome["hosts"] == []
    assert outcome["sentences"]["headline"] == "No endpoint was audited."


def test_comparing_with_an_earlier_run(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    earlier = [factories.result(f"pc-{number:05d}.example.com", "compliant") for number in range(20)]
    folder = factories.write_run(tmp_path / "earlier", [*earlier, factories.result("gone")], run_id="earlier")
    outcome = build_report(Options(path=[str(run)], compare_with=[str(folder)]))
    assert outcome["comparison"] == {
        "newly_broken": 4,
        "repaired": 0,
        "newly_unknown": 2,
        "newly_known": 0,
        "changed": 1,
        "new": 20,
        "gone": 1,
        "unchanged": 13,
    }


def test_judging_again_touches_no_endpoint_and_changes_the_answer(tmp_path: pathlib.Path) -> None:
    both = judged("both", ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])
    one = judged("one", ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"])
    run = factories.write_run(tmp_path / "run", [both, one, factories.result("off", "unknown")])
    before = {path.name: path.read_bytes() for path in (run / "hosts").iterdir()}

    def states(policy: factories.Document | None) -> dict[str, str]:
        build_report(Options(path=[str(run)], formats=["json"], policy=policy))
        report = json.loads((run / "report" / "report.json").read_text(encoding="utf-8"))
        assert report["policy"] == policy
        return {result["host"]: result["state"] for result in report["results"]}

    as_run = states(None)
    assert as_run["off"] == "unknown"
    assert as_run["both"] == as_run["one"] != "non_compliant"
    assert states({"require": "all"})["one"] == "non_compliant"
    assert states({"strict": True, "allow_list": ["TLS_AES_256_GCM_SHA384"]}) == {
        "both": "non_compliant",
        "one": "non_compliant",
        "off": "unknown",
    }
    assert before == {path.name: path.read_bytes() for path in (run / "hosts").iterdir()}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"path": ["no-such-folder"]}, "There is no results folder "),
        ({"path": ["."]}, "is not a run folder and holds none"),
        ({"path": ["run", "run"]}, "output_dir"),
        ({"path": ["run"], "where": "["}, "not a JMESPath expression"),
        ({"path": ["run"], "policy": {"allow_list": ["no suite"]}}, "The option policy cannot be used: "),
        ({"path": ["run"], "compare_with": ["no-such-folder"]}, "There is no results folder "),
        ({"path": ["run"], "output_dir": "run/run.json/x"}, "cannot be written"),
        ({"path": ["damaged"]}, "damaged"),
    ],
)
def test_bad_options_are_one_sentence(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, options: factories.Document, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "run.json").write_text("[", encoding="utf-8")
    factories.write_run(tmp_path / "run", [factories.result("a")])
    if options["path"] == ["."]:
        shutil.rmtree(tmp_path / "run")
        shutil.rmtree(tmp_path / "damaged")
    with pytest.raises(ReportError, match=sentence) as caught:
        build_report(Options(**options))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_damaged_run_among_others_is_named(run: pathlib.Path) -> None:
    damaged = run.parent / "run-2"
    damaged.mkdir()
    (damaged / "run.json").write_text("{}", encoding="utf-8")
    outcome = build_report(Options(path=[str(run.parent)]))
    assert outcome["endpoints"] == 40
    assert len(outcome["problems"]) == 1
    assert str(damaged) in outcome["problems"][0]
