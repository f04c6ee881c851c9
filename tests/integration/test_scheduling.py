# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timers, the controller's objects and the rulebooks: read by their own tools, and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import ansible_runner
import jsonschema
import pytest
import requests
import yaml
from dateutil import rrule

from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import BY_NAME
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks
from ansible_collections.fleetops.tetra.tests.integration.test_tell import WebServer

ROOT = Path(__file__).parents[2]
AWX = ROOT / "docs" / "awx"
SYSTEMD = ROOT / "docs" / "systemd"
RULEBOOKS = ROOT / "extensions" / "eda" / "rulebooks"
OBJECTS = yaml.safe_load((AWX / "objects.yml").read_text())
TYPES = {
    "str": ["string", "number"], "path": ["string"], "bool": ["boolean"], "int": ["integer"], "float": ["number"],
    "dict": ["object"], "list": ["array"], "raw": ["string", "number", "boolean", "object", "array"],
    "json": ["object"],
}  # fmt: skip
SURVEY = {
    "type": "object",
    "required": ["name", "description", "spec"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "description": {"type": "string"},
        "spec": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["type", "question_name", "variable", "required"],
                "additionalProperties": False,
                "properties": {
                    "type": {
                        "enum": [
                            "text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float",
                        ]
                    },
                    "question_name": {"type": "string"},
                    "question_description": {"type": "string"},
                    "variable": {"type": "string", "pattern": "^[a-z_]+$"},
                    "required": {"type": "boolean"},
                    "default": {"type": ["string", "integer", "number"]},
                    "choices": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    "min": {"type": ["integer", "null"]},
                    "max": {"type": ["integer", "null"]},
                },
            },
        },
    },
}  # fmt: skip
"""What AWX' own validation of a survey asks for (awx/api/views, _validate_spec_data)."""


def schema_of(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """A JSON schema from the options of a module's documentation."""
    properties = {}
    for name, option in options.items():
        one: dict[str, t.Any] = {"type": TYPES[option.get("type", "str")]}
        if option.get("choices"):
            one["enum"] = option["choices"]
        inner = schema_of(option["suboptions"]) if option.get("suboptions") else None
        if one["type"] == ["array"]:
            one["items"] = inner or {"type": TYPES[option.get("elements", "raw")]}
        elif inner:
            one = inner
        for spelling in (name, *option.get("aliases", [])):
            properties[spelling] = one
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": [name for name, option in options.items() if option.get("required")],
    }


@pytest.mark.parametrize("module", sorted(OBJECTS))
def test_a_controllers_objects_are_valid_by_its_own_collection(module: str) -> None:
    known = json.loads((ROOT / "tests/data/awx-collection-24.6.1.json").read_text())["modules"]
    schema = schema_of(known[module])
    for entry in OBJECTS[module]:
        jsonschema.validate(entry, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**entry, "no_such_option": 1}, schema)


def test_surveys_are_as_awx_takes_them_and_ask_for_declared_variables() -> None:
    asked = [entry["survey_spec"] for kind in OBJECTS.values() for entry in kind if "survey_spec" in entry]
    assert len(asked) == 3
    for survey in asked:
        jsonschema.validate(survey, SURVEY)
        names = [question["variable"] for question in survey["spec"]]
        assert len(names) == len(set(names))
        for question in survey["spec"]:
            declared = BY_NAME[question["variable"]]
            if "choices" in question:
                assert question["default"] in question["choices"]
                assert set(question["choices"]) <= set(declared.choices)


def test_the_workflow_changes_nothing_before_it_is_approved() -> None:
    templates = {entry["name"]: entry for entry in OBJECTS["job_template"]}
    (workflow,) = OBJECTS["workflow_job_template"]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    after = {
        name: [next_one["identifier"] for kind in ("success_nodes", "failure_nodes", "always_nodes")
               for next_one in node["related"][kind]]
        for name, node in nodes.items()
    }  # fmt: skip
    assert after == {"audit": ["approve"], "approve": ["remediate"], "remediate": ["verify"], "verify": []}
    assert nodes["approve"]["unified_job_template"]["type"] == "workflow_approval"
    for name in ("audit", "remediate", "verify"):
        template = templates[nodes[name]["unified_job_template"]["name"]]
        assert template["playbook"] == f"{name}.yml"
    for template in templates.values():
        assert (AWX / "project" / template["playbook"]).is_file()
        assert all(name in BY_NAME for name in template["extra_vars"])
    for schedule in OBJECTS["schedule"]:
        assert schedule["unified_job_template"] in templates
        start, rule = schedule["rrule"].split(" ")
        assert re.fullmatch(r"DTSTART;TZID=[A-Za-z]+/[A-Za-z]+:\d{8}T\d{6}", start)
        times = rrule.rrulestr(rule, dtstart=None)
        assert times[0] < times[1]


