# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Registry answers: which key gave what, and what kind of value it was.

``Get-ItemProperty`` on fixed keys names its key in ``PSPath``; an error names it as target. So absent, denied, empty
and unanswered keys stay apart. .NET hides REG_SZ from REG_EXPAND_SZ: only ``EnumValues`` of StdRegProv can tell them
apart.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.clixml import Wide
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Command,
    Statement,
    Thing,
    Unsigned,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import (
    Question,
    Reply,
    plain_target,
    status_of,
)

HKEY_LOCAL_MACHINE = 0x80000002


def provider_path(key: str) -> str:
    return f"Registry::{key}"


def select(*properties: str) -> Command:
    """``Select-Object`` by its module name: the one of a restricted session takes a fixed set of properties only."""
    return command("Select-Object", Property=list(properties))


def going_on(name: str, **named: t.Any) -> Command:
    """A cmdlet whose errors do not end the batch, whatever the session's ErrorActionPreference is."""
    return command(name, **named, ErrorAction="Continue")


def values_question(name: str, keys: t.Sequence[str], values: t.Sequence[str]) -> Question:
    """Asks several keys for some of their values in one statement."""
    statement = (
        going_on("Get-ItemProperty", LiteralPath=[provider_path(key) for key in keys]),
        select("PSPath", *values),
    )
    return Question(name, statement, frozenset(key.lower() for key in keys))


def items_question(name: str, keys: t.Sequence[str]) -> Question:
    """Asks whether keys exist and what their values are called."""
    statement = (going_on("Get-Item", LiteralPath=[provider_path(key) for key in keys]), select("Name", "Property"))
    return Question(name, statement, frozenset(key.lower() for key in keys))


def children_question(name: str, keys: t.Sequence[str]) -> Question:
    """Asks for the keys right below some keys and for what their values are called."""
    paths = [provider_path(key) for key in keys]
    statement = (going_on("Get-ChildItem", LiteralPath=paths), select("Name", "Property"))
    return Question(name, statement, frozenset(key.lower() for key in keys))


def _stdregprov(method: str, **arguments: t.Any) -> Command:
    return going_on(
        "Invoke-CimMethod",
        Namespace="root/cimv2",
        ClassName="StdRegProv",
        MethodName=method,
        Arguments={"hDefKey": Unsigned(HKEY_LOCAL_MACHINE), **arguments},
    )


def enum_values_statement(key: str) -> Statement:
    """The names and types of all values of a key below HKEY_LOCAL_MACHINE."""
    return (_stdregprov("EnumValues", sSubKeyName=_below_hive(key)), select("ReturnValue", "sNames", "Types"))


def dword_statement(key: str, value: str) -> Statement:
    return (
        _stdregprov("GetDWORDValue", sSubKeyName=_below_hive(key), sValueName=value),
        select("ReturnValue", "uValue"),
    )


def _below_hive(key: str) -> str:
    return key.partition("\\")[2]


@dataclass
class KeyAnswer:
    """One key. ``status`` is ``ok``, ``absent``, ``denied``, ``error`` or ``empty`` (nothing came back, and no error:
    a key without values, if the answer was whole). ``properties`` are in lower case."""

    status: d.Status | t.Literal["empty"]
    reason: str | None = None
    properties: dict[str, t.Any] = field(default_factory=dict)


