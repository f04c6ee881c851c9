# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks, roles and docs agree with the one declaration of every variable; a name beside it is noticed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.declared import (
    ALL,
    BY_NAME,
    INTERNAL,
    NO_DEFAULT,
    ROLES,
    VARIABLES,
    render_markdown,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.names import sentence, unknown_names
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.of_roles import role_variables

ROOT = Path(__file__).resolve().parents[4]


def with_its_tasks(path: Path) -> str:
    """A playbook with the task files that it takes in."""
    text = path.read_text(encoding="utf-8")
    taken_in = dict.fromkeys(re.findall(r"import_tasks: (\S+)", text))
    return "\n".join([text, *((path.parent / one).read_text(encoding="utf-8") for one in taken_in)])


TEXTS = {path.stem: with_its_tasks(path) for path in (ROOT / "playbooks").glob("*.yml")}
CODE = {name: re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE) for name, text in TEXTS.items()}
_DEFAULT = re.compile(r"\b(tetra_\w+) ?\| ?default\(((?:[^()\[\]]|\[[^\]]*\])*)\)")


def test_every_playbook_is_declared_and_every_declared_playbook_exists() -> None:
    assert set(ALL) == set(TEXTS)


@pytest.mark.parametrize("book", sorted(TEXTS))
def test_a_playbook_reads_what_is_declared_for_it_and_nothing_else(book: str) -> None:
    found = set(re.findall(r"\btetra_\w+", CODE[book]))
    read = {name for name in found if name in BY_NAME or name not in {*role_variables(), *ROLES, *INTERNAL}}
    groups = {"tetra_todo", "tetra_left_alone", "tetra_last", "tetra_not_last"}
    assert read - groups == {one.name for one in VARIABLES if book in one.playbooks}


@pytest.mark.parametrize("book", sorted(TEXTS))
def test_the_defaults_of_a_playbook_are_the_declared_ones(book: str) -> None:
    for name, text in _DEFAULT.findall(CODE[book]):
        if name not in BY_NAME or text == "omit":
            continue
        plain = {"true": "True", "false": "False"}.get(text, text)
        assert ast.literal_eval(plain) in (BY_NAME[name].default_in(book), {}, []), f"{book}: {name} | default({text})"


def test_what_playbooks_leave_behind_is_declared_as_such() -> None:
    left = {name for text in CODE.values() for name in re.findall(r"register: (tetra_\w+)", text)}
    for path in (ROOT / "roles").glob("*/tasks/*.yml"):
        text = path.read_text(encoding="utf-8")
        left |= set(re.findall(r"register: (tetra_\w+)", text))
        for task in yaml.safe_load(text):
            for one in [task, *task.get("block", [])]:
                left |= {name for name in one.get("ansible.builtin.set_fact", {}) if name.startswith("tetra_")}
    assert left - set(role_variables()) <= INTERNAL


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_declared_types_defaults_and_choices(role: str) -> None:
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    spec: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    checked = 0
    for one in VARIABLES:
        if role not in one.roles:
            continue
        option = spec[one.name.replace("tetra_", f"{role}_", 1)]
        wanted = one.default_of_role(role)
        assert option.get("default", NO_DEFAULT) == wanted, (role, one.name)
        assert option["type"] == one.type or (option["type"], one.type) == ("str", "path"), (role, one.name)
        assert tuple(option.get("choices", ())) == one.choices, (role, one.name)
        checked += 1
    assert checked


def test_the_page_is_the_declaration() -> None:
    assert (ROOT / "docs" / "variables.md").read_text(encoding="utf-8") == render_markdown()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tetra_max_failurs", "tetra_max_failures"),
        ("tetra_result_dir", "tetra_results_dir"),
        ("tetra_failon", "tetra_fail_on"),
        ("tetra_wave_s", "tetra_waves"),
        ("tetra_audit_timout", "tetra_audit_timeout"),
    ],
)
def test_a_typo_is_named_with_what_was_meant(name: str, meant: str) -> None:
    roles = role_variables()
    assert unknown_names(["tetra_hosts", name, "other_thing"], (), roles) == [name]
    assert f"{name} (did you mean {meant}?)" in sentence([name], roles)


def test_names_of_the_site_are_allowed_by_a_list_of_theirs() -> None:
    mine = ["tetra_site_owner", "tetra_site_ring", "tetra_circle"]
    assert unknown_names(mine, ["tetra_site_*"]) == ["tetra_circle"]
    assert unknown_names(mine, ["tetra_site_*", "tetra_circle"]) == []
    assert unknown_names(mine, "tetra_*") == []


def test_every_declared_and_internal_name_passes() -> None:
    assert unknown_names([*BY_NAME, *INTERNAL, *role_variables()], (), role_variables()) == []


def test_a_variable_is_declared_once() -> None:
    assert len(BY_NAME) == len(VARIABLES)