def test_a_runner_runs_the_project_as_a_controller_does(playbooks: Playbooks, checkout: Path, tmp_path: Path) -> None:
    private = tmp_path / "private"
    shutil.copytree(AWX / "project", private / "project")
    (private / "inventory").mkdir()
    shutil.copy(playbooks.fleet.inventory, private / "inventory" / "hosts.yml")
    (template,) = [entry for entry in OBJECTS["job_template"] if entry["name"] == "Tetra: audit"]
    answers = {question["variable"]: question["default"] for question in template["survey_spec"]["spec"]}
    given = {
        **template["extra_vars"], **answers, "tetra_results_dir": str(tmp_path / "results"), "tetra_run_id": "job-1",
        "tetra_timeout": 60, "awx_job_id": 1, "tower_job_id": 1, "awx_job_launch_type": "scheduled",
    }  # fmt: skip
    for number, (fail_on, status) in enumerate((("none", "successful"), ("non_compliant", "failed")), 1):
        run = ansible_runner.run(
            private_data_dir=str(private), playbook=template["playbook"], quiet=True, ident=f"job-{number}",
            extravars={**given, "tetra_fail_on": fail_on, "tetra_run_id": f"job-{number}"},
            envvars={**os.environ, "JOB_ID": str(number), "ANSIBLE_LOCALHOST_WARNING": "False"},
        )  # fmt: skip
        assert run.status == status, run.stdout.read()
        assert json.loads((tmp_path / "results" / f"job-{number}" / "run.json").read_text())["hosts"]
        assert (tmp_path / "results" / f"job-{number}" / "report" / "index.html").is_file()
        assert list(run.events)[-1]["event"] == "playbook_on_stats"


