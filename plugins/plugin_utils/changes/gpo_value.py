# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One registry value in a domain GPO, through the GroupPolicy module of a management host.

``Get-GPO``, ``Get-``, ``Set-`` and ``Remove-GPRegistryValue``; the cmdlets talk to the PDC emulator unless a server is
named. Each write is read back with its neighbours: the help of ``-Additive`` leaves open whether other values of the
key survive without it (``EccCurves`` lives in the same key), so a write that touched one is undone at once.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.documents.before_image import GpoState, ValueState
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import REGISTRY_TYPE_NAMES
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import same
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Asker,
    Command,
    PSObject,
    Refusal,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import select

_KINDS = {"REG_SZ": "String", "REG_EXPAND_SZ": "ExpandString", "REG_MULTI_SZ": "MultiString"}
_COMPUTER_OFF = ("AllSettingsDisabled", "ComputerSettingsDisabled")
_NO_VALUE = ("UnableToRetrievePolicyRegistryItem", "UnableToRemovePolicyRegistryItem")
_NO_GPO = ("GpoWithNameNotFound", "GpoWithIdNotFound")
_SETTING = ("FullKeyPath", "ValueName", "Value", "Type", "PolicyState", "HasValue")

ABSENT: GpoState = {"status": "absent", "type": None, "data": None}
"""The GPO says nothing of the value."""
DISABLED: GpoState = {**ABSENT, "disabled": True}
"""The policy is *Disabled*: the GPO makes Windows take the value away."""


@dataclass(frozen=True)
class Gpo:
    """``guid`` in upper case with braces; ``domain`` as the GroupPolicy module tells it."""

    guid: str
    name: str
    domain: str | None

    def __str__(self) -> str:
        return f"{self.name} {self.guid}"


