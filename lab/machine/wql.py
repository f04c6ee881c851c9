# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of WQL that filters use: comparisons joined by AND and OR."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+)|(?P<operator><>|!=|<=|>=|=|<|>)|(?P<word>[A-Za-z_]\w*)|(?P<bracket>[()]))""",
    re.VERBOSE,
)


class QueryError(ValueError):
    """The filter is none that this part of WQL covers."""


@dataclass(frozen=True)
class Query:
    """``SELECT properties FROM class [WHERE filter]``; no properties means all."""

    properties: tuple[str, ...]
    class_name: str
    filter: str


def parse_query(text: str) -> Query:
    found = re.fullmatch(
        r"\s*SELECT\s+(?P<names>\*|[\w\s,]+?)\s+FROM\s+(?P<class>\w+)(?:\s+WHERE\s+(?P<filter>.+))?\s*",
        text,
        re.IGNORECASE | re.DOTALL,
    )
    if found is None:
        raise QueryError(text)
    names = found["names"]
    properties = () if names == "*" else tuple(name.strip() for name in names.split(","))
    return Query(properties, found["class"], found["filter"] or "")


def matcher(text: str) -> t.Callable[[t.Mapping[str, t.Any]], bool]:
    """A function that says whether an instance (by lower-case property names) passes. Raises QueryError."""
    if not text.strip():
        return lambda instance: True
    tokens = _tokens(text)
    test = _either(tokens)
    if tokens:
        raise QueryError(text)
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise QueryError(text)
        tokens.append((found.lastgroup, found[found.lastgroup]))
        position = found.end()
    return tokens


_Test = t.Callable[[t.Mapping[str, t.Any]], bool]


def _either(tokens: list[tuple[str, str]]) -> _Test:
    tests = [_both(tokens)]
    while _next_word(tokens, "or"):
        tests.append(_both(tokens))
    return lambda instance: any(test(instance) for test in tests)


def _both(tokens: list[tuple[str, str]]) -> _Test:
    tests = [_one(tokens)]
    while _next_word(tokens, "and"):
        tests.append(_one(tokens))
    return lambda instance: all(test(instance) for test in tests)


def _next_word(tokens: list[tuple[str, str]], word: str) -> bool:
    if tokens and tokens[0][0] == "word" and tokens[0][1].lower() == word:
        tokens.pop(0)
        return True
    return False


def _take(tokens: list[tuple[str, str]]) -> tuple[str, str]:
    if not tokens:
        raise QueryError("the filter ends too early")
    return tokens.pop(0)


def _one(tokens: list[tuple[str, str]]) -> _Test:
    if tokens and tokens[0] == ("bracket", "("):
        tokens.pop(0)
        test = _either(tokens)
        if _take(tokens) != ("bracket", ")"):
            raise QueryError("a bracket is not closed")
        return test
    if _next_word(tokens, "not"):
        inner = _one(tokens)
        return lambda instance: not inner(instance)
    kind, name = _take(tokens)
    if kind != "word":
        raise QueryError(name)
    kind, operator = _take(tokens)
    if kind == "word" and operator.lower() == "like":
        operator = "like"
    elif kind != "operator":
        raise QueryError(operator)
    return _comparison(name.lower(), operator, _literal(_take(tokens)))


def _literal(token: tuple[str, str]) -> t.Any:
    kind, text = token
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "number":
        return int(text)
    if kind == "word" and text.lower() in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text.lower()]
    raise QueryError(text)


def _comparison(name: str, operator: str, literal: t.Any) -> _Test:
    if operator == "like":
        pattern = re.compile(_like(str(literal)), re.IGNORECASE | re.DOTALL)
        return lambda instance: bool(pattern.fullmatch(str(_value(instance, name) or "")))
    if operator in ("=", "<>", "!="):
        equal = operator == "="
        return lambda instance: (_fold(_value(instance, name)) == _fold(literal)) == equal
    order: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    compare = order[operator]

    def test(instance: t.Mapping[str, t.Any]) -> bool:
        value = _value(instance, name)
        return isinstance(value, int) and isinstance(literal, int) and compare(value, literal)

    return test


def _value(instance: t.Mapping[str, t.Any], name: str) -> t.Any:
    if name not in instance:
        raise QueryError(name)
    return instance[name]


def _fold(value: t.Any) -> t.Any:
    return value.lower() if isinstance(value, str) else value


def _like(pattern: str) -> str:
    result, position = "", 0
    while position < len(pattern):
        letter = pattern[position]
        if letter == "%":
            result += ".*"
        elif letter == "_":
            result += "."
        elif letter == "[" and "]" in pattern[position:]:
            end = pattern.index("]", position)
            result += "[" + pattern[position + 1 : end].replace("\\", "\\\\") + "]"
            position = end
        else:
            result += re.escape(letter)
        position += 1
    return result
