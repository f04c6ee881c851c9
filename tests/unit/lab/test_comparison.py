# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``lab compare``: what agrees, what differs, what is missing, and what is wrong with the files."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.comparison import differences, main

FLEET = """
schema: fleetops.tetra/fleet/1
endpoints:
  good: {release: 10_22h2, expect: {state: compliant, reachability: "yes", usable: [A, B], cause: null}}
  bad: {release: 10_22h2, expect: {state: non_compliant, cause: cipher_mismatch, origin: domain_gpo, gpo: X}}
"""


def record(host: str, state: str, **more: t.Any) -> dict[str, t.Any]:
    verdict = {
        "state": state,
        "reachability": {"answer": more.get("reachability"), "usable": more.get("usable", [])},
        "cause": {"code": more["cause"], "confirm": ""} if more.get("cause") else None,
        "policy_origin": {"origin": more.get("origin"), "gpo": {"name": more.get("gpo")}},
        "findings": [{"rule": rule} for rule in more.get("findings", [])],
    }
    return {"host": host, "verdict": verdict, "error": more.get("error")}


GOOD = record("good", "compliant", reachability="yes", usable=["B", "A"])
BAD = record("bad", "non_compliant", cause="cipher_mismatch", origin="domain_gpo", gpo="X")


@pytest.fixture
def run(tmp_path: pathlib.Path) -> t.Callable[..., list[str]]:
    (tmp_path / "fleet.yml").write_text(FLEET)

    def made(*records: dict[str, t.Any]) -> list[str]:
        hosts = tmp_path / "run" / "hosts"
        hosts.mkdir(parents=True)
        for number, one in enumerate(records):
            (hosts / f"{number}.json").write_text(json.dumps(one))
        return ["--fleet", str(tmp_path / "fleet.yml"), "--results", str(tmp_path / "run")]

    return made


def test_all_as_expected(run: t.Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run(GOOD, BAD)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 2 endpoints judged as the fleet file expects"


def test_a_difference_and_a_missing_record(run: t.Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run(record("good", "unknown", reachability="unknown"))) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  good: state should be compliant, but is unknown" in lines
    assert "  good: usable should be A, B, but is nothing" in lines
    assert "  bad: no record" in lines
    assert lines[-1] == "0 of 2 endpoints judged as the fleet file expects"


def test_lists_mean_one_of_these_but_findings_all_of_them() -> None:
    found = record("x", "unknown", findings=["A", "B"], error={"kind": "timeout"})
    assert differences("x", {"error": ["unreachable", "timeout"], "findings": ["B"]}, found) == []
    wrong = differences("x", {"error": ["tls"], "findings": ["B", "C"]}, found)
    assert [difference.key for difference in wrong] == ["error", "findings"]


def test_a_record_without_a_verdict_differs() -> None:
    wrong = differences("x", {"state": "compliant"}, {"host": "x", "verdict": None})
    assert str(wrong[0]) == "x: state should be compliant, but is nothing"


def test_wrong_files_are_one_sentence(
    tmp_path: pathlib.Path, run: t.Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = run()
    (tmp_path / "run" / "hosts" / "x.json").write_text("{")
    assert main(arguments) == 2
    (tmp_path / "run" / "hosts" / "x.json").unlink()
    (tmp_path / "run" / "hosts").rmdir()
    assert main(arguments) == 2
    text = FLEET.replace("cause: null", "couse: null")
    (tmp_path / "fleet.yml").write_text(text)
    (tmp_path / "run" / "hosts").mkdir()
    assert main(arguments) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert "'couse'" in errors[2]
