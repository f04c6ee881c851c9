# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every role has: variables that carry its name, defaults that its documentation names, a real example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir() if path.is_dir())


def load(role: str, path: str) -> Any:
    return yaml.safe_load((ROLES / role / path).read_text(encoding="utf-8"))


def options(role: str) -> dict[str, Any]:
    found = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("role", NAMES)
def test_defaults_are_those_of_the_documentation(role: str) -> None:
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert load(role, "defaults/main.yml") == documented


@pytest.mark.parametrize("role", NAMES)
def test_variables_carry_the_name_of_the_role_and_are_used(role: str) -> None:
    tasks = "".join(path.read_text(encoding="utf-8") for path in (ROLES / role / "tasks").glob("*.yml"))
    for name in options(role):
        assert name.startswith(f"{role}_")
        assert re.search(rf"\b{name}\b", tasks), name


@pytest.mark.parametrize("role", NAMES)
def test_the_example_uses_the_role_and_variables_that_it_has(role: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROLES / role / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (play,) = yaml.safe_load(example)
    (used,) = play["roles"]
    assert used["role"] == f"fleetops.tetra.{role}"
    assert set(used["vars"]) <= set(options(role))