@pytest.mark.needs("systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in [*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")]:
        text = unit.read_text().replace("/usr/local/lib/tetra/", f"{SYSTEMD}/")
        (tmp_path / unit.name).write_text(text.replace("User=tetra", "User=root").replace("Group=tetra", "Group=root"))
    for unit in sorted(tmp_path.glob("*.*")):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert unit.name not in done.stderr, done.stderr
        for calendar in re.findall(r"OnCalendar=(.*)", unit.read_text()):
            done = subprocess.run(
                ["systemd-analyze", "calendar", calendar], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    broken = tmp_path / "tetra-broken.service"
    broken.write_text((tmp_path / "tetra-servers.service").read_text().replace("ExecStart=", "ExecStrat="))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(broken)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 or "ExecStrat" in done.stderr


def test_the_nightly_script_audits_keeps_and_tells(playbooks: Playbooks, tmp_path: Path) -> None:
    variables = tmp_path / "variables.yml"
    variables.write_text(
        f"tetra_fail_on: non_compliant\ntetra_timeout: 60\ntetra_tell_tickets: {tmp_path}/tickets\n"
        f"tetra_tell_metrics: {tmp_path}/tetra.prom\n"
    )
    state = tmp_path / "state"
    state.mkdir()
    environment = {
        **os.environ, "TETRA_INVENTORY": str(playbooks.fleet.inventory), "TETRA_VARIABLES": str(variables),
        "TETRA_STATE": str(state), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        [str(SYSTEMD / "tetra-nightly")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "was not added" not in done.stderr and "were not told" not in done.stderr, done.stdout
    assert (state / "history.sqlite").exists() and (state / "history.html").exists()
    assert json.loads((tmp_path / "tickets" / "tickets.json").read_text())["tickets"]
    assert "tetra_changed_endpoints" in (tmp_path / "tetra.prom").read_text()


def servers(folder: Path, **variables: t.Any) -> subprocess.CompletedProcess[str]:
    given = {
        "tetra_results_dir": str(folder / "results"),
        **{f"tetra_{name}": value for name, value in variables.items()},
    }
    (folder / "servers.json").write_text(json.dumps(given))
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "fleetops.tetra.servers",
        "-e", f"@{folder}/servers.json",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_a_server_that_drifts_raises_an_alarm(tmp_path: Path) -> None:
    web = WebServer(None)
    hooks = [{"url": f"http://127.0.0.1:{web.port}/hook", "secret": "0123456789abcdef"}]
    try:
        with TlsServer(ALLOW_LIST) as well:
            done = servers(tmp_path, servers=[f"127.0.0.1:{well.port}"], tell_webhooks=hooks)
            assert done.returncode == 0, done.stdout + done.stderr
        assert web.got == []
        with TlsServer(ALLOW_LIST[1:]) as other:
            gone = socket.create_server(("127.0.0.1", 0))
            port = gone.getsockname()[1]
            gone.close()
            metrics = tmp_path / "servers.prom"
            done = servers(
                tmp_path, servers=[f"127.0.0.1:{other.port}", f"127.0.0.1:{port}"], tell_webhooks=hooks,
                servers_metrics=str(metrics),
            )  # fmt: skip
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        seen = json.loads((tmp_path / "results" / "servers.json").read_text())
        assert [one["answer"] for one in seen["servers"]] == ["drift", "unknown"]
        assert seen["servers"][0]["missing"] == [ALLOW_LIST[0]]
        assert seen["answer"] == "drift"
        assert json.loads(web.got[0][1])["answer"] == "drift"
        assert f'tetra_server_drift{{answer="drift",server="127.0.0.1:{other.port}"}} 1.0' in metrics.read_text()
    finally:
        web.close()


def test_rulebooks_are_valid_by_the_rulebooks_own_schema() -> None:
    import ansible_rulebook

    schema = json.loads((Path(ansible_rulebook.__file__).parent / "schema" / "ruleset_schema.json").read_text())
    for path in sorted(RULEBOOKS.glob("*.yml")):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    names = {entry["name"] for kind in ("job_template", "workflow_job_template") for entry in OBJECTS[kind]}
    text = (RULEBOOKS / "tetra_controller.yml").read_text()
    for action in ("run_workflow_template", "run_job_template"):
        (name,) = re.findall(rf"{action}:\n\s+name: \"?([^\"\n]+)", text)
        assert name in names


@pytest.mark.needs("java")
def test_a_rulebook_acts_on_what_is_told_and_on_nothing_unsigned(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    secret = "0123456789abcdef0123"
    (tmp_path / "acted.yml").write_text(
        "- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n"
        f"    - ansible.builtin.copy:\n        content: acted\n        dest: {tmp_path}/acted\n        mode: '0600'\n"
    )
    (tmp_path / "hosts.yml").write_text(
        f"all:\n  hosts:\n    localhost:\n      ansible_python_interpreter: {sys.executable}\n"
    )
    (tmp_path / "variables.yml").write_text(
        f"tetra_webhook_port: {port}\ntetra_webhook_secret: '{secret}'\n"
        f"tetra_on_drift: {tmp_path}/acted.yml\ntetra_on_relapse: {tmp_path}/never.yml\n"
    )
    with (tmp_path / "rulebook.log").open("w") as log:
        waiting = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "ansible-rulebook"), "--rulebook", str(RULEBOOKS / "tetra.yml"),
                "--inventory", str(tmp_path / "hosts.yml"), "--vars", str(tmp_path / "variables.yml"),
            ],
            cwd=tmp_path, stdout=log, stderr=log,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}/endpoint"
        refused = None
        ends = time.monotonic() + 120
        while refused is None:
            assert waiting.poll() is None and time.monotonic() < ends, (tmp_path / "rulebook.log").read_text()
            try:
                body = {"schema": "fleetops.tetra/servers/1", "answer": "drift", "sentences": []}
                refused = requests.post(address, json=body, timeout=30, proxies={"http": ""}).status_code
            except requests.ConnectionError:
                time.sleep(0.5)
        assert refused in (400, 401, 403)
        hooks = [{"url": address, "secret": secret}]
        with TlsServer(ALLOW_LIST[1:]) as other:
            done = servers(tmp_path, servers=[f"127.0.0.1:{other.port}"], tell_webhooks=hooks)
        assert "cannot" not in done.stderr, done.stdout + done.stderr
        while not (tmp_path / "acted").exists():
            assert waiting.poll() is None and time.monotonic() < ends, (tmp_path / "rulebook.log").read_text()
            time.sleep(0.5)
    finally:
        waiting.terminate()
        waiting.wait(60)
