# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Diagnoses that lie in a folder, and what a report of the same endpoints says of them."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path
from urllib.parse import quote

from ansible_collections.fleetops.tetra.plugins.module_utils.triage.fleet import fleet_view
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import SCHEMA, Diagnosis


def read_diagnoses(folder: Path) -> dict[str, Diagnosis]:
    """The diagnoses in a folder by the name of their own; what is none of them is passed over."""
    found: dict[str, Diagnosis] = {}
    for path in sorted(folder.glob("*/diagnosis.json")):
        try:
            one = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(one, dict) and one.get("schema") == SCHEMA:
            found[path.parent.name] = t.cast(Diagnosis, one)
    return found


class Diagnosed(t.TypedDict):
    """Diagnoses of a report's endpoints. ``rows``: ``{host, sentence, confidence, taken_at, href}``, by host."""

    sentences: list[str]
    rows: list[dict[str, str]]


def diagnosed(folders: t.Iterable[Path], hosts: t.Collection[str], page_folder: Path) -> Diagnosed | None:
    """What was found out about these endpoints, with links from a page in ``page_folder``; None where nothing was."""
    chosen: dict[str, tuple[Path, Diagnosis]] = {}
    for folder in dict.fromkeys(folders):
        for name, one in read_diagnoses(folder).items():
            known = chosen.get(one["host"])
            if one["host"] in hosts and (known is None or one["taken_at"] > known[1]["taken_at"]):
                chosen[one["host"]] = (folder / name / "index.html", one)
    if not chosen:
        return None
    rows = [
        {
            "host": host,
            "sentence": one["sentence"],
            "confidence": one["confidence"] or "",
            "taken_at": one["taken_at"],
            "href": quote(os.path.relpath(page, page_folder).replace(os.sep, "/")),
        }
        for host, (page, one) in sorted(chosen.items())
    ]
    return {"sentences": fleet_view([one for _page, one in chosen.values()])["sentences"], "rows": rows}
