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
from dataclasses import dataclass, field, replace

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.clixml import Int64
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Command,
    PSObject,
    Refusal,
    Statement,
    UInt32,
    command,
    plain_target,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import (
    Question,
    Reply,
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


_ABOUT_KEYS = ("Name", "Property", "ValueCount", "SubKeyCount")


def items_question(name: str, keys: t.Sequence[str]) -> Question:
    """Asks whether keys exist, what their values are called, and how many values and keys they hold."""
    statement = (going_on("Get-Item", LiteralPath=[provider_path(key) for key in keys]), select(*_ABOUT_KEYS))
    return Question(name, statement, frozenset(key.lower() for key in keys))


def named_question(name: str, key: str, asked: t.Sequence[str], values: t.Sequence[str]) -> Question:
    """Asks one key for values that it is known to have (``asked``), so that no other value can spoil the answer: a
    value called ``PSObject`` ends Get-ItemProperty without -Name (seen on 7.6)."""
    statement = (
        going_on("Get-ItemProperty", LiteralPath=[provider_path(key)], Name=list(asked)),
        select("PSPath", *values),
    )
    return Question(name, statement, frozenset({key.lower()}))


def children_question(name: str, keys: t.Sequence[str]) -> Question:
    """Asks for the keys right below some keys and for what their values are called."""
    paths = [provider_path(key) for key in keys]
    statement = (going_on("Get-ChildItem", LiteralPath=paths), select(*_ABOUT_KEYS))
    return Question(name, statement, frozenset(key.lower() for key in keys))


def _stdregprov(method: str, **arguments: t.Any) -> Command:
    return going_on(
        "Invoke-CimMethod",
        Namespace="root/cimv2",
        ClassName="StdRegProv",
        MethodName=method,
        Arguments={"hDefKey": UInt32(HKEY_LOCAL_MACHINE), **arguments},
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


@dataclass(frozen=True)
class Listed:
    """What a key says of itself. ``whole``: as many names came as the key counts values."""

    path: str
    names: tuple[str, ...]
    whole: bool
    keys: int | None
    """How many keys lie right below it."""

    def has(self, name: str) -> bool | None:
        """Whether there is a value of that name; None where the names came incomplete."""
        if name.lower() in map(str.lower, self.names):
            return True
        return False if self.whole else None


def listing(reply: Reply) -> dict[str, Listed]:
    """Full key path in lower case → what the key says, from ``items_question`` or ``children_question``."""
    found: dict[str, Listed] = {}
    for obj in reply.values:
        name = _text(obj.get("Name")) if isinstance(obj, PSObject) else None
        if not isinstance(obj, PSObject) or name is None:
            continue
        names, count, keys = obj.get("Property"), obj.get("ValueCount"), obj.get("SubKeyCount")
        texts = tuple(str(item) for item in names) if isinstance(names, list) else ()
        path = name.rpartition("::")[2]
        found[path.lower()] = Listed(path, texts, count == len(texts), keys if isinstance(keys, int) else None)
    return found


NOTHING_PROVEN = "Nothing came that proves that it does not exist."


class RegistryAnswers:
    """The answers to ``values_question``, by key. A value is absent where the key's own list of names lacks it, a key
    where the endpoint says so of that very key. Everything else is not known."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._listed: dict[str, Listed] = {}
        self._found: dict[str, dict[str, t.Any]] = {}
        self._doubt: str | None = None
        self._add(reply)

    def _add(self, reply: Reply) -> None:
        for obj in reply.values:
            path = plain_target(_text(obj.get("PSPath"))) if isinstance(obj, PSObject) else None
            if path is not None:
                self._found[path] = {name.lower(): value for name, value in obj.properties.items()}

    def key(self, key: str) -> KeyAnswer:
        found = self._found.get(key.lower())
        if found is not None:
            return KeyAnswer(facts.OK, None, found)
        refused = self._reply.refused(key)
        if refused is not None:
            status, reason = refused
            return KeyAnswer(status, f"The key does not exist: {key}." if status == facts.ABSENT else reason)
        if self.is_cut(key):
            return KeyAnswer(*self._why_cut_short())
        return KeyAnswer("empty")

    def was_asked(self, key: str) -> bool:
        return key.lower() in self._reply.targets

    def is_cut(self, key: str) -> bool:
        """Whether the key may have been passed over: it gave nothing, and there is an error that names no key."""
        if self._is_settled(key):
            return False
        return not self._reply.complete or any(self._names_no_key(refusal) for refusal in self._reply.refusals)

    def _is_settled(self, key: str) -> bool:
        return key.lower() in self._found or self._reply.refused(key) is not None

    def _names_no_key(self, refusal: Refusal) -> bool:
        return plain_target(refusal.target) not in self._reply.targets

    def _why_cut_short(self) -> tuple[d.Status, str]:
        if self._reply.unreadable is not None:
            return facts.ERROR, self._reply.unreadable
        for refusal in self._reply.refusals:
            if self._names_no_key(refusal):
                return self._reply.status_of(refusal)
        return facts.ERROR, "The endpoint's answer was cut short."

    def open_keys(self, keys: t.Iterable[str]) -> list[str]:
        """The keys that gave values or no answer of their own, so that their own list of names has to be asked for."""
        return [key for key in keys if key.lower() in self._found or self._reply.refused(key) is None]

    def settle(self, names: Reply) -> None:
        """Takes in the keys' own lists, the answer to ``items_question``."""
        self._listed.update(listing(names))
        more = [refusal for refusal in names.refusals if plain_target(refusal.target) not in self._found]
        self._reply = replace(self._reply, refusals=[*self._reply.refusals, *more])

    def doubt(self, reason: str) -> None:
        """From now on nothing is absent."""
        self._doubt = reason
        self._reply = replace(self._reply, doubt=reason)

    def again(self, wanted: t.Mapping[str, t.Sequence[str]], listed: t.Mapping[str, Listed]) -> list[Question]:
        """One question for each of these keys that was passed over: for the values that it is known to have, or, where
        its names are not known, for all that are wanted."""
        asked = []
        for key, names in wanted.items():
            about = listed.get(key.lower())
            if about is None:
                asked.append(values_question(f"again:{key}", [key], names))
            elif there := [name for name in names if about.has(name)]:
                asked.append(named_question(f"again:{key}", key, there, names))
        return asked

    def take_again(self, replies: t.Mapping[str, Reply]) -> None:
        """Takes in the answers to ``again``."""
        for name, reply in replies.items():
            self._add(reply)
            key = name.removeprefix("again:").lower()
            named = [refusal for refusal in reply.refusals if plain_target(refusal.target) == key]
            self._reply = replace(self._reply, refusals=[*self._reply.refusals, *named])

    def value(self, key: str, name: str, types: t.Mapping[str, d.RegistryType | None] | None = None) -> d.RegistryValue:
        """One value as facts store it. ``types`` are the true types by name in lower case, where they were asked."""
        answer = self.key(key)
        data = answer.properties.get(name.lower())
        if data is None:
            status, reason = self._why_missing(key, name, answer)
            return facts.registry_value(key, name, status, reason)
        stored = typed(data, types.get(name.lower()) if types else None)
        if stored is None:
            return facts.registry_value(key, name, facts.ERROR, "The value came in a form that no registry value has.")
        return facts.registry_value(key, name, type=stored["type"], data=stored["data"])

    def _why_missing(self, key: str, name: str, answer: KeyAnswer) -> tuple[d.Status, str | None]:
        listed = self._listed.get(key.lower())
        if listed is None or answer.status not in (facts.OK, "empty", facts.ERROR):
            if answer.status == "empty" or answer.status == facts.OK:
                return facts.ERROR, NOTHING_PROVEN
            return answer.status, answer.reason
        has = listed.has(name)
        if has:
            return facts.ERROR, "The value exists and could not be read."
        if has is None or (answer.status == facts.OK and name.lower() not in answer.properties):
            return facts.ERROR, NOTHING_PROVEN
        return (facts.ERROR, self._doubt) if self._doubt else (facts.ABSENT, "The value does not exist.")

    def data(self, key: str, name: str) -> t.Any:
        """The plain data of a value, or None where there is none or it is unknown."""
        answer = self.key(key)
        return answer.properties.get(name.lower()) if answer.status == facts.OK else None


def enum_types(reply: Reply) -> dict[str, d.RegistryType | None] | None:
    """Value name in lower case → type name (None: one that the facts do not know), from ``enum_values_statement``; None
    where it was not answered."""
    for obj in reply.values:
        if not isinstance(obj, PSObject) or obj.get("ReturnValue") != 0:
            continue
        names, types = obj.get("sNames") or [], obj.get("Types") or []
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
        wide = isinstance(data, Int64)
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
