# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One registry value of an endpoint: read it, write it, take it away; each write is read back and compared.

Keys without a slash in a part of their name go through the registry provider, whose ``-Type`` settles the type. A key
like ``Ciphers\\AES 128/128`` is changed through StdRegProv: the provider finds it (seen on 7.6; not tried on 5.1), but
``New-Item`` takes the slash for a separator. ``New-Item`` is never told ``-Force``: it would empty an existing key.

The provider hands over REG_SZ and REG_EXPAND_SZ alike, as text with its variables replaced; which of the two it is,
``EnumValues`` of StdRegProv tells, or ``GetValueKind`` of the key itself. The text as it is stored comes from
``GetValue`` of the key; both go through ``ForEach-Object -MemberName`` (seen on 7.6), which a session without the full
language may refuse. A REG_EXPAND_SZ whose stored text cannot be had is refused, since it could not be put back. Without
either the type stays ``REG_SZ_OR_EXPAND_SZ``, and is written as REG_SZ.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.facts import RegistryType
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.plan import State
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import REGISTRY_TYPE_NAMES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Asker,
    PSObject,
    Refusal,
    Statement,
    UInt32,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Reply
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    HKEY_LOCAL_MACHINE,
    listing,
    provider_path,
    select,
    typed,
)

ABSENT: State = {"status": "absent", "type": None, "data": None}

_TYPES = {
    "REG_SZ": "String",
    "REG_SZ_OR_EXPAND_SZ": "String",
    "REG_EXPAND_SZ": "ExpandString",
    "REG_MULTI_SZ": "MultiString",
    "REG_DWORD": "DWord",
    "REG_QWORD": "QWord",
}
_BY_STDREGPROV = {"REG_SZ": ("String", "sValue"), "REG_DWORD": ("DWORD", "uValue")}
"""Type → the word in the names of the methods, and their argument. Other types could not be put back exactly."""
_CIM_ABSENT = (1, 2)
_MAY_NOT_DELETE = "System.ArgumentException,Microsoft.PowerShell.Commands.RemoveItemCommand"
_ABOUT_KEY = ("Name", "Property", "ValueCount", "SubKeyCount")
_CIM_DENIED = 5


def same(one: ValueState, other: ValueState) -> bool:
    """Whether two states are the same value. A type that the reader could not tell apart counts as either."""
    if one["status"] != other["status"]:
        return False
    if one["status"] == "absent":
        return True
    kinds = {one["type"], other["type"]}
    if len(kinds) > 1 and not (
        kinds <= {"REG_SZ", "REG_EXPAND_SZ", "REG_SZ_OR_EXPAND_SZ"} and "REG_SZ_OR_EXPAND_SZ" in kinds
    ):
        return False
    return bool(one["data"] == other["data"])


