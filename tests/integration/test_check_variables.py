# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that nothing reads ends a run before an endpoint is asked or a folder is made."""

from __future__ import annotations

import pytest

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
