# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the modules that bring an endpoint into a wanted state, each endpoint with wishes of its own."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import yaml

from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

Task = dict[str, t.Any]


class Said(dict[str, dict[str, t.Any]]):
    """What each endpoint's task gave back, and what Ansible printed."""

    output: str = ""


class Done(t.NamedTuple):
    returncode: int
    output: str


def want(playbooks: Playbooks, module: str, wanted: t.Mapping[str, Task], *arguments: str) -> tuple[Said, Said]:
    """Runs the module on each endpoint with its own options, and again on those where something was changed."""
    results, again = playbooks.results, {"when": "first.changed"}
    names = sorted({name for options in wanted.values() for name in options})
    options = {name: f"{{{{ wanted[inventory_hostname]['{name}'] | default(omit) }}}}" for name in names}
    task = {f"fleetops.tetra.{module}": {**options, "results_dir": str(results)}}
    everything = "dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, '{}')))"
    said = f"{{{{ [{everything.format('first')}, {everything.format('second')}] | to_json }}}}"
    path = results.parent / "said.json"
    keep = {"content": said, "dest": str(path)}
    done = run_tasks(
        playbooks,
        [
            {**task, "register": "first"},
            {**task, "register": "second", **again},
            {"ansible.builtin.copy": keep, "delegate_to": "localhost", "connection": "local", "check_mode": False,
             "diff": False, "run_once": True},
        ],
        *arguments,
        wanted=dict(wanted),
        hosts=sorted(wanted),
    )  # fmt: skip
    assert done.returncode == 0, done.output
    first, second = (Said(one) for one in json.loads(path.read_text(encoding="utf-8")))
    first.output = second.output = done.output
    return first, second


def run_tasks(
    playbooks: Playbooks, tasks: list[Task], *arguments: str, hosts: list[str] | None = None, **variables: t.Any
) -> Done:
    """One play; a task that fails does not end it."""
    named = [{"ignore_errors": True, **task} for task in tasks]
    play = {"hosts": hosts or "windows", "gather_facts": False, "vars": variables, "tasks": named}
    path = playbooks.results.parent / "wanting.yml"
    path.write_text(yaml.safe_dump([play]), encoding="utf-8")
    done = playbooks.run(str(path), "--forks", "10", *arguments)
    return Done(done.returncode, done.stdout + done.stderr)


def examples(checkout: Path, module: str, results: Path) -> list[Task]:
    """The tasks of the module's documented examples, with the results folder of a test."""
    document = yaml.safe_load((checkout / "plugins" / "modules" / f"{module}.yml").read_text(encoding="utf-8"))
    name = f"fleetops.tetra.{module}"
    tasks = [task for task in yaml.safe_load(document["EXAMPLES"]) if name in task]
    assert tasks
    return [{**task, name: {**task[name], "results_dir": str(results)}, "ignore_errors": False} for task in tasks]