class GpoValues:
    """Registry values of the GPOs of one domain. Raises ChangeError, NotWritable or SessionError.

    ``domain``: its DNS name, None for the management host's own; ``server``: the domain controller to talk to.
    """

    def __init__(self, asker: Asker, domain: str | None = None, server: str | None = None) -> None:
        self._asker = asker
        self._where = {name: value for name, value in (("Domain", domain), ("Server", server)) if value}

    def find(self, name_or_guid: str) -> Gpo:
        """The GPO of that name or GUID. Raises ChangeError with code ``no_module``, ``no_gpo`` or ``gpo_off``."""
        which = {"Guid": _bare(name_or_guid)} if _is_guid(name_or_guid) else {"Name": name_or_guid}
        answer = self._ask(
            command("Get-GPO", **which, **self._where, ErrorAction="Continue"),
            select("Id", "DisplayName", "DomainName", "GpoStatus"),
        )
        found = [item for item in answer.output if isinstance(item, PSObject) and item.get("Id")]
        if answer.refusals or not found:
            raise self._refused(answer, f"The GPO {name_or_guid} could not be found", name_or_guid)
        gpo = found[0]
        if _word(gpo.get("GpoStatus")) in _COMPUTER_OFF:
            raise ChangeError(
                "gpo_off",
                f"The computer settings of the GPO {name_or_guid} are switched off, so it governs nothing.",
            )
        guid = "{" + _bare(str(gpo.get("Id"))).upper() + "}"
        return Gpo(guid, str(gpo.get("DisplayName") or name_or_guid), _text(gpo.get("DomainName")))

    def read(self, gpo: Gpo, key: str, name: str) -> GpoState:
        """The value as the GPO holds it; absent where it says nothing, ``DISABLED`` where it takes the value away."""
        return self.values(gpo, key).get(name.lower(), {**ABSENT})

    def values(self, gpo: Gpo, key: str) -> dict[str, GpoState]:
        """All values that the GPO holds in this key, by name in lower case."""
        answer = self._ask(
            command("Get-GPRegistryValue", Guid=_bare(gpo.guid), Key=key, **self._where, ErrorAction="Continue"),
            select(*_SETTING),
        )
        if answer.refusals and not all(_says_no_value(refusal) for refusal in answer.refusals):
            raise self._refused(answer, f"The GPO {gpo} could not be read", gpo.guid)
        found: dict[str, GpoState] = {}
        for item in answer.output:
            name = _text(item.get("ValueName")) if isinstance(item, PSObject) else None
            if not isinstance(item, PSObject) or name is None:
                continue
            if str(item.get("FullKeyPath") or key).lower() == key.lower():
                found[name.lower()] = _state(item, f"{key}\\{name}", gpo)
        return found

    def write(self, gpo: Gpo, key: str, name: str, wanted: GpoState, instead_of: GpoState | None = None) -> bool:
        """Makes the GPO hold the value and sees that it does; False where it did already.

        ``instead_of``: what it has to hold until then. Something else is somebody's change since, and raises
        ChangeError with code ``changed_meanwhile``.
        """
        before = self.values(gpo, key)
        present = before.get(name.lower(), ABSENT)
        if same_setting(present, wanted):
            return False
        if instead_of is not None and not same_setting(present, instead_of):
            raise ChangeError(
                "changed_meanwhile", f"{name} in the GPO {gpo} was changed by somebody else in the meantime."
            )
        self._write(gpo, key, name, wanted)
        after = self.values(gpo, key)
        if not same_setting(after.get(name.lower(), ABSENT), wanted):
            raise ChangeError("not_kept", f"The GPO {gpo} was written, but does not hold what was written.")
        others = sorted({*before, *after} - {name.lower()})
        touched = [other for other in others if not same_setting(before.get(other, ABSENT), after.get(other, ABSENT))]
        if touched:
            # Ours first: if that write touches the others as well, they are put back after it.
            for other in (name, *touched):
                with contextlib.suppress(ChangeError):
                    self._write(gpo, key, other, before.get(other.lower(), ABSENT))
            raise ChangeError(
                "neighbour_touched", f"Writing {name} into the GPO {gpo} changed other values of its key; look at it."
            )
        return True

    def _write(self, gpo: Gpo, key: str, name: str, wanted: GpoState) -> None:
        which: dict[str, t.Any] = {"Guid": _bare(gpo.guid), "Key": key, "ValueName": name, **self._where}
        if wanted.get("disabled"):
            verb = command("Set-GPRegistryValue", **which, Disable=True, ErrorAction="Continue")
        elif wanted["status"] == "absent":
            verb = command("Remove-GPRegistryValue", **which, ErrorAction="Continue")
        else:
            kind = _KINDS.get(wanted["type"] or "")
            if kind is None:
                raise ChangeError("wrong_type", f"A GPO value of the type {wanted['type']} is not written.")
            verb = command("Set-GPRegistryValue", **which, Type=kind, Value=wanted["data"], ErrorAction="Continue")
        answer = self._ask(verb, select("Id"))
        if answer.refusals:
            raise self._refused(answer, f"The GPO {gpo} could not be changed", gpo.guid)

    def _ask(self, *commands: Command) -> Answer:
        return self._asker.ask([commands])

    def _refused(self, answer: Answer, what: str, gpo: str) -> ChangeError:
        refusals = answer.refusals
        if any(refusal.is_missing_command for refusal in refusals):
            return ChangeError(
                "no_module",
                "This host has no GroupPolicy module, so it cannot change a GPO: install it (Install-WindowsFeature "
                "GPMC, or RSAT on a client), or name another host in tetra_gpo_host.",
            )
        if any(refusal.is_denied for refusal in refusals):
            return NotWritable(f"{what}: the account has no right to it.")
        if any(refusal.error_id.startswith(_NO_GPO) for refusal in refusals):
            where = f"the domain {self._where['Domain']}" if "Domain" in self._where else "this host's domain"
            return ChangeError("no_gpo", f"There is no GPO {gpo} in {where}.")
        detail = refusals[0].sentence() if refusals else "the host gave no answer."
        return ChangeError("refused", f"{what}: {detail}")


def same_setting(one: ValueState, other: ValueState) -> bool:
    """Whether a GPO says the same by both; *Disabled* and *Not configured* are two things."""
    return bool(one.get("disabled")) == bool(other.get("disabled")) and same(one, other)


def _state(item: PSObject, what: str, gpo: Gpo) -> GpoState:
    if _word(item.get("PolicyState")) == "Delete":
        return {**DISABLED}
    kind = item.get("Type")
    number = kind.get("value") if isinstance(kind, PSObject) else kind
    name = REGISTRY_TYPE_NAMES.get(number) if isinstance(number, int) else None
    data = item.get("Value")
    # The cmdlet hands strings over with the zero at their end.
    if isinstance(data, str):
        data = data.rstrip("\0")
    elif isinstance(data, list) and all(isinstance(one, str) for one in data):
        data = [text for text in (one.rstrip("\0") for one in data) if text]
    elif isinstance(data, bytes):
        data = data.hex()
    if name is None or data is None:
        raise ChangeError("unreadable", f"{what} in the GPO {gpo} came in a form that is not understood.")
    return {"status": "ok", "type": name, "data": data}


def _says_no_value(refusal: Refusal) -> bool:
    return refusal.error_id.startswith(_NO_VALUE) and not refusal.is_denied


def _is_guid(text: str) -> bool:
    bare = _bare(text).replace("-", "")
    return len(bare) == 32 and all(one in "0123456789abcdefABCDEF" for one in bare)


def _bare(text: str) -> str:
    """A GUID as a .NET Guid parameter takes it in every version."""
    return text.strip().strip("{}")


def _word(value: t.Any) -> str | None:
    return value.text if isinstance(value, PSObject) else _text(value)


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) and value else None
