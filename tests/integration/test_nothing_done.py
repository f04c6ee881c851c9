# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""However a command line leaves out what a remediation or a rollback does: nothing done is never 0."""

from __future__ import annotations

import pytest

from ansible_collections.fleetops.tetra.tests.integration import machine_state
from ansible_collections.fleetops.tetra.tests.integration.conftest import Playbooks

WAYS = {
    "fleetops.tetra.remediation": [
        ("--skip-tags", "always"),
        ("--limit", "nowhere"),
        ("--start-at-task", "Look for the end of the run"),
        ("--start-at-task", "Report, and decide how the run ends"),
        ("--start-at-task", "Put those to take up last into a group"),
    ],
    "fleetops.tetra.rollback": [
        ("--skip-tags", "always"),
        ("--limit", "nowhere"),
        ("--start-at-task", "End with 4 where there was none"),
        ("--start-at-task", "Remember that endpoints were taken up"),
        ("--start-at-task", "Say what became of the endpoints"),
    ],
}


@pytest.mark.parametrize(("playbook", "way"), [(book, way) for book, ways in WAYS.items() for way in ways])
def test_nothing_done_is_never_0(playbooks: Playbooks, playbook: str, way: tuple[str, str]) -> None:
    before = machine_state.states_of(playbooks.fleet)
    done = playbooks.run(playbook, *way)
    assert done.returncode != 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert machine_state.states_of(playbooks.fleet) == before