class RegistryAnswers:
    """The answers to ``values_question``, by key."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._found: dict[str, dict[str, t.Any]] = {}
        for thing in reply.values:
            path = plain_target(_text(thing.get("PSPath"))) if isinstance(thing, Thing) else None
            if path is not None:
                self._found[path] = {name.lower(): value for name, value in thing.properties.items()}

    def key(self, key: str) -> KeyAnswer:
        found = self._found.get(key.lower())
        if found is not None:
            return KeyAnswer(facts.OK, None, found)
        for refusal in self._reply.refusals:
            if plain_target(refusal.target) == key.lower():
                status, reason = status_of(refusal)
                return KeyAnswer(status, f"The key does not exist: {key}." if status == facts.ABSENT else reason)
        if not self._reply.complete:
            return KeyAnswer(*self._why_cut_short())
        return KeyAnswer("empty")

    def _why_cut_short(self) -> tuple[d.Status, str]:
        if self._reply.unreadable is not None:
            return facts.ERROR, self._reply.unreadable
        for refusal in self._reply.refusals:
            target = plain_target(refusal.target)
            if target is None or not target.startswith("hkey_"):
                status, reason = status_of(refusal)
                return facts.ERROR if status == facts.ABSENT else status, reason
        return facts.ERROR, "The endpoint's answer was cut short."

    def silent(self, keys: t.Iterable[str]) -> list[str]:
        """The keys that gave neither values nor an error."""
        return [key for key in keys if self.key(key).status == "empty"]

    def confirm(self, items: Reply) -> None:
        """Settles silent keys by the answer to ``items_question``: really there and really empty, or something else."""
        names = key_names(items)
        for key in self.silent(names):
            if names[key] == []:
                self._found[key.lower()] = {}
        settled = set(self._found)
        self._reply = Reply(
            self._reply.values,
            [*self._reply.refusals, *(r for r in items.refusals if plain_target(r.target) not in settled)],
            self._reply.complete,
            self._reply.unreadable,
        )

    def value(self, key: str, name: str, types: t.Mapping[str, d.RegistryType | None] | None = None) -> d.RegistryValue:
        """One value as facts store it. ``types`` are the true types by name in lower case, where they were asked."""
        answer = self.key(key)
        if answer.status == "empty":
            return facts.registry_value(
                key, name, facts.ERROR, "The key gave neither values nor an error, so nothing is known about it."
            )
        if answer.status != facts.OK:
            return facts.registry_value(key, name, answer.status, answer.reason)
        data = answer.properties.get(name.lower())
        if data is None:
            return facts.registry_value(key, name, facts.ABSENT, "The value does not exist.")
        stored = typed(data, types.get(name.lower()) if types else None)
        if stored is None:
            return facts.registry_value(key, name, facts.ERROR, "The value came in a form that no registry value has.")
        return facts.registry_value(key, name, type=stored["type"], data=stored["data"])

    def data(self, key: str, name: str) -> t.Any:
        """The plain data of a value, or None where there is none or it is unknown."""
        answer = self.key(key)
        return answer.properties.get(name.lower()) if answer.status == facts.OK else None


def key_names(reply: Reply) -> dict[str, list[str]]:
    """Full key path as spelt → names of its values, from ``items_question`` or ``children_question``."""
    found: dict[str, list[str]] = {}
    for thing in reply.values:
        if not isinstance(thing, Thing):
            continue
        name, names = _text(thing.get("Name")), thing.get("Property")
        if name is not None:
            found[name.rpartition("::")[2]] = [str(item) for item in names] if isinstance(names, list) else []
    return found


def enum_types(reply: Reply) -> dict[str, d.RegistryType | None] | None:
    """Value name in lower case → type name (None: one that the facts do not know), from ``enum_values_statement``; None
    where it was not answered."""
    for thing in reply.values:
        if not isinstance(thing, Thing) or thing.get("ReturnValue") != 0:
            continue
        names, types = thing.get("sNames") or [], thing.get("Types") or []
        if isinstance(names, list) and isinstance(types, list) and len(names) == len(types):
            return {
                str(name).lower(): facts.REGISTRY_TYPE_NAMES.get(kind) for name, kind in zip(names, types, strict=True)
            }
    return None


def typed(data: t.Any, known: d.RegistryType | None = None) -> d.ValueOfKey | None:
    """``{type, data}`` of a registry value by the .NET value that stands for it; None where it cannot be one."""
    if isinstance(data, bool) or data is None:
        return None
    if isinstance(data, int):
        wide = isinstance(data, Wide)
        return {"type": "REG_QWORD" if wide else "REG_DWORD", "data": int(data) & ((1 << (64 if wide else 32)) - 1)}
    if isinstance(data, str):
        return {"type": known if known in ("REG_SZ", "REG_EXPAND_SZ") else "REG_SZ_OR_EXPAND_SZ", "data": data}
    if isinstance(data, bytes):
        return {"type": "REG_NONE" if known == "REG_NONE" else "REG_BINARY", "data": data.hex()}
    if isinstance(data, list):
        if all(isinstance(item, str) for item in data):
            if data or known in (None, "REG_MULTI_SZ"):
                return {"type": "REG_MULTI_SZ", "data": list(data)}
            return {"type": known, "data": ""}
        if all(isinstance(item, int) and 0 <= item < 256 for item in data):
            return {"type": "REG_NONE" if known == "REG_NONE" else "REG_BINARY", "data": bytes(data).hex()}
    return None


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) else None
