# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that is true: examples exist and parse, names that guides mention exist, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = "fleetops.tetra."
FQCN = re.compile(r"(?<![\w./-])fleetops\.tetra\.([a-z_][a-z0-9_]*)(?![\w-]*/)")
PLUGIN_FOLDERS = ("modules", "filter", "callback", "inventory")
DOC_TYPES = ("module", "filter", "callback", "inventory")
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "roles").rglob("*.md")])


def plugin_names(folder: str) -> set[str]:
    files = (ROOT / "plugins" / folder).glob("*")
    return {path.stem for path in files if path.suffix in {".py", ".yml"} and path.stem != "__init__"}


def names_of(pattern: str) -> set[str]:
    return {path.stem for path in ROOT.glob(pattern)}


ROLES = names_of("roles/*")
PLAYBOOKS = names_of("playbooks/*.yml")
RULEBOOKS = names_of("extensions/eda/rulebooks/*.yml")


@cache
def documented() -> dict[str, dict[str, Any]]:
    """What ansible-doc knows of this collection: type -> full name -> {doc, examples, …}."""
    command = [
        str(Path(sys.executable).parent / "ansible-doc"),
        "--metadata-dump",
        "--no-fail-on-errors",
        "fleetops.tetra",
    ]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "dev")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=True)
    answer = json.loads(done.stdout)["all"]
    assert isinstance(answer, dict)
    return answer


def plugins() -> list[tuple[str, str]]:
    found = []
    for doc_type, folder in zip(DOC_TYPES, PLUGIN_FOLDERS, strict=True):
        # one file may hold several filters; each has a NAME.yml
        names = (
            {path.stem for path in (ROOT / "plugins" / folder).glob("*.yml")}
            if folder == "filter"
            else plugin_names(folder)
        )
        found += [(doc_type, name) for name in sorted(names)]
    return found


def entry(doc_type: str, name: str) -> dict[str, Any]:
    known = documented()[doc_type].get(OURS + name)
    assert known, f"ansible-doc does not know {doc_type} {OURS}{name}"
    assert "error" not in known, known.get("error")
    return known


def tasks(document: Any) -> Iterator[dict[str, Any]]:
    """Every task-like mapping inside parsed YAML: plays, blocks and lists are looked into."""
    if isinstance(document, list):
        for item in document:
            yield from tasks(item)
    elif isinstance(document, dict):
        yield document
        for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(document.get(key, []))


def known_names() -> set[str]:
    """Everything that ``fleetops.tetra.NAME`` may mean."""
    plugin = {name for folder in PLUGIN_FOLDERS for name in plugin_names(folder)}
    groups = set(yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8")).get("action_groups", {}))
    code = {"plugins", "lab", "roles", "playbooks"}  # Python paths and folders
    jea = {path.stem.rpartition(".")[2] for path in (ROOT / "docs" / "jea").glob("*.psrc")}
    return plugin | ROLES | PLAYBOOKS | RULEBOOKS | groups | code | plugin_names("doc_fragments") | jea


@pytest.mark.parametrize(("doc_type", "name"), plugins(), ids=str)
def test_every_plugin_has_an_example_that_parses_and_uses_it(doc_type: str, name: str) -> None:
    text = entry(doc_type, name)["examples"]
    assert text and OURS + name in text
    parsed = list(yaml.safe_load_all(text))
    assert any(parsed)
    if doc_type == "module":
        options = set(entry("module", name)["doc"].get("options", {}))
        for task in tasks(parsed):
            arguments = task.get(OURS + name)
            if isinstance(arguments, dict):
                assert set(arguments) <= options, "the example uses an option that the module does not have"


@pytest.mark.parametrize("name", sorted(plugin_names("modules")))
def test_no_result_hides_behind_a_method_of_dictionaries(name: str) -> None:
    # In Jinja "result.items" is the method.
    assert not set(entry("module", name)["return"] or {}) & set(dir({}))


@pytest.mark.parametrize("name", sorted(ROLES))
def test_every_role_is_described_and_has_an_example(name: str) -> None:
    specs = yaml.safe_load((ROOT / "roles" / name / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
        "argument_specs"
    ]
    for point, spec in specs.items():
        assert spec.get("short_description"), point
        for option, detail in spec.get("options", {}).items():
            assert detail.get("description"), f"{point}: {option} has no description"
            assert option.startswith(name), f"{point}: {option} does not carry the role's name"
    blocks = [block for guide in GUIDES for language, block in fenced(guide) if language == "yaml"]
    assert any(OURS + name in block for block in blocks), "no guide shows how to use the role"


@pytest.mark.parametrize("name", sorted(PLAYBOOKS))
def test_every_playbook_has_an_example(name: str) -> None:
    command = re.compile(
        rf"ansible-playbook [^`]*{re.escape(OURS + name)}\b|import_playbook: {re.escape(OURS + name)}\b"
    )
    assert any(command.search(guide.read_text(encoding="utf-8").replace("\\\n", " ")) for guide in GUIDES)


def fenced(guide: Path) -> list[tuple[str, str]]:
    """Language and text of every fenced block of a guide."""
    text = guide.read_text(encoding="utf-8")
    return re.findall(r"^ *```([\w-]*)[^\n]*\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_guides_are_true(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    for language, block in fenced(guide):
        if language in {"yaml", "yml"}:
            list(yaml.safe_load_all(block))
        elif language == "json":
            json.loads(block)
    unknown = {name for name in FQCN.findall(text) if name not in known_names()}
    assert not unknown, "the guide names what does not exist"
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (guide.parent / target).exists(), f"broken link: {target}"


def test_make_targets_that_guides_name_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for guide in GUIDES:
        named = set(re.findall(r"`make ([a-z][a-z-]*)", guide.read_text(encoding="utf-8")))
        named |= {
            name
            for _language, block in fenced(guide)
            for name in re.findall(r"^make ([a-z][a-z-]*)", block, flags=re.MULTILINE)
        }
        assert named <= targets, guide


def test_what_is_said_of_an_attribute_reaches_ansible_doc() -> None:
    """A fragment's text must not be hidden by Ansible's own, nor a platform be *not applicable*."""
    names = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.yml"))
    command = [str(Path(sys.executable).parent / "ansible-doc"), "-j", *(f"fleetops.tetra.{name}" for name in names)]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(shown) == len(names)
    for name, entry in shown.items():
        attributes = entry["doc"]["attributes"]
        assert attributes["platform"]["support"] == "full", name
        assert attributes["platform"]["platforms"], name
        assert attributes["check_mode"].get("details"), name
        for attribute, said in attributes.items():
            assert said.get("support") in ("full", "partial", "none", "N/A"), (name, attribute)
            assert said["support"] != "partial" or said.get("details"), (name, attribute)
            assert said.get("description"), (name, attribute)
