# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role capability files (.psrc): read, and turned into what a JEA session of the lab makes visible.

Only the data language of such files: hash tables, arrays, strings, numbers, ``$true``, ``$false``, ``$null``, comments.
"""

from __future__ import annotations

import functools
import pathlib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab.errors import FleetError

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "docs" / "jea" / "fleetops.tetra.audit.psrc"
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*|<\#.*?\#>)|(?P<newline>\n)|(?P<mark>@\{|@\(|[{}()=,;])"""
    r"""|'(?P<single>(?:[^']|'')*)'|"(?P<double>[^"$`]*)"|(?P<word>\$?[A-Za-z0-9_.\-]+)""",
    re.DOTALL,
)
_WORDS = {"$true": True, "$false": False, "$null": None}


@dataclass(frozen=True)
class Limit:
    """What a parameter accepts: ``values`` (ValidateSet) or ``pattern`` (ValidatePattern); neither: anything."""

    values: tuple[str, ...] = ()
    pattern: str | None = None

    def accepts(self, text: str) -> bool:
        if self.values:
            return text.lower() in {value.lower() for value in self.values}
        return self.pattern is None or re.search(self.pattern, text, re.IGNORECASE) is not None


Visible = dict[str, "dict[str, Limit] | None"]
"""Command (module-qualified, or a program by path) → its parameters; ``None``: all of them."""


@functools.cache
def load(path: pathlib.Path = SHIPPED) -> Visible:
    """What a role capability file makes visible. Raises FleetError with one sentence."""
    try:
        data = _Reader(path.read_text(encoding="utf-8-sig")).table()
    except OSError as error:
        raise FleetError(f"the role capability file {path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise FleetError(f"the role capability file {path} is not understood: {error}.") from None
    visible: Visible = {}
    for entry in _many(data.get("VisibleCmdlets")):
        if isinstance(entry, str):
            visible[entry] = None
        else:
            parameters = {one["Name"]: _limit(one) for one in _many(entry.get("Parameters"))}
            visible[entry["Name"]] = parameters or None
    for program in _many(data.get("VisibleExternalCommands")):
        visible[program] = None
    return visible


def _many(value: t.Any) -> list[t.Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _limit(parameter: dict[str, t.Any]) -> Limit:
    return Limit(tuple(_many(parameter.get("ValidateSet"))), parameter.get("ValidatePattern"))


class _Reader:
    """Recursive descent over the tokens of a data file."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise ValueError(f"line {text.count(chr(10), 0, position) + 1}")
            position = found.end()
            if found.lastgroup != "space":
                self._tokens.append((found.lastgroup, found[found.lastgroup]))

    def table(self) -> dict[str, t.Any]:
        """The hash table that the file consists of."""
        self._skip()
        value = self._one()
        self._skip()
        if not isinstance(value, dict) or self._tokens:
            raise ValueError("it is not one hash table")
        return value

    def _peek(self) -> tuple[str, str]:
        return self._tokens[0] if self._tokens else ("end", "")

    def _take(self, mark: str | None = None) -> tuple[str, str]:
        token = self._peek()
        if token[0] == "end" or (mark is not None and token != ("mark", mark)):
            raise ValueError(f"{mark or 'a value'} is missing before {token[1] or 'its end'!r}")
        return self._tokens.pop(0)

    def _skip(self) -> None:
        while self._peek()[0] == "newline" or self._peek() == ("mark", ";"):
            self._tokens.pop(0)

    def _value(self) -> t.Any:
        """One value, or several with commas between them."""
        values = [self._one()]
        while self._peek() == ("mark", ","):
            self._take()
            self._skip()
            values.append(self._one())
        return values if len(values) > 1 else values[0]

    def _one(self) -> t.Any:
        kind, text = self._take()
        if (kind, text) == ("mark", "@{"):
            return self._rest_of_table()
        if (kind, text) == ("mark", "@("):
            return self._rest_of_array()
        if kind == "single":
            return text.replace("''", "'")
        if kind == "double":
            return text
        if kind == "word":
            return _WORDS.get(text.lower(), text) if text.startswith("$") else text
        raise ValueError(f"{text!r} is no value")

    def _rest_of_table(self) -> dict[str, t.Any]:
        table: dict[str, t.Any] = {}
        self._skip()
        while self._peek() != ("mark", "}"):
            name = str(self._one())
            self._take("=")
            self._skip()
            table[name] = self._value()
            self._skip()
        self._take("}")
        return table

    def _rest_of_array(self) -> list[t.Any]:
        values: list[t.Any] = []
        self._skip()
        while self._peek() != ("mark", ")"):
            value = self._value()
            values += value if isinstance(value, list) else [value]
            self._skip()
        self._take(")")
        return values
