# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts gathered by modules and judged by the filter make the records of the bulk way; saved facts are judged anew."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

AGAIN = """
- name: Judge again
  hosts: all
  gather_facts: false
  tasks:
    - name: Begin the run
      fleetops.tetra.run_begin:
        results_dir: "{{ tetra_results_dir }}"
        run_id: again
        hosts: "{{ ansible_play_hosts_all }}"
      delegate_to: localhost
      run_once: true
      register: tetra_run
    - name: Judge what was saved
      ansible.builtin.import_role:
        name: fleetops.tetra.tetra_judge
      vars:
        tetra_judge_from: "{{ tetra_results_dir }}/run"
        tetra_judge_run: "{{ tetra_run.run }}"
        tetra_judge_policy: {require: all}
"""


def records(folder: Path) -> dict[str, dict[str, t.Any]]:
    found = {}
    for path in (folder / "hosts").glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        found[record["host"]] = record
    return found


def timeless(record: dict[str, t.Any]) -> dict[str, t.Any]:
    """A record without its run, and without when it was made, which is another each time."""
    plain = json.loads(json.dumps(record))
    del plain["token"]
    plain["timing"] = {"pipelines": plain["timing"]["pipelines"]}
    if plain["facts"] is not None:
        del plain["facts"]["collected_at"]
    return t.cast("dict[str, t.Any]", plain)


def play_of(readme: Path, playbooks: Playbooks) -> Path:
    (example,) = re.findall(r"```yml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    play = playbooks.results.parent / "gather_and_judge.yml"
    play.write_text(
        example.replace("hosts: windows", "hosts: all").replace(
            "results_dir: results", "results_dir: '{{ tetra_results_dir }}'"
        ),
        encoding="utf-8",
    )
    return play


@pytest.mark.parametrize("policy", [None, {"require": "all", "strict": True}])
def test_records_are_those_of_the_bulk_way(
    playbooks: Playbooks, checkout: Path, policy: dict[str, t.Any] | None
) -> None:
    play = play_of(checkout / "roles" / "tetra_judge" / "README.md", playbooks)
    given = ["-e", json.dumps({"tetra_policy": policy, "tetra_judge_policy": policy})] if policy else []
    bulk = playbooks.run("fleetops.tetra.compliance", *given)
    assert bulk.returncode == 0, bulk.stdout + bulk.stderr
    done = playbooks.run(str(play), *given, run_id="roles", tetra_gather_timeout=20)
    assert done.returncode == 0, done.stdout + done.stderr
    one, other = records(playbooks.results / "run"), records(playbooks.results / "roles")
    assert set(one) == set(other) == set(playbooks.hosts())
    for host, record in one.items():
        assert timeless(other[host]) == timeless(record), host
    states = {record["verdict"]["state"] for record in other.values()}
    assert {"non_compliant", "unknown", "not_applicable"} <= states
    assert (playbooks.results / "roles" / "report" / "index.html").is_file()


def test_saved_facts_are_judged_again_without_an_endpoint(playbooks: Playbooks) -> None:
    assert playbooks.run().returncode == 0
    asked = sum(one["pipelines"] for one in playbooks.fleet.counters.values())
    play = playbooks.results.parent / "again.yml"
    play.write_text(AGAIN, encoding="utf-8")
    done = playbooks.run(str(play))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(one["pipelines"] for one in playbooks.fleet.counters.values()) == asked
    before, after = records(playbooks.results / "run"), records(playbooks.results / "again")
    assert set(before) == set(after)
    for host, record in after.items():
        assert record["facts"] == before[host]["facts"]
        if record["facts"] is None:
            assert (record["error"], record["verdict"]["state"]) == (before[host]["error"], "unknown")
        else:
            assert record["verdict"] == json.loads(json.dumps(evaluate(record["facts"], {"require": "all"}))), host


def test_facts_of_another_host_are_not_filed(playbooks: Playbooks) -> None:
    assert playbooks.run().returncode == 0
    play = playbooks.results.parent / "foreign.yml"
    tasks = """
    - fleetops.tetra.record_info: {run: "{{ tetra_results_dir }}/run"}
      register: saved
    - fleetops.tetra.record:
        run: "{{ tetra_results_dir }}/run"
        facts: "{{ hostvars['healthy'].saved.facts }}"
        verdict: "{{ hostvars['healthy'].saved.verdict }}"
"""
    play.write_text(f"- hosts: healthy,failing\n  gather_facts: false\n  tasks:{tasks}", encoding="utf-8")
    kept = records(playbooks.results / "run")["failing"]
    done = playbooks.run(str(play))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "facts is about 'healthy', and would be filed under 'failing'" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout
    assert records(playbooks.results / "run")["failing"] == kept
