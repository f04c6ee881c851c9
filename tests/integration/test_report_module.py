# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.report and the role tetra_report as a playbook uses them, also from an installed collection."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.summary import summarise
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = ["index.html", "junit.xml", "report.csv", "report.json", "report.sarif"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return factories.write_run(tmp_path / "run", factories.fleet_results(40))


def ansible(*arguments: str, collections: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}
    if collections is not None:
        variables |= {"ANSIBLE_COLLECTIONS_PATH": str(collections), "PYTHONPATH": ""}
    command = [str(Path(sys.executable).with_name(arguments[0])), *arguments[1:]]
    return subprocess.run(
        command, env=variables | environment, capture_output=True, text=True, timeout=300, check=False
    )


def play(tmp_path: Path, tasks: list[Any], *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "playbook.json"
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    return ansible("ansible-playbook", str(path), *arguments, **options)


def test_a_report_is_made_in_check_mode_too_and_changes_nothing(tmp_path: Path, run: Path) -> None:
    task = {
        "name": "Report",
        "fleetops.tetra.report": {"path": str(run), "where": "verdict.state == 'non_compliant'"},
        "register": "made",
    }
    shown = {"ansible.builtin.debug": {"msg": "{{ made.counts }} {{ made.hosts | length }} {{ made.changed }}"}}
    done = play(tmp_path, [task, shown], "--check", "-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    (message,) = re.findall(r'"msg": "(.*)"', done.stdout)
    assert message == "{'compliant': 0, 'non_compliant': 8, 'unknown': 0, 'not_applicable': 0} 8 False"
    assert sorted(path.name for path in (run / "report").iterdir()) == FILES


def test_the_filters_judge_the_records_of_a_run_again_as_the_guide_shows(tmp_path: Path, run: Path) -> None:
    """The playbook of the guide, as it stands there."""
    guide = (CHECKOUT / "docs" / "report.md").read_text(encoding="utf-8")
    section = guide.split("## The filters on a results folder", 1)[1]
    playbook = tmp_path / "again.yml"
    playbook.write_text(section.split("```yaml\n", 1)[1].split("```", 1)[0], encoding="utf-8")
    done = ansible("ansible-playbook", str(playbook), "-e", f"tetra_run={run}", ANSIBLE_NOCOLOR="1")
    assert done.returncode == 0, done.stdout + done.stderr
    blocks = re.findall(r"^ok: \[localhost\] => (\{.*?^\})", done.stdout, re.DOTALL | re.MULTILINE)
    shown = [json.loads(block)["msg"] for block in blocks]
    records = [json.loads(path.read_text(encoding="utf-8")) for path in (run / "hosts").glob("*.json")]
    assert shown[0] == summarise(records)["states"]
    facts = [record["facts"] for record in records if record["facts"] is not None]
    assert shown[1] == summarise(evaluate(one, {"require": "all"}) for one in facts)["states"]
    own = {"allow_list": ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]}
    failing = [one["host"] for one in facts if evaluate(one, own)["state"] == "non_compliant"]
    assert failing and shown[2] == sorted(failing)
    assert len({str(counts) for counts in shown[:2]}) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"path": "no/such/folder"}, "There is no results folder "),
        ({"path": "RUN", "where": "verdict.state ="}, "The option where is not a JMESPath expression: "),
        ({"path": "RUN", "formats": ["pdf"]}, "value of formats must be one or more of: html, json, csv, junit, sarif"),
        ({"path": "RUN", "policy": {"require": "most"}}, "value of require must be one of: any, all"),
        ({"path": "RUN", "policy": {"allow_list": []}}, "The option policy cannot be used: "),
        ({"path": "RUN", "colour": "red"}, "Unsupported parameters"),
        ({}, "missing required arguments: path"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, run: Path, options: dict[str, Any], sentence: str) -> None:
    arguments = {name: str(run) if value == "RUN" else value for name, value in options.items()}
    done = play(tmp_path, [{"fleetops.tetra.report": arguments}])
    assert done.returncode == 2
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (run / "report").exists()


def test_the_role_passes_its_variables_on(tmp_path: Path, run: Path) -> None:
    role = {"ansible.builtin.import_role": {"name": "fleetops.tetra.tetra_report"}}
    variables = {
        "tetra_report_path": [str(run)],
        "tetra_report_output_dir": str(tmp_path / "out"),
        "tetra_report_formats": ["json"],
        "tetra_report_where": "error.kind == 'unreachable'",
        "tetra_report_policy": {"require": "all"},
        "tetra_report_compare_with": [str(run)],
        "tetra_report_title": "A {{ '{{' }} title",
    }
    done = play(tmp_path, [role], "-e", json.dumps(variables))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 4 endpoints can fetch Tetra definitions" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["title"] == "A {{ title"
    assert report["policy"] == {"require": "all", "strict": False}
    assert report["comparison"]["counts"]["unchanged"] == 4
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]


def test_an_installed_collection_finds_its_assets(tmp_path: Path, run: Path) -> None:
    built = ansible("ansible-galaxy", "collection", "build", str(CHECKOUT), "--output-path", str(tmp_path / "dist"))
    assert built.returncode == 0, built.stdout + built.stderr
    (tarball,) = (tmp_path / "dist").glob("*.tar.gz")
    installed = tmp_path / "collections"
    done = ansible(
        "ansible-galaxy", "collection", "install", str(tarball), "--offline", "--force", "-p", str(installed)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = play(tmp_path, [{"fleetops.tetra.report": {"path": str(run)}}], collections=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (run / "report").iterdir()) == FILES
    assert "26 of 40 endpoints can fetch" in (run / "report" / "index.html").read_text(encoding="utf-8")
    assert (
        installed / "ansible_collections/fleetops/tetra/plugins/plugin_utils/report/assets/vendor/tabulator/LICENSE"
    ).is_file()
