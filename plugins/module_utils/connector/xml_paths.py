# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Texts at named places of a connector XML file, and nothing else of it.

Both files hold secrets (identity, proxy credentials): only the places asked for are ever kept. A document type
declaration is refused, since nothing but an attack would bring entities into these files.
"""

from __future__ import annotations

import typing as t
from xml.parsers import expat

Path = tuple[str, ...]
"""Local element names below the root element."""

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
MAX_TEXT_CHARS = 65_536


class XmlError(ValueError):
    """The bytes are not the XML expected; the text is one sentence without content of the file."""


def read_paths(data: bytes, wanted: t.Collection[Path]) -> dict[Path, str]:
    """The text of the first element at each wanted place that exists, without the blanks around it.

    Namespaces are not looked at. Errors: ``XmlError`` for anything that is not well-formed, too large or too deep.
    """
    if len(data) > MAX_BYTES:
        raise XmlError(f"the file has {len(data)} bytes, more than the {MAX_BYTES} that are read")
    collector = _Collector(frozenset(wanted))
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = collector.doctype
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise XmlError(f"the file is not well-formed XML: {what} (line {error.lineno})") from None
    except (ValueError, LookupError) as error:
        if isinstance(error, XmlError):
            raise
        raise XmlError("the file is in an encoding that cannot be read") from None
    return {path: "".join(parts).strip() for path, parts in collector.found.items()}


class _Collector:
    def __init__(self, wanted: frozenset[Path]) -> None:
        self.found: dict[Path, list[str]] = {}
        self._wanted = wanted
        self._stack: list[str] = []
        self._open: Path | None = None
        self._length = 0

    def doctype(self, *_arguments: t.Any) -> None:
        raise XmlError("the file has a document type declaration, which no connector file has")

    def start(self, name: str, _attributes: t.Mapping[str, str]) -> None:
        self._stack.append(name.rpartition("}")[2])
        if len(self._stack) > MAX_DEPTH:
            raise XmlError("the file is nested too deeply")
        path = tuple(self._stack[1:])
        if path in self._wanted and path not in self.found:
            self.found[path] = []
            self._open, self._length = path, 0

    def end(self, _name: str) -> None:
        if self._open == tuple(self._stack[1:]):
            self._open = None
        self._stack.pop()

    def text(self, text: str) -> None:
        if self._open is None or self._open != tuple(self._stack[1:]):
            return
        self._length += len(text)
        if self._length > MAX_TEXT_CHARS:
            raise XmlError("an element holds more text than any real one")
        self.found[self._open].append(text)
