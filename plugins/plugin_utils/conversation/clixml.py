# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""CLIXML, the form in which PowerShell writes objects ([MS-PSRP] 2.2.5), into plain Python.

Numbers become int (``Int64`` where they were 64 bits wide, so that REG_QWORD can be told from REG_DWORD), byte arrays
bytes, lists list, dictionaries dict, other objects ``PSObject``. Times, versions and GUIDs stay text. A text or number
that only carries extra properties (a line of ``Get-Content``) is the text or number; an enumeration is a ``PSObject``
with its name as ``text`` and its number as property ``value``. Secure strings are never read.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import AnswerError, PSObject


class Int64(int):
    """A number that was 64 bits wide."""


_ESCAPE = re.compile(r"_[xX]([0-9A-Fa-f]{4})_")
_LISTS = {"LST", "IE", "QUE", "STK"}


def _text(element: ET.Element) -> str:
    text = element.text or ""
    if "_x" not in text.lower():
        return text
    units = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _raw(element: ET.Element) -> str:
    return element.text or ""


def _number(element: ET.Element) -> int:
    return int(element.text or "")


_PRIMITIVES: dict[str, t.Callable[[ET.Element], t.Any]] = {
    "S": _text,
    "ToString": _text,
    "URI": _text,
    "XD": _text,
    "SBK": _text,
    "DT": _raw,
    "TS": _raw,
    "D": _raw,
    "G": _raw,
    "Version": _raw,
    "C": lambda element: chr(_number(element)),
    "B": lambda element: _raw(element).lower() == "true",
    "By": _number,
    "SB": _number,
    "U16": _number,
    "I16": _number,
    "U32": _number,
    "I32": _number,
    "U64": lambda element: Int64(_number(element)),
    "I64": lambda element: Int64(_number(element)),
    "Sg": lambda element: float(element.text or ""),
    "Db": lambda element: float(element.text or ""),
    "BA": lambda element: base64.b64decode(_raw(element)),
    "Nil": lambda element: None,
    "SS": lambda element: None,
}


def parse(clixml: str) -> t.Any:
    """The value of one CLIXML element; ``Objs`` (an Export-Clixml file) gives the list of its values.

    Raises AnswerError when the text is no CLIXML.
    """
    if "<!" in clixml:
        raise AnswerError("An answer holds a document type declaration, which PowerShell never sends.")
    try:
        root = ET.fromstring(clixml)
        reader = _Reader()
        if _tag(root) == "Objs":
            return [reader.value(child) for child in root]
        return reader.value(root)
    except (ET.ParseError, ValueError, KeyError, OverflowError, binascii.Error, RecursionError) as error:
        raise AnswerError(f"An answer is not CLIXML that can be read ({type(error).__name__}).") from error


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


class _Reader:
    """References hold within one message."""

    def __init__(self) -> None:
        self.objects: dict[str, t.Any] = {}
        self.types: dict[str, tuple[str, ...]] = {}

    def value(self, element: ET.Element) -> t.Any:
        tag = _tag(element)
        primitive = _PRIMITIVES.get(tag)
        if primitive is not None:
            return primitive(element)
        if tag == "Ref":
            return self.objects[element.attrib["RefId"]]
        if tag == "Obj":
            return self._object(element)
        raise ValueError(tag)

    def _object(self, element: ET.Element) -> t.Any:
        types: tuple[str, ...] = ()
        text: str | None = None
        properties: dict[str, t.Any] = {}
        content: list[t.Any] = []
        reference = element.attrib.get("RefId")
        if reference is not None:
            # For an object that names itself below; the finished one takes its place.
            self.objects[reference] = PSObject((), properties)
        for child in element:
            tag = _tag(child)
            if tag == "TN":
                types = tuple(_text(name) for name in child)
                self.types[child.attrib.get("RefId", "")] = types
            elif tag == "TNRef":
                types = self.types[child.attrib["RefId"]]
            elif tag == "ToString":
                text = _text(child)
            elif tag in ("Props", "MS"):
                for item in child:
                    properties[_unescape_name(item.attrib["N"])] = self.value(item)
            elif tag in _LISTS:
                content.append([self.value(item) for item in child])
            elif tag == "DCT":
                content.append(dict(self._entry(entry) for entry in child))
            else:
                content.append(self.value(child))
        value: t.Any
        if "System.Enum" in types:
            value = PSObject(types, {"value": content[0] if content else None}, text)
        elif not content:
            value = PSObject(types, properties, text)
        else:
            value = content[0]
        if reference is not None:
            self.objects[reference] = value
        return value

    def _entry(self, entry: ET.Element) -> tuple[t.Any, t.Any]:
        parts = {item.attrib.get("N"): item for item in entry}
        key = self.value(parts["Key"])
        if not isinstance(key, (str, int, float, bool)):
            raise ValueError("a key that is no plain value")
        return key, self.value(parts["Value"])


def _unescape_name(name: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), name) if "_x" in name else name
