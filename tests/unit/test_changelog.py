# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog names what the present version has: run ``make changelog`` where this fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def names(pattern: str) -> set[str]:
    return {path.stem for path in ROOT.glob(pattern)}


def test_the_changelog_of_the_present_version_names_everything_that_is_new() -> None:
    changes = read("changelogs/changelog.yaml")
    releases = changes["releases"]
    assert read("galaxy.yml")["version"] in releases, "run make changelog"
    listed: dict[str, set[str]] = {"module": set(), "filter": set(), "playbook": set(), "role": set()}
    for release in releases.values():
        listed["module"] |= {one["name"] for one in release.get("modules", [])}
        listed["filter"] |= {one["name"] for one in release.get("plugins", {}).get("filter", [])}
        for kind in ("playbook", "role"):
            listed[kind] |= {one["name"] for one in release.get("objects", {}).get(kind, [])}
    assert listed == {
        "module": names("plugins/modules/*.yml"),
        "filter": names("plugins/filter/*.yml"),
        "playbook": names("playbooks/*.yml"),
        "role": {path.parent.name for path in ROOT.glob("roles/*/meta")},
    }, "run make changelog"


def test_every_line_of_the_fragments_is_in_the_release_notes() -> None:
    notes = " ".join((ROOT / "CHANGELOG.rst").read_text(encoding="utf-8").split())
    for path in (ROOT / "changelogs" / "fragments").glob("*.yml"):
        for section, content in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            lines = [content] if isinstance(content, str) else content
            for line in lines if section != "trivial" else []:
                text = line if isinstance(line, str) else f"{line['name']} - {line['description']}"
                assert " ".join(text.split()) in notes, "run make changelog"
