# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects in a simulated pipeline, and their way to the client.

Plain Python stands for the .NET primitives (str, bool, bytes, int, datetime); ``PSObj`` for everything with type names,
properties or notes. ``to_wire`` makes psrpcore objects of them, cut at the depth that PowerShell remoting uses.
"""

from __future__ import annotations

import datetime
import enum
import functools
import typing as t
from dataclasses import dataclass, field

from psrpcore.types import (
    PSByte,
    PSByteArray,
    PSChar,
    PSCustomObject,
    PSDateTime,
    PSDict,
    PSInt,
    PSInt64,
    PSList,
    PSNoteProperty,
    PSObject,
    PSString,
    PSUInt,
    PSUInt64,
    PSVersion,
)
from psrpcore.types._base import PSObjectMeta

CUSTOM_OBJECT = ("System.Management.Automation.PSCustomObject", "System.Object")
STRING_ARRAY = ("System.String[]", "System.Array", "System.Object")
INT_ARRAY = ("System.Int32[]", "System.Array", "System.Object")
BYTE_ARRAY = ("System.Byte[]", "System.Array", "System.Object")
OBJECT_ARRAY = ("System.Object[]", "System.Array", "System.Object")


class UInt(int):
    """System.UInt32."""


class ULong(int):
    """System.UInt64."""


class Long(int):
    """System.Int64."""


class Byte(int):
    """System.Byte."""


class Char(str):
    """System.Char."""


class Version(str):
    """System.Version."""


@dataclass(eq=False)
class PSObj:
    """A .NET object: type names, adapted properties, note properties, the wrapped primitive or list, ToString."""

    types: tuple[str, ...]
    props: dict[str, t.Any] = field(default_factory=dict)
    notes: dict[str, t.Any] = field(default_factory=dict)
    base: t.Any = None
    text: str | None = None
    deep: bool = False
    """Comes with its properties also inside another object: PowerShell wraps it twice (recorded)."""

    def get(self, name: str) -> t.Any:
        """The property, case-insensitively, notes first. Raises KeyError."""
        for group in (self.notes, self.props):
            if name in group:
                return group[name]
        wanted = name.lower()
        for group in (self.notes, self.props):
            for key, value in group.items():
                if key.lower() == wanted:
                    return value
        raise KeyError(name)

    def names(self) -> list[str]:
        return [*self.props, *(key for key in self.notes if key not in self.props)]

    def __str__(self) -> str:
        if self.text is not None:
            return self.text
        return str(self.base) if isinstance(self.base, (str, int)) else self.types[0]


def custom(notes: t.Mapping[str, t.Any], *extra_types: str) -> PSObj:
    """A PSCustomObject with note properties."""
    return PSObj((*extra_types, *CUSTOM_OBJECT), notes=dict(notes), text="")


def array(items: t.Iterable[t.Any], types: tuple[str, ...] = OBJECT_ARRAY) -> PSObj:
    return PSObj(types, base=list(items))


def enumeration(type_name: str, number: int, text: str) -> PSObj:
    """A value of a .NET enumeration."""
    return PSObj((type_name, "System.Enum", "System.ValueType", "System.Object"), base=number, text=text)


def is_list(value: t.Any) -> bool:
    return isinstance(value, list) or (isinstance(value, PSObj) and isinstance(value.base, list))


def items(value: t.Any) -> list[t.Any]:
    """The elements of a list, ``[value]`` for anything else, nothing for null."""
    if value is None:
        return []
    if isinstance(value, PSObj):
        return list(value.base) if isinstance(value.base, list) else [value]
    return list(value) if isinstance(value, list) else [value]


def plain(value: t.Any) -> t.Any:
    """The primitive inside a wrapper with notes; anything else as it is."""
    if isinstance(value, PSObj) and isinstance(value.base, (str, bytes, int)) and not isinstance(value.base, bool):
        return value.base
    return value


def get_property(value: t.Any, name: str) -> t.Any:
    """A property of any pipeline object, case-insensitively. Raises KeyError where there is none."""
    if isinstance(value, PSObj):
        try:
            return value.get(name)
        except KeyError:
            value = value.base
    lowered = name.lower()
    if isinstance(value, str) and lowered == "length":
        return len(value)
    if isinstance(value, list) and lowered in ("count", "length"):
        return len(value)
    if isinstance(value, bytes) and lowered == "length":
        return len(value)
    if isinstance(value, dict):
        for key, item in value.items():
            if str(key).lower() == lowered:
                return item
        if lowered == "count":
            return len(value)
    if isinstance(value, datetime.datetime):
        if lowered in ("year", "month", "day", "hour", "minute", "second"):
            return getattr(value, lowered)
        if lowered == "kind":
            return enumeration("System.DateTimeKind", 2, "Local")
    raise KeyError(name)


def property_names(value: t.Any) -> list[str]:
    if isinstance(value, PSObj):
        return value.names()
    if isinstance(value, dict):
        return [str(key) for key in value]
    return ["Length"] if isinstance(value, (str, bytes, list)) else []


def to_text(value: t.Any) -> str:
    """What ``$value.ToString()`` or string conversion gives."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    return str(value)


