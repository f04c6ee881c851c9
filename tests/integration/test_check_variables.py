# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that nothing reads ends a run before an endpoint is asked or a folder is made."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import ROLES
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks


@pytest.mark.parametrize("book", ["compliance", "remediation", "rollback", "preflight"])
def test_a_typo_ends_the_run_before_anything_is_asked(playbooks: Playbooks, book: str) -> None:
    asked = sum(one["pipelines"] for one in playbooks.fleet.counters.values())
    done = playbooks.run(f"fleetops.tetra.{book}", tetra_max_failurs=0)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "tetra_max_failurs (did you mean tetra_max_failures?)" in " ".join(done.stdout.split())
    assert not playbooks.results.exists()
    assert sum(one["pipelines"] for one in playbooks.fleet.counters.values()) == asked


def test_a_name_of_the_site_is_let_through(playbooks: Playbooks) -> None:
    done = playbooks.run(tetra_site_owner="ops", tetra_own_variables="tetra_site_*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (playbooks.results / "run" / "gate.json").exists()


@pytest.mark.parametrize("where", ["host", "group"])
def test_a_typo_of_any_host_is_found_wherever_it_stands(playbooks: Playbooks, where: str) -> None:
    """The variables of the first host alone would not tell."""
    hosts = playbooks.hosts()
    last = max(hosts)
    inventory = playbooks.write_inventory(hosts)
    folder = inventory.parent / ("host_vars" if where == "host" else "group_vars")
    folder.mkdir()
    if where == "group":
        document = {"all": {"hosts": hosts, "children": {"berlin": {"hosts": {last: {}}}}}}
        inventory.write_text(yaml.safe_dump(document), encoding="utf-8")
    name = last if where == "host" else "berlin"
    (folder / f"{name}.yml").write_text("tetra_timout: 3\n", encoding="utf-8")
    asked = sum(one["pipelines"] for one in playbooks.fleet.counters.values())
    done = playbooks.run(inventory=inventory)
    assert done.returncode == 4, done.stdout + done.stderr
    assert f"tetra_timout (of {last}, did you mean tetra_timeout?)" in " ".join(done.stdout.split())
    assert not playbooks.results.exists()
    assert sum(one["pipelines"] for one in playbooks.fleet.counters.values()) == asked


@pytest.mark.parametrize("role", ROLES)
def test_a_role_used_alone_checks_too(playbooks: Playbooks, role: str) -> None:
    needed = {"tetra_report": "        tetra_report_path: [nowhere]\n"}.get(role, "        {}\n")
    play = playbooks.results.parent / "alone.yml"
    play.write_text(
        f"- hosts: all\n  gather_facts: false\n  roles:\n    - role: fleetops.tetra.{role}\n      vars:\n{needed}",
        encoding="utf-8",
    )
    asked = sum(one["pipelines"] for one in playbooks.fleet.counters.values())
    done = playbooks.run(str(play), tetra_audit_timout=3)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "tetra_audit_timout (did you mean tetra_audit_timeout?)" in " ".join(done.stdout.split())
    assert sum(one["pipelines"] for one in playbooks.fleet.counters.values()) == asked
