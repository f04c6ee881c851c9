# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the product can send, from its own code: the cmdlets that it lists, and the parameters of every call that makes
a command (``command``, ``going_on``, ``select``, ``Command``). Nothing is run; the source is read.
"""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import READS, WRITES

PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
_MAKERS = ("command", "going_on", "Command")


def cmdlets() -> dict[str, str]:
    """Cmdlet → module, as the product lists them."""
    return {**READS, **WRITES}


def parameters(files: t.Iterable[pathlib.Path] | None = None) -> set[tuple[str, str]]:
    """(cmdlet, parameter) pairs that stand in the code; ``files``: in these only."""
    found = {("Select-Object", "Property")}
    for file in PLUGINS.rglob("*.py") if files is None else files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        helpers = {function.name: function for function in functions if function.name not in _MAKERS}
        for function in (tree, *functions):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and node.args and (_called(node) in _MAKERS or _listed(node)):
                    found |= set(_of_call(node))
                    if _called(node) in helpers:
                        found |= {(name, key) for name in _listed(node) for key in _keys(helpers[_called(node)])}
                    if function is not tree and any(keyword.arg is None for keyword in node.keywords):
                        found |= {(name, key) for name in _listed(node) for key in _keys(function)}
    return found


def programs(files: t.Iterable[pathlib.Path]) -> set[str]:
    """The programs whose names stand in these files."""
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"\\([a-z0-9]+\.exe)\Z", node.value))
    return found


def _listed(node: ast.Call) -> list[str]:
    names = [name.rpartition("\\")[2] for name in _names(node.args[0])] if node.args else []
    return [name for name in names if name in cmdlets()]


def _keys(function: ast.AST) -> t.Iterator[str]:
    """The names that a mapping of this function may have, where one is unpacked into a call."""
    for node in ast.walk(function):
        keys: list[t.Any] = []
        if isinstance(node, ast.Dict):
            keys = list(node.keys)
        elif isinstance(node, ast.Subscript):
            keys = [node.slice]
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value[:1].isupper():
                yield key.value
        if isinstance(node, ast.Call) and _called(node) == "dict":
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _of_call(node: ast.Call) -> t.Iterator[tuple[str, str]]:
    for name in _names(node.args[0]):
        last = name.rpartition("\\")[2]
        if last not in cmdlets():
            continue
        for keyword in node.keywords:
            if keyword.arg is not None and _called(node) != "Command":
                yield last, keyword.arg
        if _called(node) == "going_on":
            yield last, "ErrorAction"
        for pair in ast.walk(node):
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2 and isinstance(pair.elts[0], ast.Constant):
                value = pair.elts[0].value
                if isinstance(value, str) and value[:1].isupper() and value.isalpha():
                    yield last, value


def _names(node: ast.expr) -> t.Iterator[str]:
    """The texts that a command's name may be."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
