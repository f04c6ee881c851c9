# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""meta/runtime.yml names every endpoint action in the action group, so that module_defaults reaches all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GROUP = "endpoint"


def runtime() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def names(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / "plugins" / folder).glob("*.py") if path.stem != "__init__"}


def endpoint_modules() -> set[str]:
    """Modules that talk to an endpoint over psrp and bring it to a wanted state or read it, in one conversation."""
    of_the_group = {"fleetops.tetra.attributes.endpoint", "fleetops.tetra.attributes.changing"}
    found = set()
    for path in (ROOT / "plugins" / "modules").glob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))["DOCUMENTATION"]
        if of_the_group.intersection(document.get("extends_documentation_fragment", [])):
            found.add(path.stem)
    return found


def modules_with(*fragments: str) -> set[str]:
    """Modules whose documentation rests on one of the fragments."""
    wanted = {f"fleetops.tetra.attributes.{name}" for name in fragments}
    found = set()
    for path in (ROOT / "plugins" / "modules").glob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))["DOCUMENTATION"]
        if wanted.intersection(document.get("extends_documentation_fragment", [])):
            found.add(path.stem)
    return found


def test_one_group_holds_every_module_that_talks_to_an_endpoint() -> None:
    group = runtime()["action_groups"]["any_endpoint"]
    assert sorted(group) == group
    assert set(group) == modules_with("endpoint", "endpoint_change")


def test_every_action_has_a_module_of_its_name() -> None:
    assert names("action") - names("modules") == set()


def test_the_group_holds_every_endpoint_action_and_nothing_else() -> None:
    group = runtime()["action_groups"][GROUP]
    assert sorted(group) == group, "kept in order, so that a missing name is seen"
    assert set(group) == endpoint_modules()


def test_every_module_of_a_group_exists() -> None:
    for group, members in runtime()["action_groups"].items():
        assert set(members) <= names("modules"), group
