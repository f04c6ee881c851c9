# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom (docs/architecture.md), and what must never stand in code that talks to endpoints."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = "ansible_collections.fleetops.tetra"
HEADER = (
    "# Copyright (c) 2026, The fleetops.tetra authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)

# part of the tree -> prefixes of our own modules that it may import
ALLOWED = {
    "plugins/module_utils": ("plugins.module_utils",),
    "plugins/plugin_utils": ("plugins.module_utils", "plugins.plugin_utils"),
    "plugins/modules": ("plugins.module_utils",),
    "plugins/action": ("plugins.module_utils", "plugins.plugin_utils"),
    "plugins/filter": ("plugins.module_utils", "plugins.plugin_utils"),
    "plugins/callback": ("plugins.module_utils", "plugins.plugin_utils"),
    "plugins/inventory": ("plugins.module_utils", "plugins.plugin_utils"),
    "plugins/doc_fragments": (),
    "lab": ("lab", "plugins.module_utils.schannel.cipher_suites", "plugins.module_utils.schannel.windows_releases"),
}
# The rooms of the two parts that hold the logic, the lowest first: each may import those before it.
ROOMS = {
    "plugins/module_utils": (
        "documents", "answers", "facts", "observations", "schannel", "policy", "connector", "handshake", "capture",
        "image", "console", "history", "triage", "verdict", "domain", "plan", "rollout", "telling",
    ),
    "plugins/plugin_utils": (
        "variables", "conversation", "run_folder", "readings", "changes", "remediation", "report", "console",
        "directory", "history", "observations", "bulk", "rollout", "telling", "tasks",
    ),
}  # fmt: skip
NETWORK = {
    "aiohttp",
    "asyncio",
    "http",
    "httpx",
    "pypsrp",
    "requests",
    "socket",
    "socketserver",
    "ssl",
    "urllib3",
    "OpenSSL",
}
NETWORK_ALLOWED = "plugins/module_utils/handshake/"
# Runs the unpacking tool with a time limit, which AnsibleModule.run_command has not.
ASYNCIO_ALLOWED = "plugins/module_utils/image/wim.py"
PYPSRP_ALLOWED = "plugins/plugin_utils/conversation/"


def python_files(*folders: str) -> list[Path]:
    """Relative paths of the Python files under the folders."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Full dotted names that a file imports (``from a import b`` gives ``a.b``), with their lines."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or ""), node.lineno
            else:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def part_of(path: Path) -> str | None:
    """The part of the tree that a file belongs to."""
    return next((part for part in ALLOWED if path.is_relative_to(part)), None)


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the prefixes or lies below one."""
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def test_the_rules_cover_every_folder_of_code() -> None:
    strangers = [str(path) for path in python_files("plugins", "lab") if part_of(path) is None]
    assert strangers == []
    assert python_files("plugins/module_utils")


def test_our_own_imports_are_absolute_and_allowed() -> None:
    wrong = []
    for path in python_files("plugins", "lab"):
        part = part_of(path)
        assert part is not None
        for name, line in imports(path):
            if name.startswith("."):
                wrong.append(f"{path}:{line}: relative import {name}")
            elif name.startswith(OURS + ".") and not within(name.removeprefix(OURS + "."), ALLOWED[part]):
                wrong.append(f"{path}:{line}: {part} may not import {name.removeprefix(OURS + '.')}")
    assert wrong == []


def test_no_room_imports_one_above_it() -> None:
    wrong = []
    for part, order in ROOMS.items():
        inside = f"{OURS}.{part.replace('/', '.')}."
        for path in python_files(part):
            room = path.relative_to(part).parts[0]
            if path.parent == Path(part):
                assert path.name == "__init__.py", f"{path}: every file stands in a room"
                continue
            below = order[: order.index(room) + 1]
            wrong += [
                f"{path}:{line}: {room} may import {', '.join(below)}, not {name.removeprefix(inside)}"
                for name, line in imports(path)
                if name.startswith(inside) and name.removeprefix(inside).split(".")[0] not in below
            ]
    assert wrong == []


def test_the_rooms_are_those_of_the_documentation_in_its_order() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for part, order in ROOMS.items():
        table = text.split(f"| room of `{part.rpartition('/')[2]}` |")[1].split("\n\n")[0]
        assert re.findall(r"^\| `(\w+)/` \|", table, re.MULTILINE) == list(order)
        there = [path.name for path in (ROOT / part).iterdir() if path.is_dir() and any(path.rglob("*.py"))]
        assert sorted(there) == sorted(order)


def test_the_tests_lie_where_the_tested_lies() -> None:
    """tests/unit/X/test_Y.py is about plugins/X (or lab); what is flat in tests/unit is about the whole tree."""
    folders = {path.parent.relative_to("tests/unit") for path in python_files("tests/unit")} - {Path()}
    strangers = [
        str(folder) for folder in folders if not any((ROOT / top / folder).is_dir() for top in ("plugins", "", "docs"))
    ]
    assert strangers == []


def test_the_domain_knows_neither_ansible_nor_the_network() -> None:
    wrong = []
    for path in python_files("plugins/module_utils"):
        for name, line in imports(path):
            top = name.split(".")[0]
            if top == "ansible":
                wrong.append(f"{path}:{line}: {name}")
            allowed = str(path).startswith(NETWORK_ALLOWED) or (top == "asyncio" and str(path) == ASYNCIO_ALLOWED)
            if (top in NETWORK or name.startswith("urllib.request")) and not allowed:
                wrong.append(f"{path}:{line}: {name}")
    assert wrong == []


def test_only_the_conversation_knows_pypsrp() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in python_files("plugins")
        for name, line in imports(path)
        if name.split(".")[0] in {"pypsrp", "psrpcore"} and not str(path).startswith(PYPSRP_ALLOWED)
    ]
    assert wrong == []


def test_ansible_errors_are_raised_only_at_the_edge() -> None:
    wrong = []
    for path in python_files("plugins/module_utils", "plugins/plugin_utils"):
        errors = {name.rsplit(".", 1)[1] for name, _line in imports(path) if name.startswith("ansible.errors.")}
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            if isinstance(node.exc.func, ast.Name) and node.exc.func.id in errors:
                wrong.append(f"{path}:{node.lineno}: raises {node.exc.func.id}")
    assert wrong == []


def test_third_party_libraries_are_imported_with_a_guard() -> None:
    """A collection's files must be importable without its optional libraries; the error belongs where they are used."""
    wrong = []
    for path in python_files("plugins"):
        for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names | {"ansible", "ansible_collections"}:
                    wrong.append(f"{path}:{node.lineno}: {name}")
    assert wrong == []


def test_no_script_text_goes_to_endpoints() -> None:
    """Endpoints are asked by cmdlets with typed parameters: no add_script, no encoded command."""
    wrong = []
    for path in python_files("plugins"):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "add_script":
                wrong.append(f"{path}:{node.lineno}: add_script")
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in docstrings:
                continue
            if "encodedcommand" in node.value.lower():
                wrong.append(f"{path}:{node.lineno}: {node.value[:60]!r}")
    assert wrong == []


@pytest.mark.parametrize("path", python_files("plugins", "lab", "tools", "tests"), ids=str)
def test_every_file_says_whose_it_is_and_what_it_is_for(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#!")]
    if not lines:
        return
    assert tuple(lines[:3]) == HEADER
    if path.name != "__init__.py" and not path.is_relative_to("plugins/modules"):
        assert ast.get_docstring(ast.parse(text)), "the file says nowhere what it is for"
