# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module documents, what its action takes and what the guides' tables say is what is declared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import ALL, BY_NAME, NO_DEFAULT

ROOT = Path(__file__).resolve().parents[4]
MODULES = sorted(
    path.stem for path in (ROOT / "plugins" / "modules").glob("*.yml") if hasattr(options, path.stem.upper())
)
OF_MODULE = {
    "audit": "compliance", "bulk_audit": "compliance", "cure": "remediation", "remediation_begin": "remediation",
    "remediation_plan": "remediation", "remediation_report": "remediation", "rollback": "rollback",
    "diagnose": "diagnose", "observe": "observe", "preflight": "preflight", "run_begin": "compliance",
    "console_info": "console", "history": "history",
}  # fmt: skip
"""The playbook that hands its variables to the module."""
SAME = ("type", "choices", "required", "elements", "default")


@cache
def documented() -> dict[str, Any]:
    command = [str(Path(sys.executable).parent / "ansible-doc"), "-j", *(f"fleetops.tetra.{name}" for name in MODULES)]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {name.rpartition(".")[2]: entry["doc"]["options"] for name, entry in shown.items()}


def compared(told: dict[str, Any], taken: dict[str, Any], where: str) -> None:
    assert set(told) == set(taken), where
    for name, spec in taken.items():
        for what in SAME:
            one = told[name].get(what, False if what == "required" else None)
            other = spec.get(what, False if what == "required" else None)
            if what == "type":
                one, other = one or "str", other or "str"
            assert one == other, f"{where} {name} {what}: documented {one!r}, taken {other!r}"
        compared(told[name].get("suboptions", {}), spec.get("options", {}), f"{where} {name}")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_documents_what_its_action_takes(module: str) -> None:
    compared(documented()[module], getattr(options, module.upper()), module)


@pytest.mark.parametrize("module", sorted(set(OF_MODULE) & set(MODULES)))
def test_an_option_that_a_playbook_hands_over_has_the_declared_default(module: str) -> None:
    book = OF_MODULE[module]
    for name, spec in getattr(options, module.upper()).items():
        variable = BY_NAME.get(f"tetra_{name}")
        if variable is None or book not in variable.playbooks or spec.get("required") or "default" not in spec:
            continue
        declared = variable.default_in(book)
        # The playbook of the remediation proves with a probe; its audit before does not.
        assert declared in (NO_DEFAULT, spec["default"]), (module, name)


ROWS = [
    (path.name, line)
    for path in sorted((ROOT / "docs").glob("*.md"))
    if path.name != "variables.md"
    for line in path.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `tetra_")
]
PAGES = {"compliance.md": ("compliance", 1), "remediation.md": ("remediation", -1), "rollback.md": ("rollback", -1)}


def test_there_are_tables_to_look_at() -> None:
    assert {page for page, _row in ROWS} >= set(PAGES)
    assert {book for book, _column in PAGES.values()} <= set(ALL)


@pytest.mark.parametrize(("page", "row"), [one for one in ROWS if one[0] in PAGES])
def test_the_tables_of_the_guides_say_the_declared_defaults(page: str, row: str) -> None:
    book, column = PAGES[page]
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    said = set(re.findall(r"`([^`]+)`", cells[column])) | set(re.findall(r"[\w.%-]+", cells[column]))
    for name in re.findall(r"`(tetra_\w+)`", cells[0]):
        declared = BY_NAME[name].default_in(book)
        if declared is NO_DEFAULT or declared == []:
            assert not re.search(r"\d", cells[column]) or declared == [], (name, cells[column])
            continue
        shown = str(declared).lower() if isinstance(declared, bool) else str(declared)
        assert shown in said, f"{page}: {name} is {shown}, the table says {cells[column]!r}"
