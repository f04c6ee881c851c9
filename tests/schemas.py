# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schemas of docs/schemas, for tests that hold documents against them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schemas"
NAMES = sorted(path.stem for path in SCHEMAS.glob("*.json"))
_PLACES = (
    ("run.json", "run-1"),
    ("hosts/*.json", "result-1"),
    ("gate.json", "gate-1"),
    ("progress.json", "progress-1"),
    ("report/report.json", "report-1"),
    ("plans.json", "plans-1"),
    ("domain_gpos.json", "domain-gpos-1"),
    ("cures/*.json", "cure-1"),
    ("remediation.json", "remediation-1"),
    ("waves/*.json", "remediation-1"),
)
"""The files of a run folder, and the schema of each."""


def load(name: str) -> dict[str, Any]:
    document = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    resources = [(load(other)["$id"], Resource.from_contents(load(other))) for other in NAMES]
    return jsonschema.Draft202012Validator(load(name), registry=Registry().with_resources(resources))


def complaints(name: str, document: Any) -> list[str]:
    """What is wrong with a document, as ``path: sentence``. The document must survive JSON unchanged."""
    assert json.loads(json.dumps(document)) == document, "not plain JSON"
    found = validator(name).iter_errors(document)
    return [f"{'/'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}" for error in found]


def complaints_of_folder(folder: Path) -> tuple[list[str], dict[str, int]]:
    """(what is wrong in a run folder or the folder of a remediation, how many documents of each schema it holds)."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for pattern, name in _PLACES:
        for path in sorted(folder.glob(pattern)):
            document = json.loads(path.read_text(encoding="utf-8"))
            _hold(name, document, f"{folder.name}/{path.relative_to(folder)}", found, seen)
    for path in sorted((folder / "journal").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            _hold("journal-1", json.loads(line), f"{folder.name}/journal/{path.name}", found, seen)
    for inner in ("before", "after"):
        if (folder / inner).is_dir():
            more, counts = complaints_of_folder(folder / inner)
            found += more
            for name, number in counts.items():
                seen[name] = seen.get(name, 0) + number
    return found, seen


def complaints_of_backups(results_dir: Path) -> tuple[list[str], int]:
    """(what is wrong with the before-images below a results folder, how many there are)."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for path in sorted((results_dir / "backups").glob("*/*.json")):
        _hold("before-image-1", json.loads(path.read_text(encoding="utf-8")), path.name, found, seen)
    return found, seen.get("before-image-1", 0)


def _hold(name: str, document: Any, where: str, found: list[str], seen: dict[str, int]) -> None:
    seen[name] = seen.get(name, 0) + 1
    found += [f"{where}: {complaint}" for complaint in complaints(name, document)]