# PowerShell remoting serialises the properties of an object, and objects in them as their ToString.
_DEPTH = 1


def to_wire(value: t.Any, depth: int = _DEPTH, top: bool = True) -> t.Any:
    """The value as psrpcore objects. Lists keep their elements at every depth; deeper objects become strings, but what
    a custom object at the top holds keeps its properties (recorded)."""
    if value is None or isinstance(value, (bool, PSObject)):
        return value
    if isinstance(value, Version):
        return PSVersion(str(value))
    if isinstance(value, Char):
        return PSChar(str(value))
    if isinstance(value, str):
        return PSString(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, bytes):
        return PSByteArray(value)
    if isinstance(value, datetime.datetime):
        return PSDateTime.fromisoformat(value.isoformat())
    if isinstance(value, dict):
        return PSDict({to_wire(key, depth): to_wire(item, depth - 1) for key, item in value.items()})
    if isinstance(value, list):
        return _typed(PSList(to_wire(item, depth, False) for item in value), OBJECT_ARRAY, None)
    if isinstance(value, PSObj):
        return _object(value, depth, top)
    raise TypeError(f"the lab cannot send a {type(value).__name__}")


def _integer(value: int) -> t.Any:
    for kind, wire in ((UInt, PSUInt), (ULong, PSUInt64), (Long, PSInt64), (Byte, PSByte)):
        if isinstance(value, kind):
            return wire(value)
    return PSInt(value) if -(2**31) <= value < 2**31 else PSInt64(value)


def _object(value: PSObj, depth: int, top: bool = False) -> t.Any:
    primitive = isinstance(value.base, (str, bytes)) or (isinstance(value.base, int) and value.text is None)
    if primitive and not value.notes:
        return to_wire(value.base, depth)
    if primitive:
        wrapped = to_wire(value.base, depth)
        wrapped.PSObject.extended_properties = _properties(value.notes, depth)
        return wrapped
    if isinstance(value.base, int):  # enumeration
        if depth < _DEPTH:
            return PSString(str(value.text))
        return _wire_enum(value.types, value.base, str(value.text))
    if isinstance(value.base, list):
        result = _typed(PSList(to_wire(item, depth, False) for item in value.base), value.types, None)
        result.PSObject.extended_properties = _properties(value.notes, depth)
        return result
    if depth < _DEPTH and not value.deep:
        return PSString(str(value))
    depth = max(depth, 0)
    inside = depth + 1 if top and value.types[-2:] == CUSTOM_OBJECT and not value.props else depth
    result = _typed(PSCustomObject(), value.types, value.text)
    result.PSObject.adapted_properties = _properties(value.props, inside)
    result.PSObject.extended_properties = _properties(value.notes, inside)
    return result


@functools.cache
def _wire_enum(types: tuple[str, ...], number: int, text: str) -> t.Any:
    """psrpcore writes an enumeration as number, type names and ToString only for a Python enum."""
    make: t.Any = enum.Enum
    member = make(types[0].rpartition(".")[2], {text: number})[text]
    member.PSObject = PSObjectMeta(list(types))
    return member


def _typed(result: t.Any, types: tuple[str, ...], text: str | None) -> t.Any:
    result.PSObject.type_names = list(types)
    if text is not None:
        result.PSObject.to_string = text
    return result


def _properties(group: t.Mapping[str, t.Any], depth: int) -> list[PSNoteProperty]:
    return [PSNoteProperty(name, to_wire(value, depth - 1, top=False)) for name, value in group.items()]