class RemoteRegistry:
    """Registry values of one endpoint below HKEY_LOCAL_MACHINE. Raises ChangeError, NotWritable or SessionError."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def read(self, path: str, name: str) -> State:
        """The value as it stands. Raises ChangeError where that cannot be said."""
        return self._read_slashed(path, name) if "/" in path else self._read_plain(path, name)

    def write(self, path: str, name: str, wanted: State) -> bool:
        """Makes the value stand as ``wanted`` and sees that it does; False where it did already."""
        if same(self.read(path, name), wanted):
            return False
        if "/" in path:
            self._write_slashed(path, name, wanted)
        else:
            self._write_plain(path, name, wanted)
        found = self.read(path, name)
        if not same(found, wanted):
            raise ChangeError("not_kept", f"{path}\\{name} was written, but does not hold what was written.")
        return True

    def key_exists(self, path: str) -> bool:
        """For keys without a slash. Raises ChangeError where it cannot be said."""
        answer = self._ask(
            (command("Get-Item", LiteralPath=provider_path(path), ErrorAction="Continue"), select("Name"))
        )
        if any(isinstance(item, PSObject) for item in answer.output):
            return True
        if answer.refusals and all(refusal.proves_absence({path.lower()}) for refusal in answer.refusals):
            return False
        raise _refused(answer.refusals, f"Whether the key {path} exists could not be read")

    def create_key(self, path: str) -> None:
        """Makes the key and those above it that are missing; an existing key is left alone."""
        if self.key_exists(path):
            return
        parent = path.rpartition("\\")[0]
        if parent.count("\\"):
            self.create_key(parent)
        answer = self._ask((command("New-Item", Path=provider_path(path), ErrorAction="Continue"), select("Name")))
        if answer.refusals:
            raise _refused(answer.refusals, f"The key {path} could not be created")

    def missing_keys(self, path: str) -> int:
        """How many keys a write would make: this one, and those above it that do not exist."""
        missing = 0
        while path.count("\\") > 1 and not self._is_key(path):
            missing += 1
            path = path.rpartition("\\")[0]
        return missing

    def remove_made_keys(self, path: str, number: int) -> None:
        """Takes the key away and so many above it as we made, as far as they hold nothing. Without WMI they stay."""
        for made in itertools.islice(_upwards(path), number):
            try:
                content = [self._cim(method, made, ("ReturnValue", "sNames")) for method in ("EnumValues", "EnumKey")]
                if all(code == 0 and answer is not None and not answer.get("sNames") for code, answer in content):
                    self._cim("DeleteKey", made, ("ReturnValue",))
            except ChangeError:
                return

    def remove_empty_key(self, path: str) -> None:
        """Takes a key away that we made; it must hold no values and no keys."""
        statement = (command("Remove-Item", LiteralPath=provider_path(path), ErrorAction="Continue"),)
        answer = self._ask(statement)
        if any(refusal.error_id.startswith(_MAY_NOT_DELETE) for refusal in answer.refusals):
            # The provider's answer for a key that may not be deleted, without a word about rights (seen on 7.6).
            raise NotWritable(f"The key {path} could not be removed: the account has no right to it.")
        if answer.refusals:
            raise _refused(answer.refusals, f"The key {path} could not be removed")

    def _is_key(self, path: str) -> bool:
        if "/" not in path:
            return self.key_exists(path)
        code, _answer = self._cim("EnumValues", path, ("ReturnValue",))
        if code in (0, *_CIM_ABSENT):
            return code == 0
        raise _cim_failed(code, f"Whether the key {path} exists could not be read")

    # The registry provider -----------------------------------------------------------------------------------------

    def _read_plain(self, path: str, name: str) -> State:
        statement = (
            command("Get-ItemProperty", LiteralPath=provider_path(path), ErrorAction="Continue"),
            select("PSPath", name),
        )
        answer = self._ask(statement)
        objects = [item for item in answer.output if isinstance(item, PSObject)]
        data = objects[0].get(name) if objects else None
        if data is None:
            if not objects and answer.refusals and all(r.proves_absence({path.lower()}) for r in answer.refusals):
                return {**ABSENT}
            data = self._named(path, name, answer)
            if data is None:
                return {**ABSENT}
        stored = typed(data)
        if stored is None:
            raise ChangeError("unreadable", f"{path}\\{name} holds something that is no registry value.")
        if stored["type"] == "REG_SZ_OR_EXPAND_SZ":
            stored["type"] = self._kind_of_text(path, name)
        if stored["type"] == "REG_EXPAND_SZ":
            stored["data"] = self._unexpanded(path, name)
        return {"status": "ok", "type": stored["type"], "data": stored["data"]}

    def _named(self, path: str, name: str, before: Answer) -> t.Any:
        """A value that did not come with its key, or None where the key's own list of names, as long as the key counts
        its values, lacks it. Another value may have spoilt the answer, so this one is asked for by its name."""
        key = provider_path(path)
        statement = (command("Get-Item", LiteralPath=key, ErrorAction="Continue"), select(*_ABOUT_KEY))
        about = self._ask(statement)
        if about.refusals and all(refusal.proves_absence({path.lower()}) for refusal in about.refusals):
            return None
        listed = listing(Reply(about.output)).get(path.lower())
        has = listed.has(name) if listed is not None else None
        if has is False:
            return None
        if has is None:
            raise _refused([*before.refusals, *about.refusals], f"{path}\\{name} could not be read")
        asked = command("Get-ItemProperty", LiteralPath=key, Name=[name], ErrorAction="Continue")
        answer = self._ask((asked, select("PSPath", name)))
        for item in answer.output:
            if isinstance(item, PSObject) and item.get(name) is not None:
                return item.get(name)
        raise ChangeError("unreadable", f"{path}\\{name} exists, and its value could not be read.")

    def _of_key(self, path: str, member: str, *arguments: str) -> t.Any:
        """What a getter of the key itself gives; None where the session refuses it."""
        statement = (
            command("Get-Item", LiteralPath=provider_path(path), ErrorAction="Continue"),
            command("ForEach-Object", MemberName=member, ArgumentList=list(arguments), ErrorAction="Continue"),
        )
        answer = self._ask(statement)
        return answer.output[0] if len(answer.output) == 1 and not answer.refusals else None

    def _unexpanded(self, path: str, name: str) -> str:
        text = self._of_key(path, "GetValue", name, "", "DoNotExpandEnvironmentNames")
        if not isinstance(text, str):
            raise ChangeError(
                "wrong_type",
                f"{path}\\{name} is a REG_EXPAND_SZ whose stored text cannot be read here; it was left as it is.",
            )
        return text

    def _write_plain(self, path: str, name: str, wanted: State) -> None:
        if wanted["status"] == "absent":
            statement: Statement = (
                command("Remove-ItemProperty", LiteralPath=provider_path(path), Name=name, ErrorAction="Continue"),
            )
        else:
            self.create_key(path)
            statement = (
                command(
                    "Set-ItemProperty",
                    LiteralPath=provider_path(path),
                    Name=name,
                    Value=_for_provider(wanted),
                    Type=_TYPES[wanted["type"] or ""],
                    ErrorAction="Continue",
                ),
            )
        answer = self._ask(statement)
        if answer.refusals:
            raise _refused(answer.refusals, f"{path}\\{name} could not be written")

    # StdRegProv ----------------------------------------------------------------------------------------------------

    def _kind_of_text(self, path: str, name: str) -> RegistryType:
        try:
            kind = self._type_of(path, name)
        except ChangeError:
            told = self._of_key(path, "GetValueKind", name)
            number = told.get("value") if isinstance(told, PSObject) else None
            kind = REGISTRY_TYPE_NAMES.get(number) if isinstance(number, int) else None
        return "REG_SZ" if kind == "REG_SZ" else "REG_EXPAND_SZ" if kind == "REG_EXPAND_SZ" else "REG_SZ_OR_EXPAND_SZ"

    def _type_of(self, path: str, name: str) -> str | None:
        """The type's name, ``unknown`` for one without a name here, or None where there is no such value."""
        code, answer = self._cim("EnumValues", path, ("ReturnValue", "sNames", "Types"))
        if code in _CIM_ABSENT:
            return None
        names = [str(one).lower() for one in (answer.get("sNames") or [])] if answer is not None else []
        types = list(answer.get("Types") or []) if answer is not None else []
        if code != 0 or len(names) != len(types):
            raise _cim_failed(code, f"{path}\\{name} could not be read")
        if name.lower() not in names:
            return None
        return REGISTRY_TYPE_NAMES.get(types[names.index(name.lower())], "unknown")

    def _read_slashed(self, path: str, name: str) -> State:
        kind = self._type_of(path, name)
        if kind is None:
            return {**ABSENT}
        if kind not in _BY_STDREGPROV:
            raise ChangeError(
                "wrong_type", f"{path}\\{name} is neither a REG_DWORD nor a REG_SZ; it was left as it is."
            )
        word, argument = _BY_STDREGPROV[kind]
        code, answer = self._cim(f"Get{word}Value", path, ("ReturnValue", argument), sValueName=name)
        value = answer.get(argument) if answer is not None else None
        if code == 0 and kind == "REG_DWORD" and isinstance(value, int):
            return {"status": "ok", "type": kind, "data": value & 0xFFFFFFFF}
        if code == 0 and kind == "REG_SZ" and (value is None or isinstance(value, str)):
            return {"status": "ok", "type": kind, "data": value or ""}
        raise _cim_failed(code, f"{path}\\{name} could not be read")

    def _write_slashed(self, path: str, name: str, wanted: State) -> None:
        if wanted["status"] == "absent":
            code, _answer = self._cim("DeleteValue", path, ("ReturnValue",), sValueName=name)
        elif wanted["type"] is None or wanted["type"] not in _BY_STDREGPROV:
            raise ChangeError("wrong_type", f"Only REG_DWORD and REG_SZ values are written below {path}.")
        else:
            word, argument = _BY_STDREGPROV[wanted["type"]]
            code, _answer = self._cim("CreateKey", path, ("ReturnValue",))
            if code == 0:
                data = wanted["data"]
                more = {"sValueName": name, argument: UInt32(data) if isinstance(data, int) else data}
                code, _answer = self._cim(f"Set{word}Value", path, ("ReturnValue",), **more)
        if code != 0:
            raise _cim_failed(code, f"{path}\\{name} could not be written")

    def _cim(self, method: str, path: str, properties: t.Sequence[str], **more: t.Any) -> tuple[int, PSObject | None]:
        arguments = {"hDefKey": UInt32(HKEY_LOCAL_MACHINE), "sSubKeyName": path.partition("\\")[2], **more}
        statement = (
            command(
                "Invoke-CimMethod",
                Namespace="root/cimv2",
                ClassName="StdRegProv",
                MethodName=method,
                Arguments=arguments,
                ErrorAction="Continue",
            ),
            select(*properties),
        )
        answer = self._ask(statement)
        for item in answer.output:
            code = item.get("ReturnValue") if isinstance(item, PSObject) else None
            if isinstance(code, int):
                return code, item
        raise _refused(answer.refusals, f"{path} could not be reached through WMI")

    def _ask(self, statement: Statement) -> Answer:
        return self._asker.ask([statement])


