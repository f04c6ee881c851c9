# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal takes, refuses in one sentence, and tells at the end."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.lab import cli
from ansible_collections.fleetops.tetra.lab.errors import FleetError
from ansible_collections.fleetops.tetra.lab.rehearsal import command, saved_results, summary
from ansible_collections.fleetops.tetra.lab.rehearsal.endpoint import Rehearsed
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate, unknown_verdict
from ansible_collections.fleetops.tetra.tests.unit import endpoint_facts

TOKEN = "0123456789abcdef"


def record(host: str, facts: dict[str, t.Any] | None, token: str = TOKEN, error: str | None = None) -> dict[str, t.Any]:
    verdict = unknown_verdict(host, "unreachable", "Not reached.") if facts is None else evaluate(facts)
    timing = {"started_at": "2026-11-24T03:43:00Z", "seconds": 0.1, "pipelines": 2}
    found = None if error is None else {"kind": "unreachable", "message": error}
    return {"schema": "fleetops.tetra/result/1", "token": token, "host": host, "facts": facts, "verdict": verdict,
            "timing": timing, "error": found}  # fmt: skip


def run_folder(folder: Path, records: t.Sequence[t.Any], hosts: t.Sequence[str], **more: t.Any) -> Path:
    (folder / "hosts").mkdir(parents=True)
    info = {"schema": "fleetops.tetra/run/1", "token": TOKEN, "hosts": list(hosts), "policy": {}, **more}
    (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
    for number, one in enumerate(records):
        text = one if isinstance(one, str) else json.dumps(one)
        (folder / "hosts" / f"{number}.json").write_text(text, encoding="utf-8")
    return folder


def sound(host: str, policy: str | None = None) -> dict[str, t.Any]:
    facts = endpoint_facts.endpoint(policy=policy)
    facts["host"] = host
    return facts


def test_every_host_of_the_run_is_taken_or_named(tmp_path: Path) -> None:
    records = [
        record("good", sound("good")),
        record("off", None, error="It refuses the connection."),
        record("foreign", sound("foreign"), token="another token"),
        "{ this is no record",
    ]
    folder = run_folder(tmp_path / "run", records, ["good", "off", "foreign", "missing"])
    saved = saved_results.read(folder)
    assert [one["host"] for one in saved.records] == ["good"]
    assert saved.left_out == {
        "3.json": "The record is damaged.",
        "foreign": "Its record belongs to another run.",
        "off": "It could not be asked: It refuses the connection.",
        "missing": "It has no record: it was not audited.",
    }


def test_the_folder_of_a_remediation_gives_the_run_before(tmp_path: Path) -> None:
    run_folder(tmp_path / "tonight", [], ["good"])  # a remediation leaves these too, without records
    run_folder(tmp_path / "tonight" / "before", [record("good", sound("good"))], ["good"])
    assert saved_results.read(tmp_path / "tonight").folder == tmp_path / "tonight" / "before"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["rehearse", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("lab: ") and said.err.count("\n") == 1
    return said.err


def test_bad_input_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", str(tmp_path / "out"))
    assert "does not exist" in refused(capsys, "--results", str(tmp_path / "nowhere"), *out)
    results = tmp_path / "results"
    run = run_folder(results / "monday", [record("off", None, error="Gone.")], ["off"])
    assert f"did you mean {run}?" in refused(capsys, "--results", str(results), *out)
    assert "no run folder" in refused(capsys, "--results", str(run / "hosts"), *out)
    assert "No endpoint" in refused(capsys, "--results", str(run), *out)
    damaged = run_folder(tmp_path / "damaged", [], [], schema="something else")
    assert "damaged" in refused(capsys, "--results", str(damaged), *out)
    facts = sound("old")
    facts["os"]["build"] = 3790
    strange = run_folder(tmp_path / "strange", [record("old", facts)], ["old"])
    assert "release 3790 is not known" in refused(capsys, "--results", str(strange), *out)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_folder(tmp_path / "run", [record("good", sound("good"))], ["good"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert "something else" in refused(capsys, "--results", str(run), "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    said = refused(capsys, "--results", str(run), "--out", str(tmp_path / "new"), "--gpo-host", "dc1")
    assert "GPOs of exactly one domain" in said


def remediation(folder: Path, waves: t.Sequence[dict[str, bool]]) -> Path:
    """The folder of a remediation: for each wave its endpoints and whether each was restarted."""
    for name in ("journal", "waves", "cures"):
        (folder / name).mkdir(parents=True)
    hosts = {}
    for number, wave in enumerate(waves, start=1):
        ended = {host: {"event": "proven", "detail": "Done.", "changed": True, "blocked": []} for host in wave}
        hosts |= ended
        (folder / "waves" / f"{number:03}.json").write_text(json.dumps({"hosts": ended}), encoding="utf-8")
        for host, restarted in wave.items():
            lines = [{"host": host, "event": event} for event in (["rebooting"] if restarted else []) + ["proven"]]
            text = "".join(json.dumps(line) + "\n" for line in lines) + '{"cut sho'
            (folder / "journal" / f"{host}.jsonl").write_text(text, encoding="utf-8")
    (folder / "remediation.json").write_text(json.dumps({"hosts": hosts}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("forks", "limit", "minutes"),
    [(5, 0, 4 + 4 * 3), (50, 0, 4 + 4), (50, 2, 4 + 4 * 6), (1, 0, 4 + 4 * 11)],
)
def test_the_estimate_counts_restarts_by_wave(tmp_path: Path, forks: int, limit: int, minutes: int) -> None:
    second = {f"host{number}": True for number in range(11)} | {"no-restart": False}
    folder = remediation(tmp_path, [{"first": True}, second])
    names = ["first", *second]
    document = summary.summarise(folder, [Rehearsed(name, {}) for name in names], {}, summary.Pace(4, forks, limit))
    assert document["restarts"] == 12
    assert [wave["restarts"] for wave in document["waves"]] == [1, 11]
    assert document["estimate"]["minutes"] == minutes
    assert any(f"about {minutes} minutes" in line for line in summary.sentences(document))


@pytest.mark.parametrize(
    ("arguments", "forks", "reboots"),
    [
        ("-f 20 -e tetra_max_reboots=3", 20, 3),
        ("-f7", 7, 0),
        ('--forks=9 -e {"tetra_max_reboots":12}', 9, 12),
        ("--forks 11 -e @{file}", 11, 4),
    ],
)
def test_the_pace_is_that_of_the_options_of_the_run(tmp_path: Path, arguments: str, forks: int, reboots: int) -> None:
    file = tmp_path / "variables.yml"
    file.write_text("tetra_waves: [5]\ntetra_max_reboots: 4\n", encoding="utf-8")
    given = [word.replace("{file}", str(file)) for word in arguments.split(" ")]
    assert command.pace_of(given, 5) == summary.Pace(5, forks, reboots)


def test_the_summary_names_what_is_not_certain(tmp_path: Path) -> None:
    folder = remediation(tmp_path, [{"a": True}])
    made = [Rehearsed("a", {}, unread=["FIPS mode: denied (Access is denied)."]), Rehearsed("b", {})]
    document = summary.summarise(
        folder, made, {"a": ["state: saved unknown, simulated compliant."]}, summary.Pace(5, 5)
    )
    document["left_out"] = {"c": "It has no record: it was not audited."}
    text = "\n".join(summary.sentences(document))
    for part in (
        "c: It has no record",
        "a: FIPS mode: denied",
        "a: state: saved unknown, simulated compliant.",
        "1 of 2 simulated endpoints get the saved verdict.",
        "Left out by the options of the run: 1.",
    ):
        assert part in text


def test_a_folder_without_a_summary_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"remediation\.json cannot be read"):
        summary.summarise(tmp_path, [], {}, summary.Pace(5, 5))
