# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role files of ``docs/jea`` against what the product sends: a question without an entry fails, without an engine.

Two ways: every command that the product's own functions put to machines of the fleet, with its values; and every cmdlet
and parameter that stands in the code, so that a question which no such machine is asked is noticed as well.
"""

from __future__ import annotations

import logging
import pathlib

import pytest

from ansible_collections.fleetops.tetra.lab.machine import role_capability
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import READS, WRITES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import command
from ansible_collections.fleetops.tetra.tests.engine import sendable
from ansible_collections.fleetops.tetra.tests.unit import jea_questions

READINGS = sendable.PLUGINS / "plugin_utils" / "readings"
CHANGES = sendable.PLUGINS / "plugin_utils" / "changes"
DIAGNOSIS_FILES = ("beyond_tls.py", "event_logs.py", "addresses.py")
"""Readings that only a diagnosis makes."""
ROLE_CHECK = "role_check.py"
"""Asks on purpose for what no role allows."""
NOT_OF_THE_AUDIT = {
    ("Get-WmiObject", "Class"): "PowerShell 2.0 only, which knows no JEA",
    ("Get-WmiObject", "Property"): "PowerShell 2.0 only, which knows no JEA",
    ("Get-WmiObject", "ErrorAction"): "PowerShell 2.0 only, which knows no JEA",
    ("Get-Content", "ReadCount"): "PowerShell 2.0 only, which knows no JEA",
    ("Get-Variable", "Name"): "tetra_probe, left out: the exit code of curl.exe",
    ("Get-Variable", "ValueOnly"): "tetra_probe, left out: the exit code of curl.exe",
}
"""What the readings can send and the role for the audit has no entry for, and why."""
NOT_OF_THE_REPAIR = {
    "Get-GPO": "the domain's GPO is changed from a host with the GroupPolicy module, in a session of its own",
    "Get-GPRegistryValue": "as Get-GPO",
    "Remove-GPRegistryValue": "as Get-GPO",
    "Set-GPRegistryValue": "as Get-GPO",
    "Get-WmiObject": "PowerShell 2.0 only, which knows no JEA",
    "Get-Variable": "exit codes of schtasks.exe and sfc.exe, both left out",
    "ForEach-Object": "the kind of a value; where it may not be asked, StdRegProv tells it or the change stops",
}
LEFT_OUT_PROGRAMS = {
    "schtasks.exe": "a task may hold anything",
    "cmd.exe": "runs within the task only",
    "reg.exe": "runs within the task only",
    "sfc.exe": "the connector's own control program",
    "netsh.exe": "packet captures",
    "pktmon.exe": "packet captures",
    "wevtutil.exe": "of the repair: switching logs on; the role for diagnosis reads with it",
    "ipsupporttool.exe": "everything that the connector knows",
    "powershell.exe": "is looked for and never run",
}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("ansible_collections.fleetops.tetra.lab").setLevel(logging.ERROR)


def role(name: str) -> role_capability.Role:
    return role_capability.load(role_capability.shipped(name))


@pytest.mark.parametrize("name", ["audit", "repair", "diagnose"])
def test_every_question_of_the_audit_has_an_entry(name: str) -> None:
    asked = jea_questions.of_the_audit()
    assert len(asked) > 50
    assert [told for one in asked if (told := jea_questions.refused(role(name), one))] == []


def test_every_question_of_a_diagnosis_has_an_entry() -> None:
    asked = jea_questions.of_the_diagnosis()
    assert {one.name.rpartition("\\")[2] for one in asked} >= {"curl.exe", "wevtutil.exe", "Select-String"}
    assert [told for one in asked if (told := jea_questions.refused(role("diagnose"), one))] == []


def _missing(name: str, pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs without an entry in a role."""
    found = set()
    for cmdlet, parameter in pairs:
        entry = jea_questions.entry(role(name), command(cmdlet).name)
        if entry is None or (
            entry.parameters is not None and parameter != "ErrorAction" and parameter not in entry.parameters
        ):
            found.add((cmdlet, parameter))
    return found


def _readings(diagnosis: bool) -> list[pathlib.Path]:
    left = {ROLE_CHECK} if diagnosis else {ROLE_CHECK, *DIAGNOSIS_FILES}
    return [file for file in READINGS.glob("*.py") if file.name not in left]


def test_every_reading_in_the_code_has_an_entry() -> None:
    for name, files in {"audit": _readings(False), "diagnose": _readings(True)}.items():
        pairs = sendable.parameters(files)
        assert len(pairs) > 20
        assert _missing(name, pairs) - set(NOT_OF_THE_AUDIT) == set(), name
    assert set(NOT_OF_THE_AUDIT) <= sendable.parameters(_readings(False))


def test_every_cmdlet_of_a_repair_in_the_code_has_an_entry() -> None:
    used = {cmdlet for cmdlet, _parameter in sendable.parameters(CHANGES.glob("*.py"))}
    lacking = {name for name in used if jea_questions.entry(role("repair"), command(name).name) is None}
    assert lacking - set(NOT_OF_THE_REPAIR) == set()
    assert set(NOT_OF_THE_REPAIR) <= {*READS, *WRITES}


def test_every_program_in_the_code_has_an_entry_or_a_reason() -> None:
    programs = sendable.programs([*CHANGES.glob("*.py"), *READINGS.glob("*.py")])
    assert {"curl.exe", "gpupdate.exe", "shutdown.exe", "schtasks.exe"} <= programs
    entries = {one.rpartition("\\")[2] for name in ("repair", "diagnose") for one in role(name).visible}
    assert programs - entries - set(LEFT_OUT_PROGRAMS) == set()


def test_a_question_without_an_entry_is_noticed() -> None:
    for hostile in (
        command("Get-ItemProperty", LiteralPath="Registry::HKEY_LOCAL_MACHINE\\SAM"),
        command("Get-Item", Path="C:\\"),
        command("Get-Date"),
    ):
        assert jea_questions.refused(role("audit"), hostile) is not None
    assert _missing("audit", {("Get-Item", "Stream"), ("Get-Date", "Format")}) == {
        ("Get-Item", "Stream"),
        ("Get-Date", "Format"),
    }