def _upwards(path: str) -> t.Iterator[str]:
    """The key and those above it, down to the second level."""
    while path.count("\\") > 1:
        yield path
        path = path.rpartition("\\")[0]


def _for_provider(state: State) -> t.Any:
    """A number goes over as the signed one that PowerShell's own 0xFFFFFFFF is."""
    data = state["data"]
    bits = {"REG_DWORD": 32, "REG_QWORD": 64}.get(state["type"] or "")
    return data - (1 << bits) if bits is not None and isinstance(data, int) and data >= 1 << (bits - 1) else data


def texts_of(state: ValueState) -> list[str]:
    """The texts of a REG_MULTI_SZ; none of another value."""
    return state["data"] if isinstance(state["data"], list) else []


def _refused(refusals: t.Sequence[Refusal], what: str) -> ChangeError:
    if not refusals:
        return ChangeError("no_answer", f"{what}: the endpoint gave no answer.")
    if any(refusal.is_denied for refusal in refusals):
        return NotWritable(f"{what}: the account has no right to it.")
    return ChangeError("refused", f"{what}: {refusals[0].sentence()}")


def _cim_failed(code: int, what: str) -> ChangeError:
    if code == _CIM_DENIED:
        return NotWritable(f"{what}: the account has no right to it.")
    return ChangeError("refused", f"{what}: StdRegProv answered {code}.")
