# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A JEA configuration for an engine that is started with ``-ConfigurationFile``, which refuses RoleDefinitions.

The entries of the role capability are put into the session file as they stand: both kinds of file know the same keys.
"""

from __future__ import annotations

import typing as t

_NOT_HERE = (
    "roledefinitions",
    "runasvirtualaccount",
    "runasvirtualaccountgroups",
    "transcriptdirectory",
    "executionpolicy",
)
"""Who may come in and as whom it runs is WS-Man's business; there is neither here."""
_OPEN, _CLOSE = "({[", ")}]"


def one_file(session: str, *roles: str) -> str:
    """The text of one session configuration with the entries of the role capabilities. Raises ValueError."""
    merged: dict[str, tuple[str, str]] = {}
    for text in (*roles, session):
        for name, value in entries(text).items():
            if name.lower() not in _NOT_HERE:
                merged[name.lower()] = (name, value)
    return "@{\n" + "".join(f"{name} = {value}\n" for name, value in merged.values()) + "}\n"


def entries(text: str) -> dict[str, str]:
    """The keys of a data file's hash table, each with the text of its value, without comments."""
    plain = "".join(_tokens(text)).strip()
    if not (plain.startswith("@{") and plain.endswith("}")):
        raise ValueError("the file is no hash table")
    found: dict[str, str] = {}
    for entry in _split(plain[2:-1]):
        name, equals, value = entry.partition("=")
        if not equals:
            raise ValueError(f"no key: {entry[:60]!r}")
        found[name.strip().strip("'\"")] = value.strip()
    return found


def _tokens(text: str) -> t.Iterator[str]:
    """Texts in quotes as one piece, all else letter by letter; comments are left out."""
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "#" and not text.startswith("<#", at - 1):
            at = _index(text, "\n", at)
        elif text.startswith("<#", at):
            at = _index(text, "#>", at) + 2
        elif letter in "'\"":
            end = at + 1
            while (end := text.index(letter, end)) is not None and text.startswith(letter * 2, end):
                end += 2
            yield text[at : end + 1]
            at = end + 1
        else:
            yield letter
            at += 1


def _index(text: str, what: str, start: int) -> int:
    found = text.find(what, start)
    return len(text) if found < 0 else found


def _split(body: str) -> t.Iterator[str]:
    """The entries of a hash table: a line end or a semicolon ends one, except in brackets or after ``=`` or ``,``."""
    depth, entry = 0, ""
    for token in _tokens(body):
        if len(token) == 1:
            depth += (token in _OPEN) - (token in _CLOSE)
        if depth == 0 and token in ("\n", ";") and not entry.rstrip().endswith(("=", ",")):
            if entry.strip():
                yield entry.strip()
            entry = ""
        else:
            entry += token
    if entry.strip():
        yield entry.strip()
