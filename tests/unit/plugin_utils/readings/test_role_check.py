# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight finds out about a session configuration (the real engine: tests/engine/test_jea_attacks.py)."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import role_capability
from ansible_collections.fleetops.tetra.lab.machine.endpoint import Endpoint
from ansible_collections.fleetops.tetra.lab.pipeline import Caller
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import role_check
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.details import Shell
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import ask_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.survey import Survey, questions
from ansible_collections.fleetops.tetra.tests.unit import jea_questions
from ansible_collections.fleetops.tetra.tests.unit.lab.test_asking_variants import Direct


def look(session: dict[str, t.Any], release: str = "10_22h2") -> tuple[list[str], list[str]]:
    lab = Endpoint.from_mapping("pc", {"release": release, "sessions": {"site": session}})
    asker = Direct(lab, Caller("lab", "site"))
    table = asker.version_table()
    shell = Shell(table.get("PSVersion"), table.get("PSEdition"))
    survey = Survey.read(ask_all(asker, questions()))
    return role_check.lacking(asker, survey, shell), role_check.beyond_the_roles(asker, survey)


@pytest.mark.parametrize("role", ["audit", "diagnose", "repair"])
@pytest.mark.parametrize("release", ["10_22h2", "8.1_2012r2"])
def test_the_shipped_roles_lack_nothing_and_allow_no_more(role: str, release: str) -> None:
    assert look({"jea": True, "role": role}, release) == ([], [])


def test_what_is_taken_out_of_a_role_is_named() -> None:
    visible = role_capability.load(role_capability.shipped("audit")).visible
    for name in ("Get-Content", "Get-CimInstance", "Get-TlsEccCurve", "Select-String"):
        fewer = [one for one in visible if not one.endswith(name)]
        assert look({"jea": True, "visible": fewer}) == ([name], [])


def test_a_session_without_limits_is_told() -> None:
    assert look({}) == ([], ["Get-Date"])


@pytest.mark.parametrize(
    ("name", "of_a_site"),
    [
        ("Microsoft.PowerShell", False),
        ("http://schemas.microsoft.com/powershell/Microsoft.PowerShell32", False),
        ("PowerShell.7.6", False),
        (None, False),
        ("fleetops.tetra.audit", True),
        ("Microsoft.PowerShell.Tetra", True),
    ],
)
def test_whose_configuration_it_is(name: str | None, of_a_site: bool) -> None:
    assert role_check.is_of_a_site(name) is of_a_site


def test_every_command_of_the_audit_is_tried() -> None:
    """A cmdlet that the audit begins to send is tried by preflight as well."""
    asked = {one.name.rpartition("\\")[2] for one in jea_questions.of_the_audit()}
    survey = Survey.read(ask_all(Direct(Endpoint.from_mapping("pc", {"release": "10_22h2"}), _DEFAULT), questions()))
    assert {question.name for question in role_check.questions(survey, Shell("5.1", "Desktop"))} == asked


_DEFAULT = Caller("lab", "Microsoft.PowerShell")
