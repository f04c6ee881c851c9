# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role capability files (.psrc): read, and turned into what a JEA session of the lab makes visible.

Only the data language of such files: hash tables, arrays, strings, numbers, ``$true``, ``$false``, ``$null``, comments;
and of the script of a function its parameters.
"""

from __future__ import annotations

import functools
import pathlib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.lab.errors import FleetError

_DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "jea"
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*|<\#.*?\#>)|(?P<newline>\n)|(?P<mark>@\{|@\(|[}()=,;])"""
    r"""|'(?P<single>(?:[^']|'')*)'|"(?P<double>[^"$`]*)"|(?P<word>\$?[A-Za-z0-9_.\-]+)""",
    re.DOTALL,
)
_WORDS = {"$true": True, "$false": False, "$null": None}


@dataclass(frozen=True)
class Limit:
    """What a parameter accepts: ``values`` (ValidateSet) or ``pattern`` (ValidatePattern); neither: anything."""

    values: tuple[str, ...] = ()
    pattern: str | None = None
    mandatory: bool = False
    sets: tuple[str, ...] = ()
    """The parameter sets of a function that it belongs to; empty: all."""

    def accepts(self, text: str) -> bool:
        if self.values:
            return text.lower() in {value.lower() for value in self.values}
        return self.pattern is None or re.search(self.pattern, text, re.IGNORECASE) is not None


EntryKind = t.Literal["plain", "limited", "function"]


@dataclass(frozen=True)
class Entry:
    """A command that a role makes visible, by the rules of the engine (seen on 7.6):

    ``plain``: the command itself; answers to its name and to its name with the module. ``limited``: a proxy function of
    exactly that name; a piped object goes on to the command, which binds by property name what the entry left out.
    ``function``: the role's own, of exactly that name; it binds nothing from the pipeline. What its script checks
    beyond its parameters is not simulated. In both functions a switch without a value is off.
    """

    kind: EntryKind = "plain"
    parameters: t.Mapping[str, Limit] | None = None
    """``None``: all of them, without limits."""


Visible = dict[str, Entry]
"""Command (as it has to be called, or a program by path) → what may be done with it."""


@dataclass(frozen=True)
class Role:
    """``providers``: those that are visible, in lower case; ``None``: all. ``modules``: must exist for the session to
    open."""

    visible: Visible
    providers: frozenset[str] | None = None
    modules: tuple[str, ...] = ()


def shipped(name: str) -> pathlib.Path:
    """The file of a role that the collection ships: ``audit``, ``diagnose`` or ``repair``."""
    if name not in ("audit", "diagnose", "repair"):
        raise FleetError(f"role must be audit, diagnose or repair, not {name!r}.")
    return _DOCS / f"fleetops.tetra.{name}.psrc"


@functools.cache
def load(path: pathlib.Path) -> Role:
    """What a role capability file makes visible. Raises FleetError with one sentence."""
    try:
        data = _Reader(path.read_text(encoding="utf-8-sig")).table()
        visible: Visible = {}
        for entry in _many(data.get("VisibleCmdlets")):
            if isinstance(entry, str):
                visible[entry] = Entry()
            else:
                limits = {one["Name"]: _limit(one) for one in _many(entry.get("Parameters"))}
                visible[entry["Name"]] = Entry("limited", limits or None)
        shown = [_wildcard(str(name)) for name in _many(data.get("VisibleFunctions"))]
        for function in _many(data.get("FunctionDefinitions")):
            name = str(function["Name"])
            if any(pattern.fullmatch(name) for pattern in shown):
                visible[name] = Entry("function", function_parameters(str(function["ScriptBlock"])))
        for program in _many(data.get("VisibleExternalCommands")):
            visible[program] = Entry()
    except OSError as error:
        raise FleetError(f"the role capability file {path} cannot be read: {error.strerror}.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise FleetError(f"the role capability file {path} is not understood: {error}.") from None
    providers = data.get("VisibleProviders")
    modules = {*_many(data.get("ModulesToImport"))}
    modules |= {
        name.rpartition("\\")[0] for name, entry in visible.items() if entry.kind == "plain" and ":" not in name
    }
    return Role(
        visible,
        None if providers is None else frozenset(str(name).lower() for name in _many(providers)),
        tuple(sorted(str(name) for name in modules if name)),
    )


def function_parameters(script: str) -> dict[str, Limit]:
    """The parameters of a function by the attributes in its ``param`` block. Raises ValueError."""
    text = re.sub(r"('(?:[^']|'')*')|#[^\n]*", lambda found: found[1] or "", script)
    start = re.search(r"\bparam\s*\(", text)
    if start is None:
        return {}
    found: dict[str, Limit] = {}
    for declared in _split(text[start.end() : _end(text, start.end() - 1)]):
        name = re.search(r"\$(\w+)\s*(?:=.*)?\Z", declared, re.DOTALL)
        if name is None:
            raise ValueError(f"the parameter {declared.strip()[:60]!r}")
        values = re.search(r"\[ValidateSet\((.*?)\)\]", declared, re.DOTALL)
        pattern = re.search(r"\[ValidatePattern\('((?:[^']|'')*)'\)\]", declared)
        told = " ".join(re.findall(r"\[Parameter\(([^)]*)\)\]", declared))
        found[name[1]] = Limit(
            tuple(one or other for one, other in _TEXTS.findall(values[1])) if values else (),
            pattern[1].replace("''", "'").replace("\\z", "\\Z") if pattern else None,
            "Mandatory" in told,
            tuple(re.findall(r"ParameterSetName = '(\w+)'", told)),
        )
    return found


_TEXTS = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"")


def _split(text: str) -> t.Iterator[str]:
    """The parts between commas that stand in no brackets and no quotes."""
    depth, part = 0, ""
    for found in re.finditer(r"'(?:[^']|'')*'|\"[^\"]*\"|.", text, re.DOTALL):
        token = found[0]
        depth += (token in "([{") - (token in ")]}") if len(token) == 1 else 0
        if token == "," and not depth:
            yield part
            part = ""
        else:
            part += token
    if part.strip():
        yield part


def _end(text: str, start: int) -> int:
    """Where the bracket that opens at ``start`` is closed. Raises ValueError."""
    depth = 0
    for found in re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|#[^\n]*|.", re.DOTALL).finditer(text, start):
        token = found[0]
        depth += (token in "([{") - (token in ")]}") if len(token) == 1 else 0
        if not depth:
            return found.start()
    raise ValueError(f"line {text.count(chr(10), 0, start) + 1}: a bracket is not closed")


def _wildcard(name: str) -> re.Pattern[str]:
    text = re.escape(name).replace(r"\?", ".").replace(r"\*", ".*")
    # A name with a backslash would be taken for module and command.
    return re.compile(text if "\\" not in name else r"(?!)", re.IGNORECASE)


def _many(value: t.Any) -> list[t.Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _limit(parameter: dict[str, t.Any]) -> Limit:
    """The engine anchors a pattern itself, and joins a list of them."""
    patterns = _many(parameter.get("ValidatePattern"))
    joined = f"^({'|'.join(map(str, patterns))})$" if patterns else None
    return Limit(tuple(map(str, _many(parameter.get("ValidateSet")))), joined)


class _Reader:
    """Recursive descent over the tokens of a data file."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            if text[position] == "{":
                end = _end(text, position)
                self._tokens.append(("script", text[position + 1 : end]))
                position = end + 1
                continue
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
        if kind == "script":
            return text
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
