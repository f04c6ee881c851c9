# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real PowerShell showed to be wrong in the product (P1-P10) and in the lab (L1-L20), each with its test.

A test of ours, or a recorded case that the lab has to answer as the engine did (test_recorded_engine). Nothing here may
point at what is not there, or at a recorded case that is excepted.
"""

from __future__ import annotations

import ast
import pathlib
import statistics

import pytest

from ansible_collections.fleetops.tetra.tests.unit.lab.recorded_engine import ask, cases, endpoint
from ansible_collections.fleetops.tetra.tests.unit.lab.test_recorded_engine import EXCEPTIONS, RECORDINGS

_CHANGES = "unit/plugin_utils/changes"
TESTS = {
    "P1 a value of unknown type or length is not absent": (
        "engine/test_never_absent.py::test_a_value_that_cannot_be_read_is_not_absent",
        "engine/test_remote_registry.py::test_a_value_that_cannot_be_read_stops_the_change",
    ),
    "P2 integers of 2^31 and more": ("engine/test_remote_registry.py::test_what_is_written_is_what_is_read_and_kept",),
    "P3 _X in a text": ("engine/test_remote_registry.py::test_what_is_written_is_what_is_read_and_kept",),
    "P4 REG_EXPAND_SZ": ("engine/test_remote_registry.py::test_what_is_written_is_what_is_read_and_kept",),
    "P5 a value named PSObject": ("engine/test_never_absent.py::test_names_that_nobody_needs_make_no_key_unreadable",),
    "P6 two spellings of one name": (
        "engine/test_never_absent.py::test_names_that_nobody_needs_make_no_key_unreadable",
    ),
    "P7 a missing log": ("engine/test_never_absent.py::test_what_a_session_hides_is_never_absent",),
    "P8 a missing drive": ("engine/test_never_absent.py::test_a_missing_drive_says_nothing_of_its_files",),
    "P9 a key that may not be deleted": (
        f"{_CHANGES}/test_remote_registry.py::test_a_key_that_may_not_be_deleted_is_told_as_a_missing_right",
    ),
    "P10 [x] and (default)": ("engine/test_never_absent.py::test_names_that_nobody_needs_make_no_key_unreadable",),
    "L1 slashed keys": (
        "unit/lab/machine/test_registry_cmdlets.py::test_a_key_with_a_slash_shows_as_child_and_is_found_by_name",
        "engine/test_never_absent.py::test_slashed_keys_are_read_without_wmi",
    ),
    "L4 a missing command": ("engine/test_never_absent.py::test_what_stands_behind_a_failed_statement_runs_unseen",),
}
RECORDED = {
    "L1 slashed keys": (
        "Get-Item -LiteralPath Registry:: AES 128/128",
        "Get-ChildItem -Path HKLM: AES 128/128",
        "Set-ItemProperty in slashed key",
        "Remove-ItemProperty in slashed key",
        "Remove-Item slashed",
        "New-Item slashed",
        "New-Item slashed -Force",
        "New-Item slashed, parent part exists",
    ),
    "L2 unsigned numbers": ("type dwhi", "type dwmax"),
    "L3 a locked file stays": ("Remove-Item locked file",),
    "L4 a missing command": ("batch: unknown command first", "batch: unknown command alone"),
    "L5 Select-Object": ("Select-Object duplicate", "Select-Object empty name", "Select-Object null"),
    "L6 names of PowerShell": ("value named 'PSObject'", "value named 'psbase'"),
    "L7 Set-Content": ("Set-Content locked file", "Set-Content on folder"),
    "L8 Select-String": ("Select-String", "Select-String locked"),
    "L9 Get-Content of a folder": ("Get-Content folder",),
    "L10 children of a denied key": ("denied: Get-ChildItem itself", "denied: Get-ChildItem parent"),
    "L11 targets of New-Item": ("New-Item exists", "New-Item two levels missing", "New-Item Directory where a file is"),
    "L12 prompts without a host": ("bind: mandatory missing",),
    "L13 checks of -Type": ("Set-ItemProperty -Type Nonsense 1", "Set-ItemProperty -Type DWord 'abc'"),
    "L14 aliases": ("bind: LP alias", "bind: PSPath alias"),
    "L15 prefixes": ("bind: prefix parameter",),
    "L16 ambiguous names": ("bind: ambiguous parameter",),
    "L17 empty lists": ("bind: empty list", "bind: list with null", "Select-Object empty list"),
    "L18 error ids": ("bind: unknown module-qualified", "bind: bad ErrorAction", "Get-Item missing provider"),
    "L20 odd paths": (
        "Get-ItemProperty -LiteralPath key 'a::b'",
        "backslash/prefix: trailing",
        "backslash/prefix: lower case",
        "Get-ItemProperty -LiteralPath key 'a//b'",
    ),
}
"""L19, the size of error records, is below."""


def _is_there(test: str) -> bool:
    file, _colons, name = test.partition("::")
    tree = ast.parse((pathlib.Path(__file__).resolve().parents[2] / file).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_every_find_has_a_test() -> None:
    assert {find.split()[0] for find in (*TESTS, *RECORDED)} | {"L19"} == {
        *(f"P{number}" for number in range(1, 11)),
        *(f"L{number}" for number in range(1, 21)),
    }
    assert [test for tests in TESTS.values() for test in tests if not _is_there(test)] == []


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of a real PowerShell lie on our machines only")
def test_every_recorded_case_is_there_and_is_held() -> None:
    held = {case.name for case in cases(RECORDINGS) if case.whole and case.name not in EXCEPTIONS}
    assert {name for names in RECORDED.values() for name in names} - held == set()


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of a real PowerShell lie on our machines only")
def test_error_records_have_the_size_of_real_ones() -> None:
    """L19: 7.5 kB in the median on the engine; the lab's had 1.5."""
    real: list[int] = []
    ours: list[int] = []
    for case in cases(RECORDINGS):
        if case.file == "get-item" and case.whole and case.name not in EXCEPTIONS:
            real += [len(text) for stream, text in case.answer if stream == "error"]
            ours += [len(text) for stream, text in ask(endpoint(case.state), case.request) if stream == "error"]
    assert len(real) == len(ours) >= 5
    print(f"error records: {statistics.median(real):.0f} bytes on the engine, {statistics.median(ours):.0f} in the lab")
    assert 0.8 <= statistics.median(ours) / statistics.median(real) <= 1.25
